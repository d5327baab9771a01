import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dumpProgram, listCode, type ProgramDump } from '../../../src/domain/programs/index.ts';
import { BpfProgram, formatInstruction, loadObject, readInstructions } from '../../../src/kernel/bpf/index.ts';
import { bpf as uapi } from '../../../src/kernel/uapi/index.ts';
import { VerifierError } from '../../../src/lib/errors.ts';
import { Fixtures } from '../../support/compile-bpf.ts';
import { requireKernel, requireRoot, requireTool } from '../../support/require.ts';

const fixtures = new Fixtures();
beforeAll(() => {
  requireRoot();
  requireTool('bpftool');
});
afterAll(() => fixtures.remove());

const textOf = (dump: ProgramDump): string[] => [...listCode(dump, 'xlated')].join('').split('\n').filter((line) => line !== '');

/** Ours without what bpftool does not say: names of maps, variables, callbacks, and where a line of C is. */
const plain = (lines: readonly string[]): string[] => dedupe(lines.map((line) => line
  .replace(/ @ \S+:\d+$/, '')
  .replace(/\(void\):$/, '():')
  .replace(/(map\[id:\d+) [^\]]*\]/, '$1]')
  .replace(/((?:map|subprog)\[.*\](?:\[0\])?(?:\+\d+)?) <.*>$/, '$1')
  // bpftool 7.1 does not know this instruction, which looks like a move.
  .replace(/(r\d+) = &\(void __percpu \*\)\((r\d+)\)/, '$1 = $2')));

/** bpftool's without what we leave out: distances of helpers, and the digest of a function in front of its name. */
const withoutNoise = (lines: readonly string[]): string[] => dedupe(lines.map((line) => line
  .replace(/(call pc[+-]\d+)#bpf_prog_[0-9a-f]{16}_(\S+)$/, '$1 <$2>')
  .replace(/(call \S+)#-?\d+$/, '$1')
  .replace(/^([^;].*\):)$/, (signature) => signature.replaceAll('* ', '*'))
  .replace(/^; (.*)$/, (_, text: string) => `; ${text.trim()}`)));

/** A line of C only where it is another than before: bpftool repeats it, and prints an empty one where there is none. */
function dedupe(lines: readonly string[]): string[] {
  let last = '';
  return lines.filter((line) => {
    if (!line.startsWith(';')) return true;
    const isNew = line.trim() !== ';' && line !== last;
    if (isNew) last = line;
    return isNew;
  });
}

describe('a loaded program reads as bpftool prints it', () => {
  test.each([
    'maps', 'map-of-maps', 'core', 'netfilter', 'run', 'variables', 'options', 'symbols', 'functions', 'tail-calls', 'shared', 'map-types', 'struct-ops', 'arena',
    'usdt', 'count-packets', 'drop-udp',
  ])('%s', async (name) => {
    const flags = ['-I', fixtures.kernelHeader(), `-D__${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}__`];
    using object = loadObject(await fixtures.read(name, ...flags), name);
    expect(object.programs.length).toBeGreaterThan(0);
    for (const { program } of object.programs) {
      const { id } = program.info();
      const theirs = execFileSync('bpftool', ['prog', 'dump', 'xlated', 'id', String(id)], { encoding: 'utf8' });
      const ours = textOf(dumpProgram({ by: 'id', id }, 'xlated'));
      expect(plain(ours)).toEqual(withoutNoise(theirs.split('\n').filter((line) => line !== '')));
    }
  });
});

describe('names', () => {
  test('of maps, variables, subprograms, callbacks and helpers', async () => {
    using object = loadObject(await fixtures.read('maps'), 'maps');
    const { id } = object.program('sum').info();
    const text = textOf(dumpProgram({ by: 'id', id }, 'xlated')).join('\n');
    expect(text).toMatch(/call pc\+\d+ <mix>/);
    expect(text).toMatch(/subprog\[\+\d+\] <visit>/);
    expect(text).toContain('int sum(struct xdp_md *ctx):\n; __u64 total = mix(large) + huge + whole.port + shared(2); @ maps.bpf.c:');
    expect(text).toContain('long visit(__u32 index, void *context):');
    const store = textOf(dumpProgram({ by: 'id', id: object.program('store').info().id }, 'xlated')).join('\n');
    expect(store).toMatch(/r1 = map\[id:\d+ sources\]/);
    expect(store).toContain('call bpf_ringbuf_output');
    expect(store).toContain('call bpf_tail_call');
  });

  test('of functions of the kernel', async () => {
    using object = loadObject(await fixtures.read('kernel-names'), 'kernel-names');
    const text = object.programs.map(({ program }) => textOf(dumpProgram({ by: 'id', id: program.info().id }, 'xlated')).join('\n')).join('\n');
    expect(text).toMatch(/\(85\) call bpf_(?!unknown)\w+/);
    expect(text).not.toMatch(/call (unknown|kernel-function)/);
  });
});

describe('other forms', () => {
  test('are the machine code, whose bytes are those that the kernel gives, and the lines of C', async () => {
    using object = loadObject(await fixtures.read('maps'), 'maps');
    const { id, jitedBytes } = object.program('sum').info();
    const jited = dumpProgram({ by: 'id', id }, 'jited');
    expect(jited.functions.map(({ name }) => name)).toEqual(['sum', 'mix', 'add', 'shared', 'visit']);
    expect(jited.functions.map(({ machineCode }) => machineCode!.bytes.length / 2).reduce((a, b) => a + b)).toBe(jitedBytes);
    // Function symbols of the program in the kernel's table: `bpf_prog_TAG_NAME`.
    const symbols = execFileSync('grep', ['-h', 'bpf_prog_', '/proc/kallsyms'], { encoding: 'utf8' });
    for (const { name, machineCode } of jited.functions) expect(symbols).toMatch(new RegExp(`^${machineCode!.address} t bpf_prog_[0-9a-f]{16}_${name}\\t`, 'm'));
    const source = [...listCode(dumpProgram({ by: 'id', id }, 'source'), 'source')].join('');
    expect(source).toMatch(/^maps\.bpf\.c:\d+ +\d+-\d+ +counted\+\+;$/m);
  });

  test('there are no lines of C without type information', () => {
    using program = BpfProgram.load({ name: 'bare', type: uapi.BPF_PROG_TYPE_XDP, expectedAttachType: 0, instructions: Buffer.from('b7000000020000009500000000000000', 'hex'), license: 'GPL' });
    const { id } = program.info();
    expect(textOf(dumpProgram({ by: 'id', id }, 'xlated'))).toEqual(['bare:', '   0: (b7) r0 = 2', '   1: (95) exit']);
    expect(() => dumpProgram({ by: 'id', id }, 'source')).toThrow(expect.objectContaining({ code: 'SL2454' }));
  });
});

test('every instruction of the newest set reads as the kernel itself writes it in the log of the verifier', () => {
  requireKernel('6.15', 'load_acquire and store_release');
  const words = [
    ['b7', '01', 0, 1], ['7b', '1a', -8, 0], ['bf', '12', 8, 0], ['bf', '12', 16, 0], ['bf', '12', 32, 0], ['bc', '12', 8, 0], ['bc', '12', 16, 0],
    ['91', 'a2', -8, 0], ['89', 'a2', -8, 0], ['81', 'a2', -8, 0], ['d7', '01', 0, 16], ['d7', '01', 0, 32], ['d7', '01', 0, 64], ['dc', '01', 0, 32], ['d4', '01', 0, 16],
    ['b7', '03', 0, 3], ['3f', '31', 1, 0], ['9c', '31', 1, 0], ['37', '01', 1, 5], ['94', '01', 0, 5], ['84', '01', 0, 0], ['87', '01', 0, 0],
    ['db', '1a', -8, 0x00], ['db', '1a', -8, 0x40], ['db', '1a', -8, 0x50], ['db', '1a', -8, 0xa0], ['db', '1a', -8, 0x01], ['db', '1a', -8, 0x41], ['db', '1a', -8, 0x51], ['db', '1a', -8, 0xa1],
    ['db', '1a', -8, 0xe1], ['b7', '00', 0, 0], ['db', '1a', -8, 0xf1], ['b7', '01', 0, 9], ['c3', '1a', -8, 0x01], ['c3', '1a', -8, 0xf1],
    ['db', 'a2', -8, 0x100], ['cb', 'a2', -8, 0x100], ['b7', '02', 0, 7], ['db', '2a', -8, 0x110], ['d3', '2a', -8, 0x110],
    ['7a', '0a', -8, -5], ['06', '00', 0, 0], ['05', '00', 0, 0], ['16', '02', 0, 8], ['2d', '12', 0, 0], ['e5', '00', 0, 0], ['18', '01', 0, 0x12345678], ['00', '00', 0, -1],
    ['c7', '01', 0, 3], ['67', '01', 0, 3], ['a7', '01', 0, 3], ['85', '00', 0, 5],
    // The end is an access that is refused, so that the log is kept.
    ['79', '90', 0, 0], ['95', '00', 0, 0],
  ] as const;
  const instructions = Buffer.concat(words.map(([code, registers, off, imm]) => {
    const bytes = Buffer.alloc(8);
    bytes[0] = Number.parseInt(code, 16);
    bytes[1] = Number.parseInt(registers, 16);
    bytes.writeInt16LE(off, 2);
    bytes.writeInt32LE(imm, 4);
    return bytes;
  }));
  let log = '';
  try {
    BpfProgram.load({ name: 'all', type: uapi.BPF_PROG_TYPE_XDP, expectedAttachType: 0, instructions, license: 'GPL' }).close();
  } catch (error) {
    if (!(error instanceof VerifierError)) throw error;
    log = error.log;
  }
  const theirs = new Map([...log.matchAll(/^(\d+): (\(..\) .*?) *(?:;.*)?$/gm)].map(([, index, text]) => [Number(index), text!.replace(/#\d+$/, '')]));
  const ours = new Map(readInstructions(instructions).map((one) => [one.index, formatInstruction(one, {
    map: () => undefined, variable: () => undefined, subprogram: () => undefined, symbol: () => undefined, kernelFunction: () => 'bpf_ktime_get_ns',
  })]));
  expect(theirs.size).toBeGreaterThanOrEqual(52);
  for (const [index, text] of theirs) expect(`${index}: ${ours.get(index)}`).toBe(`${index}: ${text}`);
});

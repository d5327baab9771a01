import { beforeAll, describe, expect, test } from 'vitest';
import { VerifierError } from '../../../src/lib/errors.ts';
import { BpfProgram, enableStatistics, objectIds, openById, type ProgramSpec } from '../../../src/kernel/bpf/index.ts';
import { bpf as uapi } from '../../../src/kernel/uapi/index.ts';
import { run } from '../../../src/tools/index.ts';
import { requireRoot } from '../../support/require.ts';

beforeAll(requireRoot);

const PACKET = Buffer.alloc(64, 5);
/** `r0 = N; exit` */
const answer = (number: number): Buffer => Buffer.from(`b70000000${number}0000009500000000000000`, 'hex');
const spec = (changes: Partial<ProgramSpec>): ProgramSpec => ({
  name: 'answer', type: uapi.BPF_PROG_TYPE_XDP, expectedAttachType: 0, instructions: answer(2), license: 'GPL', ...changes,
});

describe('a test run', () => {
  test('gives what the program returned', () => {
    using program = BpfProgram.load(spec({ instructions: answer(3) }));
    expect(program.testRun({ data: PACKET, repeat: 100 })).toMatchObject({ result: 3, output: Buffer.alloc(0), context: Buffer.alloc(0) });
  });

  test('gives the packet as the program left it', () => {
    // r2 = ctx->data; r3 = ctx->data_end; r4 = r2 + 1; if r4 > r3 goto out; *(u8 *)r2 = 0xaa; out: r0 = 2; exit
    const write = '6112000000000000 6113040000000000 bf24000000000000 0704000001000000 2d34010000000000 72020000aa000000';
    const instructions = Buffer.concat([Buffer.from(write.replaceAll(' ', ''), 'hex'), answer(2)]);
    using program = BpfProgram.load(spec({ instructions }));
    const { output } = program.testRun({ data: PACKET, outputBytes: 128 });
    expect(output).toEqual(Buffer.concat([Buffer.from([0xaa]), PACKET.subarray(1)]));
    expect(() => program.testRun({ data: PACKET, outputBytes: 10 })).toThrow('BPF_PROG_TEST_RUN answer): ENOSPC');
  });

  test('takes a context', () => {
    // r0 = ((struct __sk_buff *)r1)->mark; exit
    const instructions = Buffer.from('61100800000000009500000000000000', 'hex');
    using program = BpfProgram.load(spec({ type: uapi.BPF_PROG_TYPE_SCHED_CLS, instructions }));
    const context = Buffer.alloc(192);
    context.writeUInt32LE(0x1234, 8);
    expect(program.testRun({ data: PACKET, context }).result).toBe(0x1234);
  });
});

describe('a refused program', () => {
  test('says why, in the words of the verifier', () => {
    const load = (): BpfProgram => BpfProgram.load(spec({ instructions: Buffer.from('9500000000000000', 'hex') }));
    expect(load).toThrow(VerifierError);
    expect(load).toThrow('load answer: EACCES at instruction 0: R0 !read_ok');
  });

  test('of many instructions still gives the whole log', () => {
    const nothing = Buffer.alloc(8 * 50_000);
    for (let i = 0; i < nothing.length; i += 8) nothing.writeUInt32LE(0xb7 | ((i % 9) << 8), i);
    const load = (): BpfProgram => BpfProgram.load(spec({ instructions: Buffer.concat([nothing, Buffer.from('61a0000000000000 9500000000000000'.replace(' ', ''), 'hex')]) }));
    expect(load).toThrow(expect.objectContaining({ name: 'VerifierError', log: expect.stringMatching(/^(.|\n){1000000,}processed \d+ insns/) }));
  });

  test('whose type does not exist has no log: the call itself is named', () => {
    expect(() => BpfProgram.load(spec({ type: 999 }))).toThrow('bpf(BPF_PROG_LOAD answer): EINVAL');
  });
});

test('the kernel, bpftool and the list of ids say the same of a program', async () => {
  using program = BpfProgram.load(spec({ name: 'shown' }));
  const info = program.info();
  const { stdout } = await run(['bpftool', '-j', 'prog', 'show', 'id', String(info.id)]);
  expect(JSON.parse(stdout)).toMatchObject({
    name: 'shown', type: 'xdp', tag: info.tag, bytes_xlated: info.translatedBytes, bytes_jited: info.jitedBytes, bytes_memlock: program.memoryBytes(),
  });
  expect(info).toMatchObject({ name: 'shown', type: uapi.BPF_PROG_TYPE_XDP, translatedBytes: 16, mapIds: [], verifiedInstructions: 2 });
  expect([...objectIds('program')]).toContain(info.id);
  using again = BpfProgram.adopt(openById('program', info.id)!);
  expect(again.name).toBe('shown');
  expect(openById('program', 0xffff_fff0)).toBeUndefined();
});

test('runs and their time are counted while statistics are on', () => {
  using program = BpfProgram.load(spec({ type: uapi.BPF_PROG_TYPE_SOCKET_FILTER }));
  // Test runs of socket filters go through the same entry as real ones.
  {
    using _on = enableStatistics();
    program.testRun({ data: PACKET, repeat: 50 });
  }
  const { runs, runTimeNs } = program.info();
  expect(runs).toBe(50n);
  expect(runTimeNs).toBeGreaterThan(0n);
});

import { readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BpfMap, indexKey, loadObject, programTypeName, type LoadedObject } from '../../../src/kernel/bpf/index.ts';
import { Attr } from '../../../src/kernel/bpf/attr.ts';
import { ObjectFile } from '../../../src/kernel/bpf/object/object-file.ts';
import { encodeProgramBtf } from '../../../src/kernel/bpf/object/program-btf.ts';
import { Btf, Kind } from '../../../src/kernel/btf/index.ts';
import { Fd } from '../../../src/kernel/syscalls/index.ts';
import { readElf } from '../../../src/kernel/elf/index.ts';
import { bpf as uapi } from '../../../src/kernel/uapi/index.ts';
import { run } from '../../../src/tools/index.ts';
import { mountBpffs } from '../../support/bpffs.ts';
import { Fixtures } from '../../support/compile-bpf.ts';
import { requireRoot } from '../../support/require.ts';

const PACKET = Buffer.alloc(64, 9);
let fixtures: Fixtures;
let bpffs: ReturnType<typeof mountBpffs>;

beforeAll(() => {
  requireRoot();
  fixtures = new Fixtures();
  bpffs = mountBpffs();
});

afterAll(async () => {
  fixtures.remove();
  await bpffs.unmount();
});

describe('every program has the type and the tag, a digest of its instructions, of the same object loaded by bpftool', () => {
  test.each([
    'maps', 'core', 'kernel-names', 'map-of-maps', 'variables', 'options', 'symbols', 'functions', 'tail-calls', 'shared', 'map-types', 'struct-ops', 'usdt', 'sections',
  ])('%s', async (name) => {
    const { ours, theirs } = await loadTwice(await fixtures.compile(name));
    expect(ours).toEqual(theirs);
  });

  test.each(['maps', 'core', 'functions', 'variables', 'options'])('%s, for the third set of instructions and hardly optimised', async (name) => {
    const { ours, theirs } = await loadTwice(await fixtures.compile(name, '-mcpu=v3', '-O1'));
    expect(ours).toEqual(theirs);
  });

  test('a program made with the header of the kernel that it runs on', async () => {
    const { ours, theirs } = await loadTwice(await fixtures.compile('kernel-types', `-I${fixtures.kernelHeader()}`));
    expect(ours).toHaveLength(2);
    expect(ours).toEqual(theirs);
  });

  test('objects that were linked into one', async () => {
    const parts = await Promise.all(['functions', 'tail-calls', 'variables'].map(async (name) => await fixtures.compile(name)));
    const whole = join(dirname(parts[0]!), 'linked.bpf.o');
    await run(['bpftool', 'gen', 'object', whole, ...parts]);
    const { ours, theirs } = await loadTwice(whole);
    expect(ours).toHaveLength(7);
    expect(ours).toEqual(theirs);
  });
});

let loads = 0;

/** Type and tag of every program, loaded by sluice and by bpftool. */
async function loadTwice(path: string): Promise<{ ours: unknown[]; theirs: unknown[] }> {
  const folder = `${bpffs.path}/${loads++}`;
  using object = loadObject(readFileSync(path), path);
  await run(['bpftool', 'prog', 'loadall', path, folder]);
  // Wherever the programs go, libbpf pins a map that is to be shared by its name here.
  rmSync('/sys/fs/bpf/sluice_shared', { force: true });
  return {
    ours: object.programs.map(({ kind, program }) => ({ type: programTypeName(kind.type), tag: program.info().tag })),
    theirs: await Promise.all(object.programs.map((program) => shown(`${folder}/${program.name}`))),
  };
}

async function shown(pin: string): Promise<unknown> {
  const { type, tag } = JSON.parse((await run(['bpftool', '-j', 'prog', 'show', 'pinned', pin])).stdout) as Record<string, unknown>;
  return { type, tag };
}

test.each(['maps', 'core', 'kernel-names', 'options', 'functions', 'map-types', 'struct-ops', 'sections'])('types of %s are accepted as they are, and with what older kernels lack replaced', async (name) => {
  const file = new ObjectFile(await fixtures.read(name), name);
  for (const plain of [false, true]) {
    const blob = encodeProgramBtf(file, plain);
    new Fd(new Attr().pointer(0, blob).u32(16, blob.length).call(uapi.BPF_BTF_LOAD, 'BPF_BTF_LOAD')).close();
    expect(new Btf(blob, name).count).toBe(file.btf.count);
  }
});

test('types that the kernel refuses are refused with its reason', async () => {
  const bytes = await fixtures.read('maps');
  // A type of its own size in a place that only the kernel checks: the first integer gets 3 bytes.
  const types = readElf(bytes, 'maps').sections.find(({ name }) => name === '.BTF')!.data;
  const file = new ObjectFile(bytes, 'maps');
  const integer = Array.from({ length: file.btf.count - 1 }, (_, i) => i + 1).find((id) => file.btf.type(id).kind === Kind.INT)!;
  types.writeUInt32LE(3, 24 + Array.from({ length: integer - 1 }, (_, i) => file.btf.rawType(i + 1).length * 4).reduce((sum, length) => sum + length, 0) + 8);
  expect(() => loadObject(bytes, 'maps')).toThrow(expect.objectContaining({
    code: 'SL2402', message: 'maps: the kernel does not accept its BTF', causes: expect.arrayContaining([expect.stringContaining('EINVAL')]),
  }));
});

describe('variables and functions', () => {
  test('a program sees its constants, calls its functions and writes its variables', async () => {
    using object = loadObject(await fixtures.read('maps'), 'maps', { programs: ['sum'] });
    expect(object.program('sum').testRun({ data: PACKET }).result).toBe(uapiXdp.PASS);
    // mix(3) = add(3, 1) + 2 = 106; huge 4, whole.port 6, shared(2) = 6 + table[2] 30; visited 0+1+2+3
    expect(readData(object, '.bss')).toContainEqual(106n + 4n + 6n + 36n + 6n);
  });

  test('constants are overridden by name, whatever their size', async () => {
    const whole = Buffer.from('0500000060000700', 'hex');
    const constants = { small: true, medium: 20, large: 30, huge: 1n << 40n, whole };
    using object = loadObject(await fixtures.read('maps'), 'maps', { programs: ['sum'], constants });
    object.program('sum').testRun({ data: PACKET });
    expect(readData(object, '.bss')).toContainEqual((30n + 1n + 100n + 20n) + (1n << 40n) + 0x60n + 36n + 6n);
    expect(() => object.map('.rodata').update(indexKey(0), Buffer.alloc(object.map('.rodata').spec.valueSize))).toThrow('EPERM');
  });

  test('variables can be read and written from outside while the program runs', async () => {
    using object = loadObject(await fixtures.read('maps'), 'maps', { programs: ['sum'] });
    using data = object.map('.data').map({ writable: true });
    expect(data.bytes.readUInt32LE(0)).toBe(100);
    data.bytes.writeUInt32LE(1000, 0);
    object.program('sum').testRun({ data: PACKET });
    expect(readData(object, '.bss')).toContainEqual(1006n + 4n + 6n + 36n + 6n);
  });

  test.each([
    [{ missing: 1 }, 'no constant missing'],
    [{ set: 1 }, 'no constant set'],
    [{ small: 256 }, 'constant small of 1 bytes cannot be set to 256'],
    [{ whole: 1n << 64n }, 'constant whole of 8 bytes cannot be set to 18446744073709551616'],
    [{ large: Buffer.alloc(3) }, 'constant large of 4 bytes cannot be set to 3 bytes'],
  ])('constants that cannot be set are refused: %o', async (constants, message) => {
    const object = await fixtures.read('maps');
    expect(() => loadObject(object, 'maps', { constants })).toThrow(message);
  });
});

describe('maps', () => {
  test('are made as the object says, and the kernel knows their types', async () => {
    using object = loadObject(await fixtures.read('maps'), 'maps');
    expect(object.map('sources').info()).toMatchObject({ type: uapi.BPF_MAP_TYPE_HASH, keySize: 8, valueSize: 8, maxEntries: 128 });
    expect(object.map('totals').info()).toMatchObject({ type: uapi.BPF_MAP_TYPE_PERCPU_ARRAY, keySize: 4, valueSize: 16, maxEntries: 2 });
    expect(object.map('events').info().maxEntries).toBe(8192);
    object.program('store').testRun({ data: PACKET });
    const { stdout } = await run(['bpftool', '-j', 'map', 'dump', 'id', String(object.map('sources').info().id)]);
    expect(JSON.parse(stdout)).toMatchObject([{ formatted: { key: { address: 5, port: 0, protocol: 0 }, value: 101 } }]);
  });

  test('can be resized, given from outside and jumped through', async () => {
    using first = loadObject(await fixtures.read('maps'), 'maps', { programs: ['store', 'target'], sizes: { sources: { maxEntries: 9 } } });
    expect(first.map('sources').info().maxEntries).toBe(9);
    expect(first.program('store').testRun({ data: PACKET }).result).toBe(uapiXdp.DROP);
    first.map('jumps').update(indexKey(1), indexKey(first.program('target').fd.number));
    expect(first.program('store').testRun({ data: PACKET }).result).toBe(uapiXdp.TX);
    const maps = { jumps: first.map('jumps'), sources: first.map('sources') };
    using second = loadObject(await fixtures.read('maps'), 'maps', { programs: ['store'], maps, sizes: { sources: { maxEntries: 9 } } });
    expect(second.map('sources')).toBe(first.map('sources'));
    expect(second.program('store').testRun({ data: PACKET }).result).toBe(uapiXdp.TX);
    second.close();
    expect(first.map('sources').lookup(Buffer.from('0500000000000000', 'hex'))).toBeDefined();
  });

  test('from outside that are of another shape are refused', async () => {
    using wrong = BpfMap.create({ name: 'sources', type: uapi.BPF_MAP_TYPE_HASH, keySize: 8, valueSize: 4, maxEntries: 128, flags: 0 });
    const object = await fixtures.read('maps');
    expect(() => loadObject(object, 'maps', { maps: { sources: wrong } })).toThrow('map sources has valueSize 8; the one given has 4');
  });

  test('of maps are filled as the object says, and take more of the same', async () => {
    using object = loadObject(await fixtures.read('map-of-maps'), 'map-of-maps');
    const filled = object.map('filled');
    expect([0, 1, 2, 3].map((i) => filled.lookup(indexKey(i))?.readUInt32LE())).toEqual([
      object.map('first').info().id, undefined, object.map('second').info().id, undefined,
    ]);
    object.map('second').update(indexKey(0), Buffer.from('4d00000000000000', 'hex'));
    expect(object.program('look').testRun({ data: PACKET }).result).toBe(0x4d);
    using inner = BpfMap.create({ name: 'fits', type: uapi.BPF_MAP_TYPE_HASH, keySize: 8, valueSize: 8, maxEntries: 16, flags: 0 });
    object.map('empty').update(indexKey(2), indexKey(inner.fd.number));
    expect(object.program('look').testRun({ data: PACKET }).result).toBe(100);
  });
});

test('kernel functions are called; weak ones that are missing, or have another type, are not there', async () => {
  using object = loadObject(await fixtures.read('kernel-names'), 'kernel-names');
  expect(object.program('first_byte').testRun({ data: PACKET }).result).toBe(9);
});

describe('CO-RE', () => {
  let answers: Map<string, bigint>;

  beforeAll(async () => {
    const file = await fixtures.read('core');
    using object = loadObject(file, 'core');
    expect(object.program('ask').testRun({ data: PACKET }).result).toBe(7);
    object.program('read').testRun({ data: PACKET });
    answers = readVariables(object, file);
  });

  test('finds fields where the kernel has them', async () => {
    const layout = await kernelLayout(['sk_buff', 'task_struct', 'list_head']);
    const at = (name: string): bigint => layout.get(name)!;
    expect(pick(answers, 'offset_')).toEqual({
      offset_len: at('sk_buff.len'), offset_cb_5: at('sk_buff.cb') + 5n, offset_tasks_next: at('task_struct.tasks') + at('list_head.next'),
      offset_parent: at('task_struct.parent'), offset_second: at('task_struct') + at('task_struct.comm'),
    });
  });

  test('knows what exists, also under another flavor, and not what has another type', () => {
    expect(pick(answers, 'has_')).toEqual({
      has_len: 1n, has_no_such_member: 0n, has_flavored_len: 1n, has_no_such_struct: 0n, has_wrong_pid: 0n, has_cb_47: 1n,
    });
  });

  test('answers sizes, signs, bit fields, types and enums of the kernel', async () => {
    const layout = await kernelLayout(['task_struct']);
    expect(pick(answers, 'size_')).toEqual({ size_len: 4n, size_cb: 48n, size_mark: 4n, size_comm: 16n, size_pkt_type: 1n });
    expect(pick(answers, 'signed_')).toEqual({ signed_len: 0n, signed_pid: 1n });
    expect(pick(answers, 'right_')).toEqual({ right_pkt_type: 61n, right_cloned: 63n });
    expect(pick(answers, 'type_')).toMatchObject({
      type_exists: 1n, type_no_such: 0n, type_typedef: 1n, type_no_such_typedef: 0n, type_size: layout.get('task_struct'), type_size_no_such: 0n,
    });
    expect(pick(answers, 'wide_')).toEqual({ wide_value: 0xffff_ffff_ffff_ffe0n, wide_exists: 1n, wide_no_such: 0n });
    expect(pick(answers, 'hook_')).toEqual({ hook_local_out: 3n, hook_exists: 1n, hook_no_such: 0n, hook_flavor: 4n });
  });
});

describe('what cannot be loaded is refused, and nothing of it stays', () => {
  test.each([
    ['missing', { code: 'SL2405', reason: 'unsupported', message: 'refused: this kernel has no function bpf_no_such_function of that type' }],
    ['configured', { code: 'SL2405', message: "refused: this kernel's configuration has no CONFIG_NO_SUCH_OPTION" }],
    ['custom', { code: 'SL2401', message: 'refused: custom refers to section own_section, which is not supported' }],
    ['probe', { code: 'SL2411', message: 'refused: program probe is in section xdp_old, whose type is not known', hints: ['sections that are known: xdp'] }],
    ['no_such', { code: 'SL2401', message: 'refused: no program no_such' }],
    // The access became a call of a helper that does not exist.
    ['unguarded', { code: 'SL2100', message: expect.stringContaining('invalid func unknown#195896080') }],
  ])('%s', async (program, error) => {
    const object = await fixtures.read('refused');
    expect(() => loadObject(object, 'refused', { programs: [program] })).toThrow(expect.objectContaining(error));
  });

  test('by the verifier, with the line of C that it was at', async () => {
    const object = await fixtures.read('refused');
    expect(() => loadObject(object, 'refused', { programs: ['unchecked'] })).toThrow(expect.objectContaining({
      name: 'VerifierError',
      program: 'unchecked',
      message: expect.stringMatching(/^load unchecked: EACCES at refused\.bpf\.c:\d+ \(return \*value;\): R0 invalid mem access 'map_value_or_null'$/),
      log: expect.stringContaining('processed'),
    }));
  });

  test('without the licence for a helper that it calls', async () => {
    const object = await fixtures.read('core');
    object.write('BSD\0', object.indexOf('GPL\0'), 'latin1');
    expect(() => loadObject(object, 'core', { programs: ['read'] })).toThrow('cannot call GPL-restricted function');
  });
});

const uapiXdp = { DROP: 1, PASS: 2, TX: 3 };

/** What stands in a section, 8 bytes at a time. */
function readData(object: LoadedObject, section: string): bigint[] {
  const value = object.map(section).lookup(indexKey(0))!;
  return Array.from({ length: Math.floor(value.length / 8) }, (_, i) => value.readBigUInt64LE(i * 8));
}

/** The 64-bit variables in `.bss` by name. */
function readVariables(object: LoadedObject, file: Buffer): Map<string, bigint> {
  const { sections, symbols } = readElf(file, 'core');
  const section = sections.find(({ name }) => name === '.bss')!.index;
  const value = object.map('.bss').lookup(indexKey(0))!;
  return new Map(symbols.filter((symbol) => symbol.section === section && symbol.size === 8).map(({ name, value: at }) => [name, value.readBigUInt64LE(at)]));
}

/** Sizes of structs (`sk_buff`) and byte offsets of their members (`sk_buff.len`), as bpftool reads them. */
async function kernelLayout(names: readonly string[]): Promise<Map<string, bigint>> {
  const { stdout } = await run(['bpftool', 'btf', 'dump', 'file', '/sys/kernel/btf/vmlinux']);
  const layout = new Map<string, bigint>();
  for (const name of names) {
    const [head = '', ...members] = new RegExp(`^\\[\\d+\\] STRUCT '${name}' .*(\\n\\t.*)*`, 'm').exec(stdout)![0].split('\n');
    layout.set(name, BigInt(/size=(\d+)/.exec(head)![1]!));
    for (const member of members) {
      const [, field, bits] = /'(.*)' .*bits_offset=(\d+)/.exec(member)!;
      layout.set(`${name}.${field}`, BigInt(bits!) / 8n);
    }
  }
  return layout;
}

const pick = (values: ReadonlyMap<string, bigint>, prefix: string): Record<string, bigint> =>
  Object.fromEntries([...values].filter(([name]) => name.startsWith(prefix)));

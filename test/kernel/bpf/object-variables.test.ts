import { release } from 'node:os';
import { gunzipSync } from 'node:zlib';
import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkObject, indexKey, loadObject, type LoadedObject, type LoadOptions } from '../../../src/kernel/bpf/index.ts';
import { run } from '../../../src/tools/index.ts';
import { Fixtures } from '../../support/compile-bpf.ts';
import { requireRoot } from '../../support/require.ts';

const PACKET = Buffer.alloc(64, 9);
let fixtures: Fixtures;

beforeAll(() => {
  requireRoot();
  fixtures = new Fixtures();
});

afterAll(() => fixtures.remove());

/** What the program of the object wrote into `result`. */
async function results(name: string, options: LoadOptions = {}): Promise<bigint[]> {
  using object = loadObject(await fixtures.read(name), name, options);
  object.program('report').testRun({ data: PACKET });
  return readResults(object);
}

function readResults(object: LoadedObject): bigint[] {
  const value = object.map('.bss').lookup(indexKey(0))!;
  return Array.from({ length: Math.floor(value.length / 8) }, (_, i) => value.readBigUInt64LE(i * 8));
}

describe('variables', () => {
  test('have what the object says, in sections of any name', async () => {
    expect((await results('variables')).slice(0, 8)).toEqual([0n, 0n, BigInt.asUintN(64, -5n), 0n, BigInt('n'.charCodeAt(0)), 0n, 13n, 9n]);
  });

  test('are set by text that their type gives a meaning', async () => {
    const constants = { enabled: 'true', mode: 'MODE_AUTO', level: '-32768', address: '10.0.0.7', name: 'somebody', ports: '443, 8080', limit: '0xffffffff00000000' };
    const address = BigInt(Buffer.from([10, 0, 0, 7]).readUInt32LE());
    expect((await results('variables', { constants })).slice(0, 7)).toEqual([
      1n, 7n, BigInt.asUintN(64, -32768n), address, BigInt('s'.charCodeAt(0)), 8080n, 0xffff_ffff_0000_0003n,
    ]);
    expect(await results('variables', { constants: { ports: 'hex:0000010000000000', mode: '1' } })).toMatchObject({ 1: 1n, 5: 1n });
  });

  test.each([
    ['enabled', '2x'], ['mode', 'MODE_NONE'], ['level', '32768000'], ['level', '1.2.3.4'], ['address', '10.0.0.256'], ['name', 'sixteen letters!'],
    ['ports', '1,2,3,4,5'], ['ports', '65536'], ['address', 'hex:00'], ['limit', ''],
  ])('are refused a value that their type does not have: %s=%s', async (name, value) => {
    const object = await fixtures.read('variables');
    expect(() => checkObject(object, 'x', { constants: { [name]: value } })).toThrow(expect.objectContaining({ code: 'SL2401', message: expect.stringContaining(`constant ${name} of`) }));
  });

  test('that are no constants are refused, with the names of those that are', async () => {
    const object = await fixtures.read('variables');
    expect(() => checkObject(object, 'x', { constants: { counter: 1 } })).toThrow(expect.objectContaining({ hints: [expect.stringContaining('enabled, mode')] }));
  });

  test('keep their types in the kernel, so that others can print them', async () => {
    using object = loadObject(await fixtures.read('variables'), 'variables');
    expect(object.map('.rodata').info().name).toBe('variable.rodata');
    const { stdout } = await run(['bpftool', '-j', 'map', 'dump', 'id', String(object.map('.rodata').info().id)]);
    expect(JSON.parse(stdout)).toMatchObject([{ formatted: { value: { '.rodata': expect.arrayContaining([{ level: -5 }, { mode: 'MODE_OFF' }]) } } }]);
    const counters = await run(['bpftool', '-j', 'map', 'dump', 'id', String(object.map('.data.counters').info().id)]);
    expect(JSON.parse(counters.stdout)).toMatchObject([{ formatted: { value: { '.data.counters': [{ counter: 3 }] } } }]);
  });
});

test('options are those of the running kernel', async () => {
  const [major, minor, patch] = release().split(/[.-]/).map(Number);
  const option = (name: string): string | undefined => new RegExp(`^${name}=(.*)$`, 'm').exec(configuration())?.[1];
  expect((await results('options')).slice(0, 8)).toEqual([
    BigInt((major! << 16) + (minor! << 8) + Math.min(patch!, 255)), 1n, option('CONFIG_BPF_SYSCALL') === 'y' ? 1n : 0n, option('CONFIG_CGROUP_BPF') === 'y' ? 1n : 0n,
    BigInt(option('CONFIG_NET')!.charCodeAt(0)), BigInt(option('CONFIG_LOG_BUF_SHIFT')!), BigInt(option('CONFIG_DEFAULT_HOSTNAME')!.charCodeAt(1)), 0n,
  ]);
});

const configuration = (): string =>
  existsSync('/proc/config.gz') ? gunzipSync(readFileSync('/proc/config.gz')).toString() : readFileSync(`/boot/config-${release()}`, 'utf8');

describe('symbols of the kernel', () => {
  test('are addresses, 0 for weak ones that are missing', async () => {
    using object = loadObject(await fixtures.read('symbols'), 'symbols');
    object.program('report').testRun({ data: Buffer.alloc(0), context: Buffer.alloc(16), repeat: 0 });
    const address = /^([0-9a-f]+) T tcp_v4_rcv$/m.exec(readFileSync('/proc/kallsyms', 'latin1'))![1]!;
    expect(readResults(object).slice(0, 2)).toEqual([BigInt(`0x${address}`), 0n]);
  });

  test('with a type are known to the verifier, which finds them where the kernel keeps symbols of variables', async () => {
    const object = await fixtures.read('typed-symbols');
    const kept = / runqueues$/m.test(readFileSync('/proc/kallsyms', 'latin1'));
    expect(answer(() => loadObject(object, 'typed-symbols'))).toBe(kept ? 'loaded' : "load per_cpu: ENOENT: ldimm64 failed to find the address for kernel symbol 'runqueues'.");
  });
});

function answer(load: () => LoadedObject): string {
  try {
    load().close();
    return 'loaded';
  } catch (error) {
    return (error as Error).message;
  }
}

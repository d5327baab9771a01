import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dumpMap, lookupEntry, setEntry, watchMap, type EntryStream } from '../../../src/domain/maps/index.ts';
import { indexKey, loadObject, possibleCpus, type LoadedObject } from '../../../src/kernel/bpf/index.ts';
import { run } from '../../../src/tools/index.ts';
import { Fixtures } from '../../support/compile-bpf.ts';
import { requireRoot } from '../../support/require.ts';

beforeAll(requireRoot);

/** Parsed JSON, of whatever shape. */
type Parsed = ReturnType<typeof JSON.parse>;

let fixtures: Fixtures;
let object: LoadedObject;

beforeAll(async () => {
  fixtures = new Fixtures();
  object = loadObject(await fixtures.read('decode'), 'decode.bpf.o', { allMaps: true });
});

afterAll(() => {
  object.close();
  fixtures.remove();
});

const idOf = (name: string): number => object.map(name).info().id;

async function items(stream: EntryStream): Promise<Record<string, Parsed>[]> {
  const all: Record<string, Parsed>[] = [];
  for await (const piece of stream.json('', '\n')) all.push(...piece.toString().trim().split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as Record<string, Parsed>));
  return all;
}

/** What bpftool makes of the same types. */
async function bpftool(name: string): Promise<{ key: Parsed; value: Parsed; values: Parsed }[]> {
  const { stdout } = await run(['bpftool', '-j', 'map', 'dump', 'id', String(idOf(name))]);
  return (JSON.parse(stdout.replace(/\(unsupported-kind/g, 'null')) as { formatted: { key: Parsed; value: Parsed; values: Parsed } }[]).map(({ formatted }) => formatted);
}

describe('a value with one of everything', () => {
  const value = {
    u8: 200, s8: -5, u16: 60_000, s32: -70_000, u64: 18_446_744_073_709_551_615n, s64: -9_223_372_036_854_775_808n, low: 5, middle: 300, negative: -7, state: 'OPEN', flag: true, comm: 'with "quotes"',
    list: [1, 2, 3], ends: [{ addr: '10.1.2.3', port: 443, proto: 6 }, { addr: '192.168.0.1', port: 53, proto: 17 }], number: 0x0002_0001, where: '0xffff888012345678', saddr6: '2001:db8::1', mac: '02:00:00:ab:cd:ef', ratio: 0.5,
  };
  const text = JSON.stringify(value, (_, member: unknown) => (typeof member === 'bigint' ? (JSON as unknown as { rawJSON(raw: string): unknown }).rawJSON(String(member)) : member));

  test('is set from JSON and read back with every member', async () => {
    setEntry([idOf('every_map'), '10.0.0.1:80/tcp', text]);
    const [entry] = await items(dumpMap({ by: 'id', id: idOf('every_map') }));
    expect(entry!['key']).toEqual({ hex: '0a00000100500600', decoded: { addr: '10.0.0.1', port: 80, proto: 6, pad: 0 }, display: 'addr=10.0.0.1 port=80 proto=6 pad=0' });
    expect(entry!['value'].decoded).toEqual({
      ...value, u64: 18_446_744_073_709_552_000, s64: -9_223_372_036_854_776_000, ends: value.ends.map((end) => ({ ...end, pad: 0 })), first: 1, second: 2,
    });
    expect(entry!['value'].display).toContain('s64=-9223372036854775808 low=5 middle=300 negative=-7 state=OPEN flag=true comm=with "quotes" list=1,2,3 ends.0.addr=10.1.2.3 ends.0.port=443');
  });

  test('means to bpftool the same, but for what names tell about', async () => {
    setEntry([idOf('every_map'), '10.0.0.1:80/tcp', text]);
    const [plain] = await items(dumpMap({ by: 'id', id: idOf('every_map') }, { as: 'none' }));
    const { key, value: theirs } = (await bpftool('every_map'))[0]!;
    const ours = plain!['value'].decoded;
    expect(plain!['key'].decoded).toEqual(key);
    for (const name of ['u8', 's8', 'u16', 's32', 'u64', 's64', 'state', 'flag', 'comm', 'list', 'ends', 'saddr6', 'mac']) expect([name, ours[name]]).toEqual([name, theirs[name]]);
    // It writes bit fields in hex without their sign, pointers as numbers, and anonymous members under an empty name.
    expect([ours.low, ours.middle, ours.negative & 31]).toEqual([theirs.low, theirs.middle, theirs.negative].map(Number));
    expect([Number(ours.where), ours.number, ours.first, ours.second]).toEqual([theirs.where, theirs[''].number, theirs['']['']['first'], theirs['']['']['second']]);
  });

  test('fields are filtered by, in key and value', async () => {
    setEntry([idOf('every_map'), '10.0.0.1:80/tcp', text]);
    setEntry([idOf('every_map'), '{"addr":"10.200.0.1","port":8080,"proto":17}', text.replace('"OPEN"', '"CLOSED"')]);
    const ports = async (...filters: string[]): Promise<number[]> => (await items(dumpMap({ by: 'id', id: idOf('every_map') }, { filters }))).map((entry) => entry['key'].decoded.port as number).sort();
    expect(await ports('key.addr=10.0.0.0/16')).toEqual([80]);
    expect(await ports('key.addr!=10.0.0.0/16')).toEqual([8080]);
    expect(await ports('addr=10.0.0.0/8', 'port>=100')).toEqual([8080]);
    expect(await ports('value.state=OPEN')).toEqual([80]);
    expect(await ports('value.u64=18446744073709551615')).toEqual([80, 8080]);
    expect(await ports('value.s64<0', 'value.list.2=3', 'key.proto!=6')).toEqual([8080]);
    expect(await ports('value.saddr6=2001:db8::/32')).toEqual([80, 8080]);
    expect(() => dumpMap({ by: 'id', id: idOf('every_map') }, { filters: ['key.nothing=1'] })).toThrow('entries have no field key.nothing');
    expect(() => dumpMap({ by: 'id', id: idOf('every_map') }, { filters: ['key.addr=somewhere'] })).toThrow('is not understood');
    expect(() => dumpMap({ by: 'id', id: idOf('every_map') }, { filters: ['value.ends=1'] })).toThrow('is no single value');
  });
});

describe('a per-CPU map', () => {
  test('has a value for each CPU, as bpftool sees them', async () => {
    setEntry([idOf('per_cpu'), '7', '10.0.0.1:80/tcp']);
    setEntry([idOf('per_cpu'), '7', '10.0.0.2:443/udp'], { cpu: 0 });
    const [entry] = await items(dumpMap({ by: 'id', id: idOf('per_cpu') }));
    const expected = Array.from({ length: possibleCpus() }, (_, cpu) => (cpu === 0 ? ['10.0.0.2', 443, 17] : ['10.0.0.1', 80, 6]));
    expect(entry!['values'].map(({ value }: Parsed) => [value.decoded.addr, value.decoded.port, value.decoded.proto])).toEqual(expected);
    const [theirs] = await bpftool('per_cpu');
    expect(theirs!.values.map(({ value }: Parsed) => value.proto)).toEqual(expected.map(([, , proto]) => proto));
    expect(() => setEntry([idOf('per_cpu'), '7', '10.0.0.1:80/tcp'], { cpu: 4096 })).toThrow('there is no CPU 4096');
  });

  test('is a row for each CPU in a table', async () => {
    const stream = dumpMap({ by: 'id', id: idOf('per_cpu') });
    expect(stream.headers).toEqual(['KEY', 'CPU', 'VALUE']);
    const rows: number[] = [];
    for await (const { count, ends } of stream.cells()) rows.push(count, ends.length);
    expect(rows).toEqual([possibleCpus(), possibleCpus() * 3]);
  });
});

test('global data is a struct of variables', async () => {
  expect(lookupEntry([idOf('.data'), '0']).entry.value).toEqual({ hex: '07000000', decoded: { counter: 7 }, display: 'counter=7' });
  const [theirs] = await bpftool('.data');
  expect(theirs!.value).toEqual({ '.data': [{ counter: 7 }] });
});

test('a limit ends early, sorting is by the value of a field', async () => {
  const id = idOf('per_cpu');
  for (let i = 0; i < 9; i++) setEntry([id, String(i), JSON.stringify({ addr: `10.0.0.${(i * 7) % 10}`, port: i, proto: 6 })]);
  const sorted = async (sortBy: string, limit?: number): Promise<number[]> => (await items(dumpMap({ by: 'id', id }, { sortBy, limit }))).map((entry) => entry['key'].decoded as number);
  expect(await sorted('value.port')).toEqual([8, 7, 6, 5, 4, 3, 2, 1, 0]);
  expect(await sorted('value.addr', 3)).toEqual([0, 3, 6]);
  expect((await items(dumpMap({ by: 'id', id }, { limit: 2 }))).length).toBe(2);
  const stream = dumpMap({ by: 'id', id }, { filters: ['value.port<5'], limit: 2 });
  await items(stream);
  expect(stream.outcome().note).toBe('2 of 9 entries (the filter matched 5); --limit 0 shows all');
});

test('what changed between two readings is told, with rates', () => {
  const id = idOf('per_cpu');
  const watch = watchMap({ by: 'id', id });
  try {
    expect(watch.read().items).toEqual([]);
    const before = object.map('per_cpu').lookup(indexKey(3))!;
    before.writeUInt8(before[6]! + 9, 6);
    object.map('per_cpu').update(indexKey(3), before);
    object.map('per_cpu').delete(indexKey(4));
    setEntry([id, '99', '10.0.0.9:9/tcp']);
    const changes = watch.read().items;
    expect(changes.map(({ change, key }) => [change, key.display]).sort()).toEqual([['changed', '3'], ['deleted', '4'], ['new', '99']]);
    const { rates, value, previous } = changes.find(({ change }) => change === 'changed')!;
    expect(Object.keys(rates)).toEqual(['proto']);
    expect(rates['proto']).toBeGreaterThan(0);
    expect((value.decoded as Parsed).proto - (previous!.decoded as Parsed).proto).toBe(9);
  } finally {
    watch.close();
  }
});

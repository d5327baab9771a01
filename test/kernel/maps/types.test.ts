import { execFileSync } from 'node:child_process';
import { createServer } from 'node:net';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createMap, deleteEntry, dumpMap, freezeMap, getMap, listMaps, lookupEntry, pinMap, setEntry, watchMap } from '../../../src/domain/maps/index.ts';
import { knownTypes } from '../../../src/domain/maps/types.ts';
import type { SluiceError } from '../../../src/lib/errors.ts';
import { mapTypeNames } from '../../../src/kernel/bpf/index.ts';
import { withCgroup } from '../../support/cgroup.ts';
import { mountBpffs } from '../../support/bpffs.ts';
import { requireRoot } from '../../support/require.ts';

beforeAll(requireRoot);

let bpffs: ReturnType<typeof mountBpffs>;
const folder = mkdtempSync(join(tmpdir(), 'maps-'));

beforeAll(() => {
  bpffs = mountBpffs();
});

afterAll(async () => {
  await bpffs.unmount();
  rmSync(folder, { recursive: true });
});

let made = 0;

interface Creation {
  key?: string;
  value?: string;
  maxEntries?: number;
  flags?: string[];
  inner?: string;
  extra?: number;
}

/** Makes a map of a type and returns its pin. */
function make(type: string, { key, value, maxEntries = 8, flags = [], inner, extra }: Creation = {}): string {
  const name = `t${process.pid}_${made++}`;
  return createMap({ name, type, key, value, maxEntries, flags, inner, extra, pin: join(bpffs.path, name) }).pin!;
}

async function entries(pin: string, request: Parameters<typeof dumpMap>[1] = {}): Promise<[key: string, value: string][]> {
  const all: [string, string][] = [];
  for await (const { key, value } of dumpMap({ by: 'pin', path: pin }, request).items()) all.push([key!.display, value!.display]);
  return all.sort();
}

const codeOf = (work: () => unknown): string | undefined => {
  try {
    work();
    return undefined;
  } catch (error) {
    return (error as SluiceError).code;
  }
};

test('every type that the kernel has is known, and the other way round', () => {
  expect(knownTypes().sort()).toEqual(mapTypeNames().filter((name) => name !== 'unspec').sort());
});

describe.each(['hash', 'lru_hash'])('%s', (type) => {
  test('takes, shows and deletes entries', async () => {
    const pin = make(type, { key: 'u32', value: 'u64' });
    setEntry([pin, '10.0.0.1', '7']);
    setEntry([pin, '2', '18446744073709551615']);
    expect(await entries(pin)).toEqual([['16777226', '7'], ['2', '18446744073709551615']]);
    expect(await entries(pin, { as: 'key=ipv4' })).toEqual([['10.0.0.1', '7'], ['2.0.0.0', '18446744073709551615']]);
    expect(lookupEntry([pin, 'key', '0a', '00', '00', '01'].map((word) => (word === '0a' ? '0x0a' : word))).entry.value?.display).toBe('7');
    expect(deleteEntry([pin, '2'])?.entry.value?.display).toBe('18446744073709551615');
    expect(codeOf(() => lookupEntry([pin, '2']))).toBe('SL2614');
    expect(codeOf(() => deleteEntry([pin, '2']))).toBe('SL2614');
    expect(deleteEntry([pin, '2'], { ignoreMissing: true })).toBeUndefined();
  });
});

test('what a map was made of is remembered: addresses are shown as such', async () => {
  const pin = make('hash', { key: 'ipv4', value: 'port' });
  setEntry([pin, '10.0.0.1', '443']);
  expect(await entries(pin)).toEqual([['10.0.0.1', '443']]);
  expect(lookupEntry([pin, '10.0.0.1']).entry.value?.hex).toBe('01bb');
  const long = make('hash', { key: 'ipv6', value: '12' });
  setEntry([long, '2001:db8::1', 'hex:000102030405060708090a0b']);
  expect((await entries(long))[0]?.[0]).toBe('2001:db8::1');
});

test('a hash that is full says so, as do entries that are there or not', () => {
  const pin = make('hash', { key: 'u32', value: 'u32', maxEntries: 1 });
  setEntry([pin, '1', '1'], { when: 'absent' });
  expect(codeOf(() => setEntry([pin, '1', '2'], { when: 'absent' }))).toBe('SL2608');
  expect(codeOf(() => setEntry([pin, '2', '2'], { when: 'present' }))).toBe('SL2614');
  expect(() => setEntry([pin, '2', '2'])).toThrow('takes 1 entry');
  expect(setEntry([pin, '1', '9'], { dryRun: true }).previous?.value?.display).toBe('1');
  expect(lookupEntry([pin, '1']).entry.value?.display).toBe('1');
});

describe.each(['percpu_hash', 'lru_percpu_hash'])('%s', (type) => {
  test('has a value for each CPU', () => {
    const pin = make(type, { key: 'u32', value: 'u32' });
    setEntry([pin, '5', '50']);
    setEntry([pin, '5', '51'], { cpu: 1 });
    expect(lookupEntry([pin, '5']).entry.values?.slice(0, 2).map(({ value }) => value.display)).toEqual(['50', '51']);
  });
});

describe.each(['array', 'percpu_array'])('%s', (type) => {
  test('always has all of its entries', async () => {
    const pin = make(type, { value: 'u32', maxEntries: 3 });
    setEntry([pin, '1', '9']);
    expect(getMap({ by: 'pin', path: pin }).entries).toBe(3);
    expect(() => deleteEntry([pin, '1'])).toThrow('cannot be deleted from');
    expect(codeOf(() => setEntry([pin, '3', '1']))).toBe('SL2611');
  });
});

test('an LPM trie is looked up by address and set by prefix', async () => {
  const pin = make('lpm_trie', { key: 'prefix', value: 'u32', flags: ['no_prealloc'] });
  setEntry([pin, '10.0.0.0/8', '1']);
  setEntry([pin, '10.1.0.0/16', '2']);
  expect(await entries(pin)).toEqual([['10.0.0.0/8', '1'], ['10.1.0.0/16', '2']]);
  expect(lookupEntry([pin, '10.1.2.3']).entry.value?.display).toBe('2');
  expect(lookupEntry([pin, '10.9.9.9']).entry.value?.display).toBe('1');
  expect(await entries(pin, { filters: ['key=10.0.0.0/9'] })).toEqual([['10.1.0.0/16', '2']]);
});

describe.each([['queue', ['1', '2', '3']], ['stack', ['3', '2', '1']]])('%s', (type, order) => {
  test('shows and gives up its next value', () => {
    const pin = make(type, { value: 'u32', maxEntries: 3 });
    for (const value of ['1', '2', '3']) setEntry([pin, value]);
    expect(codeOf(() => setEntry([pin, '4']))).toBe('SL2611');
    expect(lookupEntry([pin]).entry.value?.display).toBe(order[0]);
    expect(order.map(() => deleteEntry([pin])!.entry.value?.display)).toEqual(order);
    expect(codeOf(() => deleteEntry([pin]))).toBe('SL2614');
    expect(codeOf(() => dumpMap({ by: 'pin', path: pin }))).toBe('SL2601');
    expect(codeOf(() => setEntry([pin, 'key', '1', 'value', '2']))).toBe('SL2606');
  });
});

test('a bloom filter answers yes and no', () => {
  const pin = make('bloom_filter', { value: 'ipv4', maxEntries: 100, extra: 3 });
  setEntry([pin, '10.0.0.1']);
  expect([lookupEntry([pin, '10.0.0.1']).contained, lookupEntry([pin, '10.0.0.2']).contained]).toEqual([true, false]);
  expect([codeOf(() => dumpMap({ by: 'pin', path: pin })), codeOf(() => deleteEntry([pin]))]).toEqual(['SL2601', 'SL2601']);
});

describe.each(['array_of_maps', 'hash_of_maps'])('%s', (type) => {
  test('is set by reference, and followed', async () => {
    const inner = make('hash', { key: 'u32', value: 'u32', maxEntries: 4 });
    setEntry([inner, '1', '11']);
    setEntry([inner, '2', '22']);
    const pin = make(type, { ...(type === 'hash_of_maps' ? { key: 'u32' } : {}), inner });
    setEntry([pin, '3', inner]);
    const id = getMap({ by: 'pin', path: inner }).id;
    expect(await entries(pin)).toEqual([['3', String(id)]]);
    const nested = dumpMap({ by: 'pin', path: pin }, { recursive: true });
    const cells: string[] = [];
    for await (const { bytes, ends } of nested.cells()) ends.forEach((end, i) => cells.push(bytes.toString('utf8', i === 0 ? 0 : ends[i - 1]!, end)));
    expect([nested.headers.length, cells.length, cells.slice(0, 2)]).toEqual([5, 10, ['3', String(id)]]);
    expect([cells.slice(2, 5), cells.slice(7, 10)].map(String).sort()).toEqual(['1,-,11', '2,-,22']);
    deleteEntry([pin, '3']);
    expect(await entries(pin)).toEqual([]);
    expect(codeOf(() => setEntry([pin, '3', pin]))).toBe('SL2612');
  });
});

test('a program array takes programs, of which none can be named that is not there', () => {
  const pin = make('prog_array');
  expect(codeOf(() => setEntry([pin, '0', '4294967294']))).toBe('SL2550');
  expect(getMap({ by: 'pin', path: pin }).entries).toBe(0);
});

test('a perf event array and a cgroup array do not tell what is in them', async () => {
  const perf = make('perf_event_array');
  expect([codeOf(() => dumpMap({ by: 'pin', path: perf })), codeOf(() => lookupEntry([perf, '0'])), codeOf(() => setEntry([perf, '0', '1']))]).toEqual(['SL2601', 'SL2601', 'SL2601']);
  const cgroups = make('cgroup_array');
  await withCgroup('array', (path) => setEntry([cgroups, '1', path]));
  expect([codeOf(() => lookupEntry([cgroups, '1'])), codeOf(() => setEntry([cgroups, '1', '/proc']))]).toEqual(['SL2601', 'SL2612']);
  expect(deleteEntry([cgroups, '1'])?.entry.key?.display).toBe('1');
});

test('a stack trace map can be read and emptied, not set', async () => {
  const pin = make('stack_trace', { value: '64' });
  expect(await entries(pin)).toEqual([]);
  expect(codeOf(() => setEntry([pin, '0', '1']))).toBe('SL2601');
});

describe.each(['devmap', 'devmap_hash'])('%s', (type) => {
  test('takes an interface by its name', async () => {
    const pin = make(type);
    setEntry([pin, '2', 'lo']);
    expect(await entries(pin)).toEqual([['2', '1']]);
    expect(() => setEntry([pin, '2', 'nothing0'])).toThrow('no interface nothing0');
    deleteEntry([pin, '2']);
    expect(await entries(pin)).toEqual([]);
    const long = make(type, { value: '8' });
    setEntry([long, '1', 'ifindex=1 prog_id=0']);
    expect(await entries(long)).toEqual([['1', 'ifindex=1 prog_id=0']]);
  });
});

test('a CPU map takes the length of a queue', async () => {
  const pin = make('cpumap', { maxEntries: 1 });
  setEntry([pin, '0', '128']);
  expect(await entries(pin)).toEqual([['0', '128']]);
  deleteEntry([pin, '0']);
});

describe('sockets', () => {
  /** A listening socket of this process, by its descriptor. */
  async function withSocket<T>(use: (name: string) => T, options: { reusePort?: boolean } = {}): Promise<T> {
    const server = createServer();
    await new Promise<void>((resolve) => {
      server.listen({ port: 0, host: '127.0.0.1', ...options }, resolve);
    });
    try {
      const { fd } = (server as unknown as { _handle: { fd: number } })._handle;
      return use(`${process.pid}/${fd}`);
    } finally {
      server.close();
    }
  }

  test.each(['sockmap', 'sockhash'])('%s takes a socket of a process and shows its cookie', async (type) => {
    const pin = make(type, type === 'sockhash' ? { key: 'u32' } : {});
    await withSocket((socket) => {
      setEntry([pin, '1', socket]);
      expect(Number(lookupEntry([pin, '1']).entry.value?.display)).toBeGreaterThan(0);
      deleteEntry([pin, '1']);
    });
    expect(codeOf(() => setEntry([pin, '1', 'no socket']))).toBe('SL2605');
  });

  test('a reuseport array only takes sockets that have the option set', async () => {
    const pin = make('reuseport_sockarray');
    await withSocket((socket) => expect(codeOf(() => setEntry([pin, '1', socket]))).toBe('SL2612'));
    await withSocket((socket) => {
      setEntry([pin, '1', socket]);
      expect(Number(lookupEntry([pin, '1']).entry.value?.display)).toBeGreaterThan(0);
    }, { reusePort: true });
    expect(await entries(pin)).toEqual([]);
  });

  test('short values have no room for a cookie', async () => {
    const pin = make('sockmap', { value: '4' });
    await withSocket((socket) => {
      setEntry([pin, '1', socket]);
      expect(() => lookupEntry([pin, '1'])).toThrow('does not tell its sockets');
      deleteEntry([pin, '1']);
    });
  });

  test('an XSK map does not tell its sockets', () => {
    const pin = make('xskmap');
    expect([codeOf(() => lookupEntry([pin, '0'])), codeOf(() => dumpMap({ by: 'pin', path: pin }))]).toEqual(['SL2601', 'SL2601']);
  });

  test('socket storage is kept with a socket', async () => {
    const pin = make('sk_storage', { key: 'u32', value: 'u64', maxEntries: 0, flags: ['no_prealloc'] });
    await withSocket((socket) => {
      setEntry([pin, socket, '42']);
      expect(lookupEntry([pin, socket]).entry).toMatchObject({ key: { display: socket }, value: { display: '42' } });
      deleteEntry([pin, socket]);
      expect(codeOf(() => lookupEntry([pin, socket]))).toBe('SL2614');
    });
    expect(() => dumpMap({ by: 'pin', path: pin })).toThrow('cannot be dumped');
  });
});

test('task, inode and cgroup storage are kept with what the key names', async () => {
  const storage = { key: 'u32', value: 'u64', maxEntries: 0, flags: ['no_prealloc'] };
  const file = join(folder, 'file');
  writeFileSync(file, '');
  await withCgroup('storage', (cgroup) => {
    for (const [type, key] of [['task_storage', String(process.pid)], ['inode_storage', file], ['cgrp_storage', cgroup]] as const) {
      const pin = make(type, storage);
      setEntry([pin, key, '42']);
      expect(lookupEntry([pin, key]).entry).toMatchObject({ key: { display: key }, value: { display: '42' } });
      deleteEntry([pin, key]);
      expect([type, codeOf(() => lookupEntry([pin, key])), codeOf(() => dumpMap({ by: 'pin', path: pin }))]).toEqual([type, 'SL2614', 'SL2601']);
    }
  });
});

test.each(['cgroup_storage', 'percpu_cgroup_storage'])('%s has entries only while a program is attached', async (type) => {
  const pin = make(type, { key: '8', value: 'u64', maxEntries: 0 });
  expect(getMap({ by: 'pin', path: pin }).entries).toBe(0);
  expect(codeOf(() => deleteEntry([pin, '1']))).toBe('SL2601');
});

test.each(['ringbuf', 'user_ringbuf', 'arena'])('%s has no entries', (type) => {
  const pin = make(type, type === 'arena' ? { maxEntries: 4, flags: ['mmapable'] } : { maxEntries: 4096 });
  const reference = { by: 'pin' as const, path: pin };
  for (const work of [() => dumpMap(reference), () => lookupEntry([pin]), () => setEntry([pin, '1']), () => deleteEntry([pin]), () => watchMap(reference)]) expect(codeOf(work)).toBe('SL2601');
});

describe('bad input', () => {
  test('keys and values of the wrong size, form or number are refused, and nothing is set', async () => {
    const pin = make('hash', { key: 'u32', value: 'u32' });
    for (const words of [['hex:0a', '1'], ['256.0.0.1', '1'], ['1', '4294967296'], ['1', '-1'], ['1', 'u64:1'], ['1', '{"a":1}'], ['1', 'hex:zz'], ['fe80::1', '1'], ['key', '1', '2', 'value', '1']])
      expect([words, codeOf(() => setEntry([pin, ...words]))]).toEqual([words, 'SL2605']);
    for (const words of [[], ['1'], ['1', '2', '3']]) expect([words, codeOf(() => setEntry([pin, ...words]))]).toEqual([words, 'SL2606']);
    expect(await entries(pin)).toEqual([]);
  });

  test('a pin that is no map, a map that is not there, a path without a file system', () => {
    expect(codeOf(() => getMap({ by: 'pin', path: join(bpffs.path, 'nothing') }))).toBe('SL2550');
    const pin = make('array', { value: 'u32' });
    expect(codeOf(() => pinMap({ by: 'pin', path: pin }, [pin]))).toBe('SL2615');
    expect(codeOf(() => pinMap({ by: 'pin', path: pin }, [join(folder, 'x')]))).toBe('SL2615');
    expect(codeOf(() => createMap({ name: 'x', type: 'hash', key: undefined, value: '4', maxEntries: 1, flags: [] }))).toBe('SL2607');
    expect(codeOf(() => createMap({ name: 'x', type: 'nonsense', key: '4', value: '4', maxEntries: 1, flags: [] }))).toBe('SL2607');
    expect(codeOf(() => createMap({ name: 'x', type: 'hash', key: '4', value: '4', maxEntries: 0, flags: [], pin: join(bpffs.path, 'zero') }))).toBe('SL2612');
  });

  test('a map is frozen for good', () => {
    const pin = make('array', { value: 'u32' });
    expect(freezeMap({ by: 'pin', path: pin }, { dryRun: true }).dryRun).toBe(true);
    setEntry([pin, '0', '1']);
    freezeMap({ by: 'pin', path: pin });
    expect(codeOf(() => setEntry([pin, '0', '2']))).toBe('SL2610');
    expect(getMap({ by: 'pin', path: pin }).frozen).toBe(true);
    freezeMap({ by: 'pin', path: pin });
  });

  test('a map that is unpinned while it is dumped is dumped to its end', async () => {
    const pin = make('hash', { key: 'u32', value: 'u32', maxEntries: 100 });
    for (let i = 0; i < 50; i++) setEntry([pin, String(i), String(i)]);
    const stream = dumpMap({ by: 'pin', path: pin });
    rmSync(pin);
    let count = 0;
    for await (const entry of stream.items()) count += entry.key === undefined ? 0 : 1;
    expect(count).toBe(50);
  });
});

test('the list has a map with its pin and what bpftool says of it', () => {
  const pin = make('lru_hash', { key: 'u32', value: 'u64', maxEntries: 77 });
  const found = listMaps({ types: ['lru_hash'] }).items.find(({ pins }) => pins.includes(pin))!;
  const theirs = JSON.parse(execFileSync('bpftool', ['-j', 'map', 'show', 'id', String(found.id)], { encoding: 'utf8' })) as Record<string, unknown>;
  expect(theirs).toMatchObject({ id: found.id, type: found.type, name: found.name, bytes_key: found.keySize, bytes_value: found.valueSize, max_entries: 77, bytes_memlock: found.memoryBytes, frozen: 0 });
});

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { BpfMap, loadObject, pin } from '../../src/kernel/bpf/index.ts';
import { bpf as uapi } from '../../src/kernel/uapi/index.ts';
import { Fixtures } from '../support/compile-bpf.ts';
import { requireRoot } from '../support/require.ts';
import { schemaProblems } from '../support/schema.ts';
import { sluice, sluiceCommand, sluiceEnvironment, tempState, type SluiceResult, type TempState } from '../support/sluice.ts';

requireRoot();

const ENTRIES = 30_000;

let state: TempState;
/** Pins: of a small map that tests change, of a large one, and of one that is full. */
let small: string;
let large: string;

beforeAll(() => {
  state = tempState();
  small = join(state.env.SLUICE_BPFFS, 'small');
  large = join(state.env.SLUICE_BPFFS, 'large');
  using one = BpfMap.create({ name: 'e2e_small', type: uapi.BPF_MAP_TYPE_HASH, keySize: 4, valueSize: 8, maxEntries: 4, flags: 0 });
  using many = BpfMap.create({ name: 'e2e_large', type: uapi.BPF_MAP_TYPE_HASH, keySize: 4, valueSize: 8, maxEntries: ENTRIES, flags: 0 });
  const [keys, values] = [Buffer.alloc(ENTRIES * 4), Buffer.alloc(ENTRIES * 8)];
  for (let i = 0; i < ENTRIES; i++) {
    keys.writeUInt32LE(i, i * 4);
    values.writeBigUInt64LE(BigInt(i) ** 4n, i * 8);
  }
  many.updateMany(keys, values, ENTRIES);
  pin(one.fd, small);
  pin(many.fd, large);
});

afterAll(() => state.close());

const map = (...argv: string[]): Promise<SluiceResult> => sluice(['bpf', 'map', ...argv], { env: state.env });

it('sets, looks up, prints and deletes', async () => {
  expect((await map('set', small, '10.0.0.1', '7')).stdout).toContain('Was set: map e2e_small');
  expect((await map('set', small, '10.0.0.2', '8', '--dry-run=kernel')).stdout).toContain('Would be set');
  expect((await map('lookup', small, '10.0.0.1')).stdout).toBe('KEY        16777226\nKEY HEX    0a000001\nVALUE      7\nVALUE HEX  0700000000000000\n');
  expect((await map('dump', small, '--as', 'key=ipv4')).stdout).toBe('KEY       VALUE\n10.0.0.1  7\n');
  expect((await map('delete', small, '10.0.0.1', '-o', 'json')).exitCode).toBe(0);
  const empty = await map('dump', small);
  expect([empty.stdout, empty.stderr, empty.exitCode]).toEqual(['', 'No entries found.\n', 0]);
});

it('prints a large map whole, in every format, with each entry once', async () => {
  const { stdout } = await map('dump', large, '-o', 'json');
  const list = JSON.parse(stdout) as { items: { key: { decoded: number }; value: { hex: string } }[]; metadata: { complete: boolean } };
  expect(list.metadata.complete).toBe(true);
  expect(new Set(list.items.map(({ key }) => key.decoded)).size).toBe(ENTRIES);
  expect(list.items.length).toBe(ENTRIES);
  expect(list.items.every(({ key, value }) => Buffer.from(value.hex, 'hex').readBigUInt64LE() === BigInt(key.decoded) ** 4n)).toBe(true);
  const schema = JSON.parse((await sluice(['schema', 'BpfMapEntryList'])).stdout) as Record<string, unknown>;
  expect(schemaProblems(schema, list)).toEqual([]);
  expect((await map('dump', large, '-o', 'jsonl')).stdout.trim().split('\n').length).toBe(ENTRIES);
  expect((await map('dump', large, '--no-headers')).stdout.trim().split('\n').length).toBe(ENTRIES);
  expect((await map('dump', large, '--filter', 'key=3', '-o', 'jsonpath={.items[0].value.display}')).stdout).toBe('81\n');
  expect((await map('dump', large, '--sort-by', 'value', '--limit', '2', '--columns', 'VALUE')).stdout).toBe(`VALUE\n${29_999n ** 4n}\n${29_998n ** 4n}\n`);
});

/** Starts it, and returns it with its first output of one kind; `ended` is its exit code and what it said on standard error. */
async function startUntil(stream: 'stdout' | 'stderr', ...argv: string[]): Promise<{ child: ChildProcessWithoutNullStreams; ended: Promise<[number | null, string]> }> {
  const [file = '', ...args] = sluiceCommand(['bpf', 'map', ...argv]);
  const child = spawn(file, args, { env: sluiceEnvironment(state.env) });
  let said = '';
  child.stderr.on('data', (piece: Buffer) => (said += piece.toString()));
  const ended = once(child, 'close').then(([code]): [number | null, string] => [code as number | null, said]);
  await once(child[stream], 'data');
  return { child, ended };
}

it.each(['table', 'json'])('stops at once and quietly when the reader of a %s goes away', async (format) => {
  const { child, ended } = await startUntil('stdout', 'dump', large, '-o', format);
  child.stdout.destroy();
  expect(await ended).toEqual([141, '']);
});

it('loads what it printed, and CSV; nothing of a file that has a fault', async () => {
  const file = join(state.root, 'entries');
  writeFileSync(file, 'key,value\n1,10\n10.0.0.1,20\n');
  expect((await map('set', small, '-f', file)).stdout).toContain('2 entries of map e2e_small');
  const printed = (await map('dump', small, '-o', 'json')).stdout;
  const loaded = await sluice(['bpf', 'map', 'set', small, '-f', '-', '-o', 'json'], { env: state.env, input: printed });
  expect(JSON.parse(loaded.stdout)).toMatchObject({ kind: 'BpfMapLoad', entries: 2, checkedFirst: true });
  writeFileSync(file, '{"key":77,"value":1}\n{"key":78,"value":"many"}\n');
  const refused = await map('set', small, '-f', file);
  expect([refused.exitCode, refused.stderr.split('\n')[0]]).toEqual([2, expect.stringContaining(`${file}:2:1: value cannot be 'many'`)]);
  expect((await map('lookup', small, '77')).exitCode).toBe(5);
  writeFileSync(file, Array.from({ length: 9 }, (_, i) => `{"key":${100 + i},"value":1}`).join('\n'));
  const full = await map('set', small, '-f', file);
  expect([full.exitCode, full.stderr]).toEqual([3, expect.stringMatching(/entries:3: no room in map e2e_small: it takes 4 entries[\s\S]*2 entries were set before it/)]);
});

it.each([
  [2, ['lookup', 'SMALL', 'not-a-key'], "key cannot be 'not-a-key'"],
  [2, ['set', 'SMALL', '1', '2', '3'], 'more than a key and a value'],
  [2, ['dump', 'SMALL', '--filter', 'nonsense'], 'is not understood'],
  [2, ['dump', 'SMALL', '--as', 'key=ipv6'], '4 bytes are no ipv6'],
  [2, ['create', 'x', '--type', 'hash', '--key', '4', '--value', '4'], '--max-entries is missing'],
  [3, ['create', 'x', '--type', 'hash', '--key', '4', '--value', '4', '--max-entries', '0'], 'the kernel does not make this hash'],
  [5, ['get', 'no-such-map'], "no map 'no-such-map'"],
  [5, ['delete', 'SMALL', '4242'], 'has no entry 4242'],
  [6, ['events', 'SMALL'], 'has no events'],
])('ends with %i for %j', async (exitCode, argv, message) => {
  const result = await map(...argv.map((word) => (word === 'SMALL' ? small : word)));
  expect([result.exitCode, result.stdout]).toEqual([exitCode, '']);
  expect(result.stderr).toContain(message);
});

it('makes, pins and freezes maps, and leaves nothing of a dry run', async () => {
  const request = ['--type', 'array', '--value', 'u32', '--max-entries', '4'];
  expect((await map('create', 'made', ...request, '--dry-run=kernel')).stdout).toContain('WOULD CREATE');
  expect(readdirSync(state.env.SLUICE_BPFFS)).not.toContain('sluice');
  expect((await map('create', 'made', ...request)).stdout).toContain(join(state.env.SLUICE_BPFFS, 'sluice/maps/made'));
  const path = join(state.env.SLUICE_BPFFS, 'sluice/maps/made');
  expect((await map('pin', path, 'again')).exitCode).toBe(0);
  expect((await map('freeze', path)).exitCode).toBe(0);
  const frozen = await map('set', path, '0', '1');
  expect([frozen.exitCode, frozen.stderr]).toEqual([3, expect.stringContaining('is frozen')]);
  const detail = JSON.parse((await map('get', path, '-o', 'json')).stdout) as Record<string, unknown>;
  expect(detail).toMatchObject({ kind: 'BpfMapDetail', type: 'array', frozen: true, entries: 4, pins: expect.arrayContaining([path, join(state.env.SLUICE_BPFFS, 'sluice/maps/again')]) });
});

it('answers a bloom filter with its exit code', async () => {
  const path = join(state.env.SLUICE_BPFFS, 'bloom');
  await map('create', 'bloom', '--type', 'bloom_filter', '--value', 'u32', '--max-entries', '10', '--pin', path);
  await map('set', path, '7');
  expect([(await map('lookup', path, '7')).exitCode, (await map('lookup', path, '8')).exitCode]).toEqual([0, 1]);
});

it('says what changes as long as it is watched', async () => {
  const { child, ended } = await startUntil('stderr', 'watch', small, '--columns', 'CHANGE,KEY,VALUE');
  const row = once(child.stdout, 'data') as Promise<[Buffer]>;
  await map('set', small, '1', '99');
  expect((await row)[0].toString()).toMatch(/changed +1 +99\n/);
  child.kill('SIGINT');
  expect((await ended)[0]).toBe(130);
});

it('follows a ring buffer, of which another process has to let go or be pushed aside', async () => {
  const fixtures = new Fixtures();
  using object = loadObject(await fixtures.read('decode'), 'decode.bpf.o', { allMaps: true });
  fixtures.remove();
  const path = join(state.env.SLUICE_BPFFS, 'ring');
  pin(object.map('ring').fd, path);
  const refused = await map('events', path);
  expect([refused.exitCode, refused.stderr]).toEqual([9, expect.stringContaining('another process reads map ring')]);
  const emitting = setInterval(() => object.program('emit').testRun({ data: Buffer.alloc(64) }), 50);
  const { stdout, stderr, exitCode } = await map('events', path, '--force', '--type', 'event', '--count', '2', '-o', 'json');
  clearInterval(emitting);
  expect([exitCode, stderr]).toEqual([0, '2 events; a ring buffer does not count what it had no room for\n']);
  const events = stdout.trim().split('\n').map((line) => JSON.parse(line) as { event: { decoded: { number: number; saddr: string } } });
  expect(events.map(({ event }) => event.decoded.saddr)).toEqual(['10.0.0.1', '10.0.0.1']);
  const schema = JSON.parse((await sluice(['schema', 'BpfMapEvent'])).stdout) as Record<string, unknown>;
  expect(schemaProblems(schema, events[0])).toEqual([]);
});

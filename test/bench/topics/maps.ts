/**
 * Maps of a million entries beside bpftool: dumps as JSON and as a table, loads, lookups, lists; whole commands, with their peak
 * memory. A dump that is not what was put in ends the run with an error.
 */

import { closeSync, createReadStream, createWriteStream, openSync, readFileSync } from 'node:fs';
import { execFileSync, spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { BpfMap, loadObject, loadSizedTypes, type MapSpec } from '../../../src/kernel/bpf/index.ts';
import { bpf as uapi } from '../../../src/kernel/uapi/index.ts';
import { sluiceCommand, sluiceEnvironment, tempState } from '../../support/sluice.ts';
import { timeCommands, timingTable, type Timing } from '../timing.ts';
import type { Bench, Say } from '../topic.ts';

const ENTRIES = 1_000_000;
const TURNS = 7;

export const bench: Bench = async ({ say, args }) => {
  const state = tempState();
  const turns = args[0] === undefined ? TURNS : Number(args[0]);
  const maps = makeMaps(state.root);
  try {
    for (const map of maps) await check(map, state.root);
    return {
      json: await each(say, 'JSON of', maps, (map) => dumps(map, '-j', ['-o', 'json']), turns),
      table: await each(say, 'Text of', maps, (map) => dumps(map, undefined, []), turns),
      ...(await timeSmall(say, maps[0]!, turns)),
      load: await timeLoad(say, maps[0]!, state.root, Math.min(turns, 3)),
    };
  } finally {
    for (const { close } of maps) close();
    state.close();
  }
};

interface BenchMap {
  what: string;
  id: string;
  map: BpfMap;
  close(): void;
}

/** Without types, with an integer for each side, and with structs. */
function makeMaps(folder: string): BenchMap[] {
  const path = join(folder, 'decode.bpf.o');
  const source = join(dirname(dirname(import.meta.dirname)), 'fixtures/bpf/decode.bpf.c');
  execFileSync('clang', ['-target', 'bpf', '-O2', '-g', `-I/usr/include/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`, '-c', source, '-o', path]);
  const object = loadObject(readFileSync(path), path, { allMaps: true, sizes: { flows: { maxEntries: ENTRIES } } });
  const spec = (name: string, keySize: number): MapSpec => ({ name, type: uapi.BPF_MAP_TYPE_HASH, keySize, valueSize: 8, maxEntries: ENTRIES, flags: 0 });
  const { fd, ids } = loadSizedTypes([{ bytes: 4 }, { bytes: 8 }]);
  const integers = BpfMap.create(spec('bench_u32', 4), { types: { fd, key: ids[0]!, value: ids[1]! } });
  fd.close();
  const untyped = BpfMap.create(spec('bench_bytes', 8));
  const flows = object.map('flows');
  for (const map of [integers, untyped, flows]) fill(map);
  const described = (what: string, map: BpfMap, owner: { close(): void }): BenchMap => ({ what, map, id: String(map.info().id), close: () => owner.close() });
  return [described('u32 to u64', integers, integers), described('8 bytes to 8, without types', untyped, untyped), described('struct of addresses to struct of counters', flows, object)];
}

/** The number of an entry stands at the start of its key, so that none comes twice. */
function fill(map: BpfMap): void {
  const { keySize, valueSize } = map.spec;
  const [keys, values] = [Buffer.alloc(ENTRIES * keySize), Buffer.alloc(ENTRIES * valueSize)];
  for (let i = 0; i < ENTRIES; i++) {
    keys.writeUInt32LE(i, i * keySize);
    for (let at = 0; at < valueSize; at += 8) values.writeBigUInt64LE(BigInt(Math.imul(i, 0x9e37_79b1) >>> 0) * (i % 3 === 0 ? 199n : 1n), i * valueSize + at);
  }
  map.updateMany(keys, values, ENTRIES);
}

/** Every entry is there once, with its value. */
async function check({ id, what, map }: BenchMap, folder: string): Promise<void> {
  const path = join(folder, 'dump');
  const out = openSync(path, 'w');
  const [file = '', ...argv] = sluiceCommand(['bpf', 'map', 'dump', id, '-o', 'jsonl']);
  spawnSync(file, argv, { stdio: ['ignore', out, 'inherit'], env: sluiceEnvironment() });
  closeSync(out);
  const seen = new Uint8Array(ENTRIES);
  for await (const line of createInterface({ input: createReadStream(path) })) {
    const [, key = '', value = ''] = /^\{"key":\{"hex":"([\da-f]+)".*"value":\{"hex":"([\da-f]+)"/.exec(line) ?? [];
    const bytes = Buffer.from(key, 'hex');
    if (map.lookup(bytes)?.toString('hex') !== value) throw new Error(`${what}: wrong entry ${line}`);
    seen[bytes.readUInt32LE(0)]!++;
  }
  if (!seen.every((times) => times === 1)) throw new Error(`${what}: entries are missing or come twice`);
}

const dumps = ({ id }: BenchMap, theirs: string | undefined, ours: readonly string[]) => [
  { name: `bpftool map dump ${theirs ?? ''}`.trim(), argv: ['bpftool', 'map', 'dump', 'id', id, ...(theirs === undefined ? [] : [theirs])] },
  { name: `sluice bpf map dump ${ours.join(' ')}`.trim(), argv: sluiceCommand(['bpf', 'map', 'dump', id, ...ours]) },
];

type Commands = Parameters<typeof timeCommands>[0];

async function each(say: Say, title: string, maps: readonly BenchMap[], commands: (map: BenchMap) => Commands, turns: number): Promise<Record<string, Timing[]>> {
  const all: Record<string, Timing[]> = {};
  for (const map of maps) all[map.what] = await compare(say, `${title} ${ENTRIES.toLocaleString('en-US')} entries, ${map.what}`, commands(map), turns);
  return all;
}

async function compare(say: Say, title: string, commands: Commands, turns: number): Promise<Timing[]> {
  const timings = await timeCommands(commands, turns);
  const [theirs, ...ours] = timings;
  say(`\n${title}: bpftool takes ${ours.map(({ medianMs }) => `${(theirs!.medianMs / medianMs).toFixed(1)}`).join(' and ')} times as long\n\n${timingTable(timings)}`);
  return timings;
}

async function timeSmall(say: Say, { id }: BenchMap, turns: number): Promise<{ lookup: Timing[]; list: Timing[] }> {
  return {
    lookup: await compare(say, 'One lookup', [
      { name: 'bpftool map lookup', argv: ['bpftool', 'map', 'lookup', 'id', id, 'key', '7', '0', '0', '0'] },
      { name: 'sluice bpf map lookup', argv: sluiceCommand(['bpf', 'map', 'lookup', id, '7']) },
    ], turns),
    list: await compare(say, 'A list of all maps', [
      { name: 'bpftool map list', argv: ['bpftool', 'map', 'list'] },
      { name: 'sluice bpf map list', argv: sluiceCommand(['bpf', 'map', 'list']) },
    ], turns),
  };
}

/** The entries that are in it once more, from files: setting one that is there costs what setting a new one does. */
async function timeLoad(say: Say, { id, map }: BenchMap, folder: string, turns: number): Promise<Timing[]> {
  const files = { batch: join(folder, 'batch'), json: join(folder, 'json'), csv: join(folder, 'csv') };
  await write(files.batch, map, (key, value) => `map update id ${id} key ${[...key].join(' ')} value ${[...value].join(' ')}\n`);
  await write(files.json, map, (key, value) => `{"key":{"hex":"${key.toString('hex')}"},"value":{"hex":"${value.toString('hex')}"}}\n`);
  await write(files.csv, map, (key, value) => `${key.readUInt32LE(0)},${value.readBigUInt64LE(0)}\n`);
  return await compare(say, `Loading ${ENTRIES.toLocaleString('en-US')} entries`, [
    { name: 'bpftool batch file', argv: ['bpftool', 'batch', 'file', files.batch] },
    { name: 'sluice bpf map set -f JSON', argv: sluiceCommand(['bpf', 'map', 'set', id, '-f', files.json]) },
    { name: 'sluice bpf map set -f CSV', argv: sluiceCommand(['bpf', 'map', 'set', id, '-f', files.csv]) },
  ], turns);
}

async function write(path: string, map: BpfMap, line: (key: Buffer, value: Buffer) => string): Promise<void> {
  const { keySize, valueSize } = map.spec;
  const file = createWriteStream(path);
  for (const { keys, values, count } of map.chunks()) {
    const lines = Array.from({ length: count }, (_, i) => line(keys.subarray(i * keySize, (i + 1) * keySize), values.subarray(i * valueSize, (i + 1) * valueSize)));
    file.write(lines.join(''));
  }
  await new Promise<void>((resolve) => {
    file.end(resolve);
  });
}

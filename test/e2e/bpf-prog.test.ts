import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attachNetfilter, BpfMap, BpfProgram, enableStatistics, linkInfo, openPin, pin } from '../../src/kernel/bpf/index.ts';
import { holdSwitch } from '../../src/kernel/bpf/statistics.ts';
import { openTracepoint } from '../../src/kernel/perf/index.ts';
import { bpf as uapi } from '../../src/kernel/uapi/index.ts';
import { run } from '../../src/tools/index.ts';
import { Fixtures } from '../support/compile-bpf.ts';
import { requireRoot, requireTool } from '../support/require.ts';
import { schemaProblems } from '../support/schema.ts';
import { sluice, sluiceCommand, tempState, withNetns, type SluiceResult, type TempState } from '../support/sluice.ts';

requireRoot();

/** Names of this run: others load programs at the same time. */
const NAME = `p${process.pid % 1_000_000}`;
/** `r0 = 0; exit` */
const NOTHING = Buffer.from('b7000000000000009500000000000000', 'hex');
const SWITCH = '/proc/sys/kernel/bpf_stats_enabled';

let state: TempState;
let fixtures: Fixtures;
/** Where the programs of `run.bpf.c` are pinned, by name. */
let pins: string;

beforeAll(async () => {
  state = tempState();
  fixtures = new Fixtures();
  requireTool('bpftool');
  pins = join(state.env.SLUICE_BPFFS, 'pins');
  await run(['bpftool', 'prog', 'loadall', await fixtures.compile('run'), pins]);
});

afterAll(() => {
  fixtures.remove();
  state.close();
});

const prog = async (...words: string[]): Promise<SluiceResult> => await sluice(['bpf', 'prog', ...words], { env: state.env });

async function json(...words: string[]): Promise<Record<string, unknown>> {
  const { stdout, stderr } = await prog(...words, '-o', 'json');
  expect(stderr).toBe('');
  return JSON.parse(stdout) as Record<string, unknown>;
}

type Row = Record<string, unknown> & { id: number; name: string; pins: string[] };
const list = async (...words: string[]): Promise<Row[]> => (await json('list', ...words))['items'] as Row[];
const own = (rows: readonly Row[]): Row[] => rows.filter((row) => row.pins.some((path) => path.startsWith(pins)));

function load(name: string, maps?: BpfMap): BpfProgram {
  // r1 = map; r0 = 1; exit
  const instructions = Buffer.from(`${maps === undefined ? '' : '18110000000000000000000000000000'}b7000000010000009500000000000000`, 'hex');
  if (maps !== undefined) instructions.writeUInt32LE(maps.fd.number, 4);
  return BpfProgram.load({ name, type: uapi.BPF_PROG_TYPE_NETFILTER, expectedAttachType: uapi.BPF_NETFILTER, instructions, license: 'GPL' });
}

/** A process that does nothing but hold a descriptor. */
function hold(fd: number): ChildProcess {
  return spawn('sleep', ['60'], { stdio: ['ignore', 'ignore', 'ignore', fd] });
}

async function end(child: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => child.on('close', resolve));
  child.kill();
  await ended;
}

describe('list', () => {
  it('says what bpftool says', async () => {
    const rows = own(await list());
    const shown = JSON.parse((await run(['bpftool', '-j', 'prog', 'list'])).stdout) as Record<string, unknown>[];
    expect(rows.length).toBe(14);
    for (const row of rows) {
      const theirs = shown.find(({ id }) => id === row.id)!;
      expect(row).toMatchObject({
        type: theirs['type'], fullName: theirs['name'], tag: theirs['tag'], gplCompatible: theirs['gpl_compatible'], uid: theirs['uid'], translatedBytes: theirs['bytes_xlated'],
        jitedBytes: theirs['bytes_jited'], memoryBytes: theirs['bytes_memlock'], btfId: theirs['btf_id'], mapIds: theirs['map_ids'] ?? [],
      });
      expect(Math.abs(Date.parse(row['loadedAt'] as string) / 1000 - (theirs['loaded_at'] as number))).toBeLessThanOrEqual(2);
    }
  });

  it('is sorted by id, and has whole names where the kernel cut them', async () => {
    const rows = own(await list());
    expect(rows.map(({ id }) => id)).toEqual(rows.map(({ id }) => id).toSorted((a, b) => a - b));
    expect(rows[0]).toMatchObject({ name: 'drop_every_sing', fullName: 'drop_every_single_packet' });
    const { stdout } = await prog('list', '-o', 'wide');
    expect(stdout).toMatch(/\bdrop_every_sing +drop_every_single_packet +[0-9a-f]{16}\b/);
  });

  it('takes a type; one that does not exist is refused with those that do', async () => {
    expect(own(await list('--type', 'xdp,syscall')).map(({ type }) => type)).toEqual(['xdp', 'xdp', 'xdp', 'xdp', 'syscall']);
    const { exitCode, stderr } = await prog('list', '--type', 'xpd');
    expect([exitCode, stderr]).toEqual([2, expect.stringMatching(/no program type 'xpd'[\s\S]*sched_cls/)]);
  });

  it('shows who holds a program, itself or by a link, and where it is attached', async () => {
    await withNetns('own', async ({ path }) => {
      using program = load(`${NAME}o`);
      using link = attachNetfilter(program, { family: 2, hook: 3, priority: 1 }, path);
      const holder = hold(link.number);
      try {
        const { id } = program.info();
        const [row] = (await list('--owner', String(holder.pid))).filter((one) => one.id === id);
        expect(row).toMatchObject({ orphan: false, processes: expect.arrayContaining([{ pid: holder.pid, name: 'sleep', ...anyCgroup() }]), attachments: [{ hook: 'netfilter', target: 'ipv4/output/1', linkId: linkInfo(link).id }] });
        expect((await list('--attached')).map((one) => one.id)).toContain(id);
        expect((await list('--orphan')).map((one) => one.id)).not.toContain(id);
        const { stdout } = await prog('list', '-o', 'wide');
        expect(stdout).toMatch(new RegExp(`^${id} .*\\bsleep/${holder.pid}\\b`, 'm'));
      } finally {
        await end(holder);
      }
    });
  });

  it('calls the owner gone where a program stands that nobody holds', async () => {
    await withNetns('gone', async ({ name, run: inside }) => {
      const program = BpfProgram.load({ name: `${NAME}g`, type: uapi.BPF_PROG_TYPE_XDP, expectedAttachType: 0, instructions: NOTHING, license: 'GPL' });
      const { id } = program.info();
      const path = join(state.env.SLUICE_BPFFS, 'gone');
      pin(program.fd, path);
      program.close();
      inside(['ip', 'link', 'set', 'dev', 'lo', 'xdpgeneric', 'pinned', path]);
      rmSync(path);
      expect((await prog('list', '--orphan', '--attached')).exitCode).toBe(2);
      expect((await prog('list', '--orphan')).stdout).toMatch(new RegExp(`^ *${id} +xdp +${NAME}g +lo \\(${name}\\) xdp-generic +\\S+ +\\S+ +4096 +gone$`, 'm'));
    });
  });

  it('finds what a perf event runs without a link', async () => {
    const program = BpfProgram.load({ name: `${NAME}e`, type: uapi.BPF_PROG_TYPE_TRACEPOINT, expectedAttachType: 0, instructions: NOTHING, license: 'GPL' });
    const event = openTracepoint('sched', 'sched_process_exit');
    const { id } = program.info();
    // PERF_EVENT_IOC_SET_BPF, as tools did it before there were links; then only the event holds the program.
    const script = 'import fcntl, os, time; fcntl.ioctl(3, 0x40042408, 4); os.close(4); print("set", flush=True); time.sleep(60)';
    const holder = spawn('python3', ['-c', script], { stdio: ['ignore', 'pipe', 'ignore', event.number, program.fd.number] });
    program.close();
    event.close();
    try {
      await once(holder.stdout!, 'data');
      expect((await list('--type', 'tracepoint')).filter((one) => one.id === id)).toMatchObject([
        { orphan: false, processes: [{ pid: holder.pid }], attachments: [{ hook: 'tracepoint', target: 'sched_process_exit', text: 'sched_process_exit tracepoint' }] },
      ]);
    } finally {
      await end(holder);
    }
  });

  it('marks what only a map keeps as an orphan', async () => {
    using array = BpfMap.create({ name: `${NAME}a`, type: uapi.BPF_MAP_TYPE_PROG_ARRAY, keySize: 4, valueSize: 4, maxEntries: 1, flags: 0 });
    const program = load(`${NAME}w`);
    const { id } = program.info();
    const value = Buffer.alloc(4);
    value.writeUInt32LE(program.fd.number);
    array.update(Buffer.alloc(4), value);
    program.close();
    expect((await list('--orphan')).filter((one) => one.id === id)).toMatchObject([{ orphan: true, processes: [], pins: [], name: `${NAME}w` }]);
  });

  it('knows what sluice has pinned', async () => {
    using program = load(`${NAME}s`);
    const path = join(state.env.SLUICE_BPFFS, 'sluice/test/prog');
    pin(program.fd, path);
    expect((await list('--owner', 'sluice')).filter(({ name }) => name === `${NAME}s`)).toMatchObject([{ owner: 'sluice', pins: [path] }]);
  });

  it('has rates while somebody has the kernel count', async () => {
    using program = BpfProgram.adopt(openPin(join(pins, 'keep_length'))!);
    using _counting = enableStatistics();
    const timer = setInterval(() => program.testRun({ data: Buffer.alloc(64), repeat: 10 }), 5);
    try {
      const [row] = own(await list('--type', 'socket_filter'));
      expect(row!['runsPerSecond']).toBeGreaterThan(0);
      expect(row!['nsPerRun']).toBeGreaterThan(0);
      const sorted = (await prog('list', '--sort-by', 'runs', '--columns', 'NAME,RUNS', '--no-headers')).stdout.trim().split('\n').map((line) => Number(line.split(/ +/).at(-1)));
      expect(sorted).toEqual(sorted.toSorted((a, b) => b - a));
      expect((await prog('list', '--type', 'socket_filter')).stdout).toMatch(/ keep_length +- +\d+ +\d+[num] +4096 /);
    } finally {
      clearInterval(timer);
    }
  });

  it('goes on with --watch', async () => {
    const { stdout, exitCode } = await prog('list', '-w', '--type', 'syscall', '--timeout', '3s');
    expect(exitCode).toBe(124);
    expect(stdout).toContain('double_first');
  });
});

it('without the capability ends with 4 and says so', () => {
  const { status, stdout, stderr } = spawnSync('setpriv', ['--bounding-set=-all', '--inh-caps=-all', '--', ...sluiceCommand(['bpf', 'prog', 'list'])], { encoding: 'utf8' });
  expect([status, stdout, stderr]).toEqual([4, '', expect.stringMatching(/EPERM\n {2}try: {3}root alone is not enough here/)]);
});

describe('get', () => {
  it('shows one program, whatever it is called', async () => {
    const path = join(pins, 'bounce');
    const { id, tag } = (await json('get', path)) as Row & { tag: string };
    for (const words of [[String(id)], ['id', String(id)], ['pinned', path]]) expect((await json('get', ...words))['tag']).toBe(tag);
    const { stdout } = await prog('show', path);
    expect(stdout).toMatch(new RegExp(`^ID +${id}\nTYPE +xdp\nNAME +bounce\nTAG +${tag}\nLOADED +20`));
    expect(stdout).toContain(`PINNED AT    ${path}\n`);
  });

  it('says what a tracing program was loaded for', async () => {
    expect(await json('get', join(pins, 'watch_exits'))).toMatchObject({ type: 'tracing', attachTo: { function: 'sched_process_exit', module: 'vmlinux' } });
    expect((await prog('get', join(pins, 'watch_exits'))).stdout).toMatch(/LOADED FOR +sched_process_exit of vmlinux\n/);
  });

  it('names the maps that it uses', async () => {
    using map = BpfMap.create({ name: `${NAME}m`, type: uapi.BPF_MAP_TYPE_HASH, keySize: 4, valueSize: 8, maxEntries: 7, flags: 0 });
    using program = load(`${NAME}u`, map);
    const { id } = map.info();
    expect(await json('get', String(program.info().id))).toMatchObject({ mapIds: [id], maps: [{ id, name: `${NAME}m`, type: 'hash', maxEntries: 7 }] });
    expect((await prog('get', `${NAME}u`)).stdout).toMatch(new RegExp(`Maps that it uses\nMAP +NAME +TYPE +ENTRIES\n *${id} +${NAME}m +hash +7\n`));
  });

  it('tells the container of who holds it', async () => {
    const root = cgroupRoot();
    const cgroup = join(root, `docker-${'0123456789abcdef'.repeat(4)}.scope`);
    mkdirSync(cgroup);
    using program = load(`${NAME}c`);
    const holder = hold(program.fd.number);
    try {
      writeFileSync(join(cgroup, 'cgroup.procs'), String(holder.pid));
      const { processes } = (await json('get', `${NAME}c`)) as { processes: { pid: number }[] };
      expect(processes.filter(({ pid }) => pid === holder.pid)).toMatchObject([{ name: 'sleep', container: { id: '0123456789ab', runtime: 'docker' } }]);
    } finally {
      await end(holder);
      rmdirSync(cgroup);
    }
  });

  it('without a name is the list, as with bpftool', async () => {
    expect((await prog('show', '--type', 'syscall')).stdout).toMatch(/^ID +TYPE +NAME[\s\S]* double_first /);
  });

  it.each([
    [['none_such'], 5, "no program 'none_such'", 'SL2550'],
    [['id', 'x'], 2, 'an id is a number', 'SL2552'],
    [['/proc/none'], 5, 'no program /proc/none', 'SL2550'],
    [['1', '2'], 2, '2 is too much', 'SL2552'],
  ])('%j is refused', async (words, code, message, errorCode) => {
    const { exitCode, stderr, stdout } = await prog('get', ...words);
    expect([exitCode, stdout]).toEqual([code, '']);
    expect(stderr).toContain(message);
    expect(stderr).toContain(errorCode);
  });
});

it('completion offers names where only one program has them, else ids', async () => {
  using one = load(`${NAME}t`);
  using two = load(`${NAME}t`);
  using three = load(`${NAME}v`);
  const { stdout } = await sluice(['__complete', 'bpf', 'prog', 'get', '']);
  expect(stdout.split('\n')).toEqual(expect.arrayContaining([
    `${one.info().id}\tnetfilter ${NAME}t`, `${two.info().id}\tnetfilter ${NAME}t`, `${NAME}v\tnetfilter, id ${three.info().id}`, ':4',
  ]));
  using map = BpfMap.create({ name: `${NAME}x`, type: uapi.BPF_MAP_TYPE_HASH, keySize: 4, valueSize: 8, maxEntries: 7, flags: 0 });
  expect((await sluice(['__complete', 'bpf', 'map', 'dump', NAME])).stdout).toContain(`${NAME}x\thash, id ${map.info().id}\n`);
});

describe('stats', () => {
  it('counts for some time, and leaves the switch as it was', async () => {
    const before = readFileSync(SWITCH, 'utf8');
    using program = BpfProgram.adopt(openPin(join(pins, 'let_out'))!);
    const timer = setInterval(() => program.testRun({ data: Buffer.alloc(64), repeat: 100 }), 10);
    try {
      const { items } = (await json('stats', join(pins, 'let_out'), '--for', '500ms')) as { items: Record<string, number>[] };
      expect(items).toMatchObject([{ id: program.info().id, type: 'cgroup_skb', name: 'let_out', recursionMisses: 0 }]);
      expect(items[0]!['runs']).toBeGreaterThan(100);
      expect(items[0]!['nsPerRun']).toBeGreaterThan(0);
      const all = (await prog('stats', '--for', '300ms')).stdout;
      expect(all).toMatch(/^ID +TYPE +NAME +RUNS +RUNS\/S +AVG +CPU% +MISSED\n/);
      expect(all).toMatch(/ cgroup_skb +let_out +\d+ +\d+ +\d+n /);
    } finally {
      clearInterval(timer);
    }
    expect(readFileSync(SWITCH, 'utf8')).toBe(before);
  });

  it('says so when nothing ran', async () => {
    const { items } = (await json('stats', join(pins, 'dissect'), '--for', '50ms')) as { items: object[] };
    expect(items).toMatchObject([{ runs: 0, runsPerSecond: 0 }]);
    expect((await prog('stats', '--for', 'soon')).exitCode).toBe(2);
  });

  it('can hold the sysctl where the kernel has no descriptor for it', () => {
    const before = readFileSync(SWITCH, 'utf8');
    {
      using _on = holdSwitch();
      expect(readFileSync(SWITCH, 'utf8')).toBe('1\n');
    }
    expect(readFileSync(SWITCH, 'utf8')).toBe(before);
  });
});

it.each([
  ['BpfProgramList', ['list']],
  ['BpfProgramStatisticsList', ['stats', '--for', '50ms']],
  ['BpfProgramDetail', ['get', 'PIN']],
])('%s is what its schema says', async (kind, words) => {
  const schema = JSON.parse((await sluice(['schema', kind])).stdout) as Record<string, unknown>;
  expect(schemaProblems(schema, await json(...words.map((word) => (word === 'PIN' ? join(pins, 'cut') : word))))).toEqual([]);
});

/** Where processes run differs from machine to machine. */
const anyCgroup = (): object => (readFileSync('/proc/self/cgroup', 'utf8').split('\n').every((line) => line === '' || line.endsWith(':/')) ? {} : { cgroup: expect.any(String) });

function cgroupRoot(): string {
  const line = readFileSync('/proc/self/mountinfo', 'utf8').split('\n').find((one) => / - cgroup2 /.test(one));
  return line!.split(' ')[4]!;
}

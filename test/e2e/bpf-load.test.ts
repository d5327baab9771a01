import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { run } from '../../src/tools/index.ts';
import { Fixtures } from '../support/compile-bpf.ts';
import { requireRoot } from '../support/require.ts';
import { schemaProblems } from '../support/schema.ts';
import { sluice, sluiceCommand, sluiceEnvironment, tempState, type SluiceResult, type TempState } from '../support/sluice.ts';

interface Report {
  outcome: string;
  change?: string;
  directory?: string;
  programs: { name: string; id?: number; tag?: string; pin?: string; instructions: number }[];
  maps: { name: string; id?: number; pin?: string; reused: boolean }[];
  needs: { kind: string; name: string; weak: boolean }[];
}

/** Root in name only. */
const WITHOUT_RIGHTS = ['setpriv', '--bounding-set=-all', '--inh-caps=-all'];

let fixtures: Fixtures;
let state: TempState;
let bpffs: string;

beforeAll(() => {
  requireRoot();
  fixtures = new Fixtures();
  state = tempState();
  bpffs = state.env.SLUICE_BPFFS;
});

afterAll(() => {
  state.close();
  fixtures.remove();
});

const made: string[] = [];

/** Whatever a test loads, it takes away again; where it failed before it could, others are not to suffer. */
afterEach(async () => {
  const left = pins();
  for (const change of made.splice(0).reverse()) await sluice(['change', 'rollback', change, '--yes'], { env: state.env });
  expect(left).toEqual([]);
  expect(existsSync(join(bpffs, 'sluice'))).toBe(false);
});

const load = async (...argv: string[]): Promise<SluiceResult> => await sluice(['bpf', 'prog', 'load', ...argv], { env: state.env });

async function loadJson(...argv: string[]): Promise<Report> {
  const { stdout, stderr, exitCode } = await load(...argv, '-o', 'json');
  expect(stderr).toBe('');
  expect(exitCode).toBe(0);
  const report = JSON.parse(stdout) as Report;
  if (report.change !== undefined) made.push(report.change);
  return report;
}

async function rollBack(...changes: (string | undefined)[]): Promise<void> {
  for (const change of changes) expect((await sluice(['change', 'rollback', change!, '--yes'], { env: state.env })).exitCode).toBe(0);
  made.splice(0, made.length, ...made.filter((change) => !changes.includes(change)));
}

/** What is pinned, without the two iterators that every bpf file system shows. */
const pins = (): string[] =>
  readdirSync(bpffs, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile() && !entry.name.endsWith('.debug'))
    .map(({ parentPath, name }) => join(parentPath, name).slice(bpffs.length + 1)).sort();

describe('a loaded object', () => {
  test('is pinned, outlives the command, and goes with its change', async () => {
    const report = await loadJson(await fixtures.compile('maps'));
    expect(report).toMatchObject({ outcome: 'loaded', directory: join(bpffs, 'sluice/programs/maps') });
    expect(pins()).toEqual(['maps/events', 'maps/jumps', 'maps/sources', 'maps/totals', 'store', 'sum', 'target'].map((pin) => `sluice/programs/maps/${pin}`));
    for (const { pin, id, tag } of report.programs)
      expect(JSON.parse((await run(['bpftool', '-j', 'prog', 'show', 'pinned', pin!])).stdout)).toMatchObject({ id, tag });
    expect(report.maps.map(({ name, pin }) => [name, pin !== undefined])).toEqual([
      ['sources', true], ['totals', true], ['events', true], ['jumps', true], ['.rodata', false], ['.data', false], ['.bss', false],
    ]);
    const card = await sluice(['change', 'get', report.change!], { env: state.env });
    expect(card.stdout).toContain('bpf/maps');
    await rollBack(report.change);
    expect(existsSync(report.directory!)).toBe(false);
  });

  test('is shown as a table with where it is pinned', async () => {
    const { stdout, exitCode } = await load(await fixtures.compile('shared'), '--pin', join(bpffs, 'here'));
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^RESULT {3}loaded and pinned$/m);
    expect(stdout).toMatch(new RegExp(`^count +\\d+ +xdp +xdp +[0-9a-f]{16} +\\d+ +${bpffs}/here/count$`, 'm'));
    expect(stdout).toMatch(new RegExp(`^sluice_shared +\\d+ +array +4 +8 +16 +${bpffs}/sluice_shared$`, 'm'));
    await rollBack(/^Undo: sluice change rollback (\S+)$/m.exec(stdout)![1]);
  });

  test('shares maps by their pinned name, and takes those that are named', async () => {
    const path = await fixtures.compile('shared');
    const first = await loadJson(path);
    const second = await loadJson(path, '--pin', join(bpffs, 'second'), '--map', `own=${join(bpffs, 'sluice/programs/shared/maps/own')}`);
    expect(second.maps).toEqual(first.maps.map(({ pin: _pin, ...map }) => ({ ...map, reused: true })));
    await rollBack(second.change);
    expect(pins()).toContain('sluice_shared');
    await rollBack(first.change);
  });

  test('has the constants that are set, and only the programs that are chosen', async () => {
    const variables = await loadJson(await fixtures.compile('variables'), '--const', 'mode=MODE_AUTO', '--const', 'address=10.0.0.7');
    const { stdout } = await run(['bpftool', '-j', 'map', 'dump', 'id', String(variables.maps.find(({ name }) => name === '.rodata')!.id)]);
    expect(JSON.parse(stdout)[0].formatted.value['.rodata']).toEqual(expect.arrayContaining([{ mode: 'MODE_AUTO' }, { address: Buffer.from([10, 0, 0, 7]).readUInt32LE() }]));
    const chosen = await loadJson(await fixtures.compile('functions'), '-s', 'cgroup_skb/egress', '--prog', 'again');
    expect(chosen.programs.map(({ name }) => name)).toEqual(['again', 'other_section']);
    await rollBack(chosen.change, variables.change);
  });

  test('that replaces a function of another program needs that program', async () => {
    const path = await fixtures.compile('replacing');
    expect(await load(path)).toMatchObject({ exitCode: 2, stderr: expect.stringMatching(/replaces a function of another program[\s\S]*--target PROGRAM[\s\S]*SL2407/) });
    const target = await loadJson(await fixtures.compile('functions'), '--prog', 'all');
    const other = await loadJson(await fixtures.compile('shared'));
    const wrong = await load(path, '--dry-run=kernel', '--target', `id ${other.programs[0]!.id}`);
    expect(wrong).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('program count has no function replaceable') });
    // Where trampolines are forbidden the kernel says so only once it has accepted the target.
    const replaced = await load(path, '--dry-run=kernel', '--target', target.programs[0]!.pin!);
    expect(replaced.exitCode === 0 ? 'verified' : replaced.stderr).toMatch(/^verified$|EPERM/);
    await rollBack(other.change, target.change);
  });

  test('is what its schema says, and a second load of it is refused before anything changes', async () => {
    const path = await fixtures.compile('functions');
    const { stdout } = await load(path, '-o', 'json');
    const schema = JSON.parse((await sluice(['schema', 'BpfObjectLoad'])).stdout) as Record<string, unknown>;
    expect(schemaProblems(schema, JSON.parse(stdout))).toEqual([]);
    expect(await load(path)).toMatchObject({ exitCode: 2, stdout: '', stderr: expect.stringMatching(/exists already[\s\S]*--pin DIR[\s\S]*SL2410/) });
    await rollBack((JSON.parse(stdout) as Report).change);
  });

  test('is unloaded by itself unless it is confirmed', async () => {
    const { change } = await loadJson(await fixtures.compile('shared'), '--confirm-within', '3s');
    expect(pins()).toHaveLength(3);
    await expect.poll(pins, { timeout: 15_000 }).toEqual([]);
    // The pins are gone a moment before the timer writes that they are.
    await expect.poll(async () => (await sluice(['change', 'get', change!], { env: state.env })).stdout, { timeout: 15_000 }).toMatch(/^STATE +reverted$/m);
  });
});

describe('a dry run', () => {
  test('checks the file without any rights, and says what it needs of a kernel', async () => {
    const path = await fixtures.compile('kernel-names');
    const { stdout } = await run([...WITHOUT_RIGHTS, ...sluiceCommand(['bpf', 'prog', 'load', path, '--dry-run=client', '-o', 'json'])]);
    expect(JSON.parse(stdout)).toMatchObject({
      outcome: 'checked', programs: [{ name: 'first_byte', type: 'sched_cls' }], maps: [],
      needs: expect.arrayContaining([{ kind: 'function', name: 'bpf_dynptr_slice', weak: false }, { kind: 'variable', name: 'no_such_variable', weak: true }]),
    });
  });

  test('verifies with the kernel and lets go', async () => {
    const { outcome, programs } = await loadJson(await fixtures.compile('maps'), '--dry-run=kernel');
    expect(outcome).toBe('verified');
    const { stdout } = await run(['bpftool', '-j', 'prog', 'show']);
    expect((JSON.parse(stdout) as { id: number }[]).filter(({ id }) => programs.some((program) => program.id === id))).toEqual([]);
    expect(await load(await fixtures.compile('verifier'), '--prog', 'null', '--dry-run=kernel')).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('SL2100') });
  });
});

describe('a refused program', () => {
  test('is shown with line, reason, registers and advice, and its log is kept', async () => {
    const { stderr, exitCode } = await load(await fixtures.compile('verifier'), '--prog', 'null');
    expect(exitCode).toBe(3);
    expect(stderr.split('\n')).toEqual([
      expect.stringMatching(/^error: load null: EACCES at verifier\.bpf\.c:\d+ \(return \*value;\): R0 invalid mem access 'map_value_or_null'$/),
      expect.stringMatching(/^ {2}cause: instruction \d+: \(61\) r0 = \*\(u32 \*\)\(r0 \+0\)$/),
      expect.stringMatching(/^ {9}R0 is map_value_or_null\(/),
      '  try:   what is looked up may not be there: if (!pointer) return …; before it is used',
      `         the whole log: ${join(state.env.SLUICE_STATE_DIR, 'verifier/null.log')}`,
      '  code:  SL2100  (sluice help SL2100)',
      '',
    ]);
    expect(readFileSync(join(state.env.SLUICE_STATE_DIR, 'verifier/null.log'), 'utf8')).toContain('processed');
  });

  test('that reads its stack before it is set is told so, where the caller may not look into the kernel', async () => {
    const argv = ['setpriv', '--bounding-set=-perfmon,-sys_admin', ...sluiceCommand(['bpf', 'prog', 'load', await fixtures.compile('verifier'), '--prog', 'unset', '--dry-run=kernel'])];
    const refused = await run(argv, { allowFailure: true, env: sluiceEnvironment(state.env) });
    expect(refused).toMatchObject({ exitCode: 3, stderr: expect.stringMatching(/invalid read from stack[\s\S]*set all of a variable before it is read/) });
  });

  test('without rights is told so', async () => {
    const path = await fixtures.compile('shared');
    const argv = [...WITHOUT_RIGHTS, ...sluiceCommand(['bpf', 'prog', 'load', path, '--dry-run=kernel'])];
    const refused = await run(argv, { allowFailure: true, env: sluiceEnvironment(state.env) });
    expect(refused).toMatchObject({ exitCode: 4, stderr: expect.stringMatching(/forbids to load the program[\s\S]*EPERM/) });
  });
});

describe('what cannot be loaded leaves nothing', () => {
  const mapsNamed = async (name: string): Promise<unknown[]> => (JSON.parse((await run(['bpftool', '-j', 'map', 'show'])).stdout) as { name?: string }[]).filter((map) => map.name === name);

  test('when pinning fails half way', async () => {
    const { exitCode, stderr } = await load(await fixtures.compile('twins'));
    expect(stderr).toMatch(/was reverted: bpf\(BPF_OBJ_PIN .*same_name\): EEXIST/);
    expect(exitCode).toBe(7);
    await expect.poll(async () => await mapsNamed('slt_twins'), { timeout: 10_000 }).toEqual([]);
  });

  test.each([
    ['no object', 'none', /cannot read .*none[\s\S]*no such file/],
    ['text', 'text', /not an ELF file/],
    ['cut off', 'cut', /truncated/],
    ['for another machine', 'machine', /made for machine 62, not for BPF/],
    ['big endian', 'big', /a big-endian object/],
    ['maps of the old form', 'old-maps', /section maps has map definitions of the old form/],
    ['nothing that is loaded by itself', 'typed-symbols', /has nothing that is loaded by itself[\s\S]*--prog NAME/],
    ['an unknown section', 'refused', /section xdp_old, whose type is not known/],
  ])('when the file is unusable: %s', async (_, name, message) => {
    const { exitCode, stderr, stdout } = await load(await badFile(name));
    expect(stdout).toBe('');
    expect(stderr).toMatch(message);
    expect(exitCode).toBe(2);
  });

  async function badFile(name: string): Promise<string> {
    if (['old-maps', 'refused', 'typed-symbols'].includes(name)) return await fixtures.compile(name, ...(name === 'typed-symbols' ? ['-DHOOK="?raw_tp/sys_enter"'] : []));
    const path = join(state.root, name);
    const bytes = await fixtures.read('maps');
    if (name === 'text') writeFileSync(path, '#include <linux/bpf.h>');
    if (name === 'cut') writeFileSync(path, bytes.subarray(0, bytes.length / 2));
    if (name === 'machine') writeFileSync(path, patched(bytes, 18, 62));
    if (name === 'big') writeFileSync(path, patched(bytes, 5, 2));
    return path;
  }

  function patched(bytes: Buffer, at: number, value: number): Buffer {
    bytes[at] = value;
    return bytes;
  }

  test.each([
    [['--map', 'nothing=412'], 5, 'the object has no map nothing'],
    [['--map', 'own'], 2, "'own' is not --map NAME=PIN"],
    [['--map', 'own=/nowhere/at/all'], 5, 'no map /nowhere/at/all'],
    [['--const', 'x=1'], 2, 'no constant x'],
    [['--prog', 'nothing'], 2, 'no program nothing'],
    [['-s', 'tc'], 2, 'no program in section tc'],
    [['--pin', '/tmp/not-a-bpf-file-system'], 2, 'is not in a bpf file system'],
  ])('when a flag does not fit: %o', async (flags, code, message) => {
    expect(await load(await fixtures.compile('shared'), ...flags)).toMatchObject({ exitCode: code, stdout: '', stderr: expect.stringContaining(message) });
  });

  test('when a map that is there is of another definition', async () => {
    const first = await loadJson(await fixtures.compile('shared'));
    const other = await load(await fixtures.compile('shared', '-DENTRIES=17'), '--pin', join(bpffs, 'other'));
    expect(other).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('map sluice_shared has maxEntries 17; the one given has 16') });
    await rollBack(first.change);
  });

  test('when something else is pinned under the name of a shared map', async () => {
    const other = await loadJson(await fixtures.compile('functions'), '--prog', 'again', '--pin', join(bpffs, 'other'));
    await run(['bpftool', 'prog', 'pin', 'id', String(other.programs[0]!.id), join(bpffs, 'sluice_shared')]);
    const refused = await load(await fixtures.compile('shared'));
    rmSync(join(bpffs, 'sluice_shared'));
    expect(refused).toMatchObject({ exitCode: 2, stderr: expect.stringMatching(/sluice_shared is no map[\s\S]*a program is pinned there/) });
    await rollBack(other.change);
  });

  test('when there are more maps than files may be open; their number alone is no problem', async () => {
    const path = await fixtures.compile('many-maps');
    const argv = ['prlimit', '--nofile=2000:2000', ...sluiceCommand(['bpf', 'prog', 'load', path])];
    const refused = await run(argv, { allowFailure: true, env: sluiceEnvironment(state.env) });
    expect(refused).toMatchObject({ exitCode: 3, stderr: expect.stringMatching(/too many maps[\s\S]*ulimit -n/) });
    await expect.poll(async () => await mapsNamed('map_0000'), { timeout: 10_000 }).toEqual([]);
    const chosen = await loadJson(path, '--prog', 'look');
    expect(chosen.maps.map(({ name }) => name)).toEqual(['map_4711']);
    await rollBack(chosen.change);
  });
});

import { spawn, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test, type TestContext } from 'vitest';
import { beginChange, confirmChange, extendChange, getChange, listChanges, rollbackChange } from '../../src/domain/changes/index.ts';
import { Agent, eventually, expire, processesOf, reaches, RuledNamespace, useChangeDirectories } from '../support/changes.ts';
import { requireRoot } from '../support/require.ts';

let directories: { root: string; close: () => void };
let names = 0;

/** A namespace that is removed when the test ends. */
function namespace({ onTestFinished }: TestContext): RuledNamespace {
  const made = new RuledNamespace(`n${names++}`);
  onTestFinished(() => made.delete());
  return made;
}

/** A process that is killed when the test ends. */
function agent({ onTestFinished }: TestContext, ...settings: ConstructorParameters<typeof Agent>): Agent {
  const made = new Agent(...settings);
  onTestFinished(() => made.kill('SIGKILL'));
  return made;
}

beforeAll(() => {
  requireRoot();
  directories = useChangeDirectories();
});

afterAll(async () => {
  const left = await eventually(() => (processesOf(directories.root).length === 0 ? [] : undefined)).catch(() => processesOf(directories.root));
  directories.close();
  expect(left).toEqual([]);
});

function byHand(script: string, argument = 'rollback'): { code: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync('/bin/sh', [script, argument], { encoding: 'utf8', env: {} });
  return { code: status, output: stdout + stderr };
}

test.concurrent('a change without a timer is confirmed when it is applied, and can be rolled back', async (context) => {
  const ns = namespace(context);
  const before = ns.save();
  const change = await ns.change();
  expect(change).toMatchObject({ state: 'confirmed', interrupted: false });
  expect(change.revertsInSeconds).toBeUndefined();
  expect(ns.save()).not.toBe(before);
  expect((await rollbackChange(change.record.id)).state).toBe('rolled-back');
  expect(ns.save()).toBe(before);
  const { log, diff } = await getChange(change.record.id);
  expect(log.map((line) => line.slice(21))).toEqual([
    `reverting ${change.record.id} (rollback)`,
    'done: Restore the rules',
    `${change.record.id} is rolled-back`,
  ]);
  expect(diff.at(-1)).toEqual({ sign: '+', text: 'one rule' });
});

test.concurrent.for([
  ['before it applied anything', 'begun'],
  ['half way', 'half'],
  ['right after it applied', 'applied'],
] as const)('a process killed %s leaves the node reverted', async ([, stop], context) => {
  const ns = namespace(context);
  const before = ns.save();
  const made = agent(context, { netns: ns.name, before, confirmWithinMs: 60_000, stop });
  const id = await made.said('begun');
  await made.said(stop);
  await made.kill('SIGKILL');
  expect(await getChange(id)).toMatchObject(
    stop === 'applied' ? { state: 'pending', timerRunning: true } : { state: 'applying', interrupted: true, timerRunning: true },
  );
  expire(id);
  await reaches(id, 'reverted');
  expect(ns.save()).toBe(before);
});

test('a process killed at any moment leaves the node as it was, and the namespace free again', async (context) => {
  const rounds = Array.from({ length: 10 }, async (_, round) => {
    const ns = namespace(context);
    const before = ns.save();
    const made = agent(context, { netns: ns.name, before, confirmWithinMs: 1000, stop: 'applied' });
    await sleep(120 + round * 60);
    await made.kill('SIGKILL');
    const left = (await listChanges()).items.filter(({ record }) => record.namespace.label === ns.name);
    for (const { record, revertsInSeconds } of left) {
      if (revertsInSeconds === undefined && (await getChange(record.id)).interrupted) await rollbackChange(record.id);
      let seen = '';
      await eventually(
        async () => ['reverted', 'rolled-back'].includes((seen = (await getChange(record.id)).state)) || undefined,
        () => `change ${record.id} to be undone (it is ${seen})`,
      );
    }
    expect(ns.save()).toBe(before);
    await (await ns.begin()).applied();
  });
  await Promise.all(rounds);
});

test.concurrent.for(['SIGHUP', 'SIGTERM'] as const)('%s to the process does not stop the timer', async (signal, context) => {
  const ns = namespace(context);
  const before = ns.save();
  const made = agent(context, { netns: ns.name, before, confirmWithinMs: 60_000, stop: 'applied' });
  const id = await made.said('begun');
  await made.said('applied');
  await made.kill(signal);
  expire(id);
  await reaches(id, 'reverted');
  expect(ns.save()).toBe(before);
});

test.concurrent('a closed terminal does not stop the timer', async (context) => {
  const ns = namespace(context);
  const before = ns.save();
  const made = agent(context, { netns: ns.name, before, confirmWithinMs: 60_000, stop: 'half' }, { terminal: true });
  const id = await made.said('begun');
  await made.said('half');
  await made.kill('SIGKILL');
  await eventually(async () => (await getChange(id)).interrupted || (await getChange(id)).state === 'reverted' || undefined);
  expire(id);
  await reaches(id, 'reverted');
  expect(ns.save()).toBe(before);
});

test.concurrent('the revert needs neither sluice nor Node', async (context) => {
  const ns = namespace(context);
  const before = ns.save();
  const made = agent(context, { netns: ns.name, before, confirmWithinMs: 60_000, stop: 'applied' }, { env: { PATH: '/nowhere' } });
  const id = await made.said('begun');
  await made.said('applied');
  await made.kill('SIGKILL');
  expire(id);
  await reaches(id, 'reverted');
  expect(ns.save()).toBe(before);
  const { directory } = await getChange(id);
  for (const script of ['revert.sh', 'timer.sh']) {
    expect(readFileSync(join(directory, script), 'utf8')).not.toMatch(/bin\/(node|sluice)/);
  }
});

test.concurrent('a process that still applies at the deadline is stopped before the revert', async (context) => {
  const ns = namespace(context);
  const before = ns.save();
  const made = agent(context, { netns: ns.name, before, confirmWithinMs: 60_000, stop: 'half' });
  const id = await made.said('begun');
  await made.said('half');
  expire(id);
  await made.ended();
  expect(made.process.signalCode).toBe('SIGKILL');
  await reaches(id, 'reverted');
  expect(ns.save()).toBe(before);
});

test.concurrent('a confirmed change stays, and its timer ends', async (context) => {
  const ns = namespace(context);
  const change = await ns.change({ confirmWithinMs: 60_000 });
  const { id } = change.record;
  expect(change).toMatchObject({ state: 'pending' });
  expect(await confirmChange(id)).toMatchObject({ state: 'confirmed' });
  expect(await confirmChange(id)).toMatchObject({ state: 'confirmed' });
  await eventually(() => processesOf(id).length === 0 || undefined);
  expect(await getChange(id)).toMatchObject({ state: 'confirmed' });
  expect(ns.save()).toContain('10.8.8.8');
  await expect(extendChange(id, 5000)).rejects.toMatchObject({ code: 'SL4007' });
});

test.concurrent('of a confirmation and a deadline that meet exactly one wins', async (context) => {
  const rounds = Array.from({ length: 6 }, async (_, round) => {
    const ns = namespace(context);
    const before = ns.save();
    const { id } = (await ns.change({ confirmWithinMs: 1000 })).record;
    const after = ns.save();
    await sleep(700 + round * 160);
    const confirmed = await confirmChange(id).then(
      () => true,
      (error: unknown) => {
        expect(error).toMatchObject({ code: 'SL4001', reason: 'reverted' });
        return false;
      },
    );
    await reaches(id, confirmed ? 'confirmed' : 'reverted');
    expect(ns.save()).toBe(confirmed ? after : before);
  });
  await Promise.all(rounds);
});

test.concurrent('an extended change outlives its first deadline, and is reverted at the second', async (context) => {
  const ns = namespace(context);
  const before = ns.save();
  const { id } = (await ns.change({ confirmWithinMs: 3000 })).record;
  const after = ns.save();
  const extended = await extendChange(id, 7000);
  expect(extended.revertsInSeconds).toBeGreaterThan(3);
  expect((await extendChange(id, 1000)).revertsInSeconds).toBeGreaterThan(3);
  await sleep(4000);
  expect(ns.save()).toBe(after);
  await reaches(id, 'reverted');
  expect(ns.save()).toBe(before);
});

test.concurrent('extending starts a timer again that somebody ended', async (context) => {
  const ns = namespace(context);
  const { id } = (await ns.change({ confirmWithinMs: 60_000 })).record;
  const [timer = ''] = processesOf(`${id}/timer.sh`);
  process.kill(Number.parseInt(timer, 10), 'SIGKILL');
  await eventually(async () => (await getChange(id)).timerRunning === false || undefined);
  expect(await extendChange(id, 60_000)).toMatchObject({ state: 'pending', timerRunning: true });
  await confirmChange(id);
});

test.concurrent('a pending change is rolled back at once, from another session too', async (context) => {
  const ns = namespace(context);
  const before = ns.save();
  const { id } = (await ns.change({ confirmWithinMs: 60_000 })).record;
  expect(await rollbackChange(id)).toMatchObject({ state: 'rolled-back' });
  expect(ns.save()).toBe(before);
  await expect(rollbackChange(id)).rejects.toMatchObject({ code: 'SL4005' });
  await expect(confirmChange(id)).rejects.toMatchObject({ code: 'SL4001', reason: 'reverted' });
});

test.concurrent('a rollback stops the process that is applying', async (context) => {
  const ns = namespace(context);
  const before = ns.save();
  const made = agent(context, { netns: ns.name, before, stop: 'half' });
  const id = await made.said('begun');
  await made.said('half');
  await expect(confirmChange(id)).rejects.toMatchObject({ reason: 'busy' });
  expect(await rollbackChange(id)).toMatchObject({ state: 'rolled-back' });
  await made.ended();
  expect(ns.save()).toBe(before);
});

test.concurrent.for(['SIGKILL', 'SIGHUP'] as const)('a revert goes on when the process that started it gets %s', async (signal, context) => {
  const ns = namespace(context);
  const before = ns.save();
  const restore = { title: 'Restore', argv: ['/usr/sbin/iptables-legacy-restore', '-c'] as const, stdinFile: 'rules.v4' };
  const { id } = (await ns.change({ revertSteps: [{ title: 'Wait', argv: ['/usr/bin/sleep', '4'] }, restore] })).record;
  const made = agent(context, { rollback: id });
  await reaches(id, 'reverting');
  await made.kill(signal);
  expect(await getChange(id)).toMatchObject({ state: 'reverting' });
  await expect(ns.begin()).rejects.toMatchObject({ reason: 'busy' });
  await reaches(id, 'rolled-back');
  expect(ns.save()).toBe(before);
});

test.concurrent('only the newest change of a kind can be rolled back, then the one below it', async (context) => {
  const ns = namespace(context);
  const before = ns.save();
  const first = (await ns.change()).record.id;
  const second = (await ns.change()).record.id;
  const other = (await ns.change({ kind: 'other' })).record.id;
  await rollbackChange(other);
  await expect(rollbackChange(first)).rejects.toMatchObject({ code: 'SL4005', hints: [`sluice change rollback ${second}`] });
  await rollbackChange(second);
  await rollbackChange(first);
  expect(ns.save()).toBe(before);
});

test.concurrent('a revert that fails says so, names its script, and can be run again', async (context) => {
  const ns = namespace(context);
  const before = ns.save();
  const { record, directory, revertScript } = await ns.change();
  expect(await rollbackChange(record.id, { dryRun: 'kernel' })).toMatchObject({ state: 'confirmed' });
  writeFileSync(join(directory, 'rules.v4'), '*filter\nbroken\n');
  await expect(rollbackChange(record.id, { dryRun: 'kernel' })).rejects.toMatchObject({ code: 'SL4000' });
  await expect(rollbackChange(record.id)).rejects.toMatchObject({
    code: 'SL4002',
    reason: 'revert-failed',
    hints: [`sh ${revertScript}`],
  });
  expect(await getChange(record.id)).toMatchObject({ state: 'revert-failed' });
  writeFileSync(join(directory, 'rules.v4'), before);
  expect(byHand(revertScript).code).toBe(0);
  expect(await getChange(record.id)).toMatchObject({ state: 'rolled-back' });
  expect(ns.save()).toBe(before);
});

test.concurrent('steps after one that failed still run, and a tolerated failure does not count', async (context) => {
  const ns = namespace(context);
  const change = await ns.change({
    revertSteps: [
      { title: 'May fail', argv: ['/usr/bin/false'], tolerateFailure: true },
      { title: 'Must not fail', argv: ['/usr/bin/false'] },
      { title: 'Flush', argv: ['/usr/sbin/iptables-legacy', '-F', 'INPUT'] },
    ],
  });
  expect(byHand(change.revertScript).code).toBe(8);
  const { log, state } = await getChange(change.record.id);
  expect(state).toBe('revert-failed');
  expect(log.filter((line) => line.includes('FAILED: May fail')).length).toBe(1);
  expect(log.at(-1)).toContain('1 steps FAILED');
  expect(ns.save()).not.toContain('-A INPUT');
});

test.concurrent('a change whose applying fails is undone at once', async (context) => {
  const ns = namespace(context);
  const before = ns.save();
  const change = await ns.begin({ confirmWithinMs: 60_000 });
  ns.append('10.8.8.8');
  const cause = new Error('the kernel said no');
  await expect(change.fail(cause)).rejects.toMatchObject({ code: 'SL4001', reason: 'reverted', cause });
  expect(ns.save()).toBe(before);
  expect(await getChange(change.id)).toMatchObject({ state: 'reverted' });
});

test.concurrent('a change whose applying and revert both fail leaves exit code 8 and its script', async (context) => {
  const ns = namespace(context);
  const change = await ns.begin();
  writeFileSync(join(change.directory, 'rules.v4'), 'broken\n');
  await expect(change.fail(new Error('no'))).rejects.toMatchObject({ code: 'SL4002', reason: 'revert-failed' });
  expect(await getChange(change.id)).toMatchObject({ state: 'revert-failed' });
});

test.concurrent('two changes of one namespace exclude each other, those of two do not', async (context) => {
  const one = namespace(context);
  const two = namespace(context);
  const first = await one.change({ confirmWithinMs: 60_000 });
  const { id } = first.record;
  await expect(one.begin()).rejects.toMatchObject({ reason: 'busy', code: 'SL4003', hints: expect.arrayContaining([`sluice change confirm ${id}`]) });
  await (await two.begin()).applied();
  await confirmChange(id);
  await (await one.begin()).applied();
});

test.concurrent('of many that begin at once in one namespace exactly one does', async (context) => {
  const ns = namespace(context);
  const before = ns.save();
  const agents = Array.from({ length: 4 }, () => agent(context, { netns: ns.name, before, stop: 'begun' }));
  const ends = await Promise.all(agents.map(async (made) => await Promise.race([made.said('begun').then(() => 'begun'), made.said('failed')])));
  expect(ends.filter((end) => end === 'begun').length).toBe(1);
  expect(ends.filter((end) => end === 'SL4004').length).toBe(3);
});

test.concurrent('what a killed process left blocks others until it is rolled back', async (context) => {
  const ns = namespace(context);
  const before = ns.save();
  const made = agent(context, { netns: ns.name, before, stop: 'half' });
  const id = await made.said('begun');
  await made.said('half');
  await expect(ns.begin()).rejects.toMatchObject({ reason: 'busy', code: 'SL4004' });
  await made.kill('SIGKILL');
  await expect(ns.begin()).rejects.toMatchObject({ reason: 'busy', code: 'SL4003', hints: [`sluice change rollback ${id}`] });
  await expect(confirmChange(id)).rejects.toMatchObject({ code: 'SL4007' });
  await rollbackChange(id);
  expect(ns.save()).toBe(before);
  await (await ns.begin()).applied();
});

test.concurrent('what could not be reverted is refused before anything is written', async (context) => {
  const ns = namespace(context);
  const stored = (await listChanges()).items.length;
  const wrong = { 'rules.v4': '*filter\n-A NOWHERE -j DROP\nCOMMIT\n' };
  await expect(ns.begin({ files: wrong, confirmWithinMs: 60_000 })).rejects.toMatchObject({ code: 'SL4000' });
  await expect(ns.begin({ revertSteps: [{ title: 'x', argv: ['/usr/sbin/none'] }] })).rejects.toMatchObject({
    causes: ['x: there is no program /usr/sbin/none'],
  });
  await expect(ns.begin({ files: { 'change.json': '' } })).rejects.toMatchObject({ reason: 'usage' });
  await expect(ns.begin({ files: { '../x': '' } })).rejects.toMatchObject({ reason: 'usage' });
  await expect(ns.begin({ files: {} })).rejects.toMatchObject({ code: 'SL4000' });
  await expect(ns.begin({ confirmWithinMs: Number.NaN })).rejects.toMatchObject({ reason: 'usage' });
  expect((await listChanges()).items.length).toBeGreaterThanOrEqual(stored);
  await (await ns.begin()).applied();
});

test.concurrent('a namespace that is gone has nothing left to revert', async (context) => {
  const ns = namespace(context);
  const { record } = await ns.change({ confirmWithinMs: 60_000 });
  ns.delete();
  expire(record.id);
  await reaches(record.id, 'reverted');
  expect((await getChange(record.id)).log.join('\n')).toContain(`the network namespace ${ns.name} is gone`);
});

test.concurrent('the timer reverts even when the run directory is lost', async (context) => {
  const ns = namespace(context);
  const before = ns.save();
  const change = await ns.change({ confirmWithinMs: 3000 });
  rmSync(join(dirname(change.directory), '..', '..', 'run', 'changes', change.record.id), { recursive: true });
  await reaches(change.record.id, 'reverted');
  expect(ns.save()).toBe(before);
});

test.concurrent('a change in a namespace without a name is reverted as long as a process is inside', async () => {
  const inside = spawnSync('/bin/sh', ['-c', 'unshare -n sleep 60 >/dev/null 2>&1 & echo $!'], { encoding: 'utf8' });
  const pid = Number(inside.stdout);
  const path = `/proc/${pid}/ns/net`;
  await eventually(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8').startsWith('sleep') || undefined);
  const rules = () => spawnSync('nsenter', [`--net=${path}`, 'iptables-legacy-save'], { encoding: 'utf8' }).stdout.match(/^-A.*$/gm);
  const change = await beginChange({
    kind: 'test',
    summary: 'flush',
    argv: [],
    netns: { path, label: 'pod' },
    confirmWithinMs: 60_000,
    files: {},
    revertSteps: [{ title: 'Flush', argv: ['/usr/sbin/iptables-legacy', '-F', 'INPUT'] }],
    diff: { before: '', after: '' },
  });
  spawnSync('nsenter', [`--net=${path}`, 'iptables-legacy', '-A', 'INPUT', '-j', 'DROP']);
  const { record } = await change.applied();
  expect(record.namespace).toMatchObject({ host: false, label: 'pod', process: { pid } });
  const isMounted = () => readFileSync('/proc/self/mounts', 'utf8').includes(record.namespace.path);
  expect(isMounted()).toBe(true);
  await confirmChange(change.id);
  expect(isMounted()).toBe(false);
  expect(rules()).toEqual(['-A INPUT -j DROP']);
  await rollbackChange(change.id);
  expect(rules()).toBeNull();
  process.kill(pid, 'SIGKILL');
});

test.concurrent('a namespace whose last process ended is still reverted while the change waits', async () => {
  const inside = spawn('/usr/bin/unshare', ['-n', '/usr/bin/sleep', '60'], { stdio: 'ignore' });
  await eventually(() => readFileSync(`/proc/${inside.pid}/cmdline`, 'utf8').startsWith('/usr/bin/sleep') || undefined);
  const result = join(directories.root, `result-${inside.pid}`);
  const change = await beginChange({
    kind: 'test',
    summary: 'note where it ran',
    argv: [],
    netns: { path: `/proc/${inside.pid}/ns/net`, label: 'pod' },
    confirmWithinMs: 60_000,
    files: {},
    revertSteps: [{ title: 'Note', argv: ['/bin/sh', '-c', `readlink /proc/self/ns/net >${result}`] }],
    diff: { before: '', after: '' },
  });
  const { record } = await change.applied();
  inside.kill('SIGKILL');
  await eventually(() => inside.signalCode ?? undefined);
  expect(await rollbackChange(change.id)).toMatchObject({ state: 'rolled-back' });
  expect(readFileSync(result, 'utf8').trim()).toBe(`net:[${record.namespace.inode}]`);
  expect(readFileSync('/proc/self/mounts', 'utf8')).not.toContain(record.namespace.path);
});

test.concurrent('a revert by hand works once, from any namespace, and again only when forced', async (context) => {
  const ns = namespace(context);
  const elsewhere = namespace(context);
  const before = ns.save();
  const change = await ns.change({ confirmWithinMs: 60_000 });
  const untouched = elsewhere.save();
  elsewhere.iptables(['/bin/sh', change.revertScript]);
  expect(ns.save()).toBe(before);
  expect(elsewhere.save()).toBe(untouched);
  expect(await getChange(change.record.id)).toMatchObject({ state: 'rolled-back' });
  ns.append('10.7.7.7');
  const after = ns.save();
  const again = byHand(change.revertScript);
  expect(again).toMatchObject({ code: 0 });
  expect(again.output).toContain('already rolled-back');
  expect(ns.save()).toBe(after);
  expect(byHand(change.revertScript, 'force').code).toBe(0);
  expect(ns.save()).toBe(before);
});

test.concurrent('pins are unlinked in order, and missing ones do not matter', async (context) => {
  const ns = namespace(context);
  const pins = join(directories.root, `pins ${ns.name}`);
  const files = ['a', "b'c"].map((name) => join(pins, name));
  spawnSync('mkdir', [pins]);
  for (const file of files) writeFileSync(file, '');
  const remove = [...files, join(pins, 'never'), pins];
  const change = await ns.change({ revertSteps: [{ title: 'Remove pins', remove }] });
  expect(byHand(change.revertScript).code).toBe(0);
  expect(readdirSync(directories.root)).not.toContain(`pins ${ns.name}`);
  expect(byHand(change.revertScript, 'force').code).toBe(0);
});

test.concurrent('the list shows the newest first, and damaged records as warnings', async (context) => {
  const ns = namespace(context);
  const { record, directory } = await ns.change();
  const { record: later } = await ns.change();
  const listed = await listChanges({ netns: { path: `/run/netns/${ns.name}`, label: 'x' } });
  expect(listed.items.map((change) => change.record.id)).toEqual([later.id, record.id]);
  const stored = readFileSync(join(directory, 'change.json'), 'utf8');
  writeFileSync(join(directory, 'change.json'), '{"version":1');
  const damaged = await listChanges();
  expect(damaged.complete).toBe(false);
  expect(damaged.warnings.join()).toContain(record.id);
  await expect(getChange(record.id)).rejects.toMatchObject({ code: 'SL4009' });
  writeFileSync(join(directory, 'change.json'), stored);
  await expect(getChange('c-zzzz')).rejects.toMatchObject({ reason: 'not-found' });
  await expect(getChange('../state')).rejects.toMatchObject({ reason: 'not-found' });
});

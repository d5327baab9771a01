/** Attaching as a user does: what is printed, what it does, what is undone, and what is refused with which exit code. */

import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withCgroup } from '../support/cgroup.ts';
import { Fixtures } from '../support/compile-bpf.ts';
import { requireRoot, requireTool } from '../support/require.ts';
import { schemaProblems } from '../support/schema.ts';
import { sluice, sluiceCommand, sluiceEnvironment, tempState, withNetns, type Netns, type SluiceResult, type TempState } from '../support/sluice.ts';

requireRoot();

let fixtures: Fixtures;
let object: string;
let state: TempState;

beforeAll(async () => {
  requireTool('bpftool');
  fixtures = new Fixtures();
  object = await fixtures.compile('hooks');
  state = tempState();
});

afterAll(() => {
  state.close();
  fixtures.remove();
});

/** For what the kernel, or a timer, does a moment later. */
const PATIENCE = { timeout: 20_000, interval: 300 };

const bpf = async (...argv: string[]): Promise<SluiceResult> => await sluice(['bpf', ...argv], { env: state.env });

async function json<T>(...argv: string[]): Promise<T> {
  const { stdout, stderr, exitCode } = await bpf(...argv, '-o', 'json');
  expect(stderr).toBe('');
  expect(exitCode).toBe(0);
  return JSON.parse(stdout) as T;
}

interface Loaded { change: string; directory: string; programs: { name: string; id: number; pin: string }[]; attached: { hook: string; links: { id: number; pin: string }[] }[] }
interface Items<T> { items: T[] }
interface LinkRow { id: number; type: string; programId: number; hook: string; target?: string; gone: boolean; pins: string[]; owner?: string }

/** A pair of devices in a namespace, and a folder of pins of one's own. */
const withDevices = async (label: string, use: (netns: Netns, pins: string) => Promise<void>): Promise<void> =>
  await withNetns(label, async (netns) => {
    netns.run(['ip', 'link', 'add', 'v0', 'type', 'veth', 'peer', 'name', 'v1']);
    for (const device of ['v0', 'v1']) netns.run(['ip', 'link', 'set', device, 'up']);
    await use(netns, join(state.env.SLUICE_BPFFS, 'sluice', 'programs', label));
  });

const load = async (pins: string, programs: readonly string[], ...rest: string[]): Promise<Loaded> =>
  await json<Loaded>('prog', 'load', object, ...programs.flatMap((name) => ['--prog', name]), '--pin', pins, ...rest);

/** Links of these programs as `bpf link list` has them. */
const linksOf = async (...ids: number[]): Promise<LinkRow[]> => (await json<Items<LinkRow>>('link', 'list')).items.filter(({ programId }) => ids.includes(programId));

/** bpftool gives its list up where some other link is being attached at that moment. */
function bpftoolLinks(attempts = 10): { id: number; prog_id: number }[] {
  try {
    return JSON.parse(execFileSync('bpftool', ['-j', 'link', 'list'], { encoding: 'utf8', stdio: 'pipe' })) as { id: number; prog_id: number }[];
  } catch (error) {
    if (attempts === 0) throw error;
    return bpftoolLinks(attempts - 1);
  }
}

describe('a program that is loaded with --attach', () => {
  it('stands at its hooks until the change is rolled back, as bpftool sees it too', async () => {
    await withDevices('both', async (netns, pins) => {
      const { change, programs, attached } = await load(pins, ['on_xdp', 'on_tcx_ingress', 'on_tc', 'on_sk_lookup'],
        '--attach', 'xdp:v0', '--attach', 'tcx:v0', '--attach', 'on_tc=tc-egress:v1', '--attach', 'sk_lookup', '--netns', netns.name);
      expect(attached.map(({ hook }) => hook)).toEqual(['xdp:v0', 'tcx-ingress:v0', 'tc-egress:v1', 'sk_lookup']);
      const ids = programs.map(({ id }) => id);
      const rows = await linksOf(...ids);
      const theirs = bpftoolLinks().filter(({ prog_id }) => ids.includes(prog_id));
      expect(rows.map(({ id, programId }) => ({ id, prog_id: programId }))).toEqual(theirs.map(({ id, prog_id }) => ({ id, prog_id })));
      expect(rows.map(({ hook, owner }) => `${hook} ${owner}`)).toEqual(['xdp-native sluice', 'tcx-ingress sluice', 'sk_lookup sluice']);
      const [net] = JSON.parse(netns.run(['bpftool', '-j', 'net'])) as [{ xdp: { devname: string; id: number }[]; tc: { devname: string; id: number; kind: string }[] }];
      const steps = (await json<Items<{ device: string; hook: string; programId: number }>>('net', '--netns', netns.name)).items;
      expect(steps.filter(({ hook }) => hook === 'xdp-native').map(({ device, programId }) => [device, programId])).toEqual(net.xdp.map(({ devname, id }) => [devname, id]));
      expect(steps.filter(({ hook }) => hook === 'tc-egress').map(({ device, programId }) => [device, programId])).toEqual(net.tc.filter(({ kind }) => kind.includes('egress')).map(({ devname, id }) => [devname, id]));
      expect((await sluice(['change', 'rollback', change], { env: state.env })).exitCode).toBe(0);
      await expect.poll(async () => await linksOf(...ids), PATIENCE).toEqual([]);
      expect(netns.run(['tc', 'filter', 'show', 'dev', 'v1', 'egress'])).toBe('');
      expect(existsSync(pins)).toBe(false);
    });
  });

  it('is taken off and unloaded by itself when nobody confirms', async () => {
    await withDevices('timer', async (netns, pins) => {
      const { programs } = await load(pins, ['on_xdp'], '--attach', 'xdp:v0', '--netns', netns.name, '--confirm-within', '4s');
      expect(await linksOf(programs[0]!.id)).toHaveLength(1);
      await expect.poll(async () => await linksOf(programs[0]!.id), PATIENCE).toEqual([]);
      await expect.poll(() => existsSync(pins), PATIENCE).toBe(false);
    });
  });

  it('leaves nothing when a hook refuses it', async () => {
    await withDevices('refused', async (netns, pins) => {
      const { stderr, exitCode } = await bpf('prog', 'load', object, '--prog', 'on_xdp', '--pin', pins, '--attach', 'xdp:v0', '--attach', 'xdp-native:v0', '--netns', netns.name);
      expect({ exitCode, stderr }).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('device already has an XDP program (EBUSY)') });
      expect(existsSync(pins)).toBe(false);
      expect(netns.run(['ip', '-j', 'link', 'show', 'v0'])).not.toContain('xdp');
    });
  });
});

describe('bpf net', () => {
  it('shows the way of packets in order, with duplicates, and what is left of a device', async () => {
    await withDevices('way', async (netns, pins) => {
      const first = await load(pins, ['on_xdp', 'on_tcx_ingress', 'on_tc', 'on_netfilter'], '--attach', 'xdp-generic:v0', '--attach', 'tcx:v0', '--attach', 'on_tc=tc-ingress:v0',
        '--attach', 'netfilter:ipv4/input/7', '--attach', 'netfilter:ipv4/prerouting/-7', '--attach', 'netfilter:ipv4/output/1', '--netns', netns.name);
      const second = await load(`${pins}2`, ['on_tcx_ingress'], '--attach', 'tcx:v0', '--before', String(first.programs.find(({ name }) => name === 'on_tcx_ingress')!.id), '--netns', netns.name);
      const ours = new Set([...first.programs, ...second.programs].map(({ id }) => id));
      const { items } = await json<Items<{ direction: string; hook: string; place?: string; programId: number; findings: string[] }>>('net', 'v0', '--netns', netns.name);
      // The kernel does not tell the namespace of netfilter programs of others, which are shown as well.
      expect(items.filter(({ programId }) => ours.has(programId)).map(({ direction, hook, place, findings }) => [direction, hook, place, ...findings].filter((word) => word !== undefined).join(' '))).toEqual([
        'ingress xdp-generic',
        'ingress tcx-ingress',
        'ingress tcx-ingress DUPLICATE',
        'ingress tc-ingress pref 49152',
        'ingress netfilter ipv4/prerouting/-7',
        'ingress netfilter ipv4/input/7',
        'egress netfilter ipv4/output/1',
      ]);
      expect((await bpf('net', 'v0', '--netns', netns.name)).stdout).toMatch(/^IFACE +DIRECTION +ORDER +HOOK.*\nv0 +ingress +1 +xdp-generic +\d+ +on_xdp/);
      netns.run(['ip', 'link', 'del', 'v0']);
      const gone = (await json<Items<{ programId: number; findings: string[] }>>('net', '--netns', netns.name)).items.filter(({ findings }) => findings.includes('GONE'));
      expect(gone.map(({ programId }) => programId)).toContain(second.programs[0]!.id);
      const listed = (await json<Items<{ path: string; why: string; deleted: boolean }>>('gc')).items.filter(({ path }) => path.startsWith(state.env.SLUICE_BPFFS));
      expect(listed.map(({ why }) => why)).toEqual(expect.arrayContaining(['what it stood on is gone', 'it is attached nowhere']));
      expect(listed.every(({ deleted }) => !deleted)).toBe(true);
      const deleted = (await json<Items<{ path: string; deleted: boolean }>>('gc', '--yes')).items.filter((one) => one.deleted);
      expect(deleted.map(({ path }) => path).sort()).toEqual(listed.map(({ path }) => path).sort());
      expect(deleted.filter(({ path }) => existsSync(path))).toEqual([]);
      for (const { change } of [second, first]) expect((await sluice(['change', 'rollback', change], { env: state.env })).exitCode).toBe(0);
    });
  });
});

describe('bpf prog attach, detach and unload', () => {
  it('take a program to a hook, off it, and out of the kernel', async () => {
    await withDevices('steps', async (netns, pins) => {
      const { programs: [program] } = await load(pins, ['on_xdp']);
      const attached = await json<{ change: string; hooks: { links: { pin: string }[] }[] }>('prog', 'attach', 'id', String(program!.id), '--attach', 'xdp:v0', '--netns', netns.name);
      expect(existsSync(attached.hooks[0]!.links[0]!.pin)).toBe(true);
      const plan = await json<{ dryRun: boolean; detached: unknown[] }>('prog', 'detach', String(program!.id), '--dry-run', 'client');
      expect(plan).toMatchObject({ dryRun: true, detached: [expect.objectContaining({ place: `v0 (${netns.name}) xdp-native` })] });
      expect(await linksOf(program!.id)).toHaveLength(1);
      expect((await bpf('prog', 'detach', String(program!.id), '--attach', 'xdp:v0')).exitCode).toBe(0);
      await expect.poll(async () => await linksOf(program!.id), PATIENCE).toEqual([]);
      const card = await bpf('prog', 'attach', String(program!.id), '--attach', 'xdp:v0', '--attach', 'xdp:v1', '--netns', netns.name);
      expect(card.stdout).toMatch(/^ATTACHED TO {2}xdp:v0\n {13}xdp:v1$/m);
      expect((await bpf('prog', 'detach', String(program!.id))).stdout).toMatch(/^PINS REMOVED {2}\S+-v0\n {14}\S+-v1$/m);
      expect(await bpf('prog', 'detach', String(program!.id))).toMatchObject({ exitCode: 5, stderr: expect.stringContaining('SL2508') });
      expect(await json('prog', 'unload', program!.pin)).toMatchObject({ removedPins: [program!.pin], stillHeld: [] });
      expect((await bpf('prog', 'get', String(program!.id))).exitCode).toBe(5);
    });
  });

  it('ask with the name of the node before something of others is taken off', async () => {
    await withDevices('foreign', async (netns) => {
      const pin = join(state.env.SLUICE_BPFFS, 'theirs');
      execFileSync('bpftool', ['prog', 'load', await fixtures.compile('foreign'), pin], { stdio: 'ignore' });
      netns.run(['ip', 'link', 'set', 'v0', 'xdpgeneric', 'pinned', pin]);
      const id = String((JSON.parse(execFileSync('bpftool', ['-j', 'prog', 'show', 'pinned', pin], { encoding: 'utf8' })) as { id: number }).id);
      const refused = await bpf('prog', 'detach', id);
      expect(refused).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('--yes') });
      expect(refused.stderr).toContain(`v0 (${netns.name}) xdp-generic`);
      expect(netns.run(['ip', '-j', 'link', 'show', 'v0'])).toContain('xdp');
      expect((await bpf('prog', 'detach', id, '--yes')).exitCode).toBe(0);
      expect(netns.run(['ip', '-j', 'link', 'show', 'v0'])).not.toContain('xdp');
      expect((await bpf('pin', 'delete', pin)).exitCode).toBe(2);
      expect((await bpf('pin', 'delete', pin, '--yes')).stdout).toContain(pin);
      expect(existsSync(pin)).toBe(false);
    });
  });
});

describe('what others attach without a link', () => {
  /** Where a program of the fixture stands after bpftool has attached it, and after sluice has taken it off. */
  async function attachedByOthers(name: string, attach: (pin: string) => void): Promise<string[][]> {
    const { change, programs: [program] } = await load(join(state.env.SLUICE_BPFFS, 'others'), [name]);
    const id = String(program!.id);
    attach(program!.pin);
    const hooks = async (): Promise<string[]> => (await json<{ attachments: { hook: string }[] }>('prog', 'get', id)).attachments.map(({ hook }) => hook);
    const before = await hooks();
    expect((await bpf('prog', 'detach', id, '--yes')).exitCode).toBe(0);
    const after = await hooks();
    expect((await sluice(['change', 'rollback', change], { env: state.env })).exitCode).toBe(0);
    return [before, after];
  }

  it('to a cgroup is listed and taken off', async () => {
    expect(await withCgroup('others', async (cgroup) => await attachedByOthers('on_connect4', (pin) => {
      execFileSync('bpftool', ['cgroup', 'attach', cgroup, 'connect4', 'pinned', pin, 'multi']);
    }))).toEqual([['cgroup-connect4'], []]);
  });

  it('to the sockets of a map is listed and taken off', async () => {
    const map = join(state.env.SLUICE_BPFFS, 'others_map');
    expect(await attachedByOthers('on_sk_msg', (pin) => {
      execFileSync('bpftool', ['map', 'create', map, 'type', 'sockmap', 'key', '4', 'value', '4', 'entries', '4', 'name', 'others']);
      execFileSync('bpftool', ['prog', 'attach', 'pinned', pin, 'msg_verdict', 'pinned', map]);
    })).toEqual([['sk_msg'], []]);
    expect((await bpf('pin', 'delete', map, '--yes')).exitCode).toBe(0);
  });

  it('to a network namespace is listed and taken off', async () => {
    expect(await withNetns('dissect', async (netns) => await attachedByOthers('on_flow_dissector', (pin) => {
      netns.run(['bpftool', 'prog', 'attach', 'pinned', pin, 'flow_dissector']);
    }))).toEqual([['flow_dissector'], []]);
  });
});

describe('what a process holds', () => {
  /** Runs `use` while another process holds a link in the namespace. */
  async function withHolder(kind: 'xdp' | 'raw_tp', netns: Netns, use: (holder: { programId: number; linkId: number; pid: number }) => Promise<void>): Promise<void> {
    const child = spawn('nsenter', [`--net=${netns.path}`, '--', process.execPath, join(import.meta.dirname, '../support/link-holder.ts'), kind], { stdio: ['pipe', 'pipe', 'inherit'] });
    const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
    try {
      const line = await new Promise<string>((resolve) => child.stdout.once('data', (data: Buffer) => resolve(data.toString())));
      await use({ ...(JSON.parse(line) as { programId: number; linkId: number }), pid: child.pid! });
    } finally {
      child.stdin.end();
      await ended;
    }
  }

  it('is named where its XDP program is in the way, and only taken from it when that is wanted', async () => {
    await withDevices('held', async (netns, pins) => await withHolder('xdp', netns, async ({ programId, linkId, pid }) => {
      const refused = await bpf('prog', 'load', object, '--prog', 'on_xdp', '--pin', pins, '--attach', 'xdp:lo', '--netns', netns.name);
      expect(refused).toMatchObject({ exitCode: 3, stderr: expect.stringContaining(`cause: id ${programId} "probe" held by link-holder.ts (pid ${pid})`) });
      expect((await bpf('link', 'detach', String(linkId))).exitCode).toBe(2);
      expect((await bpf('link', 'detach', String(linkId), '--yes')).exitCode).toBe(0);
      expect(netns.run(['ip', '-j', 'link', 'show', 'lo'])).not.toContain('xdp');
    }));
  });

  it('stays where the kernel cannot take it away', async () => {
    await withNetns('stays', async (netns) => await withHolder('raw_tp', netns, async ({ programId, linkId }) => {
      expect(await bpf('link', 'detach', String(linkId), '--yes')).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('SL2509') });
      expect(await linksOf(programId)).toHaveLength(1);
    }));
  });
});

describe('bpf link', () => {
  it('get shows what list has, detach ends it, read runs an iterator', async () => {
    await withDevices('link', async (netns, pins) => {
      const { attached } = await load(pins, ['on_xdp', 'on_iter_task'], '--attach', 'xdp:v0', '--attach', 'iter', '--netns', netns.name);
      const [xdp, iterator] = attached.map(({ links }) => links[0]!);
      const link = await json<LinkRow>('link', 'get', String(xdp!.id));
      expect(link).toMatchObject({ id: xdp!.id, type: 'xdp', hook: 'xdp-native', target: 'v0', gone: false, pins: [xdp!.pin] });
      expect(schemaProblems(JSON.parse((await sluice(['schema', 'BpfLink'])).stdout) as Record<string, unknown>, link)).toEqual([]);
      expect((await bpf('link', 'read', String(iterator!.id))).stdout).toMatch(/^(task\n)+$/);
      expect(await bpf('link', 'read', String(xdp!.id))).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('SL2507') });
      expect((await bpf('link', 'detach', String(xdp!.id))).exitCode).toBe(0);
      await expect.poll(async () => (await bpf('link', 'get', String(xdp!.id))).exitCode, PATIENCE).toBe(5);
      expect(netns.run(['ip', '-j', 'link', 'show', 'v0'])).not.toContain('xdp');
    });
  });
});

describe('what cannot be', () => {
  const CASES: readonly (readonly [exitCode: number, code: string, ...argv: string[]])[] = [
    [2, 'SL2501', '--attach', 'tcx-ingress:v0'], [2, 'SL2500', '--attach', 'xpd:v0'], [2, 'SL2500', '--attach', 'xdp'], [2, 'SL2500'],
    [5, 'SL2504', '--attach', 'xdp:v9'], [6, 'SL2503', '--attach', 'xdp-offload:v0'], [2, 'SL2500', '--attach', 'xdp:v0', '--before', 'him'],
  ];

  it('says why, with its exit code, and leaves nothing', async () => {
    await withDevices('no', async (netns, pins) => {
      const { change, programs: [program] } = await load(pins, ['on_xdp']);
      const outcomes: (readonly [number, string, ...string[]])[] = [];
      for (const [, , ...argv] of CASES) {
        const { exitCode, stdout, stderr } = await bpf('prog', 'attach', String(program!.id), ...argv, '--netns', netns.name);
        outcomes.push([exitCode, `${stdout}${/code: {2}(SL\d{4})/.exec(stderr)?.[1]}`, ...argv]);
      }
      expect(outcomes).toEqual(CASES);
      expect(await linksOf(program!.id)).toEqual([]);
      const [file = '', ...args] = ['setpriv', '--bounding-set=-all', '--inh-caps=-all', ...sluiceCommand(['bpf', 'prog', 'attach', program!.pin, '--attach', 'xdp:v0', '--netns', netns.name])];
      expect(spawnSync(file, args, { env: sluiceEnvironment(state.env), encoding: 'utf8' })).toMatchObject({ status: 4, stdout: '' });
      expect((await sluice(['change', 'rollback', change], { env: state.env })).exitCode).toBe(0);
    });
  });

  it('is found by a dry run, of the object alone and with the kernel', async () => {
    const dry = async (how: string, attach: string): Promise<number> => (await bpf('prog', 'load', object, '--prog', 'on_xdp', '--attach', attach, '--dry-run', how)).exitCode;
    expect([await dry('client', 'xdp:lo'), await dry('client', 'netfilter:ipv4/input'), await dry('kernel', 'xdp:lo'), await dry('kernel', 'xdp:v9')]).toEqual([0, 2, 0, 5]);
  });

  it('a pin that does not exist, and a path that is no pin', async () => {
    expect(await bpf('pin', 'delete', join(state.env.SLUICE_BPFFS, 'nothing'))).toMatchObject({ exitCode: 5, stderr: expect.stringContaining('SL2511') });
    expect(await bpf('pin', 'delete', '/etc/hostname')).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('SL2301') });
  });
});

describe('bpf features', () => {
  it('answers a need with yes and no, and refuses what names nothing', async () => {
    expect((await bpf('features', '--need', 'xdp,hash,btf,helper:xdp/bpf_redirect')).exitCode).toBe(0);
    expect((await bpf('features', '--need', 'xdp,kfunc:no_such_function')).exitCode).toBe(1);
    expect((await bpf('features', '--need', 'no-such-thing')).exitCode).toBe(2);
  });

  it('finds the map types that bpftool finds', async () => {
    const ours = (await json<Items<{ kind: string; name: string; available: boolean }>>('features', '--kind', 'map')).items;
    const theirs = (JSON.parse(execFileSync('bpftool', ['-j', 'feature', 'probe', 'kernel'], { encoding: 'utf8', maxBuffer: 1 << 26 })) as { map_types: Record<string, boolean> }).map_types;
    // What this bpftool is too old to know, it does not name.
    const known = ours.filter(({ name }) => `have_${name}_map_type` in theirs);
    expect(known.length).toBeGreaterThan(20);
    expect(known.filter(({ name, available }) => theirs[`have_${name}_map_type`] !== available)).toEqual([]);
  });
});

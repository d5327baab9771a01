/**
 * Every hook: a program is attached to it as users do, its effect is seen, and undoing the change ends it. Hooks that this kernel has
 * not are counted by name, with what it lacks.
 */

import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeAttachment, findMap, HOOKS, listAttachments } from '../../../src/domain/bpf/index.ts';
import { rollbackChange } from '../../../src/domain/changes/index.ts';
import { attachLoaded, attachProgram, detachProgram, hookFeature, loadPrograms, readLink, type Attached, type AttachRequest, type LoadReport } from '../../../src/domain/programs/index.ts';
import { loadObject, type LoadedObject, type ObjectProgram } from '../../../src/kernel/bpf/index.ts';
import { Attr } from '../../../src/kernel/bpf/attr.ts';
import { inNetns } from '../../../src/kernel/netns/index.ts';
import { bpf } from '../../../src/kernel/uapi/index.ts';
import { bindSocket, openSocket, receive, sendTo, type Fd } from '../../../src/kernel/syscalls/index.ts';
import { run } from '../../../src/tools/index.ts';
import { SyscallError } from '../../../src/lib/errors.ts';
import { exerciseCgroup, withCgroup } from '../../support/cgroup.ts';
import { Fixtures } from '../../support/compile-bpf.ts';
import { requireRoot } from '../../support/require.ts';
import { tempState, withNetns, type Netns, type TempState } from '../../support/sluice.ts';

requireRoot();

const ALL = HOOKS.map((hook) => ({ hook, ...hookFeature(hook) }));
const has = (name: string): boolean => ALL.some((one) => one.name === name && one.available);

/** For what the kernel does a moment later. */
const PATIENCE = { timeout: 10_000 };

let fixtures: Fixtures;
let bytes: Buffer;
let state: TempState;

beforeAll(async () => {
  fixtures = new Fixtures();
  bytes = await fixtures.read('hooks');
  state = tempState();
  Object.assign(process.env, state.env);
});

afterAll(() => {
  for (const name of Object.keys(state.env)) delete process.env[name];
  state.close();
  fixtures.remove();
});

/** Loads one program of the fixture, for as long as `use` runs. */
async function withProgram<T>(name: string, use: (program: ObjectProgram & { hits: () => number; object: LoadedObject }) => Promise<T>): Promise<T> {
  using object = loadObject(bytes, 'hooks', { programs: [name], allMaps: true });
  const key = Buffer.alloc(32);
  key.write(name);
  const hits = (): number => Number(object.map('hits').lookup(key)?.readBigUInt64LE() ?? 0n);
  return await use({ ...object.programs[0]!, hits, object });
}

/** Loads programs of a fixture with `--attach`. */
const load = async (name: string, texts: readonly string[], programs?: readonly string[]): Promise<LoadReport> =>
  await loadPrograms({ object: await fixtures.compile(name), maps: [], constants: [], argv: ['bpf', 'prog', 'load'], ...(programs === undefined ? {} : { programs }) }, attachLoaded(texts, {}));

const attach = async (program: ObjectProgram['program'], text: string, netns?: Netns): Promise<Attached> =>
  await attachProgram({
    reference: { by: 'id', id: program.info().id }, attach: [text], argv: ['bpf', 'prog', 'attach'],
    ...(netns === undefined ? {} : { netns: { path: netns.path, label: netns.name } }),
  });

/** Attaches, looks at the listing, does `use`, undoes the change, and looks again. */
async function attached(program: ObjectProgram['program'], text: string, netns: Netns | undefined, use: (made: Attached) => void | Promise<void>): Promise<void> {
  const made = await attach(program, text, netns);
  const { id } = program.info();
  const standing = (): string[] => listAttachments().filter(({ programId }) => programId === id).map(({ hook }) => hook);
  const wanted = made.hooks[0]!.hook.split(':')[0]!;
  expect(standing()).toEqual(made.hooks.flatMap(({ links }) => (links.length === 0 ? [{}] : links)).map(() => (wanted === 'xdp' ? 'xdp-native' : wanted)));
  for (const { links } of made.hooks) for (const { pin } of links) expect(existsSync(pin)).toBe(true);
  try {
    await use(made);
  } finally {
    await rollbackChange(made.change);
  }
  // The kernel lets go of an unpinned link a moment later.
  await expect.poll(standing, PATIENCE).toEqual([]);
}

const A = '10.77.0.1';
const B = '10.77.0.2';

/** Two namespaces with a cable between them: `v0` in the first, `v1` in the second. */
const withCable = async (label: string, use: (a: Netns, b: Netns) => Promise<void>): Promise<void> =>
  await withNetns(`${label}a`, async (a) => await withNetns(`${label}b`, async (b) => {
    a.run(['ip', 'link', 'add', 'v0', 'type', 'veth', 'peer', 'name', 'v1', 'netns', b.name]);
    for (const [netns, device, own] of [[a, 'v0', A], [b, 'v1', B]] as const) {
      netns.run(['sysctl', '-qw', 'net.ipv6.conf.all.disable_ipv6=1']);
      netns.run(['ip', 'address', 'add', `${own}/24`, 'dev', device]);
      netns.run(['ip', 'link', 'set', device, 'up']);
    }
    const mac = (netns: Netns, device: string): string => (JSON.parse(netns.run(['ip', '-j', 'link', 'show', device])) as [{ address: string }])[0].address;
    const [macA, macB] = [mac(a, 'v0'), mac(b, 'v1')];
    a.run(['ip', 'neighbour', 'replace', B, 'lladdr', macB, 'dev', 'v0', 'nud', 'permanent']);
    b.run(['ip', 'neighbour', 'replace', A, 'lladdr', macA, 'dev', 'v1', 'nud', 'permanent']);
    await use(a, b);
  }));

/** `struct sockaddr_in` */
const socketAddress = (address: string): Buffer => Buffer.from([2, 0, 0x20, 0x21, ...address.split('.').map(Number), 0, 0, 0, 0, 0, 0, 0, 0]);

/** Whether a UDP packet gets from one namespace to an address in another. */
function arrives(from: Netns, to: Netns, address: string): boolean {
  const open = (): Fd => openSocket(2, 2, 0);
  using receiver = inNetns(to.path, open);
  using sender = inNetns(from.path, open);
  const target = socketAddress(address);
  bindSocket(receiver, target);
  try {
    sendTo(sender, Buffer.from('hello'), target);
  } catch (error) {
    // What a hook of the sender drops, the sender hears of.
    if (error instanceof SyscallError) return false;
    throw error;
  }
  return receive(receiver, 100)?.toString() === 'hello';
}

describe('packets are dropped and counted at', () => {
  const supported = ([
    ['xdp', 'on_xdp', 'xdp:v1'], ['xdp-native', 'on_xdp', 'xdp-native:v1'], ['xdp-generic', 'on_xdp', 'xdp-generic:v1'],
    ['tcx-ingress', 'on_tcx_ingress', 'tcx-ingress:v1'], ['tcx-egress', 'on_tcx_egress', 'tcx-egress:v1'],
    ['tc-ingress', 'on_tc', 'tc-ingress:v1'], ['tc-egress', 'on_tc', 'tc-egress:v1'],
    ['netfilter', 'on_netfilter', 'netfilter:ipv4/prerouting/-7'], ['netfilter', 'on_netfilter', 'netfilter:ipv4/output/5'], ['netfilter', 'on_netfilter', 'netfilter:ipv4/input/-399/defrag'],
  ] as const).filter(([name]) => has(name));

  test.each(supported)('%s by %s', async (_, name, text) => {
    await withCable('p', async (a, b) => {
      await withProgram(name, async ({ program, hits }) => {
        const out = /egress|output/.test(text);
        const passes = (): boolean => (out ? arrives(b, a, A) : arrives(a, b, B));
        expect(passes()).toBe(true);
        await attached(program, text, b, () => {
          expect(passes()).toBe(false);
          expect(hits()).toBeGreaterThan(0);
          // Only the direction that was meant.
          expect(out || text.startsWith('xdp') || /ingress|prerouting|input/.test(text)).toBe(true);
        });
        await expect.poll(passes, PATIENCE).toBe(true);
      });
    });
  });

  test.each(['xmit', 'out'].filter((side) => has(`lwt-${side}`)))('a route, lwt-%s', async (side) => {
    await withCable('r', async (a, b) => {
      b.run(['ip', 'address', 'add', '10.78.0.2/32', 'dev', 'v1']);
      await withProgram(`on_lwt_${side}`, async ({ program, hits }) => {
        const made = await attach(program, `lwt-${side}:10.78.0.2 via ${B} dev v0`, a);
        expect(arrives(a, b, '10.78.0.2')).toBe(false);
        expect(hits()).toBeGreaterThan(0);
        expect(a.run(['ip', 'route', 'show', '10.78.0.2'])).toMatch(new RegExp(`encap bpf ${side} .*on_lwt_${side}`));
        await rollbackChange(made.change);
        expect(a.run(['ip', 'route', 'show', '10.78.0.2'])).toBe('');
      });
    });
  });

  test.runIf(has('lwt-in'))('a route to the own node, lwt-in', async () => {
    await withCable('i', async (a, b) => {
      b.run(['sysctl', '-qw', 'net.ipv4.ip_forward=1']);
      a.run(['ip', 'route', 'add', '10.79.0.9', 'via', B]);
      await withProgram('on_lwt_in', async ({ program, hits }) => {
        const made = await attach(program, `lwt-in:10.79.0.9 via ${A} dev v1`, b);
        using sender = inNetns(a.path, () => openSocket(2, 2, 0));
        sendTo(sender, Buffer.from('hello'), socketAddress('10.79.0.9'));
        await expect.poll(hits, PATIENCE).toBeGreaterThan(0);
        await rollbackChange(made.change);
      });
    });
  });
});

describe('a row of programs at tcx', () => {
  test('has the places that are asked for, and refuses what no longer fits', async () => {
    await withNetns('t', async (netns) => {
      await withProgram('on_tcx_ingress', async ({ program: first }) => await withProgram('on_tc', async ({ program: second }) => await withProgram('pass_tc', async ({ program: third }) => {
        const place = async (program: ObjectProgram['program'], more: Partial<AttachRequest>): Promise<Attached> => await attachProgram({
          reference: { by: 'id', id: program.info().id }, attach: ['tcx-ingress:lo'], argv: [], netns: { path: netns.path, label: netns.name }, ...more,
        });
        const row = (): { id: number; revision: bigint | undefined }[] =>
          listAttachments().filter((one) => one.netns?.label === netns.name).map(({ programId, revision }) => ({ id: programId, revision }));
        const [a, b, c] = [first, second, third].map((program) => program.info().id);
        await place(first, {});
        const { hooks } = await place(second, { place: { side: 'before', neighbour: { kind: 'program', id: a! } } });
        await place(third, { place: { side: 'after', neighbour: { kind: 'link', id: hooks[0]!.links[0]!.id } } });
        expect(row().map(({ id }) => id)).toEqual([b, c, a]);
        await expect(place(first, {})).rejects.toMatchObject({ code: 'SL2506', message: expect.stringContaining('it stands there already (EEXIST)') });
        const stale = row()[0]!.revision! - 1n;
        await withProgram('pass_tc', async ({ program: late }) => {
          await expect(place(late, { place: { side: 'after', expectedRevision: stale } })).rejects.toMatchObject({ code: 'SL2506', message: expect.stringContaining('the row has changed') });
          await place(late, { place: { side: 'before', expectedRevision: stale + 1n } });
          expect(row()[0]!.id).toBe(late.info().id);
        });
        expect(listAttachments().filter(({ netns: where, hook }) => where?.label === netns.name && hook !== 'tcx-ingress')).toEqual([]);
      })));
    });
  });
});

test('what others attached to tcx without a link is listed and taken off', async () => {
  await withNetns('u', async (netns) => await withProgram('pass_tc', async ({ program }) => {
    inNetns(netns.path, () => new Attr().u32(0, 1).u32(4, program.fd.number).u32(8, bpf.BPF_TCX_EGRESS).call(bpf.BPF_PROG_ATTACH, 'BPF_PROG_ATTACH'));
    const { id } = program.info();
    const standing = (): string[] => listAttachments().filter(({ programId }) => programId === id).map(describeAttachment);
    expect(standing()).toEqual([`lo (${netns.name}) tcx-egress 1`]);
    const asked: string[] = [];
    await detachProgram({ reference: { by: 'id', id }, ask: async (what) => void asked.push(...what) });
    expect(asked).toEqual([`lo (${netns.name}) tcx-egress 1, of somebody who left no pin`]);
    expect(standing()).toEqual([]);
  }));
});

test('a netfilter program sees fragments, or with defrag the whole packet', async () => {
  await withCable('g', async (a, b) => await withProgram('on_netfilter', async ({ program, hits }) => {
    const send = (): void => {
      using sender = inNetns(a.path, () => openSocket(2, 2, 0));
      sendTo(sender, Buffer.alloc(3000), socketAddress(B));
    };
    await attached(program, 'netfilter:ipv4/prerouting/-399', b, async () => {
      send();
      await expect.poll(hits, PATIENCE).toBe(3);
    });
    await attached(program, 'netfilter:ipv4/prerouting/-399/defrag', b, async () => {
      send();
      await expect.poll(hits, PATIENCE).toBe(4);
    });
  }));
});

test('two netfilter programs cannot have one priority', async () => {
  await withNetns('n', async (netns) => await withProgram('on_netfilter', async ({ program }) => {
    await attached(program, 'netfilter:ipv6/forward/9', netns, async () => {
      await expect(attach(program, 'netfilter:ipv6/forward/9', netns)).rejects.toMatchObject({ code: 'SL2506', message: expect.stringContaining('another program has this priority') });
    });
  }));
});

describe('a network namespace', () => {
  test('asks about sockets, sk_lookup', async () => {
    await withCable('s', async (a, b) => {
      await withProgram('on_sk_lookup', async ({ program, hits }) => {
        await attached(program, 'sk_lookup', b, () => {
          expect(arrives(a, b, B)).toBe(true);
          expect(hits()).toBeGreaterThan(0);
        });
        const before = hits();
        expect(arrives(a, b, B)).toBe(true);
        expect(hits()).toBe(before);
      });
    });
  });

  test('takes packets apart, flow_dissector', async () => {
    await withCable('f', async (a, b) => {
      // Spreading packets over CPUs goes by their hash, for which the kernel looks into them.
      execFileSync('ip', ['netns', 'exec', b.name, 'tee', '/sys/class/net/v1/queues/rx-0/rps_cpus'], { input: '3' });
      await withProgram('on_flow_dissector', async ({ program, hits }) => {
        await attached(program, 'flow_dissector', b, async () => {
          arrives(a, b, B);
          await expect.poll(hits, PATIENCE).toBeGreaterThan(0);
        });
      });
    });
  });
});

describe('the sockets of a map', () => {
  /** A connection to ourselves whose receiving end is in the map. */
  async function withConnection(object: LoadedObject, use: (sender: Socket, receiver: Socket) => Promise<void>, inMap: 'sender' | 'receiver'): Promise<void> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
    const sender = connect((server.address() as { port: number }).port, '127.0.0.1');
    const receiver = await accepted;
    try {
      const fd = ((inMap === 'sender' ? sender : receiver) as unknown as { _handle: { fd: number } })._handle.fd;
      object.map('sockets').update(Buffer.alloc(4), Buffer.from(Int32Array.of(fd).buffer));
      await use(sender, receiver);
    } finally {
      sender.destroy();
      receiver.destroy();
      server.close();
    }
  }

  test.each([
    ['sk_msg', 'on_sk_msg', 'sender'], ['sk_skb-verdict', 'on_skb_verdict', 'receiver'], ['sk_skb-stream-verdict', 'on_stream_verdict', 'receiver'],
  ] as const)('%s', async (hook, name, inMap) => {
    await withProgram(name, async ({ program, hits, object }) => {
      await attached(program, `${hook}:${object.map('sockets').info().id}`, undefined, async () => {
        await withConnection(object, async (sender, receiver) => {
          const text = new Promise<string>((resolve) => receiver.once('data', (data) => resolve(data.toString())));
          sender.write('hello');
          expect(await text).toBe('hello');
          expect(hits()).toBeGreaterThan(0);
        }, inMap);
      });
    });
  });

  test('sk_skb-stream-parser, which a verdict needs beside it', async () => {
    await withProgram('on_stream_parser', async ({ program, hits, object: parser }) => {
      using verdicts = loadObject(bytes, 'hooks', { programs: ['on_stream_verdict'], allMaps: true, maps: { sockets: parser.map('sockets') } });
      const map = `${parser.map('sockets').info().id}`;
      await attached(program, `sk_skb-stream-parser:${map}`, undefined, async () => {
        await attached(verdicts.program('on_stream_verdict'), `sockmap:${map}`.replace('sockmap', 'sk_skb-stream-verdict'), undefined, async () => {
          await withConnection(parser, async (sender, receiver) => {
            const text = new Promise<string>((resolve) => receiver.once('data', (data) => resolve(data.toString())));
            sender.write('hello');
            expect(await text).toBe('hello');
            expect(hits()).toBeGreaterThan(0);
          }, 'receiver');
        });
      });
    });
  });
});

/** Programs of the fixture by the hooks of cgroups. */
const CGROUP_PROGRAMS: Readonly<Record<string, string>> = {
  'cgroup-ingress': 'on_cg_ingress', 'cgroup-egress': 'on_cg_egress', 'cgroup-getpeername-unix': 'on_getpeer_unix', 'cgroup-getsockname-unix': 'on_getsock_unix', lsm_cgroup: 'on_lsm_cgroup',
};
const cgroupProgram = (hook: string): string => CGROUP_PROGRAMS[hook] ?? `on_${hook.slice('cgroup-'.length).replaceAll('-', '_')}`;
const CGROUP_HOOKS = HOOKS.filter(({ kind, name }) => kind === 'cgroup' && has(name)).map(({ name }) => name);

describe('a cgroup', () => {
  test('runs a program at each of its hooks for the sockets in it, attached as one change while loading', async () => {
    await withCgroup('hooks', async (cgroup) => await withNetns('c', async (netns) => {
      const { programs, change, attached: places } = await load('hooks', CGROUP_HOOKS.map((hook) => `${cgroupProgram(hook)}=${hook}:${cgroup}`), CGROUP_HOOKS.map(cgroupProgram));
      expect(places).toHaveLength(CGROUP_HOOKS.length);
      const ids = new Set(programs.map(({ id }) => id));
      const standing = (): string[] => listAttachments().filter(({ programId }) => ids.has(programId)).map(({ hook, target }) => `${hook} ${target}`).sort();
      expect(standing()).toEqual(CGROUP_HOOKS.map((hook) => `${hook} ${cgroup}`).sort());
      expect(exerciseCgroup(cgroup, netns.path, mkdtempSync(join(state.root, 'unix-')))).toBe('');
      using hits = findMap({ by: 'pin', path: join(state.env.SLUICE_BPFFS, 'sluice/programs/hooks/maps/hits') });
      expect(CGROUP_HOOKS.filter((hook) => hits.lookup(Buffer.from(cgroupProgram(hook).padEnd(32, '\0'))) === undefined), 'hooks that saw nothing').toEqual([]);
      await rollbackChange(change);
      await expect.poll(standing, PATIENCE).toEqual([]);
    }));
  });

  test('refuses connections until the change is undone; cgroup: is enough where the type tells the hook', async () => {
    await withCgroup('deny', async (cgroup) => await withNetns('d', async (netns) => {
      const exercise = (): string => exerciseCgroup(cgroup, netns.path, mkdtempSync(join(state.root, 'unix-')));
      await withProgram('deny_connect4', async ({ program }) => {
        await expect(attach(program, `cgroup:${cgroup}`)).rejects.toMatchObject({ code: 'SL2500' });
        await attached(program, `cgroup-connect4:${cgroup}`, undefined, () => expect(exercise()).toBe('refused connect: Operation not permitted\n'));
        expect(exercise()).toBe('');
      });
      await withProgram('on_sock_ops', async ({ program, hits }) => {
        await attached(program, `cgroup:${cgroup}`, undefined, () => {
          exercise();
          expect(hits()).toBeGreaterThan(0);
        });
      });
    }));
  });
});

/** The C library that this process uses, whose functions other programs call. */
const libc = (): string => /\S+\/libc\.so\.6$/m.exec(readFileSync('/proc/self/maps', 'latin1'))![0];

describe('something that happens is counted by', () => {
  const udp = (): void => {
    using socket = openSocket(2, 2, 0);
    sendTo(socket, Buffer.from('hello'), socketAddress('127.0.0.1'));
  };
  const file = (): void => void readFileSync('/dev/null');
  const program = async (): Promise<void> => void (await run(['/bin/ls', '/dev/null']));
  const busy = (): void => {
    for (const end = Date.now() + 100; Date.now() < end;);
  };

  test.each(([
    ['tracepoint', 'on_tracepoint', () => 'tracepoint:syscalls/sys_enter_openat', file],
    ['raw_tp', 'on_raw_tp', () => 'raw_tp:sched_switch', program],
    ['tp_btf', 'on_tp_btf', () => 'tp_btf:sched_switch', program],
    ['fentry', 'on_fentry', () => 'fentry', udp], ['fexit', 'on_fexit', () => 'fexit', udp],
    ['fmod_ret', 'on_fmod_ret', () => 'fmod_ret', udp], ['lsm', 'on_lsm', () => 'lsm', udp],
    ['kprobe', 'on_kprobe', () => 'kprobe:udp_sendmsg', udp], ['kretprobe', 'on_kretprobe', () => 'kretprobe:udp_sendmsg', udp],
    ['kprobe.multi', 'on_kprobe_multi', () => 'kprobe.multi:udp_sendms*', udp], ['kretprobe.multi', 'on_kretprobe_multi', () => 'kretprobe.multi:udp_sendmsg', udp],
    ['uprobe', 'on_uprobe', () => `uprobe:${libc()}:setlocale`, program], ['uretprobe', 'on_uretprobe', () => 'uretprobe:libc.so.6:setlocale', program],
    ['uprobe.multi', 'on_uprobe_multi', () => `uprobe.multi:${libc()}:setlocale,opendir`, program],
    ['uretprobe.multi', 'on_uretprobe_multi', () => `uretprobe.multi:${libc()}:setlocale`, program],
    ['perf_event', 'on_perf_event', () => 'perf_event:cpu-clock/999', busy],
  ] as const).filter(([hook]) => has(hook)))('%s', async (_, name, spec, happen) => {
    await withProgram(name, async ({ program: loaded, hits }) => {
      await attached(loaded, spec(), undefined, async () => {
        await happen();
        await expect.poll(hits, PATIENCE).toBeGreaterThan(0);
      });
    });
  });
});

test('a table of struct_ops is in force until the change is undone', async () => {
  const known = (): boolean => readFileSync('/proc/sys/net/ipv4/tcp_available_congestion_control', 'latin1').includes('sluice_fixture');
  const { change } = await load('struct-ops-link', ['struct_ops:congestion']);
  expect(known()).toBe(true);
  expect(listAttachments()).toContainEqual(expect.objectContaining({ hook: 'struct_ops', target: 'congestion', gone: false }));
  await rollbackChange(change);
  await expect.poll(known, PATIENCE).toBe(false);
});

describe('an iterator', () => {
  test('of tasks is read through its link, and by any program through its pin', async () => {
    await withProgram('on_iter_task', async ({ program }) => {
      await attached(program, 'iter', undefined, ({ hooks }) => {
        const [{ id, pin }] = hooks[0]!.links as [{ id: number; pin: string }];
        expect([...readLink({ by: 'id', id })].join('')).toMatch(/^(task\n){5,}$/);
        expect(readFileSync(pin, 'latin1')).toMatch(/^(task\n){5,}$/);
      });
      await attached(program, `iter:pid=${process.pid}`, undefined, ({ hooks }) => expect([...readLink({ by: 'id', id: hooks[0]!.links[0]!.id })].join('')).toMatch(/^(task\n)+$/));
    });
  });

  test('of a map walks the elements of the one that is named', async () => {
    await withProgram('on_iter_map', async ({ program, object }) => {
      for (const text of ['a', 'b', 'c']) object.map('hits').update(Buffer.from(text.padEnd(32, '\0')), Buffer.alloc(8));
      await attached(program, `iter:map=${object.map('hits').info().id}`, undefined, ({ hooks }) =>
        expect([...readLink({ by: 'id', id: hooks[0]!.links[0]!.id })].join('')).toBe('elem\nelem\nelem\n'));
    });
  });
});

test('hooks that this kernel has not say what it lacks', () => {
  const missing = ALL.filter(({ available }) => !available);
  for (const { name, reason } of missing) process.stdout.write(`not supported here: ${name}: ${reason}\n`);
  expect(missing.filter(({ reason = '' }) => !/CONFIG_|Linux \d|EPERM|EOPNOTSUPP|ENOTSUP/.test(reason))).toEqual([]);
});

test.each([
  ['kprobe', 'on_kprobe', 'kprobe:udp_sendmsg'], ['kprobe.multi', 'on_kprobe_multi', 'kprobe.multi:udp_sendmsg'],
].filter(([name]) => !has(name!)))('%s is refused here, with what the kernel lacks, and nothing stays', async (_, name, text) => {
  await withProgram(name!, async ({ program }) => {
    await expect(attach(program, text!)).rejects.toMatchObject({ reason: 'unsupported', message: expect.stringContaining('CONFIG_') });
    expect(listAttachments().filter(({ programId }) => programId === program.info().id)).toEqual([]);
  });
});

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { chooseProgram, splitWish } from '../../../src/domain/programs/attach/choose.ts';
import { judgesPackets, readPlacing } from '../../../src/domain/programs/attach/flags.ts';
import { linkPinName } from '../../../src/domain/programs/attach/pins.ts';
import { explainRefusal, missingFeature } from '../../../src/domain/programs/attach/refusal/inspect.ts';
import { readAttachSpec, type AttachSpec } from '../../../src/domain/programs/attach/spec.ts';
import { findHook, HOOKS } from '../../../src/domain/bpf/index.ts';
import { SyscallError } from '../../../src/lib/errors.ts';

describe('--attach', () => {
  test.each([
    ['xdp:eth0', { type: 'xdp' }, 'xdp', { kind: 'device', name: 'eth0' }],
    ['xdp-generic:br-lan.7', { type: 'xdp' }, 'xdp-generic', { kind: 'device', name: 'br-lan.7' }],
    ['tcx-egress:eth0', { type: 'sched_cls' }, 'tcx-egress', { kind: 'device', name: 'eth0' }],
    ['tcx:eth0', { type: 'sched_cls', section: 'tcx/egress' }, 'tcx-egress', { kind: 'device', name: 'eth0' }],
    ['netfilter:ipv4/input/-10', { type: 'netfilter' }, 'netfilter', { kind: 'netfilter', family: 2, hook: 1, priority: -10, defrag: false }],
    ['netfilter:ipv6/postrouting', { type: 'netfilter' }, 'netfilter', { kind: 'netfilter', family: 10, hook: 4, priority: 0, defrag: false }],
    ['netfilter:ipv4/prerouting/5/defrag', { type: 'netfilter' }, 'netfilter', { kind: 'netfilter', family: 2, hook: 0, priority: 5, defrag: true }],
    ['cgroup-connect4:/sys/fs/cgroup/x', { type: 'cgroup_sock_addr' }, 'cgroup-connect4', { kind: 'path', path: '/sys/fs/cgroup/x' }],
    ['cgroup:/sys/fs/cgroup/x', { type: 'cgroup_sock_addr', section: 'cgroup/sendmsg6' }, 'cgroup-sendmsg6', { kind: 'path', path: '/sys/fs/cgroup/x' }],
    ['cgroup:/x', { type: 'sock_ops' }, 'cgroup-sock-ops', { kind: 'path', path: '/x' }],
    ['sockmap:/sys/fs/bpf/m', { type: 'sk_msg' }, 'sk_msg', { kind: 'map', reference: '/sys/fs/bpf/m' }],
    ['sk_lookup', { type: 'sk_lookup' }, 'sk_lookup', { kind: 'none' }],
    ['tracepoint:syscalls/sys_enter_openat', { type: 'tracepoint' }, 'tracepoint', { kind: 'tracepoint', category: 'syscalls', name: 'sys_enter_openat' }],
    ['tracepoint', { type: 'tracepoint', section: 'tp/sched/sched_switch' }, 'tracepoint', { kind: 'tracepoint', category: 'sched', name: 'sched_switch' }],
    ['raw_tp:sched_switch', { type: 'raw_tracepoint' }, 'raw_tp', { kind: 'name', name: 'sched_switch' }],
    ['kprobe:tcp_v4_connect', { type: 'kprobe' }, 'kprobe', { kind: 'function', name: 'tcp_v4_connect', offset: 0n }],
    ['kretprobe', { type: 'kprobe', section: 'kprobe/udp_sendmsg+0x10' }, 'kretprobe', { kind: 'function', name: 'udp_sendmsg', offset: 16n }],
    ['kprobe.multi:tcp_v4_*,udp_*', { type: 'kprobe' }, 'kprobe.multi', { kind: 'functions', patterns: ['tcp_v4_*', 'udp_*'] }],
    ['uprobe:/bin/sh:main+0x10', { type: 'kprobe' }, 'uprobe', { kind: 'places', path: '/bin/sh', places: [{ symbol: 'main', offset: 16n }] }],
    ['uprobe:/odd:name/x:0x1234', { type: 'kprobe' }, 'uprobe', { kind: 'places', path: '/odd:name/x', places: [{ offset: 0x1234n }] }],
    ['uprobe', { type: 'kprobe', section: 'uprobe/libc.so.6:malloc' }, 'uprobe', { kind: 'places', path: 'libc.so.6', places: [{ symbol: 'malloc', offset: 0n }] }],
    ['uprobe.multi:/bin/sh:a,b+1', { type: 'kprobe' }, 'uprobe.multi', { kind: 'places', path: '/bin/sh', places: [{ symbol: 'a', offset: 0n }, { symbol: 'b', offset: 1n }] }],
    ['fentry', { type: 'tracing', section: 'fentry/tcp_connect' }, 'fentry', { kind: 'name', name: 'tcp_connect' }],
    ['fexit', { type: 'tracing' }, 'fexit', { kind: 'none' }],
    ['lsm:file_open', { type: 'lsm' }, 'lsm', { kind: 'name', name: 'file_open' }],
    ['perf_event:cpu-clock', { type: 'perf_event' }, 'perf_event', { kind: 'counter', event: 'cpu-clock', frequency: 99 }],
    ['perf_event:page-faults/1', { type: 'perf_event' }, 'perf_event', { kind: 'counter', event: 'page-faults', frequency: 1 }],
    ['iter', { type: 'tracing', section: 'iter/task' }, 'iter', { kind: 'iterator' }],
    ['iter:map=/sys/fs/bpf/m', { type: 'tracing' }, 'iter', { kind: 'iterator', over: { what: 'map', which: '/sys/fs/bpf/m' } }],
    ['iter:pid=12', { type: 'tracing' }, 'iter', { kind: 'iterator', over: { what: 'pid', which: '12' } }],
    ['struct_ops:table', { type: 'struct_ops' }, 'struct_ops', { kind: 'name', name: 'table' }],
    ['lwt-xmit:10.1.0.0/16 via 10.0.0.1 dev eth0', { type: 'lwt_xmit' }, 'lwt-xmit', { kind: 'route', destination: '10.1.0.0', prefixLength: 16, gateway: '10.0.0.1', device: 'eth0' }],
    ['lwt-in:fd00::1 dev eth0', { type: 'lwt_in' }, 'lwt-in', { kind: 'route', destination: 'fd00::1', prefixLength: 128, device: 'eth0' }],
  ])('%s of %j is at %s', (text, facts, hook, target) => {
    const spec = readAttachSpec(text, facts);
    expect(spec.hook.name).toBe(hook);
    expect(spec.target).toEqual(target);
  });

  test.each([
    ['xdp', { type: 'xdp' }, 'SL2500', 'xdp needs a target'],
    ['xdp:', { type: 'xdp' }, 'SL2500', 'xdp needs a target'],
    ['xdp:a/b', { type: 'xdp' }, 'SL2500', "'a/b' is no target"],
    ['xdp:averyveryverylongname', { type: 'xdp' }, 'SL2500', 'is no target'],
    ['xpd:eth0', { type: 'xdp' }, 'SL2500', 'there is no hook xpd'],
    ['', { type: 'xdp' }, 'SL2500', 'there is no hook'],
    ['xdp:eth0', { type: 'sched_cls' }, 'SL2501', 'xdp takes xdp programs, and this one is sched_cls'],
    ['cgroup:/x', { type: 'cgroup_sock_addr' }, 'SL2500', 'cgroup alone does not say which hook'],
    ['tcx:eth0', { type: 'sched_cls', section: 'tc' }, 'SL2500', 'tcx alone does not say which hook'],
    ['netfilter:ipv5/input', { type: 'netfilter' }, 'SL2500', 'is no target'],
    ['netfilter:ipv4/inputs', { type: 'netfilter' }, 'SL2500', 'is no target'],
    ['netfilter:ipv4/input/99999999999', { type: 'netfilter' }, 'SL2500', 'is no target'],
    ['netfilter:ipv4/input/2147483648', { type: 'netfilter' }, 'SL2500', 'is no target'],
    ['netfilter:ipv4/input/0/frag', { type: 'netfilter' }, 'SL2500', 'is no target'],
    ['tracepoint:openat', { type: 'tracepoint' }, 'SL2500', 'is no target'],
    ['tracepoint:../../etc/passwd', { type: 'tracepoint' }, 'SL2500', 'is no target'],
    ['kprobe:a b', { type: 'kprobe' }, 'SL2500', 'is no target'],
    ['uprobe:/bin/sh', { type: 'kprobe' }, 'SL2500', 'is no target'],
    ['uprobe:/bin/sh:a,b', { type: 'kprobe' }, 'SL2500', 'is no target'],
    ['perf_event:cpu-clock/0', { type: 'perf_event' }, 'SL2500', 'is no target'],
    ['iter:pid=me', { type: 'tracing' }, 'SL2500', 'is no target'],
    ['sk_lookup:eth0', { type: 'sk_lookup' }, 'SL2500', 'is no target'],
    ['lwt-xmit:10.1.0.0/16', { type: 'lwt_xmit' }, 'SL2500', 'is no target'],
    ['lwt-xmit:10.1.0.0/33 dev eth0', { type: 'lwt_xmit' }, 'SL2500', 'is no target'],
    ['lwt-xmit:10.1.0.0/16 via nowhere', { type: 'lwt_xmit' }, 'SL2500', 'is no target'],
  ])('%s of %j is refused with %s', (text, facts, code, message) => {
    expect(() => readAttachSpec(text, facts)).toThrow(expect.objectContaining({ code, message: expect.stringContaining(message) }));
  });
});

describe('which program of an object is meant', () => {
  const programs = [
    { name: 'in', section: 'tcx/ingress', type: 'sched_cls' }, { name: 'out', section: 'tcx/egress', type: 'sched_cls' }, { name: 'drop', section: 'xdp', type: 'xdp' },
  ];

  test.each([
    ['xdp:eth0', 'drop'], ['tcx-ingress:eth0', 'in'], ['tcx-egress:eth0', 'out'], ['out=tcx-ingress:eth0', 'out'],
  ])('%s: %s', (text, name) => {
    const { program, attach } = splitWish(text);
    expect(chooseProgram(programs, program, attach).name).toBe(name);
  });

  test('several, or none, are refused with their names', () => {
    expect(() => chooseProgram(programs, undefined, 'tc-ingress:eth0')).toThrow(expect.objectContaining({ code: 'SL2500', causes: ['in (tcx/ingress)', 'out (tcx/egress)'] }));
    expect(() => chooseProgram(programs, 'drip', 'xdp:eth0')).toThrow('no program called drip');
    expect(() => chooseProgram(programs, undefined, 'netfilter:ipv4/input')).toThrow('no program that netfilter takes');
  });

  test('an equals sign in the target is none of a program', () => {
    expect(splitWish('iter:map=/sys/fs/bpf/m')).toEqual({ attach: 'iter:map=/sys/fs/bpf/m' });
    expect(splitWish('dump=iter:map=7')).toEqual({ program: 'dump', attach: 'iter:map=7' });
  });
});

describe('where in a row', () => {
  test.each([
    [{ before: '412' }, { place: { side: 'before', neighbour: { kind: 'program', id: 412 } } }],
    [{ after: 'link:7', revision: '3' }, { place: { side: 'after', neighbour: { kind: 'link', id: 7 }, expectedRevision: 3n } }],
    [{ before: 'all' }, { place: { side: 'before' } }],
    [{ prio: 5 }, { preference: 5 }],
    [{}, {}],
  ])('%j', (flags, placing) => expect(readPlacing(flags)).toEqual(placing));

  test.each([{ before: 'him' }, { after: 'link:' }, { revision: 'x' }, { before: '-1' }])('%j is refused', (flags) => {
    expect(() => readPlacing(flags)).toThrow(expect.objectContaining({ code: 'SL2500' }));
  });
});

test('only hooks that judge packets or connections make a session wait for a confirmation', () => {
  expect(judgesPackets(['xdp:eth0'])).toBe(true);
  expect(judgesPackets(['fw=cgroup:/x'])).toBe(true);
  expect(judgesPackets(['kprobe:do_exit', 'iter'])).toBe(false);
  expect(judgesPackets([])).toBe(false);
});

test('names of pins are free, short and without dots', () => {
  expect(linkPinName(['fw.drop', 'xdp', 'eth0.7'], () => false)).toBe('fw_drop-xdp-eth0_7');
  expect(linkPinName(['a', 'iter', ''], (name) => name === 'a-iter')).toBe('a-iter-2');
  expect(linkPinName(['x'.repeat(300), 'xdp'], () => false)).toHaveLength(100);
});

describe('a kernel that lacks a hook', () => {
  test.each([
    ['tcx-ingress', '5.10.0-28-amd64', [], { needs: 'Linux 6.6', found: 'this is 5.10.0-28-amd64' }],
    ['tcx-ingress', '6.6.1', [], undefined],
    ['tc-ingress', '5.10.0', [], undefined],
    ['netkit-peer', '6.18.4', [['CONFIG_BPF', 'y']], { needs: 'a kernel built with CONFIG_NETKIT', found: 'this 6.18.4 is not' }],
    ['kprobe', '6.1.0', [['CONFIG_KPROBE_EVENTS', 'y']], undefined],
    ['kprobe.multi', '5.17', [['CONFIG_FPROBE', 'y']], { needs: 'Linux 5.18', found: 'this is 5.17' }],
  ] as const)('%s on %s', (name, version, options, missing) => {
    expect(missingFeature(findHook(name)!, version, new Map(options))).toEqual(missing);
  });

  test('is told so, with what takes the same programs', () => {
    const spec = readAttachSpec('tcx-ingress:eth0', { type: 'sched_cls' });
    const old: AttachSpec = { ...spec, hook: { ...spec.hook, since: '99.1' } };
    expect(explainRefusal(new SyscallError('bpf(BPF_LINK_CREATE fw)', 22, 'EINVAL'), 'fw', old)).toMatchObject({
      code: 'SL2503', reason: 'unsupported', hints: ['--attach tc-ingress:eth0'], message: expect.stringMatching(/^--attach tcx-ingress:eth0 needs Linux 99\.1; this is \d/),
    });
  });

  test.each([
    ['EPERM', 'permission'], ['EBADF', 'usage'], ['ENOENT', 'not-found'], ['EBUSY', 'failed'], ['ENOSPC', 'failed'],
  ])('%s means %s', (errnoName, reason) => {
    const spec = readAttachSpec('cgroup-sock-ops:/x', { type: 'sock_ops' });
    expect(explainRefusal(new SyscallError('bpf(BPF_LINK_CREATE fw)', 1, errnoName), 'fw', spec)).toMatchObject({ code: 'SL2506', reason, message: expect.stringContaining('cannot attach fw to cgroup-sock-ops:/x') });
  });
});

test('the manual names every hook', () => {
  const manual = readFileSync(join(import.meta.dirname, '../../../man/sluice-bpf.8'), 'utf8').replaceAll('\\-', '-');
  const hooks = manual.slice(manual.indexOf('.SS Hooks'), manual.indexOf('.SH COMMANDS'));
  expect(HOOKS.filter(({ kind, name }) => kind !== 'cgroup' && !hooks.includes(name)).map(({ name }) => name)).toEqual([]);
});

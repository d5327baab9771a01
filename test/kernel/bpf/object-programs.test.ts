import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BpfProgram, loadObject, programTypeName, type LoadedObject } from '../../../src/kernel/bpf/index.ts';
import { programTypeOf } from '../../../src/kernel/bpf/object/program-type.ts';
import { SyscallError } from '../../../src/lib/errors.ts';
import { bpf as uapi } from '../../../src/kernel/uapi/index.ts';
import { run } from '../../../src/tools/index.ts';
import { Fixtures } from '../../support/compile-bpf.ts';
import { requireKernel, requireRoot } from '../../support/require.ts';

let fixtures: Fixtures;

beforeAll(() => {
  requireRoot();
  fixtures = new Fixtures();
});

afterAll(() => fixtures.remove());

test('every name of a section that bpftool lists is known', async () => {
  const { stderr } = await run(['bpftool', 'prog', 'loadall', await fixtures.compile('unknown-section'), '/nowhere'], { allowFailure: true });
  const names = /supported section\(type\) names are: (.*)/.exec(stderr)![1]!.trim().split(/\s+/);
  expect(names.length).toBeGreaterThan(70);
  expect(names.filter((name) => programTypeOf(name.replace(/\+$/, '/target')) === undefined)).toEqual([]);
});

test('sections that bpftool does not know yet are loaded for their hook; those with ? only when they are named', async () => {
  requireKernel('6.13', 'sessions of uprobes');
  const bytes = await fixtures.read('new-sections');
  using object = loadObject(bytes, 'new-sections');
  const rows = object.programs.map(({ kind, program }) => [kind.hook, programTypeName(program.info().type), kind.expectedAttachType, kind.target]);
  expect(rows).toEqual([
    ['kprobe.session', 'kprobe', uapi.BPF_TRACE_KPROBE_SESSION, 'tcp_*'],
    ['uprobe.multi', 'kprobe', uapi.BPF_TRACE_UPROBE_MULTI, '/bin/sh:*'],
    ['uretprobe.multi.s', 'kprobe', uapi.BPF_TRACE_UPROBE_MULTI, '/bin/sh:*'],
    ['uprobe.session.s', 'kprobe', uapi.BPF_TRACE_UPROBE_SESSION, '/bin/sh:*'],
    ['tc/ingress', 'sched_cls', uapi.BPF_TCX_INGRESS, undefined],
    ['tc/egress', 'sched_cls', uapi.BPF_TCX_EGRESS, undefined],
    ['tcx/ingress', 'sched_cls', uapi.BPF_TCX_INGRESS, undefined],
    ['tcx/egress', 'sched_cls', uapi.BPF_TCX_EGRESS, undefined],
    ['netkit/primary', 'sched_cls', uapi.BPF_NETKIT_PRIMARY, undefined],
    ['netkit/peer', 'sched_cls', uapi.BPF_NETKIT_PEER, undefined],
    ['netfilter', 'netfilter', uapi.BPF_NETFILTER, undefined],
    ['sk_skb/verdict', 'sk_skb', uapi.BPF_SK_SKB_VERDICT, undefined],
    ['cgroup/connect_unix', 'cgroup_sock_addr', uapi.BPF_CGROUP_UNIX_CONNECT, undefined],
    ['cgroup/sendmsg_unix', 'cgroup_sock_addr', uapi.BPF_CGROUP_UNIX_SENDMSG, undefined],
    ['cgroup/recvmsg_unix', 'cgroup_sock_addr', uapi.BPF_CGROUP_UNIX_RECVMSG, undefined],
    ['cgroup/getpeername_unix', 'cgroup_sock_addr', uapi.BPF_CGROUP_UNIX_GETPEERNAME, undefined],
    ['cgroup/getsockname_unix', 'cgroup_sock_addr', uapi.BPF_CGROUP_UNIX_GETSOCKNAME, undefined],
  ]);
  using named = loadObject(bytes, 'new-sections', { programs: ['in_on_request'] });
  expect(named.programs.map(({ section }) => section)).toEqual(['?xdp']);
  using chosen = loadObject(bytes, 'new-sections', { sections: ['tc/ingress', 'netfilter'], programs: ['in_netfilter'] });
  expect(chosen.programs.map(({ name }) => name)).toEqual(['in_netfilter', 'in_tc_ingress']);
});

describe('programs inside kernel functions', () => {
  test.each([
    ['in_fentry', 'tracing'], ['in_fexit', 'tracing'], ['in_fmod_ret', 'tracing'], ['in_fentry_s', 'tracing'], ['in_fexit_s', 'tracing'], ['in_fmod_ret_s', 'tracing'],
    ['in_lsm', 'lsm'], ['in_lsm_s', 'lsm'], ['in_lsm_cgroup', 'lsm'],
  ])('%s: its function is found, and the kernel takes it or forbids all of them', async (program, type) => {
    const bytes = await fixtures.read('trampolines');
    expect([type, 'EPERM']).toContain(typeOrErrno(() => loadObject(bytes, 'trampolines', { programs: [program] }), program));
  });

  test('need a function that this kernel has', async () => {
    const bytes = await fixtures.read('trampolines');
    expect(() => loadObject(renamed(bytes, 'fentry/tcp_v4_rcv', 'fentry/tcp_v9_rcv'), 'x', { programs: ['in_fentry'] })).toThrow(expect.objectContaining({
      code: 'SL2405', message: 'x: this kernel has no function tcp_v9_rcv, which in_fentry is for', reason: 'unsupported',
    }));
  });
});

describe('a program that replaces a function of another', () => {
  test('needs that other one', async () => {
    const bytes = await fixtures.read('replacing');
    expect(() => loadObject(bytes, 'replacing')).toThrow(expect.objectContaining({ code: 'SL2407', hints: ['name that program: --target PROGRAM'] }));
    using without = BpfProgram.load({
      name: 'plain', type: uapi.BPF_PROG_TYPE_XDP, expectedAttachType: 0, instructions: Buffer.from('b7000000020000009500000000000000', 'hex'), license: 'GPL',
    });
    expect(() => loadObject(bytes, 'replacing', { target: without })).toThrow(expect.objectContaining({ code: 'SL2407', causes: ['it was loaded without BTF'] }));
  });

  test('is verified against it', async () => {
    using target = loadObject(await fixtures.read('functions'), 'functions', { programs: ['all'] });
    const bytes = await fixtures.read('replacing');
    expect(['ext', 'EPERM']).toContain(typeOrErrno(() => loadObject(bytes, 'replacing', { target: target.program('all') }), 'replaceable'));
    const other = renamed(bytes, 'freplace/replaceable', 'freplace/replaceabel');
    expect(() => loadObject(other, 'replacing', { target: target.program('all') })).toThrow('program all has no function replaceabel');
  });
});

/** The type of what was loaded. Some machines forbid trampolines to root as well: the kernel says so once it has accepted the target. */
function typeOrErrno(load: () => LoadedObject, program: string): string {
  try {
    using object = load();
    return programTypeName(object.program(program).info().type);
  } catch (error) {
    return error instanceof SyscallError ? error.errnoName : String(error);
  }
}

const renamed = (bytes: Buffer, from: string, to: string): Buffer => Buffer.from(bytes.toString('latin1').replaceAll(from, to), 'latin1');

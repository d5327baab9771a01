import { describe, expect, test } from 'vitest';
import { type Holders, type HolderProcess, ownershipOf } from '../../../src/domain/bpf/index.ts';
import { readCgroup } from '../../../src/domain/bpf/holders/cgroup.ts';

const ID = '0123456789abcdef'.repeat(4);

describe('where a process runs', () => {
  test.each([
    ['0::/\n', {}],
    ['0::/system.slice/cron.service\n', { cgroup: '/system.slice/cron.service', unit: 'cron.service' }],
    ['4:memory:/a\n1:name=systemd:/user.slice/user-0.slice/session-1.scope\n0::/\n', { cgroup: '/user.slice/user-0.slice/session-1.scope', unit: 'session-1.scope' }],
    ['4:memory:/long/path\n3:cpu:/short\n0::/\n', { cgroup: '/long/path' }],
    [`0::/docker/${ID}`, { cgroup: `/docker/${ID}`, container: { id: '0123456789ab', runtime: 'docker' } }],
    [`0::/system.slice/docker-${ID}.scope`, { cgroup: expect.any(String), unit: `docker-${ID}.scope`, container: { id: '0123456789ab', runtime: 'docker' } }],
    [`0::/machine.slice/libpod-${ID}.scope/container`, { cgroup: expect.any(String), unit: `libpod-${ID}.scope`, container: { id: '0123456789ab', runtime: 'podman' } }],
    [`0::/kubepods.slice/kubepods-pod11111111_2222_3333_4444_555555555555.slice/cri-containerd-${ID}.scope`, {
      cgroup: expect.any(String), unit: `cri-containerd-${ID}.scope`, container: { id: '0123456789ab', runtime: 'containerd', pod: '11111111-2222-3333-4444-555555555555' },
    }],
    [`0::/kubepods/besteffort/pod11111111-2222-3333-4444-555555555555/${ID}`, { cgroup: expect.any(String), container: { id: '0123456789ab', pod: '11111111-2222-3333-4444-555555555555' } }],
    ['nonsense', {}],
  ])('%j', (text, expected) => {
    expect(readCgroup(text)).toEqual(expected);
  });
});

describe('the owner', () => {
  const holder = (pid: number, name: string): HolderProcess => ({ pid, name });
  const holders = (changes: Partial<Holders>): Holders =>
    ({ processes: new Map(), pins: new Map(), links: new Map(), programs: new Map(), maps: new Map(), perfEvents: [], countsRuns: false, warnings: [], ...changes });

  test('is the process that holds a program or a link of it', () => {
    const found = holders({ processes: new Map([['program/1', [holder(9, 'b')]], ['link/5', [holder(8, 'a'), holder(9, 'b')]]]), links: new Map([[1, [5]]]) });
    expect(ownershipOf(found, 'program', 1)).toEqual({ owner: 'a', processes: [holder(8, 'a'), holder(9, 'b')], pins: [], orphan: false });
  });

  test('of a map is who holds a program that uses it', () => {
    const found = holders({ processes: new Map([['link/5', [holder(8, 'a')]]]), links: new Map([[1, [5]]]), programs: new Map([[7, [1]]]), pins: new Map([['map/7', ['/sys/fs/bpf/x']]]) });
    expect(ownershipOf(found, 'map', 7)).toEqual({ owner: 'a', processes: [holder(8, 'a')], pins: ['/sys/fs/bpf/x'], orphan: false });
  });

  test.each([
    ['cilium', ['/sys/fs/bpf/tc/globals/cilium_ipcache'], []],
    ['calico', ['/sys/fs/bpf/tc/globals/cali_v4_ct'], []],
    ['systemd', ['/sys/fs/bpf/systemd/lsm'], []],
    ['sluice', ['/sys/fs/bpf/sluice/migrate/x'], []],
    ['cilium', [], [holder(1, 'cilium-agent')]],
    ['bpfman', [], [holder(1, 'bpfman')]],
    [undefined, ['/sys/fs/bpf/mine'], []],
  ])('%s is known by %j %j', (owner, pins, processes) => {
    expect(ownershipOf(holders({ pins: new Map([['link/1', pins]]), processes: new Map([['link/1', processes]]) }), 'link', 1).owner).toBe(owner);
  });

  test('is who pinned the maps of a program that nobody holds', () => {
    const found = holders({ maps: new Map([[1, [6, 7]], [3, [8]]]), pins: new Map([['map/7', ['/sys/fs/bpf/tc/globals/cilium_lxc']]]) });
    expect(ownershipOf(found, 'program', 1)).toEqual({ owner: 'cilium', processes: [], pins: [], orphan: true });
    expect(ownershipOf(found, 'program', 3).owner).toBeUndefined();
  });

  test('is told by the name only where nobody holds it', () => {
    expect(ownershipOf(holders({}), 'program', 1, 'cil_from_netdev')).toEqual({ owner: 'cilium', processes: [], pins: [], orphan: true });
    expect(ownershipOf(holders({ processes: new Map([['program/1', [holder(3, 'tester')]]]) }), 'program', 1, 'cil_from_netdev').owner).toBe('tester');
  });
});

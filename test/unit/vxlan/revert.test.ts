import { expect, test } from 'vitest';
import { ownerOf } from '../../../src/domain/vxlan/owner.ts';
import { tunnelEntry } from '../../../src/domain/vxlan/steps/model.ts';
import { revertOf } from '../../../src/domain/vxlan/transaction/revert.ts';

const PROGRAMS = { ip: '/sbin/ip', bridge: '/sbin/bridge' };
const mac = (n: number): string => `02:00:00:00:00:${n.toString(16).padStart(2, '0')}`;

test('what can be repeated must succeed; what cannot may fail', () => {
  expect(revertOf([
    { do: 'create-tunnel', device: { name: 'vx', attributes: { vni: 1, port: 4789 } } }, { do: 'set-link', device: 'vx', alias: 'two words', up: true }, { do: 'add-address', device: 'vx', address: '10.0.0.1/24' },
    { do: 'fdb-append', entry: tunnelEntry('vx', mac(1), '10.0.0.2') }, { do: 'delete-link', device: 'old' },
  ], PROGRAMS)).toEqual({ files: {}, steps: [
    { title: 'ip link add name vx type vxlan id 1 dstport 4789', argv: ['/sbin/ip', 'link', 'add', 'name', 'vx', 'type', 'vxlan', 'id', '1', 'dstport', '4789'], tolerateFailure: true },
    { title: 'ip link set dev vx alias two words up', argv: ['/sbin/ip', 'link', 'set', 'dev', 'vx', 'alias', 'two words', 'up'] },
    { title: 'ip address replace 10.0.0.1/24 dev vx', argv: ['/sbin/ip', 'address', 'replace', '10.0.0.1/24', 'dev', 'vx'] },
    expect.objectContaining({ argv: expect.arrayContaining(['/sbin/bridge', 'append']) }),
    { title: 'ip link delete dev old', argv: ['/sbin/ip', 'link', 'delete', 'dev', 'old'], tolerateFailure: true },
  ] });
});

test('many of a kind go into one file for one process', () => {
  const numbers = Array.from({ length: 20 }, (_, n) => n);
  const { steps, files } = revertOf([
    ...numbers.map((n) => ({ do: 'fdb-append', entry: tunnelEntry('vx', mac(n), `10.0.0.${n}`) }) as const), ...numbers.map((n) => ({ do: 'neighbour-delete', device: 'vx', address: `10.1.0.${n}` }) as const),
  ], PROGRAMS);
  expect(steps).toEqual([
    { title: '20 lines of bridge from bridge-1.batch', argv: ['/sbin/bridge', '-force', '-batch', '-'], stdinFile: 'bridge-1.batch' },
    { title: '20 lines of ip from ip-2.batch', argv: ['/sbin/ip', '-force', '-batch', '-'], stdinFile: 'ip-2.batch', tolerateFailure: true },
  ]);
  expect(files['bridge-1.batch']!.split('\n').slice(0, 2)).toEqual([`fdb append ${mac(0)} dev vx dst 10.0.0.0 self permanent`, `fdb append ${mac(1)} dev vx dst 10.0.0.1 self permanent`]);
  expect(files['ip-2.batch']!.split('\n')).toHaveLength(21);
});

test.each([
  ['flannel.1', undefined, 'flannel'], ['flannel-v6.1', undefined, 'flannel'], ['vxlan.calico', undefined, 'calico'], ['vxlan-v6.calico', undefined, 'calico'], ['cilium_vxlan', undefined, 'cilium'],
  ['vxlan_sys_4789', undefined, 'openvswitch'], ['antrea-tun0', undefined, 'antrea'], ['vx-001000-abcde', undefined, 'docker'], ['weave', undefined, 'weave'],
  ['dc2', 'sluice', 'sluice'], ['dc2', 'sluice mesh a', 'sluice'], ['dc2', 'sluiced', 'unknown'], ['vxlan100', undefined, 'unknown'], ['myflannel.1', undefined, 'unknown'],
])('%s with alias %s belongs to %s', (name, alias, owner) => {
  expect(ownerOf(name, alias)).toBe(owner);
});

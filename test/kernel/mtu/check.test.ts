import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { checkMtu, type MtuReport } from '../../../src/domain/mtu/index.ts';
import { ip, overlayByHand, twoHosts, type Hosts } from '../../support/hosts.ts';
import { requireRoot } from '../../support/require.ts';

requireRoot();

let hosts: Hosts;

beforeAll(() => void (hosts = twoHosts('mtuc')));
afterAll(() => hosts.close());

const setPods = (mtu: number): void => hosts.pod.forEach((pod, i) => {
  ip(pod, `link set eth0 mtu ${mtu}`);
  ip(hosts.host[i]!, `link set pod mtu ${mtu}`);
});

const setFabric = (mtu: number): void => ip(hosts.fabric, `link set h1 mtu ${mtu}`, `link set h2 mtu ${mtu}`);

beforeEach(() => {
  setPods(1450);
  for (const host of hosts.host) ip(host, 'link set eth0 mtu 1500');
  setFabric(1500);
  for (const netns of [...hosts.host, ...hosts.pod]) ip(netns, 'route flush cache');
});

const check = async (to?: string): Promise<MtuReport> =>
  await checkMtu({ ...(to === undefined ? {} : { to }), netns: { path: hosts.host[0].path, label: 'h1' }, progress: () => undefined });

const found = ({ findings }: MtuReport): string[] => findings.map(({ id, severity, subject, side }) => `${id} ${severity} ${subject}: ${side}`);

it('finds nothing where everything fits, and measures 50 bytes of difference', async () => {
  overlayByHand(hosts, 'dev eth0');
  const report = await check('10.244.2.5');
  expect(found(report)).toEqual([]);
  expect(report.paths.map(({ to, links, measured }) => [to, links, measured?.mtu])).toEqual([['10.244.2.5', ['vxlan0', 'eth0'], 1450], ['172.30.0.2', ['eth0'], 1500]]);
  expect(report.links.find(({ name }) => name === 'vxlan0')?.tunnel).toEqual({ overhead: 50, over: 'eth0', overMtu: 1500, df: 'unset' });
  expect(report.links.find(({ name }) => name === 'pod')?.peer).toEqual({ name: 'eth0', mtu: 1450, netns: hosts.pod[0].name });
});

it('measures to the remote VTEPs when no address is named', async () => {
  overlayByHand(hosts, 'dev eth0');
  expect((await check()).paths.map(({ to, carries }) => [to, carries])).toEqual([['172.30.0.2', 'vxlan0']]);
});

it('names pods that send more than the tunnel carries', async () => {
  overlayByHand(hosts, 'dev eth0');
  setPods(1500);
  const report = await check('10.244.2.5');
  expect(found(report)).toEqual([`MT007 warn ${hosts.pod[0].name}/eth0: pod`]);
  expect(report.findings[0]!.fix).toBe(`ip -n ${hosts.pod[0].name} link set dev eth0 mtu 1450; ip link set dev pod mtu 1450`);
});

it('names a tunnel larger than its underlay, cut or lost', async () => {
  overlayByHand(hosts, '');
  setPods(1500);
  expect(found(await check('10.244.2.5'))).toEqual(['MT002 fail vxlan0: this node']);
  overlayByHand(hosts, 'df set');
  const report = await check('10.244.2.5');
  expect(found(report)).toEqual(['MT001 fail 10.244.2.5: this node', 'MT002 fail vxlan0: this node', `MT007 fail ${hosts.pod[0].name}/eth0: pod`]);
  expect(report.findings.slice(0, 2).map(({ fix }) => fix)).toEqual(Array(2).fill('ip link set dev vxlan0 mtu 1450'));
  for (const host of hosts.host) ip(host, 'link set dev vxlan0 mtu 1450');
  setPods(1450);
  expect(found(await check('10.244.2.5'))).toEqual([]);
});

it('follows the way from a pod through its node, and names the tunnel there', async () => {
  overlayByHand(hosts, 'df set');
  setPods(1500);
  const [pod, host] = [hosts.pod[0], hosts.host[0]];
  const report = await checkMtu({ to: '10.244.2.5', netns: { path: pod.path, label: pod.name }, progress: () => undefined });
  expect(report.paths[0]).toMatchObject({ links: ['eth0', `${host.name}/pod`, `${host.name}/vxlan0`, `${host.name}/eth0`], measured: { mtu: 1450, vanished: 1451 } });
  expect(found(report)).toEqual(['MT001 fail 10.244.2.5: node', `MT002 fail ${host.name}/vxlan0: node`]);
  expect(report.findings.map(({ fix }) => fix)).toEqual(Array(2).fill(`ip -n ${host.name} link set dev vxlan0 mtu 1450`));
});

it('names a fabric that swallows what the links promise, and the tunnel that fills it', async () => {
  overlayByHand(hosts, 'dev eth0 df set');
  setFabric(1400);
  expect(found(await check('10.244.2.5'))).toEqual([
    'MT001 fail 10.244.2.5: path', 'MT001 fail 172.30.0.2: path', 'MT002 fail vxlan0: this node', 'MT003 fail eth0: pod', `MT007 fail ${hosts.pod[0].name}/eth0: pod`,
  ]);
});

it('names the far side that carries less', async () => {
  overlayByHand(hosts, 'dev eth0');
  ip(hosts.host[1], 'link set pod mtu 1300');
  ip(hosts.pod[1], 'link set eth0 mtu 1300');
  const report = await check('10.244.2.5');
  expect(found(report)).toEqual(['MT005 warn 10.244.2.5: other end', `MT007 warn ${hosts.pod[0].name}/eth0: pod`]);
  expect(report.findings[0]!.detail).toBe('10.200.0.2 carries only 1300, vxlan0 1450; senders hear of it by ICMP');
  // What the kernel learned from that outlives the cause.
  ip(hosts.host[1], 'link set pod mtu 1450');
  ip(hosts.pod[1], 'link set eth0 mtu 1450');
  expect(found(await check('10.244.2.5'))).toEqual(['MT006 warn 10.244.2.5: this node']);
});

it('names the end of a veth, and the port of a bridge, that is smaller than the other', async () => {
  overlayByHand(hosts, 'dev eth0');
  ip(hosts.pod[0], 'link set eth0 mtu 1400');
  expect(found(await check())).toEqual(['MT003 fail pod: pod']);
  ip(hosts.fabric, 'link set h1 mtu 1400');
  const fabric = await checkMtu({ netns: { path: hosts.fabric.path, label: 'fabric' }, progress: () => undefined });
  expect(fabric.findings.map(({ id, subject, fix }) => [id, subject, fix])).toEqual([['MT003', 'h1', 'ip link set dev h1 mtu 1500'], ['MT004', 'br0', 'ip link set dev h1 mtu 1500']]);
});

it('says that a remote does not answer, and goes on', async () => {
  overlayByHand(hosts, 'dev eth0');
  hosts.host[0].run(['bridge', 'fdb', 'append', '00:00:00:00:00:00', 'dev', 'vxlan0', 'dst', '172.30.0.99']);
  const report = await check();
  expect(report).toMatchObject({ complete: false, warnings: [expect.stringContaining('172.30.0.99') as string] });
  expect(report.paths.map(({ to, measured }) => [to, measured?.mtu])).toEqual([['172.30.0.2', 1500], ['172.30.0.99', undefined]]);
});

import { describe, expect, it } from 'vitest';
import { everyKind, kubeRules } from '../support/kube.ts';
import { requireRoot } from '../support/require.ts';
import { sluice, withNetns } from '../support/sluice.ts';

const DUMP = kubeRules({ services: everyKind });
const FIREWALL = `*filter
:INPUT DROP [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i eth0 -p tcp -m tcp --dport 22 -m comment --comment "a\x1b[31mb" -j ACCEPT
-A INPUT -m set --match-set friends src -j ACCEPT
COMMIT
`;

const test = (input: string, ...flags: string[]): ReturnType<typeof sluice> => sluice(['iptables', 'test', '-f', '-', ...flags], { input });
const node = ['--local', '10.0.0.1', '--in', 'eth0', '--from', '192.0.2.7:40000', '--proto', 'tcp'];

describe('sluice iptables test', () => {
  it('prints the steps and the verdict', async () => {
    const { stdout, stderr, exitCode } = await test(DUMP, '--proto', 'tcp', '--from', '10.244.1.9', '--to', '10.96.0.30:80', '--local', '10.0.0.1');
    expect(stdout).toBe(`PACKET  tcp 10.244.1.9 -> 10.96.0.30:80 NEW

STEP  AT                      ACTION                        OBJECT
1     nat/PREROUTING#1        jump KUBE-SERVICES            kube-proxy
2     nat/PREROUTING          policy ACCEPT                 -
3     routing                 forward                       -
4     filter/FORWARD#1        jump KUBE-PROXY-FIREWALL      kube-proxy
5     filter/FORWARD#2        jump KUBE-FORWARD             kube-proxy
6     filter/FORWARD#3        jump KUBE-SERVICES            kube-proxy
7     filter/KUBE-SERVICES#1  REJECT icmp-port-unreachable  svc shop/gone

VERDICT  REJECT at step 7
`);
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 1 });
  });

  it('ends with 0 for yes, 1 for no and 3 for neither', async () => {
    expect((await test(FIREWALL, ...node, '--to', '10.0.0.1:22')).exitCode).toBe(0);
    const policy = await test(FIREWALL.replace(/.*match-set.*\n/, ''), ...node, '--to', '10.0.0.1:23');
    expect(policy).toMatchObject({ exitCode: 1, stdout: expect.stringContaining('VERDICT  DROP at step 2') });
    const unclear = await test(FIREWALL, ...node, '--to', '10.0.0.1:23');
    expect(unclear).toMatchObject({ exitCode: 3, stdout: expect.stringContaining('WHY      depends on filter/INPUT#2 (set)'), stderr: expect.stringContaining('SL1301') });
  });

  it('strips what would reach the terminal', async () => {
    expect((await test(FIREWALL, ...node, '--to', '10.0.0.1:22')).stdout).not.toContain('\x1b');
  });

  it('says the same as JSON', async () => {
    const { stdout } = await test(DUMP, '--proto', 'udp', '--from', '10.244.1.9', '--to', '10.96.0.10:53', '--local', '10.0.0.1', '-o', 'json');
    expect(JSON.parse(stdout)).toMatchObject({
      apiVersion: 'sluice.dev/v1', kind: 'PacketTest', verdict: 'accept', backends: { total: 2, accepted: 2, refused: 0 },
      steps: expect.arrayContaining([expect.objectContaining({ at: 'nat/KUBE-SERVICES#4', object: 'svc kube-system/kube-dns:dns' })]),
    });
  });

  it.each([
    ['a packet that cannot be understood', DUMP, ['--proto', 'tcp', '--from', '10.0.0.1', '--to', 'nowhere'], 2, 'SL1000'],
    ['a dump that cannot be parsed', '*filter\n-A', ['--proto', 'tcp', '--from', '10.0.0.1', '--to', '10.0.0.2:1'], 2, 'SL1100'],
    ['a missing flag', DUMP, ['--proto', 'tcp'], 2, 'required flag from'],
  ])('refuses %s', async (_, input, flags, exitCode, text) => {
    expect(await test(input, ...flags)).toMatchObject({ exitCode, stdout: '', stderr: expect.stringContaining(text) });
  });

  it('asks the node in a namespace', async () => {
    requireRoot();
    await withNetns('ipt', async (netns) => {
      netns.run(['iptables-legacy-restore'], FIREWALL.replace(/.*match-set.*\n/, '').replace('\x1b', ''));
      const result = await sluice(['iptables', 'test', '--netns', netns.name, '--proto', 'tcp', '--from', '127.0.0.1', '--to', '127.0.0.1:80', '--show-native']);
      expect(result).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('ip -j route get 127.0.0.1 from 127.0.0.1') });
      expect(result.stdout).toContain('filter/INPUT  policy DROP');
      expect(await sluice(['iptables', 'test', '--netns', netns.name, '--proto', 'tcp', '--from', '127.0.0.1', '--to', '127.0.0.1:80', '--in', 'eth9']))
        .toMatchObject({ exitCode: 5, stdout: '' });
    });
  });
});

describe('sluice iptables services', () => {
  const services = (...argv: string[]): ReturnType<typeof sluice> => sluice(['iptables', 'services', '-f', '-', ...argv], { input: DUMP });

  it('lists them', async () => {
    expect(await services()).toEqual({
      exitCode: 0, stderr: '', stdout: `\
SERVICE                   TYPE                                        PROTO  CLUSTER-IP  PORT  NODEPORT  EXTERNAL                  BACKENDS  AFFINITY  ISSUES
default/web:http          ClusterIP,NodePort,ExternalIP,LoadBalancer  tcp    10.96.0.1   80    30080     203.0.113.9,198.51.100.7         3  10800s    -
kube-system/kube-dns:dns  ClusterIP                                   udp    10.96.0.10  53    -         -                                2  -         -
shop/cart                 ClusterIP,NodePort                          tcp    10.96.0.20  443   30443     -                                1  -         -
shop/gone                 ClusterIP,NodePort                          tcp    10.96.0.30  80    30099     -                                0  -         no endpoints: REJECT
shop/nodelocal            ClusterIP                                   udp    10.96.0.40  9     -         -                                0  -         no local endpoints: DROP
`,
    });
  });

  it('picks by name, namespace and what is missing', async () => {
    const names = async (...argv: string[]): Promise<string> => (await services('-o', 'name', ...argv)).stdout;
    expect(await names('kube-dns')).toBe('service/kube-system/kube-dns:dns/udp\n');
    expect(await names('shop/cart')).toBe('service/shop/cart/tcp\n');
    expect(await names('-n', 'shop', '--no-endpoints')).toBe('service/shop/gone/tcp\nservice/shop/nodelocal/udp\n');
    expect(await services('nobody')).toMatchObject({ exitCode: 5, stdout: '' });
  });

  it('is empty without kube-proxy', async () => {
    expect(await sluice(['iptables', 'services', '-f', '-'], { input: FIREWALL })).toMatchObject({ exitCode: 0, stdout: '', stderr: expect.stringContaining('No kube-proxy services found.') });
  });
});

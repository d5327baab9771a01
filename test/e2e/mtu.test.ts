import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { overlayByHand, twoHosts, type Hosts } from '../support/hosts.ts';
import { requireRoot } from '../support/require.ts';
import { sluice } from '../support/sluice.ts';

const QUICK = `OUTER-MTU  1500

Over IPv4, without options
ENCAPSULATION  OVERHEAD  INNER-MTU
None (native)         0       1500
VXLAN                50       1450
Geneve               50       1450
WireGuard            60       1440
IPsec (AES)          73       1427
`;

it('prints the short table and the exact one, by either name', async () => {
  const { stdout, exitCode } = await sluice(['mtu']);
  expect([exitCode, stdout.slice(0, QUICK.length)]).toEqual([0, QUICK]);
  expect(stdout).toMatch(/^VXLAN +ipv6 +- +70 +1430 +1430 +IPv6 40 \+ UDP 8 \+ VXLAN 8 \+ inner Ethernet 14$/m);
  expect((await sluice(['mtu', 'overhead'])).stdout).toBe(stdout);
});

describe('calc', () => {
  it('takes encapsulations off from the outside', async () => {
    expect(await sluice(['mtu', 'calc', '--encap', 'vxlan,wireguard', '--underlay', 'ipv4,ipv6'])).toMatchObject({
      exitCode: 0,
      stdout: `OUTER-MTU  1500
OVERHEAD   130
INNER-MTU  1370

From the outside in
ENCAPSULATION  UNDERLAY  OUTER-MTU  OVERHEAD  INNER-MTU  MADE-OF
WireGuard      ipv6           1500        80       1420  IPv6 40 + UDP 8 + WireGuard 16 + Poly1305 tag 16
VXLAN          ipv4           1420        50       1370  IPv4 20 + UDP 8 + VXLAN 8 + inner Ethernet 14
`,
    });
  });

  it.each([
    ['a packet that fits', ['--encap', 'vxlan', '--inner', '1450'], 0], ['one that does not', ['--encap', 'vxlan', '--inner', '1451'], 1], ['no encapsulation', [], 2],
    ['one that does not exist', ['--encap', 'vxlan,l2tp'], 2], ['options that cannot be', ['--encap', 'geneve', '--geneve-options', '3'], 2], ['no room at all', ['--encap', 'ipsec,ipsec', '--outer', '150'], 2],
  ])('answers for %s', async (_what, argv, exitCode) => {
    expect((await sluice(['mtu', 'calc', ...argv])).exitCode).toBe(exitCode);
  });
});

describe('check', () => {
  let hosts: Hosts;

  beforeAll(() => {
    requireRoot();
    hosts = twoHosts('e2et');
  });

  afterAll(() => hosts.close());

  const check = async (...argv: string[]) => await sluice(['mtu', 'check', ...argv, '--netns', hosts.host[0].name]);

  it('says no where packets vanish, and what to do', async () => {
    overlayByHand(hosts, 'df set');
    const { stdout, exitCode } = await check('--to', '10.244.2.5');
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/^MT001 +FAIL +10\.244\.2\.5 +this node +packets of 1451 to 1500 bytes vanish without a word after vxlan0; the largest that arrives has 1450$/m);
    expect(stdout).toContain('fix MT002:  ip link set dev vxlan0 mtu 1450\n');
  });

  it('says yes where nothing is wrong, and only warns of a pod that is corrected by ICMP', async () => {
    overlayByHand(hosts, 'dev eth0');
    const { stdout, exitCode } = await check();
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^MT007 +WARN/m);
  });

  it('has no answer where nobody answers or no route leads', async () => {
    expect(await check('--to', '10.99.0.1')).toMatchObject({ exitCode: 3, stderr: expect.stringMatching(/^error: there is no route to 10\.99\.0\.1\n/) as unknown });
    expect((await check('--to', 'pod1')).exitCode).toBe(2);
    expect((await sluice(['mtu', 'check', '--netns', 'nosuchnetns'])).exitCode).toBe(5);
  });
});

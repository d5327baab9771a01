/** Every failure of a tunnel that is known, made in namespaces, found by `vxlan check` with its evidence, and put right by the fix that it names. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkTunnels, type Finding, type TunnelCheck } from '../../../src/domain/vxlan/index.ts';
import { attachNetfilter, attachXdp, loadObject, type LoadedObject } from '../../../src/kernel/bpf/index.ts';
import { getLink, openNetlink } from '../../../src/kernel/netlink/index.ts';
import { inNetns } from '../../../src/kernel/netns/index.ts';
import type { Fd } from '../../../src/kernel/syscalls/index.ts';
import { Fixtures } from '../../support/compile-bpf.ts';
import { requireRoot, requireTool } from '../../support/require.ts';
import { VxlanLab } from '../../support/vxlan-lab.ts';

interface Row {
  /** Number in the table of failures. */
  row: string;
  what: string;
  hosts?: number;
  make(lab: VxlanLab): Promise<void>;
  /** Ids that are found, and nothing else. */
  found: string[];
  /** Where: host 1 is `here`. */
  at?: string;
  evidence?: RegExp;
  detail?: RegExp;
  /** What is found without looking at the other end, where that is asked; from host 1, or from the one named. */
  alone?: string[];
  from?: number;
  /** The fixes are commands, and afterwards nothing is found. */
  heals?: true;
}

const LOCAL_IN = 1;
const DEAD = '172.30.0.99';
const floods = (lab: VxlanLab): Promise<unknown> => Promise.all([lab.flood(1, 2), lab.flood(2, 1)]);
const iptables = (lab: VxlanLab, host: string, words: string): Promise<string> => lab.run(host, ['iptables', '-w', ...words.split(' ')]);
/** Checksums are computed by the kernel then, so that a wrong one is seen. */
const noOffload = (lab: VxlanLab, ...devices: string[]): Promise<unknown> =>
  Promise.all([1, 2].flatMap((i) => devices.map((device) => lab.run(`h${i}`, ['ethtool', '-K', device, 'tx-checksum-ip-generic', 'off']))));

const ROWS: Row[] = [
  { row: 'V1', what: 'VNI differs', found: ['VX006'], at: 'h2', evidence: /VXLAN_VNI_NOT_FOUND at .*h2/, alone: ['VX033'],
    make: async (lab) => { await lab.vxlan(1); await lab.vxlan(2, { vni: 200 }); await floods(lab); await lab.routes(); } },
  { row: 'V2', what: 'port differs', found: ['VX007'], at: 'h2', evidence: /UdpNoPorts \+\d+ at .*h2/, alone: ['VX004'],
    make: async (lab) => { await lab.vxlan(1); await lab.vxlan(2, { port: 8472 }); await floods(lab); await lab.routes(); } },
  { row: 'V3', what: 'peer address dead', found: ['VX005'], evidence: /ip neigh: 172\.30\.0\.99 (INCOMPLETE|FAILED)/, alone: ['VX005'], heals: true,
    make: async (lab) => { await lab.vxlan(1); await lab.vxlan(2); await lab.flood(1, 2, DEAD); await lab.flood(2, 1); await lab.routes(); } },
  { row: 'V4', what: 'peer address without a route', found: ['VX008'], evidence: /tx_carrier_errors \+\d+.*IP_OUTNOROUTES/s, alone: ['VX008'], heals: true,
    make: async (lab) => { await lab.vxlan(1); await lab.vxlan(2); await lab.flood(1, 2, '198.51.100.9'); await lab.flood(2, 1); await lab.routes(); } },
  { row: 'V5', what: 'peer address is our own', found: ['VX009'], evidence: /its own MAC was learned/, alone: ['VX009'], heals: true,
    make: async (lab) => { await lab.vxlan(1); await lab.vxlan(2); await lab.flood(1, 1); await lab.flood(2, 1); await lab.routes(); } },
  { row: 'V6', what: 'no FDB entry and no flooding', found: ['VX010'], evidence: /tx_dropped \+\d+.*NO_TX_TARGET/s, alone: ['VX010'], heals: true,
    make: async (lab) => {
      await lab.vxlan(1, { more: 'nolearning' }); await lab.vxlan(2); await lab.flood(2, 1); await lab.routes();
      await lab.ip('h1', [`neigh replace 10.200.0.2 lladdr ${lab.mac(2)} dev vxlan100 nud permanent`]);
    } },
  { row: 'V7', what: 'proxy, and the neighbour entry is missing', found: ['VX011'], detail: /next hop 10\.200\.0\.2/, alone: ['VX011'], heals: true,
    make: async (lab) => { await lab.known(); await lab.ip('h1', ['neigh del 10.200.0.2 dev vxlan100']); } },
  { row: 'V8', what: 'local address not on the host', found: ['VX012'], evidence: /tx_errors \+\d+.*IP_OUTNOROUTES/s, alone: ['VX012'], heals: true,
    make: async (lab) => { await lab.vxlan(1, { local: 'local 172.30.0.77' }); await lab.vxlan(2); await floods(lab); await lab.routes(); } },
  { row: 'V9', what: 'local address of another interface', found: ['VX013'], evidence: /sends to 172\.30\.0\.1$/m, alone: ['VX013'], heals: true,
    make: async (lab) => { await lab.vxlan(1, { local: 'local 10.244.1.1' }); await lab.vxlan(2); await floods(lab); await lab.routes(); } },
  { row: 'V10', what: 'INPUT drops the port', found: ['VX014'], at: 'h2', detail: /filter\/INPUT#1 \(-A INPUT .*--dport 4789 -j DROP\)/, evidence: /NETFILTER_DROP/, heals: true,
    make: async (lab) => { await lab.base(); await iptables(lab, 'h2', '-A INPUT -p udp --dport 4789 -j DROP'); }, alone: ['VX014'], from: 2 },
  { row: 'V10 by nft', what: 'a rule beside iptables drops the port', found: ['VX014'], at: 'h2', detail: /no iptables rule does/, evidence: /NETFILTER_DROP/, alone: ['VX014'], from: 2,
    make: async (lab) => {
      await lab.base();
      await lab.run('h2', ['nft', 'add table inet f; add chain inet f c { type filter hook input priority 0; }; add rule inet f c udp dport 4789 drop']);
    } },
  { row: 'V10 by eBPF', what: 'a program of netfilter drops the port', found: ['VX014'], at: 'h2', detail: /no iptables rule does/, evidence: /NETFILTER_DROP/, alone: ['VX014'], from: 2,
    make: async (lab) => { await lab.base(); dropper.attach(lab.path('h2')); } },
  { row: 'V10 by XDP', what: 'a program of the device below drops it, without a trace', found: ['VX004'], at: 'between', evidence: /at .*h2: eBPF program drop_port \(id \d+\) stands at xdp of eth0/,
    make: async (lab) => { await lab.base(); dropper.attachXdp(lab.path('h2')); } },
  { row: 'V11', what: 'OUTPUT drops the port', found: ['VX015'], evidence: /NETFILTER_DROP.*tx_dropped \+\d+/s, alone: ['VX015'], heals: true,
    make: async (lab) => { await lab.base(); await iptables(lab, 'h1', '-A OUTPUT -p udp --dport 4789 -j DROP'); } },
  { row: 'V12', what: 'the network between drops it', found: ['VX004'], at: 'between', evidence: /none reached UDP at .*172\.30\.0\.2 answers ping/s, alone: ['VX033'],
    make: async (lab) => { await lab.base(); await lab.between('udp dport 4789 drop;'); } },
  { row: 'V13', what: 'the same MAC at both ends', found: ['VX016'], at: 'h2', evidence: /LOCAL_MAC/, heals: true,
    make: async (lab) => { await lab.vxlan(1); await lab.vxlan(2, { mac: lab.mac(1) }); await floods(lab); await lab.routes(); } },
  { row: 'V14', what: 'one MAC at two remotes', hosts: 3, found: ['VX017'], evidence: /10\.200\.0\.3 lladdr 02:00:00:00:00:02/, alone: ['VX017'],
    make: async (lab) => {
      await lab.base(); await lab.vxlan(3, { mac: lab.mac(2) }); await lab.flood(3, 1); await lab.flood(1, 3);
      await lab.ip('h1', [2, 3].map((i) => `neigh replace 10.200.0.${i} lladdr ${lab.mac(2)} dev vxlan100`));
    } },
  { row: 'V15', what: 'no learning, only flooding', hosts: 3, found: ['VX018'], evidence: /2 entries for unknown frames/, alone: ['VX018'],
    make: async (lab) => { await lab.vxlan(1, { more: 'nolearning' }); await lab.vxlan(2); await lab.vxlan(3); await floods(lab); await lab.flood(1, 3); await lab.flood(3, 1); await lab.routes(); } },
  { row: 'V16', what: 'remote device down', found: ['VX019'], at: 'h2', evidence: /UdpNoPorts.*NO_SOCKET/s, alone: ['VX004'],
    make: async (lab) => { await lab.base(); await lab.ip('h2', ['link set vxlan100 down']); } },
  { row: 'V17', what: 'underlay without carrier', found: ['VX020'], detail: /eth0 has no carrier/, alone: ['VX020'],
    make: async (lab) => { await lab.base(); await lab.ip('sw', ['link set p-h1 down']); } },
  { row: 'V18', what: 'static FDB entry of old', hosts: 3, found: ['VX021'], detail: /02:00:00:00:00:02 to 172\.30\.0\.3, but it is at 172\.30\.0\.2/, heals: true,
    make: async (lab) => { await lab.known(); await lab.vxlan(3, { more: 'nolearning' }); await lab.know(1, 2, { address: '172.30.0.3' }); } },
  { row: 'V19', what: 'wrong MAC in the neighbour entry', found: ['VX022'], evidence: /OTHERHOST/, heals: true,
    make: async (lab) => {
      await lab.known(); await lab.ip('h1', ['neigh replace 10.200.0.2 lladdr 02:00:00:00:00:ee dev vxlan100 nud permanent']);
      await lab.bridge(1, 'fdb replace 02:00:00:00:00:ee dev vxlan100 dst 172.30.0.2 self permanent');
    } },
  { row: 'V20', what: 'no route back', found: ['VX023'], at: 'h2', evidence: /\d+ echo requests from 10\.244\.1\.1 to 10\.244\.2\.1, no answer/, heals: true,
    make: async (lab) => { await lab.base(); await lab.ip('h2', ['route del 10.244.1.0/24']); } },
  { row: 'V21', what: 'strict reverse path filter and an asymmetric route', found: ['VX024'], at: 'h2', evidence: /IPReversePathFilter \+\d+.*IP_RPFILTER/s,
    make: async (lab) => {
      await lab.base(); await lab.run('h2', ['sysctl', '-qw', 'net.ipv4.conf.all.rp_filter=1']); await lab.ip('h2', ['route replace 10.244.1.0/24 via 172.30.0.1 dev eth0']);
    } },
  { row: 'V23', what: 'gbp at one end', found: ['VX025'], at: 'h2', evidence: /VXLAN_INVALID_HDR.*rx_frame_errors \+\d+/s, alone: ['VX025'], from: 2,
    make: async (lab) => {
      await lab.vxlan(1, { more: 'gbp' }); await lab.vxlan(2); await floods(lab); await lab.routes(); await iptables(lab, 'h1', '-t mangle -A OUTPUT -j MARK --set-mark 0x200');
    } },
  { row: 'V24', what: 'the flood entry is lost', found: ['VX026'], evidence: /tx_dropped \+\d+.*NO_TX_TARGET/s, alone: ['VX026'], heals: true,
    make: async (lab) => { await lab.base(); await lab.bridge(1, 'fdb del 00:00:00:00:00:00 dev vxlan100 dst 172.30.0.2'); } },
  { row: 'V25', what: 'a bridge port that floods nothing', found: ['VX027'], evidence: /flood off mcast_flood off bcast_flood off/, alone: ['VX027'],
    make: async (lab) => {
      await lab.vxlan(1); await lab.vxlan(2); await floods(lab); await lab.ip('h1', ['link set vxlan100 master br0']);
      await lab.bridge(1, 'link set dev vxlan100 flood off mcast_flood off bcast_flood off');
    } },
  { row: 'K1', what: 'outer checksum damaged', found: ['VX028'], at: 'h2', evidence: /UdpInCsumErrors \+\d+.*UDP_CSUM/s,
    make: async (lab) => { await lab.base(); await noOffload(lab, 'eth0', 'vxlan100'); await lab.between('ip daddr 172.30.0.2 udp dport 4789 udp checksum set 0xbeef;'); } },
  { row: 'K2', what: 'TCP checksum inside damaged', found: ['VX003'], at: 'h2', evidence: /TcpInCsumErrors \+\d+.*TCP_CSUM/s, detail: /ping works, TCP does not/,
    make: async (lab) => {
      await lab.base({ more: 'noudpcsum' }); await noOffload(lab, 'eth0', 'vxlan100'); await lab.between('ip daddr 172.30.0.2 udp dport 4789 @th,312,8 6 @th,528,16 set 0xdead;');
    } },
  { row: 'K3', what: 'UDP checksum inside damaged', found: ['VX003'], at: 'h2', evidence: /UdpInCsumErrors \+\d+.*UDP_CSUM/s, detail: /ping works, UDP does not/,
    make: async (lab) => {
      await lab.base({ more: 'noudpcsum' }); await noOffload(lab, 'eth0', 'vxlan100'); await lab.between('ip daddr 172.30.0.2 udp dport 4789 @th,312,8 17 @th,448,16 set 0xdead;');
    } },
  { row: 'M1', what: 'MTU too large: outer packets in fragments', found: ['VX002'], evidence: /IpFragCreates \+\d+/, detail: /1500 > 1450 \(eth0 1500 - 50\): larger packets go in two fragments/, alone: ['VX002'], heals: true,
    make: (lab) => lab.base({ dev: '' }) },
  { row: 'M2', what: 'MTU too large and df set', found: ['VX002'], evidence: /IpFragFails \+\d+.*tx_dropped \+\d+/s, detail: /larger packets are lost/, alone: ['VX002'], heals: true,
    make: (lab) => lab.base({ dev: '', more: 'df set' }) },
  { row: 'M3', what: 'a black hole for large packets', found: ['VX030'], evidence: /1400 bytes .* 1401 are not/, alone: ['VX030'],
    make: async (lab) => { await lab.base(); await lab.between('meta length > 1400 drop;'); } },
  { row: 'M4', what: 'OUTPUT drops "fragmentation needed"', found: ['VX032'], detail: /filter\/OUTPUT#1/, alone: ['VX032'], heals: true,
    make: async (lab) => { await lab.base(); await iptables(lab, 'h1', '-A OUTPUT -p icmp --icmp-type fragmentation-needed -j DROP'); } },
  { row: 'M5', what: 'different MTUs', found: ['VX031'], detail: /1450 .* 1300/, heals: true,
    make: async (lab) => { await lab.base(); await lab.ip('h2', ['link set vxlan100 mtu 1300']); } },
  { row: 'V10 and V13', what: 'two faults at once', found: ['VX014', 'VX016'], make: async (lab) => {
    await lab.vxlan(1); await lab.vxlan(2, { mac: lab.mac(1) }); await floods(lab); await lab.routes(); await iptables(lab, 'h2', '-A INPUT -p udp --dport 4789 -j DROP');
  } },
  { row: 'V1 and V11', what: 'two faults at once', found: ['VX006', 'VX015'], make: async (lab) => {
    await lab.vxlan(1); await lab.vxlan(2, { vni: 200 }); await floods(lab); await lab.routes(); await iptables(lab, 'h1', '-A OUTPUT -p udp --dport 4789 -j DROP');
  } },
  { row: 'V18 and M5', what: 'two faults at once', hosts: 3, found: ['VX021', 'VX031'], heals: true, make: async (lab) => {
    await lab.known(); await lab.vxlan(3, { more: 'nolearning' }); await lab.know(1, 2, { address: '172.30.0.3' }); await lab.ip('h2', ['link set vxlan100 mtu 1300']);
  } },
  { row: 'V20 and M1', what: 'two faults at once', found: ['VX002', 'VX023'], heals: true, make: async (lab) => {
    await lab.base({ dev: '' }); await lab.ip('h2', ['route del 10.244.1.0/24']);
  } },
];

beforeAll(() => {
  requireRoot();
  for (const tool of ['iptables', 'nft', 'ethtool']) requireTool(tool);
});

/** Programs that drop UDP, and their links, which end with the tests. */
const dropper = {
  links: [] as Fd[],
  object: undefined as LoadedObject | undefined,
  xdp: undefined as LoadedObject | undefined,
  attachXdp(netns: string): void {
    this.links.push(inNetns(netns, () => attachXdp(this.xdp!.program('drop_port'), interfaceIndex(netns))));
  },
  attach(netns: string): void {
    this.links.push(attachNetfilter(this.object!.program('judge'), { family: 2, hook: LOCAL_IN, priority: 0 }, netns));
  },
};

beforeAll(async () => {
  const fixtures = new Fixtures();
  dropper.object = loadObject(await fixtures.read('netfilter'), 'netfilter', { constants: { dropped_port: 4789 } });
  dropper.xdp = loadObject(await fixtures.read('drop-port'), 'drop-port', { constants: { dropped_port: 4789 } });
  fixtures.remove();
});

afterAll(() => {
  for (const link of dropper.links) link.close();
  dropper.object?.close();
  dropper.xdp?.close();
});

/** Number of eth0. */
function interfaceIndex(netns: string): number {
  using netlink = openNetlink({ netns: { path: netns } });
  return getLink(netlink, 'eth0').index;
}

let labs = 0;

async function withLab(hosts: number, use: (lab: VxlanLab) => Promise<void>): Promise<void> {
  labs += 1;
  const lab = await VxlanLab.create(`v${labs}`, hosts);
  try {
    await use(lab);
  } finally {
    await lab.remove();
  }
}

async function check(lab: VxlanLab, { from = 1, peers = [] }: { from?: number; peers?: number[] } = {}): Promise<TunnelCheck> {
  const { tunnels } = await checkTunnels({ name: 'vxlan100', netns: { path: lab.path(`h${from}`), label: `h${from}` }, peerNetns: peers.map((i) => lab.name(`h${i}`)) });
  return tunnels[0]!;
}

const others = ({ hosts }: VxlanLab): number[] => hosts.filter((i) => i !== 1 && (hosts.length === 2 || i === 2));

const idsOf = ({ checks }: TunnelCheck): string[] => checks.filter(({ findings }) => findings.length > 0).map(({ id }) => id).sort();

const findingsOf = ({ checks }: TunnelCheck): Finding[] => checks.flatMap(({ findings }) => findings);

/** Runs the first of each finding's fixes, and of lists of commands all; what begins with "or" is another way. */
async function heal(lab: VxlanLab, findings: readonly Finding[]): Promise<void> {
  for (const { end, fix } of findings) {
    const host = end === 'here' ? 'h1' : end.slice(lab.name('').length);
    for (const command of fix.filter((text) => !text.startsWith('or'))) await lab.run(host, command.split(' '));
  }
}

describe('a failure is named, with its evidence and a fix that works', () => {
  it.concurrent.each(ROWS)('$row: $what', async ({ make, hosts = 2, found, at = 'here', evidence = /^/, detail = /^/, alone, from, heals = false }) => {
    await withLab(hosts, async (lab) => {
      await make(lab);
      expect(alone === undefined ? undefined : idsOf(await check(lab, from === undefined ? {} : { from }))).toEqual(alone);
      const result = await check(lab, { peers: others(lab) });
      const findings = findingsOf(result);
      expect(idsOf(result), JSON.stringify(findings)).toEqual(found);
      const first = findings.find(({ end }) => end.endsWith(at)) ?? findings.find(() => found.length > 1);
      expect(first?.evidence.join('\n'), JSON.stringify(findings)).toMatch(evidence);
      expect(first?.detail).toMatch(detail);
      expect(findings.filter(({ fix }) => fix.length === 0)).toEqual([]);
      if (heals) await heal(lab, findings);
      expect(heals ? findingsOf(await check(lab, { peers: others(lab) })) : []).toEqual([]);
    });
  });
});

describe('V22: the port or the VNI is in use', () => {
  it('names the program that holds the port', async () => {
    await withLab(2, async (lab) => {
      const holder = spawn('nsenter', [`--net=${lab.path('h1')}`, '--', 'python3', '-c', 'import socket,sys; s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.bind(("",4789)); print("ready",flush=True); sys.stdin.read()'], { stdio: ['pipe', 'pipe', 'inherit'] });
      try {
        await once(holder.stdout, 'data');
        await expect(lab.vxlan(1)).rejects.toThrow('Address already in use');
        await lab.vxlan(2);
        await floods(lab);
        const result = await check(lab, { peers: [2] });
        expect(idsOf(result)).toEqual(['VX001']);
        expect(findingsOf(result)[0]).toMatchObject({ end: 'here', detail: `udp/4789 is held by python3 (pid ${holder.pid}), so vxlan100 cannot be set up` });
      } finally {
        holder.stdin.end();
        await once(holder, 'close');
      }
    });
  });
});

describe('V22: a device that reads another header has the port', () => {
  it('names it', async () => {
    await withLab(2, async (lab) => {
      await lab.ip('h1', ['link add first type vxlan id 7 dstport 4789 local 172.30.0.1 dev eth0 gbp', 'link set first up']);
      await expect(lab.vxlan(1)).rejects.toThrow('Address already in use');
      const [finding, ...more] = findingsOf(await check(lab));
      expect(more).toEqual([expect.objectContaining({ detail: expect.stringContaining('no entry for unknown frames') as string })]);
      expect(finding!.detail).toBe('first has udp/4789 with gbp, so vxlan100 cannot be set up on it');
    });
  });
});

it('sees what happens while it waits: frames that come with its own MAC', async () => {
  await withLab(2, async (lab) => {
    await lab.base();
    const frame = `import socket, time; s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW); s.bind(("vxlan100", 0))\nfor i in range(10): s.send(bytes.fromhex("ffffffffffff${lab.mac(1).replaceAll(':', '')}88b5") + bytes(46)); time.sleep(0.1)`;
    const sending = lab.run('h2', ['python3', '-c', frame]);
    const { tunnels } = await checkTunnels({ name: 'vxlan100', netns: { path: lab.path('h1'), label: 'h1' }, intervalMs: 1500 });
    await sending;
    expect(idsOf(tunnels[0]!)).toEqual(['VX016']);
  });
});

it('tries hundreds of remotes at once, and names those behind a router that are gone', async () => {
  await withLab(2, async (lab) => {
    await lab.base();
    const remotes = Array.from({ length: 200 }, (_, i) => `172.31.0.${i + 1}`);
    await lab.ip('h1', ['route add 172.31.0.0/16 via 172.30.0.2']);
    // The other host has all of them but two.
    await lab.ip('h2', remotes.slice(2).map((address) => `addr add ${address}/32 dev lo`));
    for (const address of remotes) await lab.bridge(1, `fdb append 00:00:00:00:00:00 dev vxlan100 dst ${address}`);
    const result = await check(lab);
    expect(result.probes.filter(({ what, answered, sent }) => what === 'underlay' && answered === sent)).toHaveLength(199);
    expect(findingsOf(result).map(({ detail, severity }) => `${severity}: ${detail}`)).toEqual(['warning: no answer to ping from the remotes 172.31.0.1, 172.31.0.2, and nothing was learned from there']);
  });
});

describe('a healthy tunnel gives no finding', () => {
  it.concurrent.each<[string, (lab: VxlanLab) => Promise<void>]>([
    ['that learns and floods', (lab) => lab.base()],
    ['with entries only', (lab) => lab.known()],
    ['with a multicast group', async (lab) => {
      await Promise.all([1, 2].map((i) => lab.vxlan(i, { local: '', more: 'group 239.1.1.1' })));
      await lab.routes();
    }],
    ['over IPv6', async (lab) => {
      await Promise.all([1, 2].map((i) => lab.vxlan(i, { local: `local fd30::${i}` })));
      await Promise.all([lab.flood(1, 2, 'fd30::2'), lab.flood(2, 1, 'fd30::1')]);
      await lab.routes();
    }],
    ['in a bridge', async (lab) => {
      await Promise.all([1, 2].map((i) => lab.vxlan(i)));
      await floods(lab);
      for (const i of [1, 2]) await lab.ip(`h${i}`, ['addr flush dev vxlan100', `addr add 10.244.9.${i}/24 dev br0`, 'link set vxlan100 master br0']);
    }],
    ['beside networks of other programs', async (lab) => {
      await lab.base();
      for (const i of [1, 2]) await lab.ip(`h${i}`, ['link add docker0 type bridge', 'addr add 172.17.0.1/16 dev docker0', 'link set docker0 up']);
      await lab.ip('h1', ['link add virbr0 type bridge', 'addr add 192.168.122.1/24 dev virbr0', 'link set virbr0 up']);
      await iptables(lab, 'h1', '-A INPUT -p tcp --dport 22 -j DROP');
    }],
  ])('%s', async (_, make) => {
    await withLab(2, async (lab) => {
      await make(lab);
      for (const peers of [[2], []]) {
        const result = await check(lab, { peers });
        expect(findingsOf(result)).toEqual([]);
        expect(result.healthy).toBe(true);
      }
      expect((await check(lab, { peers: [2] })).probes.filter(({ what }) => what === 'tunnel').every(({ answered }) => answered === 3)).toBe(true);
    });
  });
});

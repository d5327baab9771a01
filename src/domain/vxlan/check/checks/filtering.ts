/** Firewalls at either end, and checksums that do not add up. */

import type { Check, Finding } from '../finding.ts';
import type { Drop, End, FirewallFacts, Situation } from '../model.ts';
import { allEnds, countEvidence, deviceEvidence, dropEvidence, dropsOf, nameOf, programEvidence } from './common.ts';

const WORDS = { in: 'from', out: 'to' } as const;

/** Findings of the rule walk, and of drops that no iptables rule explains. */
function blocked(situation: Situation, way: 'in' | 'out'): Finding[] {
  return allEnds(situation).flatMap((end) => {
    const rules = (end.audit.firewall ?? []).filter((one) => one.way === way && one.verdict === 'drop');
    return rules.length > 0 ? byRule(end, way, rules) : byOthers(end, way);
  });
}

function byRule(end: End, way: 'in' | 'out', facts: readonly FirewallFacts[]): Finding[] {
  const rules = [...new Set(facts.map(({ rule }) => rule))];
  return rules.map((rule) => {
    const [first, ...more] = facts.filter((one) => one.rule === rule);
    return {
      end: end.label, severity: 'error', detail: `${rule} drops udp/${end.audit.tunnel.port} ${WORDS[way]} ${first!.remote}${more.length === 0 ? '' : ` and ${more.length} more`}`,
      evidence: [...dropEvidence(filtered(end)), ...(way === 'out' ? deviceEvidence(end, ['txDropped']) : [])], fix: first!.fix === undefined ? [] : [first!.fix],
    };
  });
}

/** The kernel says that a filter dropped it: nft, or a program. Which way it went shows in the device's own counter. */
function byOthers(end: End, way: 'in' | 'out'): Finding[] {
  const drops = filtered(end);
  const wasOut = (end.counted.tunnel['txDropped'] ?? 0) > 0;
  if (drops.length === 0 || wasOut !== (way === 'out') || end.audit.firewall?.some(({ way: other, verdict }) => other !== 'too-big' && verdict === 'drop') === true) return [];
  return [{
    end: end.label, severity: 'error', detail: `a filter at ${end.label === 'here' ? end.audit.node : end.label} drops udp/${end.audit.tunnel.port}, and no iptables rule does`,
    evidence: [...dropEvidence(drops), ...programEvidence(end), ...(way === 'out' ? deviceEvidence(end, ['txDropped']) : [])],
    fix: ['nft list ruleset', 'sluice migrate status', 'sluice bpf link list'],
  }];
}

const FILTERS = ['NETFILTER_DROP', 'XDP', 'TC_INGRESS', 'TC_EGRESS', 'BPF_CGROUP_EGRESS', 'SOCKET_FILTER'];

const filtered = (end: End): Drop[] => dropsOf(end, FILTERS, ({ port, vni }) => port === end.audit.tunnel.port && (vni === undefined || end.audit.tunnel.vni === undefined || vni === end.audit.tunnel.vni));

export const firewallIn: Check = {
  id: 'VX014', name: 'firewall-in', title: 'Nothing at either end drops the tunnel\'s packets on arrival', needs: 'firewall', find: (situation) => blocked(situation, 'in'),
};

export const firewallOut: Check = {
  id: 'VX015', name: 'firewall-out', title: 'Nothing at either end drops the tunnel\'s packets on departure', needs: 'firewall', find: (situation) => blocked(situation, 'out'),
};

export const outerChecksum: Check = {
  id: 'VX028', name: 'outer-checksum', title: 'Outer UDP checksums are right', needs: 'probe',
  find: (situation) => allEnds(situation).flatMap((end) => {
    const drops = dropsOf(end, ['UDP_CSUM'], ({ port }) => port === end.audit.tunnel.port);
    const counted = end.sawDrops ? 0 : end.counted.stack['Udp.InCsumErrors'] ?? 0;
    if (drops.length === 0 && counted === 0) return [];
    return [{
      end: end.label, severity: 'error' as const, detail: `packets of the tunnel reach ${end.label === 'here' ? end.audit.node : end.label} with a wrong outer UDP checksum`,
      evidence: [...countEvidence(end, ['Udp.InCsumErrors', 'Udp6.InCsumErrors']), ...dropEvidence(drops)],
      fix: others(situation, end).map((other) => `at ${other.label}: ethtool -K ${other.audit.underlay?.name ?? 'UNDERLAY'} tx-udp_tnl-csum-segmentation off tx-checksum-ip-generic off`),
    }];
  }),
};

const others = (situation: Situation, end: End): End[] => allEnds(situation).filter((other) => other !== end);

/** Reasons and counters of what is inside, by protocol. */
const INNER = [
  { transport: 'TCP', reason: 'TCP_CSUM', counter: 'Tcp.InCsumErrors' },
  { transport: 'UDP', reason: 'UDP_CSUM', counter: 'Udp.InCsumErrors' },
] as const;

export const innerChecksum: Check = {
  id: 'VX003', name: 'checksum', title: 'Checksums of TCP and UDP inside the tunnel are right', needs: 'probe',
  find: (situation) => allEnds(situation).flatMap((end) => INNER.flatMap(({ transport, reason, counter }) => {
    const drops = dropsOf(end, [reason], ({ port }) => port !== end.audit.tunnel.port);
    const counted = end.sawDrops || transport === 'UDP' ? 0 : end.counted.stack[counter] ?? 0;
    if (drops.length === 0 && counted === 0) return [];
    return [checksumFinding(situation, end, transport, [...countEvidence(end, [counter]), ...dropEvidence(drops)])];
  })),
};

function checksumFinding(situation: Situation, end: End, transport: string, evidence: string[]): Finding {
  const senders = others(situation, end);
  return {
    end: end.label, severity: 'error',
    detail: `${transport} packets come out of ${nameOf(end)} with a wrong checksum: ping works, ${transport} does not`,
    evidence: [...evidence, ...senders.filter(({ audit }) => audit.offload !== undefined).map(offloadEvidence)],
    fix: senders.length === 0 ? ['at the sender: ethtool -K VXLAN tx-checksum-ip-generic off'] : senders.map(({ label, audit }) => `at ${label}: ethtool -K ${audit.tunnel.name} tx-checksum-ip-generic off`),
  };
}

const offloadEvidence = ({ label, audit: { tunnel, underlay, offload } }: End): string =>
  `at ${label}: ${tunnel.name} tx-checksum-ip-generic ${offload!.tunnelChecksum ? 'on' : 'off'}, ${underlay?.name ?? 'underlay'} tx-udp_tnl-csum-segmentation ${offload!.underlayTunnelChecksum ? 'on' : 'off'}`;

/** Devices whose drivers are known to compute inner checksums wrongly when they are left to them. */
const BAD_DRIVERS: readonly string[] = ['vmxnet3', 'be2net'];

export const offloadRisk: Check = {
  id: 'VX029', name: 'tx-checksum', title: 'The device below is not known to damage what is inside',
  find: (situation) => allEnds(situation).filter(({ audit }) => BAD_DRIVERS.includes(audit.underlay?.driver ?? '') && audit.offload?.tunnelChecksum === true).map((end) => ({
    end: end.label, severity: 'warning', detail: `${end.audit.underlay!.name} has the driver ${end.audit.underlay!.driver}, known to damage TCP checksums inside tunnels`,
    evidence: [offloadEvidence(end)], fix: [`ethtool -K ${end.audit.tunnel.name} tx-checksum-ip-generic off`],
  })),
};

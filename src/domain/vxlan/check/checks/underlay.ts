/** The device below and the way to each remote. */

import { FLOOD_MAC } from '../../model.ts';
import type { Check, Finding } from '../finding.ts';
import type { End, RemoteFacts, Situation } from '../model.ts';
import { addressesOf, allEnds, configuredRemotes, countEvidence, deviceEvidence, dropEvidence, dropsOf, nameOf, programEvidence, tunnelAnswers, underlayAddressOf } from './common.ts';

export const underlayDown: Check = {
  id: 'VX020', name: 'underlay-carrier', title: 'The device below is up and has carrier',
  find: (situation) => allEnds(situation).flatMap((end) => {
    const { underlay } = end.audit;
    if (underlay === undefined || (underlay.up && underlay.carrier)) return [];
    return [{
      end: end.label, severity: 'error' as const,
      detail: `${underlay.name} ${underlay.up ? 'has no carrier' : 'is down'}, though ${nameOf(end)} does not show it`,
      evidence: [...dropEvidence(dropsOf(end, ['QDISC_DROP', 'DEV_READY'])), ...((end.counted.underlay['txDropped'] ?? 0) > 0 ? [`tx_dropped +${end.counted.underlay['txDropped']} on ${underlay.name}`] : [])],
      fix: underlay.up ? [`check the cable or the other end of ${underlay.name}`] : [`ip link set dev ${underlay.name} up`],
    }];
  }),
};

export const localMissing: Check = {
  id: 'VX012', name: 'local-address', title: 'The local address is one of this node',
  find: (situation) => allEnds(situation).filter((end) => end.audit.tunnel.local !== undefined && !addressesOf(end).includes(end.audit.tunnel.local)).map((end) => {
    const { tunnel, underlay } = end.audit;
    const own = end.audit.addresses.find(({ device, address }) => device === underlay?.name && address.includes(':') === tunnel.ipv6);
    return {
      end: end.label, severity: 'error', detail: `local ${tunnel.local} is no address of ${end.audit.node}`,
      evidence: [...deviceEvidence(end, ['txErrors', 'txCarrierErrors']), ...dropEvidence(dropsOf(end, ['IP_OUTNOROUTES']))],
      fix: [own === undefined ? `ip addr add ${tunnel.local} dev ${underlay?.name ?? 'UNDERLAY'}` : `ip link set dev ${tunnel.name} type vxlan local ${own.address}`],
    };
  }),
};

export const localElsewhere: Check = {
  id: 'VX013', name: 'local-address-device', title: 'The local address is the one by which others know this node', explainedBy: ['VX012'],
  find: (situation) => [...foreignLocal(situation), ...unknownLocal(situation)],
};

/** The address belongs to another device than the one that packets leave by; a loopback address is everybody's habit. */
function foreignLocal(situation: Situation): Finding[] {
  return allEnds(situation).flatMap((end) => {
    const { tunnel, underlay, addresses } = end.audit;
    const owner = addresses.find(({ address }) => address === tunnel.local);
    const right = addresses.find(({ device, address }) => device === underlay?.name && address.includes(':') === tunnel.ipv6);
    if (owner === undefined || underlay === undefined || right === undefined || owner.device === underlay.name || /^(lo|dummy)/.test(owner.device)) return [];
    return [{
      end: end.label, severity: 'error' as const, detail: `local ${tunnel.local} is an address of ${owner.device}, but packets leave by ${underlay.name}: answers go elsewhere`,
      evidence: othersSend(situation, end), fix: [`ip link set dev ${tunnel.name} type vxlan local ${right.address}`],
    }];
  });
}

const othersSend = (situation: Situation, end: End): string[] => allEnds(situation).filter((other) => other !== end).flatMap((other) =>
  configuredRemotes(other).filter(({ address }) => addressesOf(end).includes(address)).map(({ address }) => `${nameOf(other)} sends to ${address}`));

/** A peer sends to an address of this node, but to another one. */
function unknownLocal(situation: Situation): Finding[] {
  return allEnds(situation).flatMap((end) => {
    const local = end.audit.tunnel.local;
    const owner = end.audit.addresses.find(({ address }) => address === local)?.device;
    if (local === undefined || owner !== end.audit.underlay?.name) return [];
    const wrong = allEnds(situation).filter((other) => other !== end).flatMap((other) => configuredRemotes(other)
      .filter(({ address }) => address !== local && addressesOf(end).includes(address) && !other.audit.remotes.some((remote) => remote.configured && remote.address === local))
      .map(({ address }) => ({ other, address })));
    return wrong.map(({ other, address }) => ({
      end: other.label, severity: 'warning' as const, detail: `${nameOf(other)} sends to ${address}, but ${nameOf(end)} sends from ${local}`, evidence: [],
      fix: [`bridge fdb append ${FLOOD_MAC} dev ${other.audit.tunnel.name} dst ${local}`],
    }));
  });
}

/** What is wrong with one remote, seen from one end. */
const eachRemote = (situation: Situation, find: (end: End, remote: RemoteFacts) => Finding | undefined): Finding[] =>
  allEnds(situation).flatMap((end) => configuredRemotes(end).map((remote) => find(end, remote)).filter((finding) => finding !== undefined));

export const remoteIsSelf: Check = {
  id: 'VX009', name: 'remote-is-self', title: 'No entry of the FDB sends to this node itself',
  find: (situation) => eachRemote(situation, (end, { address, isOwn }) => (isOwn ? {
    end: end.label, severity: 'error', detail: `the FDB of ${nameOf(end)} sends to ${address}, which is this node's own address`,
    evidence: end.audit.fdb.some(({ mac, remote }) => mac === end.audit.tunnel.mac && remote !== undefined) ? ['its own MAC was learned as that of a remote'] : [],
    fix: replaceFdb(end, address, wantedRemote(situation, end)),
  } : undefined)),
};

export const remoteUnroutable: Check = {
  id: 'VX008', name: 'remote-route', title: 'Every remote has a route', explainedBy: ['VX012', 'VX020'],
  find: (situation) => eachRemote(situation, (end, { address, isOwn, why, route }) => {
    const loops = route?.device === end.audit.tunnel.name;
    if (isOwn || (why === undefined && !loops)) return undefined;
    return {
      end: end.label, severity: 'error', detail: loops ? `the route to the remote ${address} leads into the tunnel itself` : `no route to the remote ${address}: ${why}`,
      evidence: [...deviceEvidence(end, ['txErrors', 'txCarrierErrors']), ...dropEvidence(dropsOf(end, ['IP_OUTNOROUTES']))],
      fix: replaceFdb(end, address, wantedRemote(situation, end)),
    };
  }),
};

export const remoteDead: Check = {
  id: 'VX005', name: 'fdb', title: 'No entry of the FDB sends to a node that is gone', explainedBy: ['VX020', 'VX012'],
  find: (situation) => [...unresolved(situation), ...unheard(situation)],
};

/** Nobody on the same network has the address. */
const unresolved = (situation: Situation): Finding[] => eachRemote(situation, (end, { address, isOwn, neighbourState, route }) => {
  if (isOwn || !isUnresolved(situation, neighbourState)) return undefined;
  return {
    end: end.label, severity: 'error', detail: `nobody answers for the remote ${address} on ${route?.device ?? 'the underlay'}`,
    evidence: [`ip neigh: ${route?.gateway ?? address} ${neighbourState}`, ...dropEvidence(dropsOf(end, ['NEIGH_FAILED']))],
    fix: replaceFdb(end, address, wantedRemote(situation, end)),
  };
});

const isUnresolved = ({ static: isStatic }: Situation, state: string | undefined): boolean => state === 'FAILED' || (state === 'INCOMPLETE' && !isStatic);

/** Behind a router: no answer where others answer, and nothing was ever learned from there. */
function unheard(situation: Situation): Finding[] {
  const { here: end, probes } = situation;
  const pings = probes.filter(({ what }) => what === 'underlay');
  const isHeard = (address: string): boolean => end.audit.fdb.some(({ remote, configured }) => remote === address && !configured);
  const silent = pings.filter(({ to, answered }) => answered === 0 && !isHeard(to) && !isUnresolved(situation, end.audit.remotes.find(({ address }) => address === to)?.neighbourState));
  if (silent.length === 0 || !pings.some(({ answered }) => answered > 0)) return [];
  return [{
    end: end.label, severity: 'warning', detail: `no answer to ping from the ${silent.length === 1 ? 'remote' : 'remotes'} ${someOf(silent.map(({ to }) => to))}, and nothing was learned from there`,
    evidence: [`of ${pings.length} remotes ${pings.length - silent.length} answered`], fix: silent.slice(0, SHOWN).flatMap(({ to }) => replaceFdb(end, to, undefined)),
  }];
}

const SHOWN = 5;

const someOf = (texts: readonly string[]): string => `${texts.slice(0, SHOWN).join(', ')}${texts.length > SHOWN ? ` and ${texts.length - SHOWN} more` : ''}`;

/** The address of the only peer that this end should send to and does not. */
function wantedRemote(situation: Situation, end: End): string | undefined {
  const missing = allEnds(situation).filter((other) => other !== end).map(underlayAddressOf)
    .filter((address) => address !== undefined && !end.audit.remotes.some((remote) => remote.configured && remote.address === address));
  return missing.length === 1 ? missing[0] : undefined;
}

/** Commands that take a wrong remote out of the FDB, and put the right one in where it is known. */
function replaceFdb({ audit: { tunnel, fdb } }: End, remote: string, right: string | undefined): string[] {
  const macs = fdb.filter((entry) => entry.configured && entry.remote === remote).map(({ mac }) => mac);
  return macs.flatMap((mac) => [
    `bridge fdb del ${mac} dev ${tunnel.name} dst ${remote}`,
    ...(right === undefined ? [] : [`bridge fdb append ${mac} dev ${tunnel.name} dst ${right}`]),
  ]);
}

export const underlayUdp: Check = {
  id: 'VX004', name: 'underlay', title: 'Packets to the UDP port reach each remote', needs: 'probe',
  explainedBy: ['VX007', 'VX019', 'VX005', 'VX008', 'VX009', 'VX012', 'VX013', 'VX014', 'VX015', 'VX020', 'VX021', 'VX001'],
  find: (situation) => [...refused(situation), ...lostBetween(situation)],
};

const refused = ({ here, probes }: Situation): Finding[] => probes.filter(({ what, error }) => what === 'underlay' && error === 'port unreachable').map(({ to }) => ({
  end: here.label, severity: 'error', detail: `nobody at ${to} listens on udp/${here.audit.tunnel.port}: its tunnel is down, or has another port`,
  evidence: ['ICMP port unreachable came back'], fix: [`at ${to}: ip -d link show type vxlan`],
}));

/** Sent here, and not even counted as UDP there: lost on the way. */
function lostBetween(situation: Situation): Finding[] {
  const { here, peers } = situation;
  if (tunnelAnswers(situation).answered > 0 || (here.counted.tunnel['txPackets'] ?? 0) === 0) return [];
  return peers.filter((peer) => sendsTo(here, peer) && !sawUdp(peer) && !droppedByRules(peer)).map((peer) => ({
    end: 'between', severity: 'error', detail: `udp/${here.audit.tunnel.port} is lost between here and ${peer.label}`,
    evidence: [
      `${here.counted.tunnel['txPackets']} packets left ${nameOf(here)}, none reached UDP at ${peer.label}`,
      ...pingEvidence(situation, peer), ...[here, peer].flatMap((end) => programEvidence(end).map((text) => `at ${end.label}: ${text}`)),
    ],
    fix: [...new Set([here, peer].filter((end) => programEvidence(end).length > 0).map((end) => `at ${end.label}: sluice bpf net ${end.audit.underlay!.name}`)), `allow udp/${here.audit.tunnel.port} between ${underlayAddressOf(here) ?? 'the nodes'} and ${underlayAddressOf(peer) ?? peer.label} in the network between (security group, switch, router)`],
  }));
}

const sendsTo = (here: End, peer: End): boolean => here.audit.remotes.some(({ address }) => addressesOf(peer).includes(address)) || here.audit.tunnel.group !== undefined;

const sawUdp = ({ counted: { stack } }: End): boolean => ['Udp.InDatagrams', 'Udp.NoPorts', 'Udp.InErrors', 'Udp6.InDatagrams', 'Udp6.NoPorts', 'Udp6.InErrors'].some((name) => (stack[name] ?? 0) > 0);

const droppedByRules = (peer: End): boolean => dropsOf(peer, ['NETFILTER_DROP'], ({ port }) => port === peer.audit.tunnel.port).length > 0;

const pingEvidence = ({ probes }: Situation, peer: End): string[] => probes
  .filter(({ what, to, answered }) => what === 'underlay' && answered > 0 && addressesOf(peer).includes(to)).map(({ to }) => `${to} answers ping`);

export const silence: Check = {
  id: 'VX033', name: 'answers', title: 'What is behind the tunnel answers', needs: 'probe',
  explainedBy: [
    'VX001', 'VX004', 'VX005', 'VX006', 'VX007', 'VX008', 'VX009', 'VX010', 'VX011', 'VX012', 'VX013', 'VX014', 'VX015', 'VX016', 'VX017', 'VX019', 'VX020', 'VX021', 'VX022',
    'VX023', 'VX024', 'VX025', 'VX026', 'VX027', 'VX028',
  ],
  find: (situation) => {
    const { here, probes } = situation;
    const silent = probes.filter(({ what, sent, answered, to }) => what === 'tunnel' && sent > 0 && answered === 0 && !isKnownAlive(here, to));
    if (silent.length === 0) return [];
    // Where others answer it may be just that host: a neighbour that left.
    const severity = tunnelAnswers(situation).answered > 0 ? 'warning' : 'error';
    return [{
      end: here.label, severity, detail: `no answer through the tunnel from ${someOf(silent.map(({ to }) => to))}`,
      evidence: [
        `${here.counted.tunnel['txPackets'] ?? 0} packets left ${nameOf(here)}, ${here.counted.tunnel['rxPackets'] ?? 0} came back`,
        ...dropEvidence(here.drops), ...programEvidence(here), ...countEvidence(here, ['Udp.NoPorts', 'Udp.InErrors', 'Icmp.InDestUnreachs']),
        ...silent.filter(({ error }) => error !== undefined).map(({ to, error }) => `${to}: ${error}`),
      ],
      fix: ['look at the other end as well: add --peer-netns NAME or --peer-ssh USER@HOST'],
    }];
  },
};

/** A host that resolves and does not answer ping is its own business. */
const isKnownAlive = ({ audit }: End, address: string): boolean => audit.neighbours.some((one) => one.address === address && one.state === 'REACHABLE');

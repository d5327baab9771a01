/** Where frames go: the FDB, neighbours, routes, the bridge. */

import { FLOOD_MAC } from '../../model.ts';
import type { Check, Finding } from '../finding.ts';
import type { End, Situation } from '../model.ts';
import { addressesOf, allEnds, configuredRemotes, countEvidence, deviceEvidence, dropEvidence, dropsOf, innerAddressesOf, nameOf, pairs, underlayAddressOf } from './common.ts';

const floods = ({ audit }: End): boolean => audit.tunnel.group !== undefined || audit.fdb.some(({ mac }) => mac === FLOOD_MAC);

export const floodMissing: Check = {
  id: 'VX026', name: 'flood', title: 'A learning device can ask where a MAC is',
  find: (situation) => allEnds(situation).filter((end) => end.audit.tunnel.learning && !end.audit.tunnel.external && !floods(end)).map((end) => ({
    end: end.label, severity: 'error', detail: `${nameOf(end)} has no entry for unknown frames (${FLOOD_MAC}) and no group: ARP goes nowhere`,
    evidence: [...deviceEvidence(end, ['txDropped']), ...dropEvidence(dropsOf(end, ['NO_TX_TARGET']))],
    fix: otherEnds(situation, end).map((address) => `bridge fdb append ${FLOOD_MAC} dev ${end.audit.tunnel.name} dst ${address}`),
  })),
};

/** Underlay addresses of the other ends, or a place holder. */
function otherEnds(situation: Situation, end: End): string[] {
  const known = allEnds(situation).filter((other) => other !== end).map(underlayAddressOf).filter((address) => address !== undefined);
  return known.length > 0 ? known : ['REMOTE'];
}

export const fdbGap: Check = {
  id: 'VX010', name: 'fdb-gap', title: 'Every neighbour\'s MAC has a place in the FDB',
  find: (situation) => allEnds(situation).filter((end) => !end.audit.tunnel.learning && !end.audit.tunnel.external && !floods(end)).flatMap((end) =>
    end.audit.neighbours.filter(({ mac }) => mac !== undefined && !isMulticast(mac) && !end.audit.fdb.some((entry) => entry.mac === mac)).map(({ address, mac }) => ({
      end: end.label, severity: 'error' as const, detail: `${address} has MAC ${mac}, for which ${nameOf(end)} has no FDB entry`,
      evidence: [...deviceEvidence(end, ['txDropped']), ...dropEvidence(dropsOf(end, ['NO_TX_TARGET'], ({ transport }) => transport !== ICMPV6))],
      fix: [`bridge fdb replace ${mac} dev ${end.audit.tunnel.name} dst ${ownerOf(situation, mac!) ?? otherEnds(situation, end)[0]} self permanent`],
    }))),
};

const ICMPV6 = 58;
const isMulticast = (mac: string): boolean => (Number.parseInt(mac.slice(0, 2), 16) & 1) === 1;

const ownerOf = (situation: Situation, mac: string): string | undefined => {
  const owner = situation.peers.find(({ audit }) => audit.tunnel.mac === mac || audit.tunnel.innerMac === mac);
  return owner === undefined ? undefined : underlayAddressOf(owner);
};

export const neighbourMissing: Check = {
  id: 'VX011', name: 'neighbour', title: 'A device that answers ARP itself knows every next hop',
  find: (situation) => allEnds(situation).filter(({ audit }) => audit.tunnel.proxy).flatMap((end) => {
    const gateways = [...new Set(end.audit.routes.map(({ gateway }) => gateway).filter((gateway) => gateway !== undefined))];
    return gateways.filter((gateway) => !end.audit.neighbours.some(({ address, mac }) => address === gateway && mac !== undefined)).map((gateway) => {
      const owner = situation.peers.find((peer) => innerAddressesOf(peer).includes(gateway));
      return {
        end: end.label, severity: 'error' as const, detail: `${nameOf(end)} answers ARP itself (proxy) and has no neighbour entry for the next hop ${gateway}`,
        evidence: end.audit.neighbours.filter(({ address }) => address === gateway).map(({ state }) => `ip neigh: ${gateway} ${state}`),
        fix: [`ip neigh replace ${gateway} lladdr ${owner?.audit.tunnel.innerMac ?? 'MAC'} dev ${end.audit.tunnel.name} nud permanent`],
      };
    });
  }),
};

export const floodOnly: Check = {
  id: 'VX018', name: 'flood-only', title: 'Unicast goes to one remote, not to all', explainedBy: ['VX005', 'VX008', 'VX009'],
  find: (situation) => allEnds(situation).filter((end) => !end.audit.tunnel.learning && !end.audit.tunnel.external).flatMap((end) => {
    const everywhere = end.audit.fdb.filter(({ mac }) => mac === FLOOD_MAC).length;
    const known = end.audit.fdb.filter(({ mac, remote }) => remote !== undefined && mac !== FLOOD_MAC).length;
    if (everywhere < 2 || known > 0) return [];
    return [{
      end: end.label, severity: 'warning' as const, detail: `${nameOf(end)} does not learn and knows no MAC: every packet is sent to all ${everywhere} remotes`,
      evidence: [`${everywhere} entries for unknown frames, none for a MAC`],
      fix: [`ip link set dev ${end.audit.tunnel.name} type vxlan learning`, 'or enter the MACs of the remotes: sluice vxlan fdb add'],
    }];
  }),
};

export const staleFdb: Check = {
  id: 'VX021', name: 'fdb-place', title: 'The FDB sends each end\'s MAC to that end', needs: 'peer', explainedBy: ['VX005', 'VX008', 'VX009', 'VX012', 'VX013', 'VX016'],
  find: (situation) => pairs(situation).flatMap(({ end, other }) => [...wrongPlace(end, other), ...unknownPeer(end, other)]),
};

/** Frames for an end carry one of these. */
const macsOf = ({ audit: { tunnel } }: End): string[] => [tunnel.mac, tunnel.innerMac];

function wrongPlace(end: End, other: End): Finding[] {
  const right = underlayAddressOf(other);
  const wrong = end.audit.fdb.filter(({ mac, remote, configured }) => configured && macsOf(other).includes(mac) && remote !== undefined && !addressesOf(other).includes(remote));
  return wrong.map(({ mac, remote }) => ({
    end: end.label, severity: 'error', detail: `${nameOf(end)} sends ${mac} to ${remote}, but it is at ${right ?? other.label}`,
    evidence: dropEvidence(dropsOf(other, ['OTHERHOST'])),
    fix: [`bridge fdb replace ${mac} dev ${end.audit.tunnel.name} dst ${right ?? 'REMOTE'} self permanent`],
  }));
}

/** Nothing here would ever be sent to that end. */
function unknownPeer(end: End, other: End): Finding[] {
  const { tunnel } = end.audit;
  const right = underlayAddressOf(other);
  const isKnown = configuredRemotes(end).some(({ address }) => addressesOf(other).includes(address)) || end.audit.fdb.some(({ mac }) => macsOf(other).includes(mac));
  if (isKnown || tunnel.group !== undefined || tunnel.external || (!floods(end) && configuredRemotes(end).length === 0)) return [];
  return [{
    end: end.label, severity: 'error', detail: `${nameOf(end)} has no FDB entry that sends to ${right ?? other.label}`, evidence: [],
    fix: [`bridge fdb append ${tunnel.learning ? FLOOD_MAC : other.audit.tunnel.mac} dev ${tunnel.name} dst ${right ?? 'REMOTE'}`],
  }];
}

export const wrongNeighbour: Check = {
  id: 'VX022', name: 'neighbour-mac', title: 'Neighbour entries have the MAC that the other end has', needs: 'peer',
  find: (situation) => pairs(situation).flatMap(({ end, other }) =>
    end.audit.neighbours.filter(({ address, mac }) => mac !== undefined && mac !== other.audit.tunnel.innerMac && innerAddressesOf(other).includes(address)).map(({ address, mac, state }) => ({
      end: end.label, severity: 'error' as const, detail: `${address} is at ${mac} for ${nameOf(end)}, but ${nameOf(other)} has ${other.audit.tunnel.innerMac}`,
      evidence: [`ip neigh: ${address} lladdr ${mac} ${state}`, ...dropEvidence(dropsOf(other, ['OTHERHOST']))],
      fix: [`ip neigh replace ${address} lladdr ${other.audit.tunnel.innerMac} dev ${end.audit.tunnel.name} nud permanent`],
    }))),
};

/** Ways back to the pods of an end, asked of each end that the tunnel's routes of that one lead to. */
const returnLookups = (situation: Situation) => pairs(situation).filter(({ end, other }) => other.audit.routes.some(({ gateway }) => gateway !== undefined && innerAddressesOf(end).includes(gateway)))
  .flatMap(({ end, other }) => end.audit.lookups.filter(({ address }) => addressesOf(other).includes(address)).map((lookup) => ({ end, ...lookup })));

export const noReturnRoute: Check = {
  id: 'VX023', name: 'return-route', title: 'Each end has a route back to the pods of the other', needs: 'peer', explainedBy: ['VX001', 'VX019', 'VX020'],
  find: (situation) => returnLookups(situation).filter(({ why }) => why !== undefined).map(({ end, address, why }) => ({
    end: end.label, severity: 'error', detail: `${end.label === 'here' ? end.audit.node : end.label} has no route back to ${address}: ${why}`,
    evidence: [...countEvidence(end, ['IpExt.InNoRoutes', 'Ip.OutNoRoutes']), ...dropEvidence(dropsOf(end, ['IP_INNOROUTES', 'IP_OUTNOROUTES'])), ...unansweredFrom(situation, address)],
    fix: [`ip route add ${prefixOf(situation, address) ?? address} via ${gatewayFor(situation, address) ?? 'GATEWAY'} dev ${end.audit.tunnel.name} onlink`],
  })),
};

/** Echo requests from an address that nobody answered. */
const unansweredFrom = ({ probes }: Situation, address: string): string[] => probes
  .filter(({ from, what, answered }) => from === address && what === 'tunnel' && answered === 0).map(({ to, sent }) => `${sent} echo requests from ${address} to ${to}, no answer`);

export const reversePath: Check = {
  id: 'VX024', name: 'rp-filter', title: 'Packets from the tunnel pass the reverse path filter', needs: 'peer',
  find: (situation) => returnLookups(situation).filter(({ end, device }) => device !== undefined && end.audit.rpFilter === 1 && device !== end.audit.tunnel.name && !isBridge(end, device))
    .map(({ end, address, device }) => ({
      end: end.label, severity: 'error', detail: `rp_filter is strict, and the route back to ${address} leaves by ${device}: what comes from there by ${nameOf(end)} is dropped`,
      evidence: [...countEvidence(end, ['TcpExt.IPReversePathFilter']), ...dropEvidence(dropsOf(end, ['IP_RPFILTER']))],
      fix: [`ip route replace ${prefixOf(situation, address) ?? address} via ${gatewayFor(situation, address) ?? 'GATEWAY'} dev ${end.audit.tunnel.name} onlink`, `or: sysctl -w net.ipv4.conf.${end.audit.tunnel.name}.rp_filter=2`],
    })),
};

const isBridge = ({ audit }: End, device: string): boolean => audit.bridgePort?.bridge === device;

/** The network that an address of an end is in. */
function prefixOf(situation: Situation, wanted: string): string | undefined {
  const found = allEnds(situation).flatMap(({ audit }) => audit.addresses).find(({ address }) => address === wanted);
  if (found === undefined || found.address.includes(':')) return undefined;
  const number = found.address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const network = number - (number % 2 ** (32 - found.prefixLength));
  return `${[24, 16, 8, 0].map((bits) => Math.floor(network / 2 ** bits) % 256).join('.')}/${found.prefixLength}`;
}

/** The inner address of the end that has an address. */
function gatewayFor(situation: Situation, wanted: string): string | undefined {
  const owner = allEnds(situation).find((end) => addressesOf(end).includes(wanted));
  return owner === undefined ? undefined : innerAddressesOf(owner).find((address) => address.includes(':') === wanted.includes(':') && !address.startsWith('fe80:'));
}

export const bridgeFloodOff: Check = {
  id: 'VX027', name: 'bridge-flood', title: 'The bridge sends unknown frames into the tunnel',
  find: (situation) => allEnds(situation).flatMap((end) => {
    const port = end.audit.bridgePort;
    if (port === undefined || port.flood || port.broadcastFlood) return [];
    const { name } = end.audit.tunnel;
    return [{
      end: end.label, severity: 'error' as const, detail: `${port.bridge} sends neither broadcasts nor unknown frames to its port ${name}: frames of pods never reach the tunnel`,
      evidence: [`bridge -d link: ${name} flood off${port.multicastFlood ? '' : ' mcast_flood off'} bcast_flood off`],
      fix: [`bridge link set dev ${name} flood on mcast_flood on bcast_flood on`],
    }];
  }),
};

/** What must be the same at both ends, and what must not. */

import type { Check, Finding } from '../finding.ts';
import type { End, Situation } from '../model.ts';
import { allEnds, countEvidence, deviceEvidence, dropEvidence, dropsOf, nameOf } from './common.ts';

/** One finding for each peer that differs from us. */
const eachPeer = (situation: Situation, find: (here: End, peer: End) => Finding | undefined): Finding[] =>
  situation.peers.map((peer) => find(situation.here, peer)).filter((finding) => finding !== undefined);

export const vniMismatch: Check = {
  id: 'VX006', name: 'vni', title: 'Both ends have the same VNI', needs: 'peer',
  find: (situation) => eachPeer(situation, (here, peer) => {
    const [own, theirs] = [here.audit.tunnel, peer.audit.tunnel];
    if (own.external || theirs.external || own.vni === theirs.vni) return undefined;
    const drops = [here, peer].flatMap((end) => dropEvidence(dropsOf(end, ['VXLAN_VNI_NOT_FOUND'])).map((text) => `${text} at ${end.label}`));
    return {
      end: peer.label, severity: 'error', detail: `VNI ${theirs.vni} at ${peer.label}, ${own.vni} here`,
      evidence: [...drops, ...countEvidence(peer, ['Udp.InDatagrams'])],
      fix: [`ip link del ${theirs.name}`, `and create it again with id ${own.vni}: a VNI cannot be changed`],
    };
  }),
};

export const portMismatch: Check = {
  id: 'VX007', name: 'port', title: 'Both ends use the same UDP port', needs: 'peer',
  find: (situation) => eachPeer(situation, (here, peer) => {
    const [own, theirs] = [here.audit.tunnel, peer.audit.tunnel];
    if (own.port === theirs.port) return undefined;
    return {
      end: peer.label, severity: 'error', detail: `udp/${theirs.port} at ${peer.label}, udp/${own.port} here`,
      evidence: [
        ...[here, peer].flatMap((end) => countEvidence(end, ['Udp.NoPorts'])),
        ...[here, peer].flatMap((end) => dropEvidence(dropsOf(end, ['NO_SOCKET'], ({ port }) => port === own.port || port === theirs.port))),
      ],
      fix: [`ip link del ${theirs.name}`, `and create it again with dstport ${own.port}: the port cannot be changed`],
    };
  }),
};

const FLAGS = ['gbp', 'gpe'] as const;

export const headerFlags: Check = {
  id: 'VX025', name: 'header-flags', title: 'Both ends read the same VXLAN header (gbp, gpe)',
  find: (situation) => [...eachPeer(situation, differentFlags), ...(situation.peers.length > 0 ? [] : badHeaders(situation.here))],
};

function differentFlags(here: End, peer: End): Finding | undefined {
  const flag = FLAGS.find((name) => here.audit.tunnel[name] !== peer.audit.tunnel[name]);
  if (flag === undefined) return undefined;
  const [having, lacking] = here.audit.tunnel[flag] ? [here, peer] : [peer, here];
  return {
    end: lacking.label, severity: 'error', detail: `${nameOf(having)} has ${flag}, ${nameOf(lacking)} has not: it drops packets with that header`,
    evidence: [...dropEvidence(dropsOf(lacking, ['VXLAN_INVALID_HDR'])), ...deviceEvidence(lacking, ['rxErrors', 'rxFrameErrors'])],
    fix: [`ip link del ${lacking.audit.tunnel.name}`, `and create it again with ${flag}: the header cannot be changed`],
  };
}

/** Without the other end: what came here with a header that is not understood. */
function badHeaders(here: End): Finding[] {
  const errors = here.counted.tunnel['rxFrameErrors'] ?? 0;
  const drops = dropsOf(here, ['VXLAN_INVALID_HDR'], ({ vni }) => vni === here.audit.tunnel.vni);
  if (errors === 0 && drops.length === 0) return [];
  return [{
    end: here.label, severity: 'error', detail: 'packets come with a VXLAN header that is not understood here: gbp or gpe is set at one end only',
    evidence: [...dropEvidence(drops), ...deviceEvidence(here, ['rxErrors', 'rxFrameErrors'])], fix: ['ip -d link show at both ends, and create one of them again with the same flags'],
  }];
}

export const duplicateMac: Check = {
  id: 'VX016', name: 'duplicate-mac', title: 'No other end has this end\'s MAC',
  find: ({ here, peers }) => {
    const same = peers.filter(({ audit }) => audit.tunnel.mac === here.audit.tunnel.mac);
    if (same.length > 0) return same.map((peer) => macFinding(peer, `${here.audit.tunnel.mac} is the MAC of ${nameOf(here)} and of ${nameOf(peer)}`, [here, peer]));
    const drops = dropsOf(here, ['LOCAL_MAC'], ({ device }) => device === here.audit.tunnel.name || device === here.audit.underlay?.name);
    return drops.length === 0 ? [] : [macFinding(here, `frames come with this end's own MAC ${here.audit.tunnel.mac}: another end has the same`, [here])];
  },
};

const macFinding = (end: End, detail: string, ends: readonly End[]): Finding => ({
  end: end.label, severity: 'error', detail, evidence: ends.flatMap((one) => dropEvidence(dropsOf(one, ['LOCAL_MAC']))),
  fix: [`ip link set dev ${end.audit.tunnel.name} address 02:${randomLooking(end.audit)}`],
});

/** A MAC that no other end has by chance: made of the VNI's and the namespace's numbers. */
function randomLooking({ netns, tunnel }: End['audit']): string {
  const number = (BigInt(netns) * 0x9e37_79b9n + BigInt(tunnel.ifindex)) & 0xff_ffff_ffffn;
  return number.toString(16).padStart(10, '0').replace(/..(?!$)/g, '$&:');
}

export const movingMac: Check = {
  id: 'VX017', name: 'mac-moves', title: 'No MAC is at two remotes',
  find: (situation) => [...sharedByPeers(situation), ...moved(situation)],
};

function sharedByPeers({ peers }: Situation): Finding[] {
  return peers.flatMap((peer, index) => {
    const twin = peers.slice(0, index).find(({ audit }) => audit.tunnel.mac === peer.audit.tunnel.mac);
    return twin === undefined ? [] : [macFinding(peer, `${peer.audit.tunnel.mac} is the MAC of ${nameOf(twin)} and of ${nameOf(peer)}`, [])];
  });
}

/** Moves back and forth, or neighbours with one MAC that moves or answers for one of them only; one move alone is a pod that went to another node. */
function moved(situation: Situation): Finding[] {
  const { here } = situation;
  const macs = [...new Set([...here.moves, ...here.audit.neighbours].map(({ mac }) => mac).filter((mac) => mac !== undefined))];
  return macs.flatMap((mac) => {
    const moves = here.moves.filter((move) => move.mac === mac);
    const twins = here.audit.neighbours.filter((one) => one.mac === mac).map(({ address }) => address);
    const shared = twins.length > 1 && (moves.length > 0 || isOneSilent(situation, twins));
    if (moves.length < 2 && !shared) return [];
    const places = [...new Set(moves.flatMap(({ from, to }) => [from, to]))];
    return [{
      end: here.label, severity: 'error' as const, detail: `${mac} ${places.length > 1 ? `moves between ${places.join(' and ')}` : `is the MAC of ${twins.join(' and ')}`}: two ends have the same MAC`,
      evidence: [...(moves.length === 0 ? [] : [`${moves.length} ${moves.length === 1 ? 'move' : 'moves'} in the FDB of ${nameOf(here)}`]), ...twins.map((address) => `ip neigh: ${address} lladdr ${mac}`)],
      fix: ['at one of the two ends: ip link set dev VXLAN address MAC, with a MAC of its own'],
    }];
  });
}

function isOneSilent({ probes }: Situation, addresses: readonly string[]): boolean {
  const answered = probes.filter(({ what, to, sent }) => what === 'tunnel' && sent > 0 && addresses.includes(to)).map((probe) => probe.answered > 0);
  return answered.includes(true) && answered.includes(false);
}

export const deviceDown: Check = {
  id: 'VX019', name: 'device-up', title: 'The tunnel device is up at every end', explainedBy: ['VX001'],
  find: (situation) => allEnds(situation).filter(({ audit }) => !audit.tunnel.up).map((end) => ({
    end: end.label, severity: 'error', detail: `${nameOf(end)} is down, and its UDP port with it`,
    evidence: [...countEvidence(end, ['Udp.NoPorts']), ...dropEvidence(dropsOf(end, ['NO_SOCKET'], ({ port }) => port === end.audit.tunnel.port))],
    fix: [`ip link set dev ${end.audit.tunnel.name} up`],
  })),
};

export const portClash: Check = {
  id: 'VX001', name: 'port-clash', title: 'Nobody else uses the UDP port, or the VNI on it',
  find: (situation) => allEnds(situation).flatMap((end) => [...heldPort(end), ...twinTunnels(end)]),
};

function heldPort(end: End): Finding[] {
  const { portHolder, tunnel } = end.audit;
  if (portHolder === undefined) return [];
  return [{
    end: end.label, severity: 'error', detail: `udp/${tunnel.port} is held by ${portHolder.program} (pid ${portHolder.pid})${tunnel.up ? '' : `, so ${nameOf(end)} cannot be set up`}`,
    evidence: [`/proc/net/udp: port ${tunnel.port} belongs to a socket of pid ${portHolder.pid}`], fix: [`stop ${portHolder.program}, then: ip link set dev ${tunnel.name} up`],
  }];
}

/** Devices of both families may share a port and a VNI; those that read different headers may not even share the port. */
const twinTunnels = (end: End): Finding[] => end.audit.otherTunnels.filter(({ port, ipv6 }) => port === end.audit.tunnel.port && ipv6 === end.audit.tunnel.ipv6).flatMap((other): Finding[] => {
  const { tunnel } = end.audit;
  const flag = FLAGS.find((name) => other[name] !== tunnel[name]);
  if (flag !== undefined && other.up && !tunnel.up) {
    return [{
      end: end.label, severity: 'error', detail: `${other.name} has udp/${tunnel.port} ${other[flag] ? 'with' : 'without'} ${flag}, so ${nameOf(end)} cannot be set up on it`, evidence: [],
      fix: [`ip link del ${tunnel.name}`, `and create it again with another dstport, or ${other[flag] ? 'with' : 'without'} ${flag}`],
    }];
  }
  if (flag !== undefined || other.vni === undefined || other.vni !== tunnel.vni) return [];
  return [{ end: end.label, severity: 'error', detail: `${other.name} has the same VNI ${tunnel.vni} on the same port ${tunnel.port}`, evidence: [], fix: [`ip link del ${other.name}`] }];
});

export const ageing: Check = {
  id: 'VX034', name: 'ageing', title: 'Learned entries leave when nothing is heard of them',
  find: (situation) => allEnds(situation).filter(({ audit }) => audit.tunnel.learning && audit.tunnel.ageingSeconds === 0).map((end) => ({
    end: end.label, severity: 'warning', detail: `${nameOf(end)} learns, and never forgets (ageing 0): what moved is sent to its old place for ever`, evidence: [],
    fix: [`ip link set dev ${end.audit.tunnel.name} type vxlan ageing 300`],
  })),
};

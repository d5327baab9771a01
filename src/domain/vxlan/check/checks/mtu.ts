/** Sizes: of the device, of the one below, of the path. */

import type { Check, Finding } from '../finding.ts';
import type { End, Situation } from '../model.ts';
import { allEnds, countEvidence, deviceEvidence, dropEvidence, dropsOf, nameOf } from './common.ts';

/** Ethernet 14, VXLAN 8, UDP 8, and the outer IP header. */
const overheadOf = ({ audit }: End): number => 14 + 8 + 8 + (audit.tunnel.ipv6 ? 40 : 20);

export const mtuTooLarge: Check = {
  id: 'VX002', name: 'mtu', title: 'A full packet fits into the device below',
  find: (situation) => allEnds(situation).map(tooLarge).filter((finding) => finding !== undefined),
};

function tooLarge(end: End): Finding | undefined {
  const { tunnel, underlay } = end.audit;
  const room = (underlay?.mtu ?? Number.POSITIVE_INFINITY) - overheadOf(end);
  if (underlay === undefined || tunnel.mtu <= room) return undefined;
  const what = tunnel.df === 'unset' ? 'larger packets go in two fragments' : `larger packets are lost, and the sender is not told (df ${tunnel.df})`;
  return {
    end: end.label, severity: 'error', detail: `${tunnel.mtu} > ${room} (${underlay.name} ${underlay.mtu} - ${overheadOf(end)}): ${what}`,
    evidence: [...countEvidence(end, ['Ip.FragCreates', 'Ip.FragFails', 'Icmp.InDestUnreachs']), ...deviceEvidence(end, ['txDropped'])],
    fix: [`ip link set dev ${tunnel.name} mtu ${room}`],
  };
}

export const mtuDiffers: Check = {
  id: 'VX031', name: 'mtu-differs', title: 'Both ends have the same MTU', needs: 'peer', explainedBy: ['VX002'],
  find: ({ here, peers }) => peers.filter(({ audit }) => audit.tunnel.mtu !== here.audit.tunnel.mtu).map((peer) => {
    const [small, large] = peer.audit.tunnel.mtu < here.audit.tunnel.mtu ? [peer, here] : [here, peer];
    return {
      end: large.label, severity: 'warning', evidence: [],
      detail: `MTU ${large.audit.tunnel.mtu} of ${nameOf(large)}, ${small.audit.tunnel.mtu} of ${nameOf(small)}: its larger packets may be refused there`,
      fix: [`ip link set dev ${large.audit.tunnel.name} mtu ${small.audit.tunnel.mtu}`],
    };
  }),
};

export const pathMtu: Check = {
  id: 'VX030', name: 'path-mtu', title: 'A full packet passes the whole way to each remote', needs: 'probe', explainedBy: ['VX002', 'VX017'],
  find: (situation) => {
    const narrow = narrowPaths(situation);
    return narrow.length > 0 ? narrow : lostWhenFull(situation);
  },
};

const narrowPaths = ({ here, paths }: Situation): Finding[] => paths.filter(({ mtu }) => mtu < here.audit.tunnel.mtu + overheadOf(here)).map(({ to, mtu }) => ({
  end: here.label, severity: 'error', detail: `packets above ${mtu} bytes do not reach ${to}; a full one has ${here.audit.tunnel.mtu + overheadOf(here)}`,
  evidence: [`${mtu} bytes with the don't-fragment bit are answered by ${to}, ${mtu + 1} are not`, ...dropEvidence(dropsOf(here, ['PKT_TOO_BIG']))],
  fix: [`ip link set dev ${here.audit.tunnel.name} mtu ${mtu - overheadOf(here)}`, 'or let the network between carry larger packets'],
}));

/** Where the underlay answers no ping, or drops only what comes in fragments. */
function lostWhenFull({ here, probes }: Situation): Finding[] {
  const lost = probes.filter(({ what, answered }) => what === 'full' && answered === 0);
  return lost.length === 0 ? [] : [{
    end: here.label, severity: 'error', detail: `full packets (${here.audit.tunnel.mtu} bytes) do not pass to ${lost.map(({ to }) => to).join(', ')}, small ones do`,
    evidence: countEvidence(here, ['Ip.FragCreates', 'Ip.FragFails', 'Ip.ReasmFails']), fix: [`ip link set dev ${here.audit.tunnel.name} mtu 1280`, 'or find out what is lost between: sluice mtu check'],
  }];
}

export const tooBigBlocked: Check = {
  id: 'VX032', name: 'too-big', title: 'Pods are told when a packet is too big', needs: 'firewall',
  find: (situation) => allEnds(situation).flatMap((end) => (end.audit.firewall ?? []).filter(({ way, verdict }) => way === 'too-big' && verdict === 'drop').map(({ rule, fix }) => ({
    end: end.label, severity: 'error' as const, detail: `${rule} drops "fragmentation needed": connections open and then hang`,
    evidence: countEvidence(end, ['Ip.FragFails', 'Ip.OutDiscards']), fix: fix === undefined ? [] : [fix],
  }))),
};

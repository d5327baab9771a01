/** What several checks ask of a situation. */

import type { Drop, End, Situation } from '../model.ts';

/** Each end with those that it has to reach: we all of the peers, and they us. */
export const pairs = ({ here, peers }: Situation): { end: End; other: End }[] => peers.flatMap((peer) => [{ end: here, other: peer }, { end: peer, other: here }]);

/** Both ends and more: ours first. */
export const allEnds = ({ here, peers }: Situation): End[] => [here, ...peers];

/** `vxlan100 of h2`. */
export const nameOf = ({ label, audit }: End): string => (label === 'here' ? audit.tunnel.name : `${audit.tunnel.name} of ${label}`);

/** The addresses of a node, without their prefix lengths. */
export const addressesOf = ({ audit }: End): string[] => audit.addresses.map(({ address }) => address);

/** The tunnel device's own addresses, without their prefix lengths. */
export const innerAddressesOf = ({ audit }: End): string[] => audit.tunnel.addresses.map((text) => text.split('/')[0]!);

/** The address that an end sends from on the underlay: the one that is set, else that of the device below. */
export function underlayAddressOf({ audit }: End): string | undefined {
  if (audit.tunnel.local !== undefined) return audit.tunnel.local;
  const own = audit.addresses.filter(({ device, address }) => device === audit.underlay?.name && address.includes(':') === audit.tunnel.ipv6);
  return (own.find(({ address }) => !address.startsWith('fe80:')) ?? own[0])?.address;
}

/** Packets that were thrown away for one of these reasons, of those that pass the test. */
export const dropsOf = ({ drops }: End, reasons: readonly string[], test: (drop: Drop) => boolean = () => true): Drop[] =>
  drops.filter((drop) => reasons.includes(drop.reason) && test(drop));

/** `3 packets dropped at eth0: VXLAN_VNI_NOT_FOUND`, once for each reason and device. */
export function dropEvidence(drops: readonly Drop[]): string[] {
  const groups = Map.groupBy(drops, ({ reason, device }) => `${device === undefined ? '' : ` at ${device}`}: ${reason}`);
  return [...groups].map(([place, group]) => {
    const packets = group.reduce((sum, drop) => sum + drop.packets, 0);
    return `${packets} ${packets === 1 ? 'packet' : 'packets'} dropped${place}`;
  });
}

/** `UdpNoPorts +3` for each of these counters of the stack that moved. */
export const countEvidence = ({ counted, label }: End, names: readonly string[]): string[] =>
  names.filter((name) => (counted.stack[name] ?? 0) > 0).map((name) => `${name.replace('.', '')} +${counted.stack[name]}${label === 'here' ? '' : ` at ${label}`}`);

/** `tx_dropped +3 on vxlan100` for each of these counters of the tunnel device that moved. */
export const deviceEvidence = (end: End, names: readonly string[]): string[] =>
  names.filter((name) => (end.counted.tunnel[name] ?? 0) > 0).map((name) => `${snake(name)} +${end.counted.tunnel[name]} on ${nameOf(end)}`);

const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** Programs at the device below, which may drop packets without a trace. */
export const programEvidence = ({ audit: { underlay } }: End): string[] =>
  (underlay?.programs ?? []).map(({ hook, id, name }) => `eBPF program ${name} (id ${id}) stands at ${hook} of ${underlay!.name}`);

/** Answers that came through the tunnel, and how many there could have been. */
export function tunnelAnswers({ probes }: Situation): { sent: number; answered: number } {
  const through = probes.filter(({ what }) => what === 'tunnel');
  return { sent: through.reduce((sum, { sent }) => sum + sent, 0), answered: through.reduce((sum, { answered }) => sum + answered, 0) };
}

/** Remotes that somebody entered: what was learned is a consequence of packets, and goes by itself. */
export const configuredRemotes = ({ audit }: End) => audit.remotes.filter(({ configured }) => configured);

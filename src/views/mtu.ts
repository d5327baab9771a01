/** How MTUs look. */

import type { CardView, Column } from '../cli/view.ts';
import type { CheckedLink, CheckedPath, ExactOverhead, Header, MtuFinding, MtuReport, OverheadReport, QuickOverhead, StackLayer, StackReport } from '../domain/mtu/index.ts';

const sum = (headers: readonly Header[], padding = 0): string =>
  [...headers.map(({ name, bytes }) => `${name} ${bytes}`), ...(padding === 0 ? [] : [`padding 0-${padding}`])].join(' + ');

const quickColumns: Column<QuickOverhead>[] = [
  { header: 'ENCAPSULATION', value: ({ encapsulation }) => encapsulation },
  { header: 'OVERHEAD', value: ({ overhead }) => overhead, align: 'right' },
  { header: 'INNER-MTU', value: ({ innerMtu }) => innerMtu, align: 'right' },
];

const exactColumns: Column<ExactOverhead>[] = [
  { header: 'ENCAPSULATION', value: ({ encapsulation }) => encapsulation },
  { header: 'UNDERLAY', value: ({ underlay }) => underlay },
  { header: 'VARIANT', value: ({ variant }) => variant },
  { header: 'OVERHEAD', value: ({ overhead }) => overhead, align: 'right' },
  { header: 'INNER-MTU', value: ({ innerMtu }) => innerMtu, align: 'right' },
  { header: 'LARGEST', value: ({ largest }) => largest, align: 'right' },
  { header: 'MADE-OF', value: ({ headers, padding }) => sum(headers, padding), dropOrder: 1 },
];

/** The card of `mtu overhead`. */
export const overheadView: CardView<OverheadReport> = {
  kind: 'MtuOverhead',
  name: ({ outerMtu }) => `mtu/${outerMtu}`,
  lines: ({ outerMtu }) => [['OUTER-MTU', outerMtu]],
  sections: ({ quick, exact }) => [
    { title: 'Over IPv4, without options', columns: quickColumns, rows: quick },
    { title: 'By headers', columns: exactColumns, rows: exact },
  ],
  footer: () => [
    'An MTU counts what follows the Ethernet header of a device. So the outer Ethernet header is free, and the inner one costs 14: as',
    'many as the outer one that VXLAN is often said to cost.',
    'INNER-MTU always fits. LARGEST is the largest packet that fits into this outer MTU: padding then costs less than it may.',
  ],
};

const layerColumns: Column<StackLayer>[] = [
  { header: 'ENCAPSULATION', value: ({ encapsulation }) => encapsulation },
  { header: 'UNDERLAY', value: ({ underlay }) => underlay },
  { header: 'OUTER-MTU', value: ({ outerMtu }) => outerMtu, align: 'right' },
  { header: 'OVERHEAD', value: ({ overhead }) => overhead, align: 'right' },
  { header: 'INNER-MTU', value: ({ innerMtu }) => innerMtu, align: 'right' },
  { header: 'MADE-OF', value: ({ headers, overhead }) => sum(headers, 0) + filled(headers, overhead), dropOrder: 1 },
];

/** Padding that this outer MTU leads to, as the rest of the sum. */
function filled(headers: readonly Header[], overhead: number): string {
  const padding = overhead - headers.reduce((total, { bytes }) => total + bytes, 0);
  return padding === 0 ? '' : ` + padding ${padding}`;
}

/** The card of `mtu calc`. */
export const stackView: CardView<StackReport> = {
  kind: 'MtuStack',
  name: ({ innerMtu }) => `mtu/${innerMtu}`,
  lines: ({ outerMtu, overhead, innerMtu, needed }) => [
    ['OUTER-MTU', outerMtu], ['OVERHEAD', overhead], ['INNER-MTU', innerMtu],
    ...(needed === undefined ? [] : [[`${needed.innerMtu} NEEDS`, `${needed.outerMtu}${needed.fits ? '' : `, which is more than ${outerMtu}`}`] as const]),
  ],
  sections: ({ layers }) => [{ title: 'From the outside in', columns: layerColumns, rows: layers }],
  footer: ({ warnings }) => warnings,
};

const pathColumns: Column<CheckedPath>[] = [
  { header: 'TO', value: ({ to }) => to },
  { header: 'LINKS', value: ({ links }) => links.join(' > ') },
  { header: 'LINK-MTU', value: ({ egressMtu }) => egressMtu, align: 'right' },
  { header: 'PATH-MTU', value: ({ measured }) => (measured === undefined ? null : measured.mtu), align: 'right', tone: ({ measured, egressMtu }) => (measured?.vanished !== undefined ? 'bad' : measured !== undefined && measured.mtu < egressMtu ? 'warn' : 'good') },
  { header: 'KERNEL', value: ({ measured }) => measured?.cachedMtu, align: 'right' },
  { header: 'CARRIES', value: ({ carries }) => carries },
  { header: 'BY', value: ({ measured }) => measured?.probes },
];

const linkColumns: Column<CheckedLink>[] = [
  { header: 'LINK', value: ({ name, netns }) => (netns === undefined ? name : `${netns}/${name}`) },
  { header: 'KIND', value: ({ kind }) => kind },
  { header: 'MTU', value: ({ mtu }) => mtu, align: 'right' },
  { header: 'CARRIED-BY', value: ({ tunnel }) => (tunnel === undefined ? undefined : `${tunnel.over} ${tunnel.overMtu} - ${tunnel.overhead}`) },
  { header: 'MASTER', value: ({ master }) => master },
  { header: 'PEER', value: ({ peer }) => (peer === undefined ? undefined : `${peer.netns}/${peer.name} ${peer.mtu}`) },
];

const findingColumns: Column<MtuFinding>[] = [
  { header: 'CHECK', value: ({ id }) => id },
  { header: 'RESULT', value: ({ severity }) => severity.toUpperCase(), tone: ({ severity }) => (severity === 'fail' ? 'bad' : 'warn') },
  { header: 'SUBJECT', value: ({ subject }) => subject },
  { header: 'CHANGE', value: ({ side }) => side },
  { header: 'DETAIL', value: ({ detail }) => detail },
];

/** The card of `mtu check`. */
export const mtuCheckView: CardView<MtuReport> = {
  kind: 'MtuCheck',
  name: () => 'mtu/check',
  lines: ({ paths, links }) => [['CHECKED', `${links.length} links, ${paths.length} ${paths.length === 1 ? 'path' : 'paths'}`]],
  sections: ({ paths, links, findings }) => [
    ...(paths.length === 0 ? [] : [{ title: 'Paths', columns: pathColumns, rows: paths }]),
    { title: 'Links', columns: linkColumns, rows: links },
    ...(findings.length === 0 ? [] : [{ title: 'Findings', columns: findingColumns, rows: findings }]),
  ],
  footer: ({ findings }) => (findings.length === 0 ? ['Nothing is wrong.'] : findings.map(({ id, fix }) => `fix ${id}:  ${fix}`)),
  json: ({ links, paths, findings }) => ({ paths, links, findings }),
};

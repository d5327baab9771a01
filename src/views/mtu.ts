/** How MTUs look. */

import type { CardView, Column } from '../cli/view.ts';
import type { ExactOverhead, Header, OverheadReport, QuickOverhead, StackLayer, StackReport } from '../domain/mtu/index.ts';

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

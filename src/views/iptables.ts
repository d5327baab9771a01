/** How rules look. */

import type { CardView, Column, TableView } from '../cli/view.ts';
import type { RuleDetail, RuleRow } from '../domain/netfilter/index.ts';

const columns: readonly Column<RuleRow>[] = [
  { header: 'FAMILY', value: (row) => row.family, wide: true },
  { header: 'BACKEND', value: (row) => row.backend, wide: true },
  { header: 'CHAIN', value: (row) => `${row.table}/${row.chain}`, shrinkTo: 12 },
  { header: '#', value: (row) => row.number ?? '-', align: 'right' },
  { header: 'PKTS', value: (row) => row.packets, format: 'count' },
  { header: 'BYTES', value: (row) => row.bytes, format: 'count', dropOrder: 3 },
  { header: 'TARGET', value: (row) => row.target, shrinkTo: 12 },
  { header: 'IN', value: (row) => row.in ?? 'any', wide: true },
  { header: 'OUT', value: (row) => row.out ?? 'any', wide: true },
  { header: 'PROTO', value: (row) => row.protocol ?? 'all', wide: true },
  { header: 'SRC', value: (row) => row.source ?? 'any', wide: true },
  { header: 'DST', value: (row) => row.destination ?? 'any', wide: true },
  { header: 'MATCH', value: (row) => row.match, shrinkTo: 20 },
  { header: 'OWNER', value: (row) => row.owner, dropOrder: 2 },
];

export const rulesView: TableView<RuleRow> = {
  kind: 'IptablesRule',
  columns,
  empty: 'No rules found.',
  name: (row) => `rule/${row.table}/${row.chain}${row.number === undefined ? '' : `#${row.number}`}`,
};

export const ruleDetailView: CardView<RuleDetail> = {
  kind: 'IptablesRuleDetail',
  name: (detail) => `rule/${detail.at}`,
  lines: (detail) => [
    ['AT', detail.at], ['FAMILY', detail.family], ['BACKEND', detail.backend], ['OWNER', detail.owner],
    ...(detail.policy === undefined ? [] : [['POLICY', detail.policy] as const]),
    ['PACKETS', detail.packets], ['BYTES', detail.bytes],
    ...detail.tests.map((test, i) => [i === 0 ? 'MATCHES' : '', test] as const),
    ...(detail.target === '' ? [] : [['THEN', detail.target] as const]),
    ['CALLED BY', detail.calledBy.length === 0 ? undefined : detail.calledBy.join(', ')],
    ['NATIVE', detail.native],
  ],
  sections: (detail) => (detail.rules.length === 0 ? [] : [{ columns: columns as readonly Column<never>[], rows: detail.rules }]),
};

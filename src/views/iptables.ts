/** How rules look. */

import type { CardView, Column, TableView } from '../cli/view.ts';
import type { RuleDetail, RuleRow } from '../domain/netfilter/index.ts';

const columns: readonly Column<RuleRow>[] = [
  { header: 'FAMILY', value: (row) => row.family, wide: true },
  { header: 'BACKEND', value: (row) => row.backend, wide: true },
  { header: 'TABLE', value: (row) => row.table, wide: true },
  { header: 'CHAIN', value: (row) => row.chain, wide: true, shrinkTo: 12 },
  { header: '#', value: (row) => row.number, align: 'right' },
  { header: 'PKTS', value: (row) => row.packets, format: 'count' },
  { header: 'BYTES', value: (row) => row.bytes, format: 'count', dropOrder: 3 },
  { header: 'TARGET', value: (row) => row.target, shrinkTo: 12, tone: (row) => (row.target === 'DROP' || row.target === 'REJECT' ? 'bad' : undefined) },
  { header: 'IN', value: (row) => row.in ?? 'any', wide: true },
  { header: 'OUT', value: (row) => row.out ?? 'any', wide: true },
  { header: 'PROTO', value: (row) => row.protocol ?? 'all', wide: true },
  { header: 'SRC', value: (row) => row.source ?? 'any', wide: true },
  { header: 'DST', value: (row) => row.destination ?? 'any', wide: true },
  { header: 'MATCH', value: (row) => row.match, shrinkTo: 20 },
  { header: 'OWNER', value: (row) => row.owner, dropOrder: 2 },
  { header: 'OBJECT', value: (row) => row.object, wide: true },
];

/**
 * Rules of `place` (`filter`, `filter/INPUT`). Columns that hold one value in all rows, because the place names it or
 * because there is one family and backend, are left to `-o wide`.
 */
export function rulesView(rows: readonly RuleRow[], place: string | undefined): TableView<RuleRow> {
  const shown = new Set([
    ...(place === undefined ? ['TABLE'] : []),
    ...(place?.includes('/') === true ? [] : ['CHAIN']),
    ...(new Set(rows.map(({ family }) => family)).size > 1 ? ['FAMILY'] : []),
    ...(new Set(rows.map(({ backend }) => backend)).size > 1 ? ['BACKEND'] : []),
  ]);
  return {
    kind: 'IptablesRule',
    columns: columns.map((column) => (shown.has(column.header) ? { ...column, wide: false } : column)),
    empty: 'No rules found.',
    name: (row) => `rule/${row.table}/${row.chain}${row.number === undefined ? '' : `#${row.number}`}`,
  };
}

/** One chain with its rules, or one rule. */
export const ruleDetailView: CardView<RuleDetail> = {
  kind: 'IptablesRuleDetail',
  name: (detail) => `rule/${detail.at}`,
  lines: (detail) => [
    ['AT', detail.at], ['FAMILY', detail.family], ['BACKEND', detail.backend], ['OWNER', detail.owner],
    ...(detail.object === undefined ? [] : [['OBJECT', detail.object] as const]),
    ...(detail.policy === undefined ? [] : [['POLICY', detail.policy] as const]),
    ['PACKETS', detail.packets], ['BYTES', detail.bytes],
    ...(detail.native === undefined ? [] : ruleLines(detail, detail.native)),
    ['CALLED BY', detail.calledBy.length === 0 ? undefined : detail.calledBy.join(', ')],
  ],
  sections: (detail) => (detail.rules.length === 0 ? [] : [{ columns: columns as readonly Column<never>[], rows: detail.rules }]),
  footer: ({ alsoIn }) => (alsoIn.length === 0 ? [] : [`There is one in ${alsoIn.join(' and ')} too: -4, -6 and --backend choose.`]),
};

const ruleLines = ({ tests, target }: RuleDetail, native: string): [string, string][] => [
  ...(tests.length === 0 ? ['any packet'] : tests).map((test, i): [string, string] => [i === 0 ? 'MATCHES' : '', test]),
  ['THEN', target === '' ? 'goes on with the next rule' : target],
  ['NATIVE', native],
];

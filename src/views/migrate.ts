import type { CardSection, CardView, Cell, Column } from '../cli/view.ts';
import type { MigrationApplied, MigrationStatus, PlanReport, RuleResult, StatusRule, VerifyReport } from '../domain/migrate/index.ts';

interface ResultRow {
  result: string;
  rules: number;
  meaning: string;
}

const MEANINGS: readonly (readonly [string, string])[] = [
  ['exact', 'decided and counted in eBPF'],
  ['native', 'run by the kernel, reached by dispatch'],
  ['kept', 'left in iptables with its chain'],
  ['unreachable', 'no chain calls it; not carried over'],
  ['neverMatches', 'of these, an earlier rule always decides first'],
];

const resultColumns: readonly Column<ResultRow>[] = [
  { header: 'RESULT', value: (row) => (row.result === 'neverMatches' ? 'never matches' : row.result) },
  { header: 'RULES', value: (row) => row.rules, align: 'right' },
  { header: 'MEANING', value: (row) => row.meaning },
];

type HookRow = PlanReport['hooks'][number];

const hookColumns: readonly Column<HookRow>[] = [
  { header: 'FAMILY', value: (row) => row.family },
  { header: 'HOOK', value: (row) => row.hook },
  { header: 'RULES', value: (row) => row.rules, align: 'right' },
  { header: 'MODE', value: (row) => row.mode },
  { header: 'INTERVALS', value: (row) => row.verdictEdges, align: 'right' },
  { header: 'WITH-COUNTERS', value: (row) => row.edges, align: 'right' },
];

const noteColumns: readonly Column<RuleResult>[] = [
  { header: 'RULE', value: (row) => `${row.family} ${row.chain}#${row.number}` },
  { header: 'RESULT', value: (row) => (row.neverMatches ? 'never matches' : row.result) },
  { header: 'TEXT', value: (row) => row.text, shrinkTo: 24 },
  { header: 'WHY', value: (row) => row.reason },
];

/** A section hides the type of its rows; this keeps columns and rows of one type. */
function section<T>(title: string | undefined, columns: readonly Column<T>[], rows: readonly T[]): CardSection[] {
  if (rows.length === 0) return [];
  return [{ ...(title === undefined ? {} : { title }), columns: columns as readonly Column<never>[], rows }];
}

export const planView: CardView<PlanReport> = {
  kind: 'MigrationPlanReport',
  name: (plan) => `plan/${plan.out ?? 'unsaved'}`,
  lines: (plan) => [
    ['SOURCE', plan.source],
    ['TARGET', 'ebpf: netfilter links at filter priority, native targets by dispatch'],
    ['COUNTERS', plan.counters === 'exact' ? 'exact, every rule' : 'verdicts only'],
    ['MAP', `${formatBytes(plan.imageBytes)} for all families, ${plan.leaves} outcomes, at most ${plan.depth} steps a packet`],
  ],
  sections: (plan) => [
    ...section(undefined, resultColumns, MEANINGS.flatMap(([result, meaning]) =>
      plan.results[result] === undefined ? [] : [{ result, rules: plan.results[result], meaning }])),
    ...section(undefined, hookColumns, plan.hooks),
    ...section('NOT EXACT', noteColumns, plan.notes),
  ],
  footer: (plan) => [...plan.collapses, plan.out === undefined ? 'Plan not saved: name a file with --out' : `Plan ${plan.out}`],
};

export const verifyView: CardView<VerifyReport> = {
  kind: 'MigrationVerification',
  name: (report) => `verification/${report.plan}`,
  lines: (report) => [
    ...report.proofs.map((proof): readonly [string, Cell] => [
      'PROOF',
      `${proof.family} ${proof.hook}: ${proof.equal ? 'equal for every packet' : 'DIFFERS'} (${proof.pairs} pairs of nodes compared)`,
    ]),
    ...report.runs.map((run): readonly [string, Cell] => [
      'RUN',
      `${run.family} ${run.how}: ${run.packets} packets, ${run.verdictsDiffer} verdicts and ${run.countersDiffer} counters differ${run.note === undefined ? '' : ` (${run.note})`}`,
    ]),
  ],
  sections: (report) => section('COUNTER-EXAMPLES', [
    { header: 'PACKET', value: (row) => row.packet },
    { header: 'RULES SAY', value: (row) => row.expected },
    { header: 'EBPF SAYS', value: (row) => row.actual },
  ] satisfies Column<VerifyReport['counterExamples'][number]>[], report.counterExamples),
  footer: (report) => [`VERDICT  ${report.equal ? 'same' : 'DIFFERENT'}  seed ${report.seed}`],
};

export const appliedView: CardView<MigrationApplied> = {
  kind: 'MigrationChange',
  name: (applied) => `change/${applied.change}`,
  lines: (applied) => [
    ['Snapshot', applied.snapshot],
    ['Check', applied.check],
    ['Proof', applied.proof],
    ['Applied', `change ${applied.change}: ${applied.summary}`],
    ['Switch', applied.switchTime],
    ...(applied.revertsAt === undefined ? [] : [['REVERTS', `${applied.revertsAt} unless:  sluice change confirm ${applied.change}`] as const]),
  ],
};

const statusColumns: readonly Column<StatusRule>[] = [
  { header: 'FAMILY', value: (row) => row.family, wide: true },
  { header: 'CHAIN', value: (row) => row.chain, shrinkTo: 12 },
  { header: '#', value: (row) => row.number ?? '-', align: 'right' },
  { header: 'PKTS', value: (row) => row.packets, format: 'count', align: 'right' },
  { header: 'BYTES', value: (row) => row.bytes, format: 'count', align: 'right' },
  { header: 'SINCE', value: (row) => row.packetsSince, format: 'count', align: 'right' },
  { header: 'IN', value: (row) => row.by },
  { header: 'RULE', value: (row) => row.text, shrinkTo: 24 },
];

export const statusView: CardView<MigrationStatus> = {
  kind: 'MigrationStatus',
  name: () => 'migration',
  lines: (status) => [
    ['CHANGE', `${status.change} (${status.state})`],
    ...status.families.flatMap((family): (readonly [string, Cell])[] => [
      [family.family, `${family.hooks} generation ${family.generation}`],
      ['', `map ${formatBytes(family.imageBytes)}, ${formatBytes(family.memoryBytes)} of kernel memory, ${family.nsPerPacket === undefined ? 'no packet just now' : `${family.nsPerPacket} ns a packet`}`],
    ]),
    ...status.drift.map((what): readonly [string, Cell] => ['DRIFT', what]),
  ],
  sections: (status) => section(undefined, statusColumns, status.rules),
};

/** 1024-based, one decimal. */
function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB'];
  const power = bytes === 0 ? 0 : Math.min(3, Math.floor(Math.log2(bytes) / 10));
  return power === 0 ? `${bytes} B` : `${(bytes / 1024 ** power).toFixed(1)} ${units[power]}`;
}

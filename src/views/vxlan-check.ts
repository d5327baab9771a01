/** How the checks of tunnels look. */

import type { CardSection, CardView, Column, JunitSuite, TableView } from '../cli/view.ts';
import type { Audit, CheckInfo, CheckReport, CheckOutcome, Finding, TunnelCheck } from '../domain/vxlan/index.ts';

/** A row: a check that is fine, or one finding. */
interface Row {
  outcome: CheckOutcome;
  finding?: Finding;
}

const WORDS = { ok: 'ok', fail: 'FAIL', warn: 'WARN', skip: '-' } as const;
const TONES = { ok: 'good', fail: 'bad', warn: 'warn', skip: 'dim' } as const;

const resultOf = ({ outcome, finding }: Row): CheckOutcome['result'] => (finding === undefined ? outcome.result : finding.severity === 'error' ? 'fail' : 'warn');

const columns: readonly Column<Row>[] = [
  { header: 'CHECK', value: ({ outcome }) => `${outcome.id} ${outcome.name}` },
  { header: 'RESULT', value: (row) => WORDS[resultOf(row)], tone: (row) => TONES[resultOf(row)] },
  { header: 'END', value: ({ finding }) => finding?.end, dropOrder: 1 },
  { header: 'DETAIL', value: ({ outcome, finding }) => finding?.detail ?? outcome.title, shrinkTo: 40 },
];

/** The card of `vxlan check`. */
export const vxlanCheckCard: CardView<CheckReport> = {
  kind: 'VxlanCheck',
  name: ({ tunnels }) => `vxlancheck/${tunnels.map(({ tunnel }) => tunnel).join(',')}`,
  lines: ({ healthy }) => [['RESULT', healthy ? 'healthy' : 'findings']],
  sections: ({ tunnels }) => tunnels.map(section),
  footer: ({ tunnels }) => [...tunnels.flatMap(advice), ...(tunnels.every(({ healthy }) => healthy) ? [] : ['']), ...tunnels.map(summary)],
  junit: ({ tunnels }) => tunnels.map(suite),
};

function section(check: TunnelCheck): CardSection {
  const rows = check.checks.filter(({ result }) => result !== 'skip').flatMap((outcome): Row[] => (outcome.findings.length === 0 ? [{ outcome }] : outcome.findings.map((finding) => ({ outcome, finding }))));
  return { title: titleOf(check), columns, rows };
}

const titleOf = ({ tunnel, vni, ends }: TunnelCheck): string => `${tunnel}${vni === undefined ? '' : ` vni ${vni}`}: ${ends.join(', ')}`;

/** Evidence and fixes of all findings, under each other. */
const advice = ({ checks }: TunnelCheck): string[] => checks.flatMap(({ id, findings }) => findings.flatMap(({ end, evidence, fix }) => [
  ...evidence.map((text) => `seen ${id}:  ${text}`),
  ...fix.map((text) => `fix ${id}${end === 'here' || end === 'between' ? '' : ` at ${end}`}:  ${text}`),
]));

function summary({ tunnel, ends, checks }: TunnelCheck): string {
  const findings = checks.flatMap((check) => check.findings);
  const count = (severity: Finding['severity']): number => findings.filter((finding) => finding.severity === severity).length;
  const skipped = checks.filter(({ result }) => result === 'skip').length;
  const asked = skipped === 0 ? '' : `, ${skipped} not asked${ends.length > 1 ? '' : ' (--peer-netns or --peer-ssh shows the other end)'}`;
  return `${tunnel}: ${count('error')} failed, ${count('warning')} ${count('warning') === 1 ? 'warning' : 'warnings'}${asked}`;
}

function suite(check: TunnelCheck): JunitSuite {
  return {
    name: `vxlan ${check.tunnel}`,
    cases: check.checks.map(({ id, name, title, result, findings }) => ({
      name: `${id} ${name}: ${title}`, ...(result === 'skip' ? { skipped: true } : {}),
      ...(findings.length === 0 ? {} : { failure: { message: findings.map(({ detail }) => detail).join('; '), text: findings.flatMap(failureText).join('\n') } }),
    })),
  };
}

const failureText = ({ end, detail, evidence, fix }: Finding): string[] => [`${end}: ${detail}`, ...evidence.map((text) => `seen: ${text}`), ...fix.map((text) => `fix: ${text}`)];

/** What `check --audit` prints: one end, for machines above all. */
export const vxlanAuditCard: CardView<{ audit: Audit }> = {
  kind: 'VxlanAudit',
  name: ({ audit }) => `vxlanaudit/${audit.tunnel.name}`,
  lines: ({ audit: { node, tunnel, underlay, remotes, fdb, firewall } }) => [
    ['NODE', node], ['TUNNEL', tunnel.name], ['VNI', tunnel.vni], ['PORT', tunnel.port], ['LOCAL', tunnel.local], ['MTU', tunnel.mtu],
    ['UNDERLAY', underlay === undefined ? undefined : `${underlay.name} mtu ${underlay.mtu}`], ['REMOTES', remotes.map(({ address }) => address).join(', ')],
    ['FDB', `${fdb.length} entries`], ['FIREWALL', firewall?.filter(({ verdict }) => verdict !== 'accept').map(({ way, remote, rule, verdict }) => `${way} ${remote}: ${verdict}${rule === undefined ? '' : `, ${rule}`}`).join('\n') || undefined],
  ],
};

/** What `check --list` prints. */
export const vxlanChecksView: TableView<CheckInfo> = {
  kind: 'VxlanCheckInfo',
  empty: 'No checks found.',
  name: ({ id }) => `vxlancheck/${id}`,
  columns: [
    { header: 'ID', value: ({ id }) => id },
    { header: 'NAME', value: ({ name }) => name },
    { header: 'NEEDS', value: ({ needs }) => needs },
    { header: 'MAKES SURE THAT', value: ({ title }) => title, shrinkTo: 40 },
  ],
};

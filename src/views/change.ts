/** How changes look. */

import type { CardSection, CardView, Column, TableView } from '../cli/view.ts';
import type { Change, ChangeDetail, DiffLine, RevertStep } from '../domain/changes/index.ts';

/** Lines of a diff or log that a card shows; JSON has all. */
const SHOWN_LINES = 40;

const TONES: Readonly<Record<string, 'good' | 'bad' | 'warn' | 'dim'>> = {
  pending: 'warn',
  applying: 'warn',
  reverting: 'warn',
  interrupted: 'bad',
  'revert-failed': 'bad',
  confirmed: 'good',
};

const stateColumn: Column<Change> = { header: 'STATE', value: stateWord, tone: (change) => TONES[stateWord(change)] };

/** The table of `change list`. */
export const changesView: TableView<Change> = {
  kind: 'Change',
  empty: 'No changes found.',
  name: ({ record }) => `change/${record.id}`,
  json: changeJson,
  columns: [
    { header: 'ID', value: ({ record }) => record.id },
    { header: 'KIND', value: ({ record }) => record.kind },
    stateColumn,
    { header: 'AGE', value: ({ ageSeconds }) => ageSeconds, format: 'age' },
    { header: 'REVERTS-IN', value: revertsIn, format: 'age' },
    { header: 'NETNS', value: ({ record }) => (record.namespace.host ? undefined : record.namespace.label), dropOrder: 2, shrinkTo: 8 },
    { header: 'NODE', value: ({ record }) => record.node, wide: true },
    { header: 'BY', value: ({ record }) => record.actor.user, wide: true },
    { header: 'SUMMARY', value: ({ record }) => record.summary, dropOrder: 1, shrinkTo: 20 },
  ],
};

/** The short card of a change that was begun, confirmed, extended or rolled back. */
export const changeCard: CardView<Change> = {
  kind: 'Change',
  name: ({ record }) => `change/${record.id}`,
  lines: changeLines,
  footer: changeFooter,
  json: changeJson,
};

/** The full card of `change get`. */
export const changeDetailCard: CardView<ChangeDetail> = {
  kind: 'Change',
  name: ({ record }) => `change/${record.id}`,
  lines: (change) => [...changeLines(change), ...detailLines(change)],
  sections: (change) => [stepsSection(change), diffSection(change), logSection(change)].filter(({ rows }) => rows.length > 0),
  footer: changeFooter,
  json: (change) => ({ ...changeJson(change), revertSteps: change.record.revertSteps, diff: change.diff, log: change.log }),
};

/** What `change rollback --dry-run` says: the steps that it would run. */
export const rollbackDryRunCard: CardView<Change> = {
  ...changeCard,
  sections: (change) => [stepsSection(change)],
  footer: () => ['DRY RUN: nothing was changed; this is what would run'],
};

function changeLines(change: Change): [string, string | undefined][] {
  const { record } = change;
  return [
    ['CHANGE', record.id],
    ['STATE', stateWord(change)],
    ['KIND', record.kind],
    ['SUMMARY', record.summary],
    ['NODE', record.namespace.host ? record.node : `${record.node}, network namespace ${record.namespace.label}`],
    ['REVERT', `sh ${change.revertScript}`],
  ];
}

function detailLines({ applied, directory, record }: Change): [string, string | undefined][] {
  const from = record.actor.ssh?.split(' ')[0];
  return [
    ['BY', from === undefined ? record.actor.user : `${record.actor.user} from ${from}`],
    ['COMMAND', ['sluice', ...record.argv].join(' ')],
    ['BEGUN', record.createdAt],
    ['APPLIED', applied?.at],
    ['FILES', record.files.map((name) => `${directory}/${name}`).join('\n') || undefined],
  ];
}

function changeFooter(change: Change): string[] {
  const { id } = change.record;
  const ways = `sluice change confirm ${id}`;
  if (change.timerRunning === false) return [`TIMER GONE: nothing reverts this change.  sluice change extend ${id}  or  ${ways}`];
  if (change.state === 'pending' && change.revertsAt !== undefined) {
    return [`REVERTS ${new Date(change.revertsAt).toTimeString().slice(0, 8)} unless:  ${ways}`];
  }
  if (change.interrupted && change.revertsInSeconds === undefined) return [`CUT OFF while it was applied:  sluice change rollback ${id}`];
  if (change.state === 'revert-failed') return [`REVERT FAILED, the node is in an unknown state:  sh ${change.revertScript}`];
  return [];
}

function stepsSection(change: Change): CardSection {
  const columns: Column<RevertStep & { number: number }>[] = [
    { header: '#', value: (step) => step.number },
    { header: 'STEP', value: (step) => step.title },
    { header: 'RUNS', value: (step) => ('argv' in step ? step.argv.join(' ') : `unlink ${step.remove.join(' ')}`), shrinkTo: 20 },
  ];
  return { title: 'To revert', columns, rows: change.record.revertSteps.map((step, index) => ({ ...step, number: index + 1 })) };
}

function diffSection({ diff, directory }: ChangeDetail): CardSection {
  const columns: Column<DiffLine>[] = [
    { header: ' ', value: ({ sign }) => sign, tone: ({ sign }) => ({ '-': 'bad', '+': 'good', '=': 'dim' } as const)[sign] },
    { header: 'LINE', value: ({ text }) => text },
  ];
  const left = diff.length - SHOWN_LINES;
  const more: DiffLine[] = left > 0 ? [{ sign: '=', text: `${left} more: diff ${directory}/before.txt ${directory}/after.txt` }] : [];
  return { title: 'Differences', columns, rows: [...diff.slice(0, SHOWN_LINES), ...more] };
}

function logSection({ log }: ChangeDetail): CardSection {
  const columns: Column<{ text: string }>[] = [{ header: 'LOG', value: ({ text }) => text }];
  return { title: 'Log of the revert', columns, rows: log.slice(-SHOWN_LINES).map((text) => ({ text })) };
}

function changeJson(change: Change) {
  const { record, applied, ...rest } = change;
  const { version: _version, kind, namespace, revertSteps: _revertSteps, confirmWithinMs, ...facts } = record;
  return {
    ...facts,
    subject: kind,
    netns: namespace,
    confirmWithinSeconds: confirmWithinMs === undefined ? undefined : confirmWithinMs / 1000,
    appliedAt: applied?.at,
    details: applied?.details,
    ...rest,
  };
}

function stateWord({ state, interrupted }: Change): string {
  return interrupted ? 'interrupted' : state;
}

/** Unknown when the timer that should count is gone. */
function revertsIn({ revertsInSeconds, timerRunning }: Change): number | undefined | null {
  return timerRunning === false ? null : revertsInSeconds;
}

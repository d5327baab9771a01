/** How a run of a BPF program looks. */

import type { CardSection, CardView, Column } from '../cli/view.ts';
import type { BytesChange, FieldChange, ProgramRun } from '../domain/programs/index.ts';

/** Hexadecimal digits of one change that a card shows; JSON has all. */
const SHOWN_DIGITS = 64;

/** The card of `bpf prog run`. */
export const programRunCard: CardView<ProgramRun> = {
  kind: 'BpfProgramRun',
  name: ({ program }) => `program/${program.id}`,
  lines: ({ program, result, verdict, repeat, durationNs, input, output, memory, socketCookie }) => [
    ['PROGRAM', `${program.id} ${program.type} ${program.name}`],
    ...line('INPUT', input === undefined ? undefined : `${input.summary}, ${input.length} bytes`),
    ['VERDICT', verdict === String(result) ? verdict : `${verdict} (${result})`],
    ...line('DURATION', durationNs === undefined ? undefined : repeat === 1 ? `${durationNs} ns, one run` : `${durationNs} ns, the mean of ${repeat} runs`),
    ...line('OUTPUT', output === undefined ? undefined : describeOutput(output)),
    ...line('MEMORY', memory),
    ...line('SOCKET', socketCookie === undefined ? undefined : `cookie ${socketCookie}`),
  ],
  sections: ({ output, context, flowKeys }) => [
    fieldsSection('Changed fields', output?.changedFields ?? []),
    bytesSection(output?.changedBytes ?? []),
    fieldsSection('Changed in the context', context),
    keysSection(Object.entries(flowKeys ?? {})),
  ].filter(({ rows }) => rows.length > 0),
};

const line = (label: string, value: string | undefined): [string, string][] => (value === undefined ? [] : [[label, value]]);

function describeOutput({ summary, length, changedBytes }: NonNullable<ProgramRun['output']>): string {
  return changedBytes.length === 0 ? 'unchanged' : `${summary}, ${length} bytes`;
}

function fieldsSection(title: string, rows: readonly FieldChange[]): CardSection {
  const columns: Column<FieldChange>[] = [
    { header: 'FIELD', value: ({ field }) => field },
    { header: 'BEFORE', value: ({ before }) => shorten(before) },
    { header: 'AFTER', value: ({ after }) => shorten(after) },
  ];
  return { title, columns, rows };
}

function bytesSection(rows: readonly BytesChange[]): CardSection {
  const columns: Column<BytesChange>[] = [
    { header: 'AT', value: ({ at }) => at },
    { header: 'BEFORE', value: ({ before }) => shorten(before) },
    { header: 'AFTER', value: ({ after }) => shorten(after) },
  ];
  return { title: 'Changed bytes', columns, rows };
}

function keysSection(rows: readonly [string, string][]): CardSection {
  const columns: Column<[string, string]>[] = [{ header: 'FLOW KEY', value: ([key]) => key }, { header: 'VALUE', value: ([, value]) => value }];
  return { title: 'Flow keys', columns, rows };
}

const shorten = (text: string | undefined): string | undefined => (text === undefined || text.length <= SHOWN_DIGITS ? text : `${text.slice(0, SHOWN_DIGITS)}…`);

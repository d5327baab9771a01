/** How a loaded object looks. */

import type { CardSection, CardView, Column } from '../cli/view.ts';
import type { AttachedHook, LoadReport, MapReport, ProgramReport } from '../domain/programs/index.ts';

const programColumns: readonly Column<ProgramReport>[] = [
  { header: 'PROGRAM', value: ({ name }) => name },
  { header: 'ID', value: ({ id }) => id },
  { header: 'TYPE', value: ({ type }) => type },
  { header: 'SECTION', value: ({ section }) => section, shrinkTo: 12 },
  { header: 'TAG', value: ({ tag }) => tag, dropOrder: 2 },
  { header: 'INSNS', value: ({ instructions }) => instructions, dropOrder: 1 },
  { header: 'VERIFIED', value: ({ verifiedInstructions }) => verifiedInstructions, wide: true },
  { header: 'PIN', value: ({ pin }) => pin, shrinkTo: 20 },
];

const mapColumns: readonly Column<MapReport>[] = [
  { header: 'MAP', value: ({ name }) => name },
  { header: 'ID', value: ({ id }) => id },
  { header: 'TYPE', value: ({ type }) => type },
  { header: 'KEY', value: ({ keySize }) => keySize },
  { header: 'VALUE', value: ({ valueSize }) => valueSize },
  { header: 'MAX', value: ({ maxEntries }) => maxEntries },
  { header: 'PIN', value: ({ pin, reused }) => (reused ? '(was there)' : pin), shrinkTo: 20 },
];

const attachedColumns: readonly Column<AttachedHook>[] = [
  { header: 'PROGRAM', value: ({ program }) => program },
  { header: 'ATTACHED-TO', value: ({ hook }) => hook },
  { header: 'LINKS', value: ({ links }) => links.map(({ id }) => id).join(',') || undefined },
];

const needColumns: readonly Column<LoadReport['needs'][number]>[] = [
  { header: 'NEEDS', value: ({ name }) => name },
  { header: 'KIND', value: ({ kind }) => kind },
  { header: 'OPTIONAL', value: ({ weak }) => (weak ? 'yes' : 'no') },
];

/** What `bpf prog load` prints, with and without `--dry-run`. */
export const loadView: CardView<LoadReport> = {
  kind: 'BpfObjectLoad',
  name: ({ object }) => `object/${object}`,
  lines: ({ object, license, outcome, change, directory, relocations }) => [
    ['OBJECT', object],
    ['LICENCE', license === '' ? 'none: helpers for the GPL are forbidden' : license],
    ['RESULT', RESULTS[outcome]],
    ...(relocations === 0 ? [] : [['CO-RE', `${relocations} relocations`] as const]),
    ...(directory === undefined ? [] : [['PINS', directory] as const]),
    ...(change === undefined ? [] : [['CHANGE', change] as const]),
  ],
  sections: ({ programs, maps, needs, outcome, attached }) => [
    ...section(known(programColumns, programs), programs),
    ...section(known(mapColumns, maps), maps),
    ...section(attachedColumns, attached ?? []),
    ...section(needColumns, outcome === 'checked' ? needs : []),
  ],
  footer: ({ change, revertsAt }) => [
    ...(change === undefined ? ['DRY RUN: nothing stays loaded'] : [`Undo: sluice change rollback ${change}`]),
    ...(revertsAt === undefined ? [] : [`REVERTS ${revertsAt} unless:  sluice change confirm ${change}`]),
  ],
};

const RESULTS: Readonly<Record<LoadReport['outcome'], string>> = {
  loaded: 'loaded and pinned', verified: 'verified by this kernel', checked: 'the file is in order; not shown to the kernel',
};

/** Without the columns that are empty throughout: a file alone has no ids, a dry run no pins. */
const known = <T>(columns: readonly Column<T>[], rows: readonly T[]): Column<T>[] => columns.filter(({ value }) => rows.some((row) => value(row) !== undefined));

const section = <T>(columns: readonly Column<T>[], rows: readonly T[]): CardSection[] => (rows.length === 0 ? [] : [{ columns: columns as readonly Column<never>[], rows }]);

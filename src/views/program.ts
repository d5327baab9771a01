/** How BPF programs look. */

import type { CardSection, CardView, Column, TableView } from '../cli/view.ts';
import type { Program, ProgramDetail, ProgramStatistics, UsedMap } from '../domain/programs/index.ts';

/** The table of `bpf prog list`. */
export const programsView: TableView<Program> = {
  kind: 'BpfProgram',
  empty: 'No programs found.',
  name: ({ info }) => `program/${info.id}`,
  json: programJson,
  columns: [
    { header: 'ID', value: ({ info }) => info.id },
    { header: 'TYPE', value: ({ type }) => type },
    { header: 'NAME', value: ({ info }) => info.name },
    { header: 'FULL-NAME', value: ({ fullName }) => fullName, wide: true },
    { header: 'TAG', value: ({ info }) => info.tag, wide: true },
    { header: 'ATTACHED-TO', value: ({ attachments }) => places(attachments).join(', '), shrinkTo: 16 },
    { header: 'RUNS/S', value: ({ rate }) => (rate === undefined ? undefined : Math.round(rate.runsPerSecond)), format: 'count' },
    { header: 'AVG', value: ({ rate }) => nanoseconds(rate?.nsPerRun), align: 'right' },
    { header: 'RUNS', value: ({ info }) => info.runs, format: 'count', wide: true },
    { header: 'TIME', value: ({ info }) => info.runTimeNs, format: 'count', wide: true },
    { header: 'MEMORY', value: ({ memoryBytes }) => memoryBytes, format: 'count', dropOrder: 1 },
    { header: 'XLATED', value: ({ info }) => info.translatedBytes, wide: true },
    { header: 'JITED', value: ({ info }) => info.jitedBytes, wide: true },
    { header: 'MAPS', value: ({ info }) => info.mapIds.join(','), wide: true },
    { header: 'AGE', value: ({ loadedAt }) => ageSeconds(loadedAt), format: 'age', wide: true },
    { header: 'UID', value: ({ info }) => info.uid, wide: true },
    { header: 'OWNER', value: ownerWord, tone: (program) => (ownerWord(program) === GONE ? 'warn' : undefined), shrinkTo: 8 },
    { header: 'PROCESSES', value: processes, wide: true },
    { header: 'CONTAINER', value: ({ ownership }) => containers(ownership).join(','), wide: true },
    { header: 'PINS', value: ({ ownership }) => ownership.pins.join(','), wide: true },
  ],
};

/** The card of `bpf prog get`. */
export const programCard: CardView<ProgramDetail> = {
  kind: 'BpfProgramDetail',
  name: ({ info }) => `program/${info.id}`,
  lines: (program) => [...factLines(program), ...holderLines(program)],
  sections: ({ maps }) => (maps.length === 0 ? [] : [mapsSection(maps)]),
  json: (program) => ({ ...programJson(program), maps: program.maps, attachTo: program.attachTo }),
};

function factLines({ info, type, fullName, loadedAt, memoryBytes, attachTo }: ProgramDetail): [string, string | number | bigint | undefined][] {
  return [
    ['ID', info.id],
    ['TYPE', type],
    ['NAME', fullName],
    ['TAG', info.tag],
    ['LOADED', `${loadedAt.toISOString().replace(/\.\d+Z$/, 'Z')} by uid ${info.uid}`],
    ['LOADED FOR', attachTo === undefined ? undefined : `${attachTo.function} of ${attachTo.module ?? `BTF ${attachTo.btfId}`}`],
    ['LICENCE', info.gplCompatible ? 'GPL compatible' : 'not GPL compatible'],
    ['SIZE', `${info.translatedBytes} bytes translated, ${info.jitedBytes === 0 ? 'not compiled' : `${info.jitedBytes} compiled`}, ${memoryBytes} of memory`],
    ['VERIFIED', info.verifiedInstructions === 0 ? undefined : `${info.verifiedInstructions} instructions`],
    ['BTF', info.btfId === 0 ? undefined : info.btfId],
    ['RUNS', info.runs === 0n ? undefined : `${info.runs} while they were counted, ${nanoseconds(Number(info.runTimeNs) / Number(info.runs))} each`],
    ['MISSED', info.recursionMisses === 0n ? undefined : info.recursionMisses],
  ];
}

function holderLines({ attachments, ownership }: ProgramDetail): [string, string | undefined][] {
  return [
    ['ATTACHED TO', places(attachments).join('\n')],
    ['OWNER', ownerWord({ attachments, ownership })],
    ['HELD BY', ownership.processes.map(({ pid, name, cgroup }) => `${name} (pid ${pid})${cgroup === undefined ? '' : ` in ${cgroup}`}`).join('\n')],
    ['PINNED AT', ownership.pins.join('\n')],
  ];
}

function mapsSection(maps: readonly UsedMap[]): CardSection {
  const columns: Column<UsedMap>[] = [
    { header: 'MAP', value: ({ id }) => id },
    { header: 'NAME', value: ({ name }) => name },
    { header: 'TYPE', value: ({ type }) => type },
    { header: 'ENTRIES', value: ({ maxEntries }) => maxEntries },
  ];
  return { title: 'Maps that it uses', columns, rows: maps };
}

/** The table of `bpf prog stats`. */
export const statisticsView: TableView<ProgramStatistics> = {
  kind: 'BpfProgramStatistics',
  empty: 'No program ran.',
  name: ({ id }) => `program/${id}`,
  columns: [
    { header: 'ID', value: ({ id }) => id },
    { header: 'TYPE', value: ({ type }) => type },
    { header: 'NAME', value: ({ name }) => name },
    { header: 'RUNS', value: ({ runs }) => runs, format: 'count' },
    { header: 'RUNS/S', value: ({ runsPerSecond }) => Math.round(runsPerSecond), format: 'count' },
    { header: 'AVG', value: ({ nsPerRun }) => nanoseconds(nsPerRun), align: 'right' },
    { header: 'CPU%', value: ({ cpuPercent }) => cpuPercent.toFixed(2), align: 'right' },
    { header: 'MISSED', value: ({ recursionMisses }) => recursionMisses, format: 'count' },
  ],
};

function programJson({ info, type, fullName, memoryBytes, loadedAt, attachments, ownership, rate }: Program) {
  const { type: _number, attachTo: _target, loadedAtNs: _boot, ...facts } = info;
  return {
    ...facts, type, fullName, memoryBytes, loadedAt: loadedAt.toISOString(), attachments, ...ownership,
    ...(rate === undefined ? {} : { runsPerSecond: rate.runsPerSecond, nsPerRun: rate.nsPerRun }),
  };
}

/** `310n`, `42u`, `17m`: as short as the column is narrow. */
function nanoseconds(ns: number | undefined): string | undefined {
  if (ns === undefined) return undefined;
  if (ns < 10_000) return `${Math.round(ns)}n`;
  return ns < 10_000_000 ? `${Math.round(ns / 1000)}u` : `${Math.round(ns / 1_000_000)}m`;
}

const ageSeconds = (since: Date): number => (Date.now() - since.getTime()) / 1000;

/** It runs, but nobody who could have attached it is left. */
const GONE = 'gone';

function ownerWord({ attachments, ownership }: Pick<Program, 'attachments' | 'ownership'>): string | undefined {
  return ownership.owner ?? (ownership.orphan && attachments.length > 0 ? GONE : undefined);
}

function places(attachments: Program['attachments']): string[] {
  return attachments.map(({ text }) => text);
}

function processes({ ownership }: Program): string {
  return ownership.processes.map(({ pid, name }) => `${name}/${pid}`).join(',');
}

const containers = ({ processes: all }: Program['ownership']): string[] => [...new Set(all.flatMap(({ container }) => (container === undefined ? [] : [container.id])))];

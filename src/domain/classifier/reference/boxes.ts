/**
 * When a rule matches, as a list of disjoint boxes: written from the manual pages and the kernel's match functions, not
 * from the compiler, so that a mistake in one is not a mistake in both.
 */

import type { Family, Match, Prefix, Range, Rule, Ruleset } from '../../netfilter/index.ts';
import { addressWords, Field, fieldMaximum, L4, StateBase } from '../fields.ts';

/** Ascending, disjoint, inclusive `[low, high]` pairs. */
export type ValueSet = readonly (readonly [number, number])[];

/** Values that a variable, `field:mask`, may take; variables that are not named may take any. */
export type Box = ReadonlyMap<string, ValueSet>;

/** Boxes in which a step of the evaluation matches, and those in which it drops the packet on the spot. */
interface Step {
  match: Box[];
  drop: Box[];
}

export interface RuleBoxes {
  match: Box[];
  drop: Box[];
}

const ANY: Box = new Map();
const FULL = 0xffff_ffff;

export const variableName = (field: number, mask = FULL): string => `${field}:${mask}`;

/** All tests of a rule that can be interpreted, in the order of the kernel. */
export function boxesOf(rule: Rule, { family, backend }: Pick<Ruleset, 'family' | 'backend'>): RuleBoxes {
  const steps = [...headerSteps(rule, family, backend === 'legacy'), ...rule.matches.map((match) => matchStep(match, family, backend === 'nft'))];
  let alive: Box[] = [ANY];
  const drop: Box[] = [];
  for (const step of steps) {
    drop.push(...product(alive, step.drop));
    alive = product(alive, step.match);
  }
  return { match: alive, drop };
}

function headerSteps(rule: Rule, family: Family, legacy: boolean): Step[] {
  const steps: Step[] = [];
  const add = (boxes: Box[], negated: boolean): void => void steps.push({ match: negated ? complement(boxes) : boxes, drop: [] });
  if (rule.source !== undefined) add(unite(rule.source.value.map((prefix) => prefixBox(Field.SRC, prefix))), rule.source.negated);
  if (rule.destination !== undefined) add(unite(rule.destination.value.map((prefix) => prefixBox(Field.DST, prefix))), rule.destination.negated);
  if (rule.inInterface !== undefined) add([nameBox(Field.IIF, rule.inInterface.value)], rule.inInterface.negated);
  if (rule.outInterface !== undefined) add([nameBox(Field.OIF, rule.outInterface.value)], rule.outInterface.negated);
  if (rule.protocol !== undefined) {
    if (family === 'ipv6') steps.push({ match: [l4Box([0, 1, 2, 3, 4])], drop: legacy ? [l4Box([L4.MALFORMED, L4.NO_PROTOCOL])] : [] });
    add([box(Field.PROTO, [[rule.protocol.value, rule.protocol.value]])], rule.protocol.negated);
  }
  if (rule.fragment !== undefined) add([l4Box([L4.FRAGMENT, L4.TCP_FRAGMENT_1])], rule.fragment.negated);
  return steps;
}

function matchStep(match: Match, family: Family, nft: boolean): Step {
  switch (match.kind) {
    case 'comment':
    case 'opaque':
      return { match: [ANY], drop: [] };
    case 'conntrack':
    case 'state':
      return { match: match.states === undefined ? [ANY] : [box(Field.STATE, stateValues(match.states.value, match.states.negated))], drop: [] };
    case 'mark':
      return { match: markBoxes(match), drop: [] };
    case 'iprange':
      return { match: product(rangeBoxes(Field.SRC, match.source, family), rangeBoxes(Field.DST, match.destination, family)), drop: [] };
    case 'icmp':
    case 'icmp6':
      return headerNeeded(icmpBoxes(match), [L4.PARTIAL, L4.SHORT]);
    case 'multiport': {
      const ports = union(match.ports.map(rangeSet));
      const source = [box(Field.SPORT, ports)];
      const destination = [box(Field.DPORT, ports)];
      const listed = match.direction === 'source' ? source : match.direction === 'destination' ? destination : unite([...source, ...destination]);
      return headerNeeded(match.negated ? complement(listed) : listed, [L4.SHORT]);
    }
    default:
      return portStep(match, family, nft);
  }
}

/** x_tables: fragments never match, a header that is cut off drops. */
function headerNeeded(boxes: Box[], missing: readonly number[]): Step {
  const readable = [L4.COMPLETE, L4.PARTIAL, L4.SHORT].filter((value) => !missing.includes(value));
  return { match: product(boxes, [l4Box([...readable, L4.MALFORMED, L4.NO_PROTOCOL])]), drop: [l4Box(missing)] };
}

function portStep(match: Extract<Match, { kind: 'tcp' | 'udp' | 'udplite' | 'sctp' | 'dccp' }>, family: Family, nft: boolean): Step {
  const flags = match.kind === 'tcp' && match.flags !== undefined ? flagBoxes(match.flags) : undefined;
  const tested = match.sourcePort !== undefined || match.destinationPort !== undefined || flags !== undefined;
  if (nft && tested && (match.kind === 'tcp' || match.kind === 'udp')) return { match: nativePortBoxes(match, flags), drop: [] };
  let boxes: Box[] = [ANY];
  for (const [field, test] of [[Field.SPORT, match.sourcePort], [Field.DPORT, match.destinationPort]] as const)
    if (test !== undefined) boxes = product(boxes, [box(field, test.negated ? invert(field, rangeSet(test.value)) : rangeSet(test.value))]);
  if (flags !== undefined) boxes = product(boxes, flags);
  const missing = [L4.PARTIAL, L4.SHORT, ...(match.kind === 'tcp' && family === 'ipv4' ? [L4.TCP_FRAGMENT_1] : [])];
  return headerNeeded(boxes, missing);
}

/** nft's own comparisons: they match whatever bytes are there, and never where they are missing. */
function nativePortBoxes(match: Extract<Match, { kind: 'tcp' | 'udp' | 'udplite' | 'sctp' | 'dccp' }>, flags: Box[] | undefined): Box[] {
  let boxes: Box[] = [ANY];
  for (const [field, test] of [[Field.SPORT, match.sourcePort], [Field.DPORT, match.destinationPort]] as const) {
    if (test === undefined || (test.value.low === 0 && test.value.high === 65_535)) continue;
    const values = rangeSet(test.value);
    boxes = product(boxes, product([box(field, test.negated ? invert(field, values) : values)], [box(Field.L4, [[0, 1], [3, 6]])]));
  }
  return flags === undefined ? boxes : product(boxes, product(flags, [l4Box([L4.COMPLETE, L4.MALFORMED, L4.NO_PROTOCOL])]));
}

function flagBoxes({ negated, value: { mask, comp } }: { negated: boolean; value: { mask: number; comp: number } }): Box[] {
  const values = Array.from({ length: 64 }, (_, byte) => byte).filter((byte) => ((byte & mask) === comp) !== negated);
  return [box(Field.FLAGS, union(values.map((byte) => [[byte, byte]])))];
}

function icmpBoxes(match: Extract<Match, { kind: 'icmp' | 'icmp6' }>): Box[] {
  if (match.kind === 'icmp' && match.type === 255) return match.negated ? [] : [ANY];
  const from = match.type << 8;
  const values = rangeSet({ low: from + match.code.low, high: from + match.code.high });
  return [box(Field.ICMP, match.negated ? invert(Field.ICMP, values) : values)];
}

function stateValues(states: readonly string[], negated: boolean): ValueSet {
  const bits = (value: number): string[] => [
    Object.keys(StateBase)[value % 5]!, ...(Math.floor(value / 5) % 2 === 1 ? ['SNAT'] : []), ...(value >= 10 ? ['DNAT'] : []),
  ];
  const values = Array.from({ length: 20 }, (_, value) => value).filter((value) => bits(value).some((bit) => states.includes(bit)) !== negated);
  return union(values.map((value) => [[value, value]]));
}

function markBoxes({ value, mask, negated }: Extract<Match, { kind: 'mark' }>): Box[] {
  // Without any bit to compare, or with a bit that the mask clears, the answer does not depend on the packet.
  if (mask === 0 || (value & ~mask) !== 0) return (mask === 0 && value === 0) !== negated ? [ANY] : [];
  const equal = box(Field.MARK, [[value, value]], mask);
  return negated ? complement([equal]) : [equal];
}

function rangeBoxes(field: number, test: Extract<Match, { kind: 'iprange' }>['source'], family: Family): Box[] {
  if (test === undefined) return [ANY];
  const boxes = between(field, 0, test.value.low, test.value.high, addressWords(family));
  return test.negated ? complement(boxes) : boxes;
}

/** Addresses of several words from `low` to `high`, word by word. */
function between(field: number, word: number, low: readonly number[] | undefined, high: readonly number[] | undefined, words: number): Box[] {
  if (word === words) return [ANY];
  const from = low?.[word] ?? 0;
  const to = high?.[word] ?? FULL;
  if (from > to) return [];
  const only = (value: number, rest: Box[]): Box[] => product([box(field + word, [[value, value]])], rest);
  if (from === to) return only(from, between(field, word + 1, low, high, words));
  const first = low === undefined ? from : from + 1;
  const last = high === undefined ? to : to - 1;
  return [
    ...(low === undefined ? [] : only(from, between(field, word + 1, low, undefined, words))),
    ...(first > last ? [] : [box(field + word, [[first, last]])]),
    ...(high === undefined ? [] : only(to, between(field, word + 1, undefined, high, words))),
  ];
}

function prefixBox(field: number, { address, mask }: Prefix): Box {
  const bits = mask.map((word) => word.toString(2).padStart(32, '0')).join('');
  const plain = !bits.includes('01');
  const result = new Map<string, ValueSet>();
  mask.forEach((word, i) => {
    if (word === 0) return;
    const low = address[i]!;
    if (plain) result.set(variableName(field + i), [[low, low + (FULL - word)]]);
    else result.set(variableName(field + i, word), [[low, low]]);
  });
  return result;
}

/** Up to the word that holds the end of the name; what follows the end is zero in every key. */
function nameBox(field: number, pattern: string): Box {
  const prefix = pattern.endsWith('+');
  const bytes = [...Buffer.from(prefix ? pattern.slice(0, -1) : pattern, 'latin1'), ...(prefix ? [] : [0])];
  const result = new Map<string, ValueSet>();
  for (let word = 0; word * 4 < bytes.length; word++) {
    const given = bytes.slice(word * 4, word * 4 + 4);
    const free = 4 - given.length;
    // An exact name ends in a NUL, behind which only zeros can follow.
    const low = given.concat(new Array<number>(free).fill(0)).reduce((value, byte) => value * 256 + byte, 0);
    result.set(variableName(field + word), [[low, prefix ? low + 256 ** free - 1 : low]]);
  }
  return result;
}

const box = (field: number, values: ValueSet, mask = FULL): Box => new Map([[variableName(field, mask), values]]);

const l4Box = (values: readonly number[]): Box => box(Field.L4, union([...values].map((value) => [[value, value]])));

const rangeSet = ({ low, high }: Range): ValueSet => (low > high ? [] : [[low, high]]);

function union(sets: readonly ValueSet[]): ValueSet {
  const sorted = sets.flat().sort((a, b) => a[0] - b[0]);
  const merged: [number, number][] = [];
  for (const [low, high] of sorted) {
    const last = merged.at(-1);
    if (last !== undefined && low <= last[1] + 1) last[1] = Math.max(last[1], high);
    else merged.push([low, high]);
  }
  return merged;
}

function invert(field: number, values: ValueSet, maximum = fieldMaximum(field)): ValueSet {
  const gaps: [number, number][] = [];
  let next = 0;
  for (const [low, high] of values) {
    if (low > next) gaps.push([next, low - 1]);
    next = high + 1;
  }
  if (next <= maximum) gaps.push([next, maximum]);
  return gaps;
}

function intersect(a: ValueSet, b: ValueSet): ValueSet {
  return a.flatMap(([low, high]) => b.flatMap(([from, to]): [number, number][] =>
    Math.max(low, from) <= Math.min(high, to) ? [[Math.max(low, from), Math.min(high, to)]] : []));
}

/** Both at once. */
function product(left: readonly Box[], right: readonly Box[]): Box[] {
  return left.flatMap((a) => right.flatMap((b) => {
    const both = new Map(a);
    for (const [variable, values] of b) {
      const other = both.get(variable);
      both.set(variable, other === undefined ? values : intersect(other, values));
    }
    return [...both.values()].some((values) => values.length === 0) ? [] : [both];
  }));
}

/** Everything outside all boxes, again as disjoint boxes. */
function complement(boxes: readonly Box[]): Box[] {
  return boxes.reduce<Box[]>((outside, one) => product(outside, outsideOf(one)), [ANY]);
}

function outsideOf(one: Box): Box[] {
  const result: Box[] = [];
  const before = new Map<string, ValueSet>();
  for (const [variable, values] of one) {
    const [field] = variable.split(':').map(Number);
    const others = invert(field!, values);
    if (others.length > 0) result.push(new Map([...before, [variable, others]]));
    before.set(variable, values);
  }
  return result;
}

/** The same packets in boxes that do not overlap. */
function unite(boxes: readonly Box[]): Box[] {
  const result: Box[] = [];
  for (const [i, one] of boxes.entries()) result.push(...boxes.slice(0, i).reduce<Box[]>((left, earlier) => product(left, outsideOf(earlier)), [one]));
  return result;
}

/**
 * When a rule matches: its tests as one diagram that ends in HIT, MISS or HOT.
 *
 * HOT is x_tables' "hotdrop": the packet is dropped on the spot because a match wanted a header that is not there. The
 * tests are therefore joined in the order in which the kernel evaluates them: addresses, interfaces, protocol, fragment,
 * then the extension matches from left to right (`ip_packet_match`, `ipt_do_table`).
 *
 * iptables-nft re-encodes tcp, udp and mark as native expressions, which compare the bytes that are there and never drop;
 * all other matches keep the x_tables code (iptables 1.8.9 `nft_add_match`).
 */

import type {
  Backend, ConntrackMatch, Family, IcmpMatch, IprangeMatch, Match, MultiportMatch, PortMatch, Prefix, Range, Rule, TcpMatch, Test,
} from '../netfilter/index.ts';
import { changeKind, Kind, mapTerminals, plug } from './combine.ts';
import { addressWords, Field, L4, StateBase, type Variable } from './fields.ts';
import type { DiagramStore, Ref } from './store.ts';

const FULL = 0xffff_ffff;

/** What the tests of a ruleset have in common. */
export interface PredicateContext {
  store: DiagramStore;
  family: Family;
  backend: Backend;
}

/** The tests of `rule` that sluice interprets; opaque matches count as true. */
export function rulePredicate(context: PredicateContext, rule: Rule): Ref {
  const tests = [...headerTests(context, rule), ...rule.matches.map((match) => matchTest(context, match))];
  return tests.reduce((before, test) => plug(context.store, Kind.HIT, before, test), hit(context));
}

/** Variables other than whole fields that the rules test. */
export function maskedVariables(rules: Iterable<Rule>, family: Family): Variable[] {
  const found = new Map<string, Variable>();
  const add = (field: number, mask: number): void => {
    if (mask !== FULL && mask !== 0) found.set(`${field}/${mask}`, { field, mask });
  };
  for (const rule of rules) {
    for (const [field, test] of [[Field.SRC, rule.source], [Field.DST, rule.destination]] as const)
      for (const { mask } of test?.value ?? [])
        if (!isContiguous(mask)) for (let i = 0; i < addressWords(family); i++) add(field + i, mask[i]!);
    for (const match of rule.matches) if (match.kind === 'mark') add(Field.MARK, match.mask);
  }
  return [...found.values()];
}

const hit = ({ store }: PredicateContext): Ref => store.terminal(Kind.HIT);
const miss = ({ store }: PredicateContext): Ref => store.terminal(Kind.MISS);
const hot = ({ store }: PredicateContext): Ref => store.terminal(Kind.HOT);
const always = (context: PredicateContext, yes: boolean): Ref => (yes ? hit(context) : miss(context));

const all = (context: PredicateContext, tests: readonly Ref[]): Ref =>
  tests.reduceRight((rest, test) => plug(context.store, Kind.HIT, test, rest), hit(context));

const any = (context: PredicateContext, tests: readonly Ref[]): Ref =>
  tests.reduceRight((rest, test) => plug(context.store, Kind.MISS, test, rest), miss(context));

function negate(context: PredicateContext, negated: boolean, test: Ref): Ref {
  if (!negated) return test;
  return mapTerminals(context.store, test, ({ kind }) =>
    context.store.terminal(kind === Kind.HIT ? Kind.MISS : kind === Kind.MISS ? Kind.HIT : kind));
}

/** Whether the variable's value lies in one of the ascending inclusive `intervals`. */
function within(context: PredicateContext, field: number, intervals: readonly number[], mask = FULL): Ref {
  return context.store.test(context.store.levelOf({ field, mask }), intervals, hit(context), miss(context));
}

/** Reversed ranges load and never match. */
const inRange = (context: PredicateContext, field: number, { low, high }: Range): Ref =>
  low > high ? miss(context) : within(context, field, [low, high]);

function headerTests(context: PredicateContext, rule: Rule): Ref[] {
  const tests: Ref[] = [];
  if (rule.source !== undefined) tests.push(addressTest(context, Field.SRC, rule.source));
  if (rule.destination !== undefined) tests.push(addressTest(context, Field.DST, rule.destination));
  if (rule.inInterface !== undefined) tests.push(interfaceTest(context, Field.IIF, rule.inInterface));
  if (rule.outInterface !== undefined) tests.push(interfaceTest(context, Field.OIF, rule.outInterface));
  if (rule.protocol !== undefined) tests.push(protocolTest(context, rule.protocol));
  if (rule.fragment !== undefined)
    tests.push(negate(context, rule.fragment.negated, within(context, Field.L4, [L4.FRAGMENT, L4.TCP_FRAGMENT_1])));
  return tests;
}

function addressTest(context: PredicateContext, field: number, test: Test<Prefix[]>): Ref {
  return negate(context, test.negated, any(context, test.value.map((prefix) => prefixTest(context, field, prefix))));
}

function prefixTest(context: PredicateContext, field: number, { address, mask }: Prefix): Ref {
  const contiguous = isContiguous(mask);
  return all(context, mask.map((bits, i) => {
    const value = address[i]!;
    if (bits === 0) return hit(context);
    if (contiguous) return within(context, field + i, [value, (value | ~bits) >>> 0]);
    return within(context, field + i, [value, value], bits);
  }));
}

/** All ones, then all zeros, over all words. */
function isContiguous(mask: readonly number[]): boolean {
  let ended = false;
  for (const word of mask) {
    if (ended && word !== 0) return false;
    const inverted = ~word >>> 0;
    if ((inverted & (inverted + 1)) !== 0) return false;
    if (word !== FULL) ended = true;
  }
  return true;
}

/**
 * Tests the words of a name up to the one that holds its end; the words after are zero then. `eth+` is an interval of the
 * word in which the prefix ends.
 */
function interfaceTest(context: PredicateContext, field: number, { negated, value }: Test<string>): Ref {
  const isPrefix = value.endsWith('+');
  const bytes = Buffer.alloc(16);
  const length = bytes.write(isPrefix ? value.slice(0, -1) : value, 'latin1');
  const words: Ref[] = [];
  for (let i = 0; i <= 3; i++) {
    const word = bytes.readUInt32BE(i * 4);
    const known = Math.max(0, Math.min(4, length - i * 4));
    if (isPrefix && known === 0) break;
    const free = isPrefix && known < 4 ? 2 ** (8 * (4 - known)) - 1 : 0;
    words.push(within(context, field + i, [word, word + free]));
    if (known < 4) break;
  }
  return negate(context, negated, all(context, words));
}

/** For IPv6 the protocol is the last header, which may be unreadable (`ip6_packet_match`). */
function protocolTest(context: PredicateContext, { negated, value }: Test<number>): Ref {
  const test = negate(context, negated, within(context, Field.PROTO, [value, value]));
  if (context.family === 'ipv4') return test;
  const unreadable = context.backend === 'legacy' ? hot(context) : miss(context);
  return all(context, [l4Test(context, [L4.MALFORMED, L4.NO_PROTOCOL], unreadable), test]);
}

/** `end` where L4 is one of `classes`, HIT elsewhere. */
function l4Test(context: PredicateContext, classes: readonly number[], end: Ref): Ref {
  const level = context.store.levelOf({ field: Field.L4, mask: FULL });
  return context.store.test(level, classes.flatMap((value) => [value, value]), end, hit(context));
}

function matchTest(context: PredicateContext, match: Match): Ref {
  switch (match.kind) {
    case 'tcp':
      return tcpTest(context, match);
    case 'udp':
    case 'udplite':
    case 'sctp':
    case 'dccp':
      return portTest(context, match);
    case 'multiport':
      return multiportTest(context, match);
    case 'icmp':
    case 'icmp6':
      return icmpTest(context, match);
    case 'iprange':
      return iprangeTest(context, match);
    case 'conntrack':
    case 'state':
      return stateTest(context, match);
    case 'mark':
      return markTest(context, match);
    case 'comment':
    case 'opaque':
      return hit(context);
  }
}

const FRAGMENTS = [L4.FRAGMENT, L4.TCP_FRAGMENT_1];
const INCOMPLETE = [L4.PARTIAL, L4.SHORT];

/** x_tables: no match on a fragment, drop where the whole header is not there. */
function needsHeader(context: PredicateContext, drop: readonly number[], noMatch: readonly number[]): Ref {
  return all(context, [l4Test(context, drop, hot(context)), l4Test(context, noMatch, miss(context))]);
}

function tcpTest(context: PredicateContext, match: TcpMatch): Ref {
  const { flags } = match;
  const values: number[] = [];
  if (flags !== undefined)
    for (let byte = 0; byte < 64; byte++) if ((byte & flags.value.mask) === flags.value.comp) values.push(byte, byte);
  const flagsTest = flags === undefined ? [] : [negate(context, flags.negated, within(context, Field.FLAGS, values))];
  if (isNative(context, match))
    return all(context, [
      ...nativePorts(context, match),
      ...(flags === undefined ? [] : [l4Test(context, [...INCOMPLETE, ...FRAGMENTS], miss(context)), ...flagsTest]),
    ]);
  // The drop of a fragment at offset 1 compares the offset in units of 8 bytes, which ip6tables does not use.
  const first = context.family === 'ipv4' ? [L4.TCP_FRAGMENT_1] : [];
  return all(context, [
    needsHeader(context, [...first, ...INCOMPLETE].sort(), FRAGMENTS),
    ...ports(context, match),
    ...flagsTest,
  ]);
}

function portTest(context: PredicateContext, match: PortMatch): Ref {
  if (isNative(context, match)) return all(context, nativePorts(context, match));
  return all(context, [needsHeader(context, INCOMPLETE, FRAGMENTS), ...ports(context, match)]);
}

/** Whether iptables-nft turns the match into expressions of its own; a bare `-m tcp` or `-m udp` keeps the x_tables code. */
function isNative(context: PredicateContext, match: TcpMatch | PortMatch): boolean {
  if (context.backend !== 'nft' || (match.kind !== 'tcp' && match.kind !== 'udp')) return false;
  return match.sourcePort !== undefined || match.destinationPort !== undefined || (match.kind === 'tcp' && match.flags !== undefined);
}

function ports(context: PredicateContext, match: TcpMatch | PortMatch): Ref[] {
  const tests: Ref[] = [];
  for (const [field, test] of [[Field.SPORT, match.sourcePort], [Field.DPORT, match.destinationPort]] as const)
    if (test !== undefined) tests.push(negate(context, test.negated, inRange(context, field, test.value)));
  return tests;
}

/** nft compares whatever bytes follow the IP header; a full range is no test at all, even when negated. */
function nativePorts(context: PredicateContext, match: TcpMatch | PortMatch): Ref[] {
  const tests: Ref[] = [];
  for (const [field, test] of [[Field.SPORT, match.sourcePort], [Field.DPORT, match.destinationPort]] as const) {
    if (test === undefined || (test.value.low === 0 && test.value.high === 0xffff)) continue;
    tests.push(l4Test(context, [L4.SHORT], miss(context)), negate(context, test.negated, inRange(context, field, test.value)));
  }
  return tests;
}

/** `multiport_mt`: only the four bytes of the ports are needed. */
function multiportTest(context: PredicateContext, match: MultiportMatch): Ref {
  const inList = (field: number): Ref => within(context, field, mergeRanges(match.ports));
  const lists = { source: [Field.SPORT], destination: [Field.DPORT], either: [Field.SPORT, Field.DPORT] }[match.direction];
  return all(context, [
    needsHeader(context, [L4.SHORT], FRAGMENTS),
    negate(context, match.negated, any(context, lists.map(inList))),
  ]);
}

/** ICMPv4 type 255 stands for any type and code (`icmp_type_code_match`). */
function icmpTest(context: PredicateContext, match: IcmpMatch): Ref {
  const any4 = match.kind === 'icmp' && match.type === 255;
  const base = match.type * 256;
  const test = any4 ? hit(context) : inRange(context, Field.ICMP, { low: base + match.code.low, high: base + match.code.high });
  return all(context, [needsHeader(context, INCOMPLETE, FRAGMENTS), negate(context, match.negated, test)]);
}

function iprangeTest(context: PredicateContext, match: IprangeMatch): Ref {
  const tests: Ref[] = [];
  for (const [field, test] of [[Field.SRC, match.source], [Field.DST, match.destination]] as const)
    if (test !== undefined)
      tests.push(negate(context, test.negated, all(context, [
        notBelow(context, field, test.value.low),
        notAbove(context, field, test.value.high),
      ])));
  return all(context, tests);
}

/** The address, a number of several words, is at least `limit`. */
function notBelow(context: PredicateContext, field: number, limit: readonly number[]): Ref {
  return limit.reduceRight((rest, word, i) => {
    const equal = all(context, [within(context, field + i, [word, word]), rest]);
    return word === FULL ? equal : any(context, [within(context, field + i, [word + 1, FULL]), equal]);
  }, hit(context));
}

function notAbove(context: PredicateContext, field: number, limit: readonly number[]): Ref {
  return limit.reduceRight((rest, word, i) => {
    const equal = all(context, [within(context, field + i, [word, word]), rest]);
    return word === 0 ? equal : any(context, [within(context, field + i, [0, word - 1]), equal]);
  }, hit(context));
}

/** The state is a set of bits; any common one is a match (`conntrack_mt`). */
function stateTest(context: PredicateContext, match: ConntrackMatch): Ref {
  if (match.states === undefined) return hit(context);
  const { negated, value: states } = match.states;
  const values: number[] = [];
  for (let value = 0; value < 20; value++) {
    const snat = Math.trunc(value / 5) % 2 === 1 && states.includes('SNAT');
    const dnat = value >= 10 && states.includes('DNAT');
    const base = states.some((state) => state in StateBase && StateBase[state as keyof typeof StateBase] === value % 5);
    if (base || snat || dnat) values.push(value, value);
  }
  return negate(context, negated, within(context, Field.STATE, values));
}

/** The value is not masked: one with bits outside the mask never matches (`mark_mt`). */
function markTest(context: PredicateContext, match: { negated: boolean; value: number; mask: number }): Ref {
  const possible = ((match.value & ~match.mask) >>> 0) === 0;
  const test = !possible || match.mask === 0
    ? always(context, possible)
    : within(context, Field.MARK, [match.value, match.value], match.mask);
  return negate(context, match.negated, test);
}

/** Sorted, without overlaps; reversed ranges fall out. */
function mergeRanges(ranges: readonly Range[]): number[] {
  const sorted = ranges.filter(({ low, high }) => low <= high).sort((a, b) => a.low - b.low);
  const merged: number[] = [];
  for (const { low, high } of sorted) {
    if (merged.length > 0 && low <= merged.at(-1)! + 1) merged[merged.length - 1] = Math.max(merged.at(-1)!, high);
    else merged.push(low, high);
  }
  return merged;
}

/** A predicate for a rule that the kernel itself will evaluate: it also drops where the rule would. */
export const orHot = (store: DiagramStore, predicate: Ref): Ref => changeKind(store, predicate, Kind.HOT, Kind.HIT);

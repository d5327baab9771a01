/** Rules in a few words. */

import { formatAddress, formatPrefix } from '../../../lib/ip.ts';
import type { IprangeMatch, Match, Prefix, Range, Rule, TcpMatch, Test } from '../model.ts';
import { canonicalName } from '../save/options.ts';

/** The whole match in the terse form `src=10.20.0.0/16 tcp dport=8443`; `any` when the rule matches everything. */
export function describeMatch(rule: Rule): string {
  const tests = describeTests(rule);
  return tests.length === 0 ? 'any' : tests.join(' ');
}

/** The same, one string for each test that a packet has to pass, in the order of evaluation. */
export const describeTests = (rule: Rule): string[] => [...headerTests(rule), ...rule.matches.map(matchText)].filter((part) => part !== '');

/** `10.0.0.0/8`, `!10.0.0.1`; undefined for any address. */
export function addressText(test: Test<Prefix[]> | undefined): string | undefined {
  return test && (test.negated ? '!' : '') + test.value.map(({ address, mask }) => formatPrefix(address, mask).replace(address.length === 1 ? /\/32$/ : /\/128$/, '')).join(',');
}

/** The name of an interface, `!` in front when negated; undefined for any. */
export const interfaceText = (test: Test<string> | undefined): string | undefined => test && (test.negated ? '!' : '') + test.value;

/** The protocol as the rule names it, `!` in front when negated; undefined for any. */
export function protocolText(rule: Rule): string | undefined {
  if (rule.protocol === undefined) return undefined;
  const option = rule.options.find(({ name }) => canonicalName(name) === '-p');
  return (rule.protocol.negated ? '!' : '') + (option?.values[0]?.value ?? rule.protocol.value);
}

/** What the target does beyond its name: its options as they stood. */
export const targetOptions = ({ target }: Rule): string => (target.kind === 'native' ? target.text.replace(/^-j \S+ ?/, '') : '');

function headerTests(rule: Rule): string[] {
  return [
    equals('in', interfaceText(rule.inInterface)), equals('out', interfaceText(rule.outInterface)),
    equals('src', addressText(rule.source)), equals('dst', addressText(rule.destination)),
    protocolText(rule) ?? '', rule.fragment === undefined ? '' : `${rule.fragment.negated ? '!' : ''}fragment`,
  ];
}

/** `label=value`, `label!=value`. */
const equals = (label: string, value: string | undefined): string =>
  value === undefined ? '' : value.startsWith('!') ? `${label}!=${value.slice(1)}` : `${label}=${value}`;

function matchText(match: Match): string {
  switch (match.kind) {
    case 'tcp':
    case 'udp':
    case 'udplite':
    case 'sctp':
    case 'dccp':
      return words([port('sport', match.sourcePort), port('dport', match.destinationPort), match.kind === 'tcp' ? flags(match.flags) : '', ...match.uninterpreted]);
    case 'multiport':
      return compare({ source: 'sports', destination: 'dports', either: 'ports' }[match.direction], match.negated, match.ports.map(range).join(','));
    case 'icmp':
    case 'icmp6':
      return compare('type', match.negated, icmpType(match.kind, match.type, match.code));
    case 'iprange':
      return words([addressRange('src', match.source), addressRange('dst', match.destination)]);
    case 'conntrack':
    case 'state':
      return words([match.states === undefined ? '' : compare('ct', match.states.negated, match.states.value.join(',')), ...match.uninterpreted]);
    case 'mark':
      return compare('mark', match.negated, hex(match.value) + (match.mask === 0xffff_ffff ? '' : `/${hex(match.mask)}`));
    case 'comment':
      return `"${match.text}"`;
    case 'opaque':
      return match.text.replace(/^-m /, '');
  }
}

const words = (parts: readonly string[]): string => parts.filter((part) => part !== '').join(' ');

const compare = (label: string, negated: boolean, value: string): string => `${label}${negated ? '!=' : '='}${value}`;

const range = ({ low, high }: Range): string => (low === high ? String(low) : `${low}:${high}`);

const port = (label: string, test: Test<Range> | undefined): string => (test === undefined ? '' : compare(label, test.negated, range(test.value)));

const hex = (value: number): string => `0x${value.toString(16)}`;

function icmpType(kind: 'icmp' | 'icmp6', type: number, code: Range): string {
  if (kind === 'icmp' && type === 255) return 'any';
  return code.low === 0 && code.high === 255 ? String(type) : `${type}/${range(code)}`;
}

function addressRange(label: string, test: IprangeMatch['source']): string {
  return test === undefined ? '' : compare(label, test.negated, `${formatAddress(test.value.low)}-${formatAddress(test.value.high)}`);
}

const FLAGS = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG'];

/** `syn` for a new connection, else `flags=SET/LOOKED-AT`. */
function flags(test: TcpMatch['flags']): string {
  if (test === undefined) return '';
  const { mask, comp } = test.value;
  if (mask === 0x17 && comp === 2) return `${test.negated ? '!' : ''}syn`;
  return compare('flags', test.negated, `${flagNames(comp)}/${flagNames(mask)}`);
}

const flagNames = (bits: number): string => FLAGS.filter((_, bit) => (bits & (1 << bit)) !== 0).join(',') || 'NONE';

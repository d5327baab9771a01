/** Rules in a few words. */

import type { Match, Range, Rule, RuleOption } from '../model.ts';
import { canonicalName } from '../save/options.ts';

const HIDDEN: ReadonlySet<string> = new Set(['-j', '-g', '-m', '-A']);

/** The whole match in the terse form `src=10.20.0.0/16 tcp dport=8443`; `any` when the rule matches everything. */
export function describeMatch(rule: Rule): string {
  const header = [
    named('in', optionText(rule, '-i')), named('out', optionText(rule, '-o')), named('src', optionText(rule, '-s')),
    named('dst', optionText(rule, '-d')), optionText(rule, '-p') ?? '', rule.fragment === undefined ? '' : `${rule.fragment.negated ? '!' : ''}fragment`,
  ];
  const parts = [...header, ...rule.matches.map(matchText)].filter((part) => part !== '');
  return parts.length === 0 ? 'any' : parts.join(' ');
}

/** One line for each test, for the card of a rule. */
export const describeTests = (rule: Rule): string[] => {
  const text = rule.matches.map(matchText).filter((part) => part !== '');
  const header = describeMatch({ ...rule, matches: [] });
  return header === 'any' && text.length > 0 ? text : [header, ...text];
};

/** Value of a header option as it stood, `!` in front when negated. */
export function optionText(rule: Rule, name: string): string | undefined {
  const option = rule.options.find((candidate) => canonicalName(candidate.name) === name);
  return option === undefined ? undefined : `${option.negated ? '!' : ''}${option.values[0]?.value ?? ''}`;
}

/** What the target does beyond its name: the options behind `-j NAME`. */
export function targetOptions(rule: Rule): string {
  const at = rule.options.findIndex((option) => canonicalName(option.name) === '-j');
  return at < 0 ? '' : rule.options.slice(at + 1).filter(notHeader).map(print).join(' ');
}

const notHeader = ({ name }: RuleOption): boolean => !HIDDEN.has(canonicalName(name));

const print = ({ negated, name, values }: RuleOption): string => `${negated ? '!' : ''}${name} ${values.map(({ raw }) => raw).join(' ')}`.trim();

const named = (label: string, value: string | undefined): string => {
  if (value === undefined) return '';
  return value.startsWith('!') ? `${label}!=${value.slice(1)}` : `${label}=${value}`;
};

function matchText(match: Match): string {
  switch (match.kind) {
    case 'tcp':
    case 'udp':
    case 'udplite':
    case 'sctp':
    case 'dccp':
      return [
        port('sport', match.sourcePort), port('dport', match.destinationPort),
        match.kind === 'tcp' && match.flags !== undefined ? `flags${match.flags.negated ? '!' : ''}=${match.flags.value.mask}/${match.flags.value.comp}` : '',
        ...match.uninterpreted,
      ].filter((part) => part !== '').join(' ');
    case 'multiport':
      return `${{ source: 'sports', destination: 'dports', either: 'ports' }[match.direction]}${match.negated ? '!=' : '='}${match.ports.map(range).join(',')}`;
    case 'icmp':
    case 'icmp6':
      return `type${match.negated ? '!=' : '='}${match.type}${match.code.low === 0 && match.code.high === 255 ? '' : `/${range(match.code)}`}`;
    case 'iprange':
      return [addresses('src', match.source), addresses('dst', match.destination)].filter((part) => part !== '').join(' ');
    case 'conntrack':
    case 'state':
      return [match.states === undefined ? '' : `ct${match.states.negated ? '!=' : '='}${match.states.value.join(',')}`, ...match.uninterpreted].filter((part) => part !== '').join(' ');
    case 'mark':
      return `mark${match.negated ? '!=' : '='}0x${match.value.toString(16)}${match.mask === 0xffff_ffff ? '' : `/0x${match.mask.toString(16)}`}`;
    case 'comment':
      return `"${match.text}"`;
    case 'opaque':
      return match.text.replace(/^-m /, '');
  }
}

const range = ({ low, high }: Range): string => (low === high ? String(low) : `${low}:${high}`);

const port = (label: string, test: { negated: boolean; value: Range } | undefined): string =>
  test === undefined ? '' : `${label}${test.negated ? '!=' : '='}${range(test.value)}`;

function addresses(label: string, test: { negated: boolean; value: { low: number[]; high: number[] } } | undefined): string {
  if (test === undefined) return '';
  const text = (words: number[]): string => (words.length === 1 ? [24, 16, 8, 0].map((shift) => (words[0]! >>> shift) & 255).join('.') : words.map((word) => word.toString(16)).join(':'));
  return `${label}${test.negated ? '!=' : '='}${text(test.value.low)}-${text(test.value.high)}`;
}

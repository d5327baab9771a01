import { formatPrefix } from '../../../lib/ip.ts';
import type { Prefix, Rule, RuleOption, Test } from '../model.ts';
import { canonicalName } from './options.ts';

/** The rules that the kernel stores for one that lists several addresses: the cross product, as iptables does. */
export function expandRule(rule: Rule): Rule[] {
  return oneEach(rule.source).flatMap((source) => oneEach(rule.destination).map((destination) => ({
    ...rule,
    options: rule.options.map((option) => withAddress(option, { '-s': source, '-d': destination })),
    ...(source === undefined ? {} : { source }),
    ...(destination === undefined ? {} : { destination }),
  })));
}

function oneEach(test: Test<Prefix[]> | undefined): (Test<Prefix[]> | undefined)[] {
  return test === undefined ? [undefined] : test.value.map((prefix) => ({ negated: test.negated, value: [prefix] }));
}

function withAddress(option: RuleOption, tests: Readonly<Record<'-s' | '-d', Test<Prefix[]> | undefined>>): RuleOption {
  const name = canonicalName(option.name);
  const prefix = name === '-s' || name === '-d' ? tests[name]?.value[0] : undefined;
  if (prefix === undefined || option.values[0]?.value.includes(',') !== true) return option;
  const value = formatPrefix(prefix.address, prefix.mask);
  return { ...option, values: [{ value, raw: value }] };
}

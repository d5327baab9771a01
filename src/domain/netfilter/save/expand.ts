import type { Prefix, Rule, Test } from '../model.ts';

/** The rules that the kernel stores for one that lists several addresses: the cross product, as iptables does. */
export function expandRule(rule: Rule): Rule[] {
  return oneEach(rule.source).flatMap((source) => oneEach(rule.destination).map((destination) => ({
    ...rule,
    ...(source === undefined ? {} : { source }),
    ...(destination === undefined ? {} : { destination }),
  })));
}

function oneEach(test: Test<Prefix[]> | undefined): (Test<Prefix[]> | undefined)[] {
  return test === undefined ? [undefined] : test.value.map((prefix) => ({ negated: test.negated, value: [prefix] }));
}

import type { Match, Rule, Ruleset, Target } from '../../../src/domain/netfilter/index.ts';

/** A rule as a test writes it: everything that is not given matches everything. */
export type RuleSketch = Partial<Omit<Rule, 'chain' | 'number' | 'line' | 'options'>> & { target: Target };

/** A filter table from sketches; base chains take the policy given for them, ACCEPT otherwise. */
export function filterRuleset(
  chains: Record<string, RuleSketch[]>,
  { policies = {}, family = 'ipv4', backend = 'legacy' }: { policies?: Record<string, 'ACCEPT' | 'DROP'>; family?: 'ipv4' | 'ipv6'; backend?: 'legacy' | 'nft' } = {},
): Ruleset {
  return {
    family, backend, source: 'test', layout: [{ table: 0 }], finalNewline: true,
    tables: [{
      name: 'filter', line: 1, layout: [],
      chains: Object.entries(chains).map(([name, rules]) => ({
        name, line: 1,
        ...(['INPUT', 'FORWARD', 'OUTPUT'].includes(name) ? { policy: policies[name] ?? 'ACCEPT' } : {}),
        rules: rules.map((sketch, i): Rule => ({ chain: name, number: i + 1, line: i + 2, options: [], matches: [], ...sketch })),
      })),
    }],
  };
}

export const accept: Target = { kind: 'accept' };
export const drop: Target = { kind: 'drop' };
export const jump = (chain: string): Target => ({ kind: 'jump', chain });

export const tcpPort = (port: number): Match =>
  ({ kind: 'tcp', destinationPort: { negated: false, value: { low: port, high: port } }, uninterpreted: [] });

export const source = (address: number, prefix = 32): NonNullable<Rule['source']> => {
  const mask = prefix === 0 ? 0 : (0xffff_ffff << (32 - prefix)) >>> 0;
  return { negated: false, value: [{ address: [(address & mask) >>> 0], mask: [mask] }] };
};

export const protocol = (value: number): NonNullable<Rule['protocol']> => ({ negated: false, value });

/** A small seeded generator (mulberry32), so that a failing run can be repeated. */
export function seeded(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

/** Rulesets to measure, in every form that the compared programs take, and packets with the verdict that is due. */

import { Field, FIELD_COUNT, L4, StateBase } from '../../src/domain/classifier/index.ts';
import { seeded } from '../unit/classifier/rules.ts';

export const SHAPES = ['flat', 'structured', 'overlapping'] as const;
export type Shape = (typeof SHAPES)[number];

/** An address of IPv4 and how many of its bits count. */
interface Prefix {
  address: number;
  length: number;
}

interface BenchRule {
  source: Prefix;
  destination: Prefix;
  /** Destination port; any when absent. */
  port?: number;
  verdict: 'ACCEPT' | 'DROP';
}

/** Words of one key in `bench.bpf.c`. */
const KEY_WORDS = 32;
const UDP = 17;
/** Sources are 10.0.0.0/8, destinations 20.0.0.0/8. */
const [SOURCES, DESTINATIONS] = [10 * 2 ** 24, 20 * 2 ** 24];

export interface BenchRuleset {
  shape: Shape;
  rules: readonly BenchRule[];
}

/**
 * A ruleset of INPUT: `flat` is a block list of addresses and ports, `structured` four ports of neighbouring subnets,
 * `overlapping` pairs of prefixes that cover each other in part.
 */
export function benchRuleset(shape: Shape, count: number): BenchRuleset {
  const random = seeded(count);
  const any = { address: DESTINATIONS, length: 8 };
  const prefix = (base: number): Prefix => masked(base + random(2 ** 24), 12 + random(17));
  const rule = {
    flat: (): BenchRule => ({ source: masked(SOURCES + random(2 ** 24), 32), destination: any, port: random(65_536), verdict: 'DROP' }),
    structured: (i: number): BenchRule => ({
      source: masked(SOURCES + Math.floor(i / 4) * 256, 24), destination: any, port: 80 + (i % 4), verdict: i % 7 === 0 ? 'ACCEPT' : 'DROP',
    }),
    overlapping: (): BenchRule => ({ source: prefix(SOURCES), destination: prefix(DESTINATIONS), verdict: random(2) === 0 ? 'ACCEPT' : 'DROP' }),
  }[shape];
  return { shape, rules: Array.from({ length: count }, (_, i) => rule(i)) };
}

/** Text for `iptables-restore`. */
export function iptablesText({ rules }: BenchRuleset): string {
  const line = ({ source, destination, port, verdict }: BenchRule): string =>
    `-A INPUT -s ${format(source)} -d ${format(destination)} -p udp ${port === undefined ? '' : `-m udp --dport ${port} `}-j ${verdict}`;
  return `*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n${rules.map(line).join('\n')}\nCOMMIT\n`;
}

/** Text for `nft -f` with one verdict map; undefined where nft refuses one: its intervals must not overlap. */
export function nftMapText({ shape, rules }: BenchRuleset): string | undefined {
  if (shape === 'overlapping') return undefined;
  const elements = new Map(rules.toReversed().map(({ source, port, verdict }) => [`${format(source)} . ${port}`, verdict.toLowerCase()]));
  const text = [...elements].map(([key, verdict]) => `${key} : ${verdict}`).join(', ');
  return `table ip bench {
  map rules {
    type ipv4_addr . inet_service : verdict
    flags interval
    elements = { ${text} }
  }
  chain input {
    type filter hook input priority 0
    ip saddr . udp dport vmap @rules
  }
}\n`;
}

/** Packets in rotation: half of them made for a rule that was picked at random, half anywhere. */
export interface BenchKeys {
  /** As the map of `bench.bpf.c` takes them. */
  bytes: Buffer;
  count: number;
  /** For each key, whether the ruleset accepts it: found by walking the rules one after the other. */
  accepted: boolean[];
}

export function benchKeys({ rules }: BenchRuleset, count: number): BenchKeys {
  const random = seeded(7);
  const bytes = Buffer.alloc(count * KEY_WORDS * 4);
  const within = ({ address, length }: Prefix): number => address + random(2 ** (32 - length));
  const accepted = Array.from({ length: count }, (_, i) => {
    const rule = i % 2 === 0 ? rules[random(rules.length)]! : undefined;
    const [source, destination] = [within(rule?.source ?? masked(SOURCES, 8)), within(rule?.destination ?? masked(DESTINATIONS, 8))];
    const port = rule?.port ?? random(65_536);
    writeKey(bytes.subarray(i * KEY_WORDS * 4), source, destination, port);
    return firstVerdict(rules, source, destination, port) === 'ACCEPT';
  });
  return { bytes, count, accepted };
}

function writeKey(target: Buffer, source: number, destination: number, port: number): void {
  const key = new Uint32Array(FIELD_COUNT);
  key.set([UDP, L4.COMPLETE], Field.PROTO);
  key[Field.STATE] = StateBase.NEW;
  key[Field.SPORT] = 1024;
  key[Field.DPORT] = port;
  key[Field.SRC] = source;
  key[Field.DST] = destination;
  Buffer.from(key.buffer).copy(target);
}

function firstVerdict(rules: readonly BenchRule[], source: number, destination: number, port: number): BenchRule['verdict'] {
  const hit = rules.find((rule) => covers(rule.source, source) && (rule.port === undefined || rule.port === port) && covers(rule.destination, destination));
  return hit?.verdict ?? 'ACCEPT';
}

const covers = ({ address, length }: Prefix, value: number): boolean => (address ^ value) >>> (32 - length) === 0 || length === 0;
const masked = (address: number, length: number): Prefix => ({ address: address - (address % 2 ** (32 - length)), length });
const format = ({ address, length }: Prefix): string => `${[24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join('.')}/${length}`;

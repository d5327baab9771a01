/** Packets and outcomes in words. */

import { formatAddress } from '../../lib/ip.ts';
import { addressWords, Field, filterTable, L4, StateBase, type Outcome } from '../classifier/index.ts';
import type { Family } from '../netfilter/index.ts';
import type { FamilyPlan } from './plan.ts';

const PROTOCOLS: Readonly<Record<number, string>> = { 1: 'icmp', 6: 'tcp', 17: 'udp', 33: 'dccp', 58: 'ipv6-icmp', 132: 'sctp', 136: 'udplite' };
const FLAGS = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG'];

/** `NEW tcp 10.0.0.1:1024 > 10.0.0.2:22 in=eth0`. */
export function describeKey(family: Family, key: readonly number[]): string {
  const words = addressWords(family);
  const proto = key[Field.PROTO]!;
  const address = (field: number): string => formatAddress(key.slice(field, field + words));
  const ported = proto === 6 || proto === 17 || proto === 33 || proto === 132 || proto === 136;
  const port = (field: number): string => (ported ? `:${key[field]}` : '');
  const l4 = Object.entries(L4).find(([, value]) => value === key[Field.L4])?.[0] ?? 'COMPLETE';
  return [
    describeState(key[Field.STATE]!), PROTOCOLS[proto] ?? `proto ${proto}`,
    `${address(Field.SRC)}${port(Field.SPORT)} > ${address(Field.DST)}${port(Field.DPORT)}`,
    ...(proto === 1 || proto === 58 ? [`type ${key[Field.ICMP]! >> 8}/${key[Field.ICMP]! & 255}`] : []),
    ...(proto === 6 ? [FLAGS.filter((_name, bit) => (key[Field.FLAGS]! >> bit) & 1).join(',') || 'no flags'] : []),
    ...named('in', nameOf(key, Field.IIF)), ...named('out', nameOf(key, Field.OIF)),
    ...(key[Field.MARK] === 0 ? [] : [`mark 0x${key[Field.MARK]!.toString(16)}`]),
    ...(l4 === 'COMPLETE' ? [] : [l4.toLowerCase().replaceAll('_', ' ')]),
  ].join(' ');
}

/** `DROP after INPUT#3, WEB#1, policy FORWARD`. */
export function describeOutcome(plan: FamilyPlan, { verdict, counted, natives }: Outcome): string {
  const steps = [...counted.map((id) => ruleName(plan, id)), ...natives.map((id) => `${ruleName(plan, id)} (run by the kernel)`)];
  return steps.length === 0 ? verdict : `${verdict} by ${steps.join(', ')}`;
}

function ruleName({ ruleset, ruleIds }: FamilyPlan, id: number): string {
  for (const chain of filterTable(ruleset)!.chains) {
    const first = ruleIds.id(chain.name, 1);
    if (id >= first && id < first + chain.rules.length) return `${chain.name}#${id - first + 1}`;
  }
  return 'policy';
}

function describeState(state: number): string {
  const base = Object.entries(StateBase).find(([, value]) => value === state % 5)![0];
  return [base, ...(Math.floor(state / 5) % 2 === 1 ? ['SNAT'] : []), ...(state >= 10 ? ['DNAT'] : [])].join('+');
}

function nameOf(key: readonly number[], field: number): string {
  const bytes = Buffer.alloc(16);
  for (let word = 0; word < 4; word++) bytes.writeUInt32BE(key[field + word]!, word * 4);
  return bytes.toString('latin1').replace(/\0.*$/s, '');
}

const named = (label: string, name: string): string[] => (name === '' ? [] : [`${label}=${name}`]);

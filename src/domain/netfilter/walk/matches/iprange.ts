import type { IprangeMatch, Test } from '../../model.ts';
import { all, negateIf, type Answer } from '../answer.ts';
import type { Packet } from '../packet.ts';

/** @kernel net/netfilter/xt_iprange.c: source and destination are both required, each negated on its own */
export function matchIprange(match: IprangeMatch, packet: Packet): Answer {
  return all([() => within(match.source, packet.source), () => within(match.destination, packet.destination)]);
}

function within(test: Test<{ low: number[]; high: number[] }> | undefined, address: readonly number[] | undefined): Answer {
  if (test === undefined) return true;
  if (address === undefined) return 'unknown';
  return negateIf(test.negated, compareWords(test.value.low, address) <= 0 && compareWords(address, test.value.high) <= 0);
}

/** Negative, zero or positive, as numbers of 32 or 128 bits compare. */
function compareWords(a: readonly number[], b: readonly number[]): number {
  const index = a.findIndex((word, position) => word !== b[position]);
  return index === -1 ? 0 : a[index]! - b[index]!;
}

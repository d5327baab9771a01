import type { Prefix, Rule, Test } from '../../model.ts';
import { all, negateIf, type Answer, type Surroundings } from '../answer.ts';
import type { Packet } from '../packet.ts';

/**
 * The tests that a rule makes before its extension matches: addresses, interfaces, protocol, fragment.
 *
 * @kernel net/ipv4/netfilter/ip_tables.c ip_packet_match; net/ipv6/netfilter/ip6_tables.c ip6_packet_match
 */
export function matchHeader(rule: Rule, packet: Packet, { backend }: Surroundings): Answer {
  return all([
    () => matchAddress(rule.source, packet.source),
    () => matchAddress(rule.destination, packet.destination),
    () => matchInterface(rule.inInterface, packet.inInterface),
    () => matchInterface(rule.outInterface, packet.outInterface),
    () => matchProtocol(rule.protocol, packet, backend),
    () => (rule.fragment === undefined ? true : negateIf(rule.fragment.negated, packet.header.fragmentOffset !== 0)),
  ]);
}

function matchAddress(test: Test<Prefix[]> | undefined, address: readonly number[] | undefined): Answer {
  if (test === undefined) return true;
  if (address === undefined) return test.value.every(isEverything) ? !test.negated : 'unknown';
  return negateIf(test.negated, test.value.some((prefix) => inPrefix(address, prefix)));
}

const isEverything = (prefix: Prefix): boolean => prefix.mask.every((word) => word === 0);

function inPrefix(address: readonly number[], prefix: Prefix): boolean {
  return prefix.address.every((word, index) => ((address[index]! & prefix.mask[index]!) >>> 0) === word);
}

/** A trailing `+` compares the beginning only; an absent interface has the empty name. */
function matchInterface(test: Test<string> | undefined, name: string | undefined): Answer {
  if (test === undefined) return true;
  if (test.value === '+') return !test.negated;
  if (name === undefined) return 'unknown';
  const same = test.value.endsWith('+') ? name.startsWith(test.value.slice(0, -1)) : name === test.value;
  return negateIf(test.negated, same);
}

/** x_tables drops an IPv6 packet whose last header cannot be found; in nf_tables it matches no `-p`, negated or not. */
function matchProtocol(test: Test<number> | undefined, packet: Packet, backend: Surroundings['backend']): Answer {
  if (test === undefined) return true;
  if (packet.header.malformed === true) return backend === 'legacy' ? 'hotdrop' : false;
  return negateIf(test.negated, packet.protocol === test.value);
}

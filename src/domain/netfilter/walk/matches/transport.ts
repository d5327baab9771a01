import type { Range, Test } from '../../model.ts';
import { negateIf, type Answer } from '../answer.ts';
import type { Packet } from '../packet.ts';

/**
 * Whether x_tables lets a match read `bytes` of the transport header: false on a non-first fragment, a drop when the
 * packet is too short.
 */
export function needHeader(packet: Packet, bytes: number): Answer {
  if (packet.header.fragmentOffset !== 0) return false;
  return packet.header.bytes >= bytes ? true : 'hotdrop';
}

/** A port test on a value that is there; reversed bounds never match. */
export function matchPort(test: Test<Range> | undefined, port: number | undefined): Answer {
  if (test === undefined) return true;
  if (isFull(test.value)) return !test.negated;
  if (test.value.low > test.value.high) return test.negated;
  if (port === undefined) return 'unknown';
  return negateIf(test.negated, inRange(port, test.value));
}

/** Inclusive. */
export const inRange = (value: number, range: Range): boolean => range.low <= value && value <= range.high;

/** 0:65535, which tests nothing. */
export const isFull = (range: Range): boolean => range.low === 0 && range.high === 0xffff;

/**
 * A port test as nf_tables makes it: bytes `offset` and following of whatever follows the IP header, also in a fragment.
 *
 * iptables-nft leaves out a test of the full range, negated or not.
 */
export function matchRawPort(test: Test<Range> | undefined, port: number | undefined, packet: Packet, end: number): Answer {
  if (test === undefined || isFull(test.value)) return true;
  if (packet.header.bytes < end) return false;
  return matchPort(test, port);
}

/**
 * `! --sport A ! --dport B` with single ports, which iptables-nft 1.8.9 stores as one comparison of four bytes: it then
 * means "not (A and B)" instead of "neither". Undefined when the two tests are stored separately.
 */
export function matchMergedPorts(
  source: Test<Range> | undefined, destination: Test<Range> | undefined, packet: Packet,
): Answer | undefined {
  if (!isNegatedSingle(source) || !isNegatedSingle(destination)) return undefined;
  if (packet.header.bytes < 4) return false;
  if (packet.sourcePort !== undefined && packet.sourcePort !== source!.value.low) return true;
  if (packet.destinationPort !== undefined && packet.destinationPort !== destination!.value.low) return true;
  return packet.sourcePort === undefined || packet.destinationPort === undefined ? 'unknown' : false;
}

const isNegatedSingle = (test: Test<Range> | undefined): boolean =>
  test !== undefined && test.negated && test.value.low === test.value.high;

import type { Range, Test } from '../../model.ts';
import { all, negateIf, type Answer } from '../answer.ts';
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
const isFull = (range: Range): boolean => range.low === 0 && range.high === 0xffff;

/** What nf_tables reads as the beginning of the transport header. */
export interface RawHeader {
  bytes: number;
  sourcePort: number | undefined;
  destinationPort: number | undefined;
  /** Byte 13. */
  flags: number | undefined;
}

/**
 * nf_tables reads whatever follows the IP header, also in a non-first fragment. For a non-first fragment of IPv6 it does
 * not know where that is and reads from the beginning of the IPv6 header instead: version and flow label, and at byte
 * 13 a part of the source address.
 *
 * @kernel net/ipv6/exthdrs_core.c ipv6_find_hdr leaves the offset 0 there; nft_payload_fast_eval does not ask for fragments
 */
export function rawHeader(packet: Packet): RawHeader {
  const { header, sourcePort, destinationPort, tcpFlags, firstWord } = packet;
  if (packet.family === 'ipv4' || header.fragmentOffset === 0) return { bytes: header.bytes, sourcePort, destinationPort, flags: tcpFlags };
  return {
    bytes: 40,
    sourcePort: firstWord === undefined ? undefined : firstWord >>> 16,
    destinationPort: firstWord === undefined ? undefined : firstWord & 0xffff,
    flags: packet.source === undefined ? undefined : (packet.source[1]! >>> 16) & 0xff,
  };
}

/** Port tests as iptables-nft 1.8.9 writes them in nf_tables expressions; it leaves out a test of the full range. */
export function matchRawPorts({ sourcePort, destinationPort }: PortTests, raw: RawHeader): Answer {
  const merged = matchMergedPorts(sourcePort, destinationPort, raw);
  if (merged !== undefined) return merged;
  return all([() => matchRawPort(sourcePort, raw.sourcePort, raw.bytes >= 2), () => matchRawPort(destinationPort, raw.destinationPort, raw.bytes >= 4)]);
}

/** The port tests of a match. */
export interface PortTests {
  sourcePort?: Test<Range>;
  destinationPort?: Test<Range>;
}

/** Whether iptables-nft has any port to test: then it does not hand the match to the x_tables code. */
export const hasPortTest = ({ sourcePort, destinationPort }: PortTests): boolean =>
  [sourcePort, destinationPort].some((test) => test !== undefined && (test.negated || !isFull(test.value)));

function matchRawPort(test: Test<Range> | undefined, port: number | undefined, readable: boolean): Answer {
  if (test === undefined || isFull(test.value)) return true;
  return readable ? matchPort(test, port) : false;
}

/**
 * `! --sport A ! --dport B` with single ports is stored as one comparison of four bytes: it then means "not (A and B)"
 * instead of "neither". Undefined when the two tests are stored separately.
 */
function matchMergedPorts(source: Test<Range> | undefined, destination: Test<Range> | undefined, raw: RawHeader): Answer | undefined {
  if (!isNegatedSingle(source) || !isNegatedSingle(destination)) return undefined;
  if (raw.bytes < 4) return false;
  if (raw.sourcePort !== undefined && raw.sourcePort !== source.value.low) return true;
  if (raw.destinationPort !== undefined && raw.destinationPort !== destination.value.low) return true;
  return raw.sourcePort === undefined || raw.destinationPort === undefined ? 'unknown' : false;
}

const isNegatedSingle = (test: Test<Range> | undefined): test is Test<Range> =>
  test !== undefined && test.negated && test.value.low === test.value.high;

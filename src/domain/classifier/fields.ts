/**
 * The key of a packet: what the engine in `bpf/` extracts and a diagram tests, one 32-bit word a field, host order.
 *
 * `bpf/include/key.h` fills the same words; keep both in step. Wide values take consecutive words, most significant
 * first. Interface names are 16 bytes, zero after the first NUL, read as four big-endian words, so that `eth+` is one
 * interval. An absent interface (no input at OUTPUT, no output at INPUT) is the empty name: four zero words.
 */
export const Field = {
  /** Conntrack: base + 5 * SNAT + 10 * DNAT; see `StateBase`. */
  STATE: 0,
  /** IPv4 protocol, or the last header of an IPv6 packet. */
  PROTO: 1,
  /** How much of the transport header is there; see `L4`. */
  L4: 2,
  IIF: 3,
  OIF: 7,
  /** Transport ports: the first four bytes after the IP header, whatever they are, where at least four exist; else 0. */
  DPORT: 11,
  SPORT: 12,
  /** type << 8 | code where L4 is COMPLETE and the protocol ICMP or ICMPv6; else 0. */
  ICMP: 13,
  /** Byte 13 of the TCP header & 0x3f where L4 is COMPLETE and the protocol TCP; else 0. */
  FLAGS: 14,
  MARK: 15,
  DST: 16,
  SRC: 20,
} as const;

export const FIELD_COUNT = 24;

/** Values of STATE before SNAT (+5) and DNAT (+10) are added. */
export const StateBase = { INVALID: 0, NEW: 1, ESTABLISHED: 2, RELATED: 3, UNTRACKED: 4 } as const;

/**
 * Values of L4.
 *
 * COMPLETE also stands for protocols that no match looks into. Full header: TCP 20 bytes, UDP and UDPlite 8, SCTP and
 * DCCP 12, ICMP and ICMPv6 8.
 */
export const L4 = {
  COMPLETE: 0,
  /** At least the four bytes of the ports, but not the whole header. */
  PARTIAL: 1,
  /** Less than four bytes. */
  SHORT: 2,
  /** A non-first fragment. */
  FRAGMENT: 3,
  /** A TCP fragment at offset 1 (byte 8): x_tables drops it at the first tcp match. */
  TCP_FRAGMENT_1: 4,
  /** IPv6: the chain of extension headers is cut off: x_tables drops it at the first `-p`. */
  MALFORMED: 5,
  /** IPv6: a non-first fragment that begins with an extension header: x_tables drops it at the first `-p`, too. */
  NO_PROTOCOL: 6,
} as const;

/** Largest value of each field, inclusive. */
export function fieldMaximum(field: number): number {
  if (field === Field.STATE) return 19;
  if (field === Field.PROTO) return 255;
  if (field === Field.L4) return 6;
  if (field === Field.DPORT || field === Field.SPORT || field === Field.ICMP) return 0xffff;
  if (field === Field.FLAGS) return 0x3f;
  return 0xffff_ffff;
}

/** Words that an address of the family takes in DST and SRC. */
export const addressWords = (family: 'ipv4' | 'ipv6'): 1 | 4 => (family === 'ipv4' ? 1 : 4);

/** A field under a bit mask: what a node of a diagram tests. Mask 0xffffffff is the plain field. */
export interface Variable {
  field: number;
  mask: number;
}

const base = [
  Field.STATE, Field.PROTO, Field.L4,
  Field.IIF, Field.IIF + 1, Field.IIF + 2, Field.IIF + 3,
  Field.OIF, Field.OIF + 1, Field.OIF + 2, Field.OIF + 3,
];
const tail = [Field.ICMP, Field.FLAGS, Field.MARK];
const dst = [Field.DST, Field.DST + 1, Field.DST + 2, Field.DST + 3];
const src = [Field.SRC, Field.SRC + 1, Field.SRC + 2, Field.SRC + 3];

/** Field orders worth trying; the size of a diagram depends on it by an order of magnitude (migration reference §6.2). */
export const FIELD_ORDERS: Readonly<Record<string, readonly number[]>> = {
  'port-dst-src': [...base, Field.DPORT, ...dst, ...src, Field.SPORT, ...tail],
  'dst-port-src': [...base, ...dst, Field.DPORT, ...src, Field.SPORT, ...tail],
  'src-dst-port': [...base, ...src, ...dst, Field.DPORT, Field.SPORT, ...tail],
  'dst-src-port': [...base, ...dst, ...src, Field.DPORT, Field.SPORT, ...tail],
};

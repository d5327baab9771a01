/**
 * The ruleset model: what `iptables-save` says, kept whole, with the parts that sluice understands typed.
 *
 * Two views of one rule live side by side. `options` are the tokens as they stood, so that printing gives the text back
 * byte for byte; the typed members (`source`, `matches`, `target` …) are what the rule means. A match or target that
 * sluice does not know is kept as `opaque` / `native` and still prints.
 *
 * Addresses are arrays of 32-bit words in host order, most significant first: one word for IPv4, four for IPv6.
 */

export type Family = 'ipv4' | 'ipv6';

/** Which kernel interface holds the rules: x_tables (`iptables-legacy`) or nf_tables (`iptables-nft`). */
export type Backend = 'legacy' | 'nft';

/** Packets and bytes, exact. */
export interface Counters {
  packets: bigint;
  bytes: bigint;
}

/** One dump: everything one `iptables-save` printed. */
export interface Ruleset {
  family: Family;
  backend: Backend;
  /** Where it came from, for error messages: a file name, `-`, or `iptables-legacy-save`. */
  source: string;
  tables: Table[];
  /** Comment and blank lines before, between and after tables, in order, so that printing is exact. */
  layout: LayoutItem[];
  /** False when the text did not end in a newline. */
  finalNewline: boolean;
  /** Set when the bytes were not UTF-8: each character then stands for one byte. */
  encoding?: 'latin1';
}

/** One line of the dump outside a table, or a table by its index in `tables`; `blanks` stood behind its name. */
export type LayoutItem = { text: string } | { table: number; blanks?: string };

export interface Table {
  name: string;
  line: number;
  chains: Chain[];
  /** The lines of the table in the order they stood, between `*name` and `COMMIT`. */
  layout: TableItem[];
}

/**
 * A line inside a table: verbatim text (comment, blank, a rule marked `-4` or `-6` for the other family), a chain
 * declaration, or a rule. `gaps` as in `Spelling`.
 */
export type TableItem = { text: string } | { chain: number; gaps?: string[] } | { rule: Rule };

export interface Chain {
  name: string;
  line: number;
  /** Only base chains have one; undefined (`-` in the dump) for user chains. */
  policy?: 'ACCEPT' | 'DROP' | 'QUEUE';
  /** Counters of the policy, printed beside it; absent when the dump had none. */
  counters?: Counters;
  rules: Rule[];
}

/** A test that `!` may invert. */
export interface Test<T> {
  negated: boolean;
  value: T;
}

/** `address/mask`; any mask, contiguous or not. `address` is already masked as the kernel stores it. */
export interface Prefix {
  address: number[];
  mask: number[];
}

/** An inclusive range; `low > high` loads in some matches and then never matches. */
export interface Range {
  low: number;
  high: number;
}

export interface Rule {
  chain: string;
  /** Position in the chain from 1, as `iptables -L --line-numbers` counts. */
  number: number;
  line: number;
  counters?: Counters;
  /** The tokens of the rule after `-A CHAIN`, in order, for printing. */
  options: RuleOption[];
  /** Only where the line is written in another way than iptables-save would. */
  spelling?: Spelling;

  /** `-s`; a hand-written dump may list several, which the kernel stores as one rule each (see `expandRule`). */
  source?: Test<Prefix[]>;
  destination?: Test<Prefix[]>;
  /** `-i`; a trailing `+` means "begins with". `+` alone matches every name. */
  inInterface?: Test<string>;
  outInterface?: Test<string>;
  /** `-p` as a number; absent for `all`. */
  protocol?: Test<number>;
  /** `-f`: second and further fragments (IPv4 only). */
  fragment?: Test<true>;
  /** Extension matches in the order in which they are evaluated. */
  matches: Match[];
  target: Target;
}

/** What hand-written text has beside its options: needed to print it as it stood. */
export interface Spelling {
  /** The words up to the chain: counters, `-A` or `--append`, the name. */
  head: string[];
  /** The blanks before each word of the line and at its end. */
  gaps: string[];
}

/** One option as it stood: `! --dport 80` is `{ negated, name: '--dport', values: ['80'] }`. */
export interface RuleOption {
  negated: boolean;
  name: string;
  values: OptionValue[];
  /** Written as one word, `--dport=80`. */
  joined?: true;
}

/** A value and how it was quoted; `raw` is the text to print, quotes and escapes included. */
export interface OptionValue {
  value: string;
  raw: string;
}

export type ConntrackState = 'INVALID' | 'NEW' | 'ESTABLISHED' | 'RELATED' | 'UNTRACKED' | 'SNAT' | 'DNAT';

export interface PortMatch {
  kind: 'udp' | 'udplite' | 'sctp' | 'dccp';
  sourcePort?: Test<Range>;
  destinationPort?: Test<Range>;
  /** Sub-options that sluice does not interpret (`--chunk-types`, `--dccp-types` …), as they stood. */
  uninterpreted: string[];
}

export interface TcpMatch {
  kind: 'tcp';
  sourcePort?: Test<Range>;
  destinationPort?: Test<Range>;
  /** `(byte 13 of the header & mask) == comp`; bits as in RFC 9293: FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32. */
  flags?: Test<{ mask: number; comp: number }>;
  /** `--tcp-option` and anything newer, as it stood. */
  uninterpreted: string[];
}

export interface MultiportMatch {
  kind: 'multiport';
  direction: 'source' | 'destination' | 'either';
  negated: boolean;
  ports: Range[];
}

export interface IcmpMatch {
  kind: 'icmp' | 'icmp6';
  negated: boolean;
  /** ICMPv4 type 255 means "any"; for ICMPv6 it is an ordinary type. */
  type: number;
  code: Range;
}

export interface IprangeMatch {
  kind: 'iprange';
  /** Inclusive; reversed bounds never match. */
  source?: Test<{ low: number[]; high: number[] }>;
  destination?: Test<{ low: number[]; high: number[] }>;
}

export interface ConntrackMatch {
  kind: 'conntrack' | 'state';
  states?: Test<ConntrackState[]>;
  /** `--ctstatus`, `--ctorigdst`, `--ctproto` and so on, as they stood. */
  uninterpreted: string[];
}

/** `(mark & mask) == value`; `value` is not masked, as in xt_mark. */
export interface MarkMatch {
  kind: 'mark';
  negated: boolean;
  value: number;
  mask: number;
}

export interface CommentMatch {
  kind: 'comment';
  text: string;
}

/** A match that sluice keeps but does not interpret; `text` is the whole spelling including `-m NAME`. */
export interface OpaqueMatch {
  kind: 'opaque';
  name: string;
  text: string;
}

export type Match =
  | TcpMatch
  | PortMatch
  | MultiportMatch
  | IcmpMatch
  | IprangeMatch
  | ConntrackMatch
  | MarkMatch
  | CommentMatch
  | OpaqueMatch;

/** `none`: the rule only counts. `native`: any target with code of its own in the kernel, such as REJECT or LOG. */
export type Target =
  | { kind: 'none' }
  | { kind: 'accept' }
  | { kind: 'drop' }
  | { kind: 'return' }
  | { kind: 'jump'; chain: string }
  | { kind: 'goto'; chain: string }
  | {
      kind: 'native';
      name: string;
      /** The whole spelling, `-j` included, as it stood. */
      text: string;
      /** Whether the packet's walk ends there (REJECT, DNAT …) or continues with the next rule (LOG, MARK …). */
      terminating: boolean;
      /** The bits of the packet mark it changes as `(mark & ~clear) ^ xor`, for MARK. */
      setsMark?: { clear: number; xor: number };
    };

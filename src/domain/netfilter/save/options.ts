/**
 * How many words an option takes, where a word may look like an option itself; all others end at the next option.
 *
 * iptables-save leaves strings such as a log prefix unquoted when they hold no blank, so `--log-prefix -x` occurs.
 */
const ARITY: ReadonlyMap<string, number> = new Map(Object.entries({
  '-A': 1, '-s': 1, '-d': 1, '-i': 1, '-o': 1, '-p': 1, '-j': 1, '-g': 1, '-m': 1, '-f': 0, '-4': 0, '-6': 0,
  '--syn': 0, '--tcp-flags': 2, '--sport': 1, '--dport': 1, '--sports': 1, '--dports': 1, '--ports': 1, '--tcp-option': 1,
  '--icmp-type': 1, '--icmpv6-type': 1, '--src-range': 1, '--dst-range': 1, '--ctstate': 1, '--state': 1, '--mark': 1,
  '--comment': 1, '--log-prefix': 1, '--nflog-prefix': 1, '--string': 1, '--hex-string': 1, '--match-set': 2,
  '--u32': 1, '--bytecode': 1, '--object-pinned': 1, '--reject-with': 1, '--set-xmark': 1, '--hashlimit-name': 1, '-c': 2,
}));

const LONG_NAMES: ReadonlyMap<string, string> = new Map(Object.entries({
  '--append': '-A', '--source': '-s', '--src': '-s', '--destination': '-d', '--dst': '-d', '--in-interface': '-i',
  '--out-interface': '-o', '--protocol': '-p', '--proto': '-p', '--jump': '-j', '--goto': '-g', '--match': '-m',
  '--fragment': '-f', '--ipv4': '-4', '--ipv6': '-6', '--source-port': '--sport', '--destination-port': '--dport',
  '--source-ports': '--sports', '--destination-ports': '--dports', '--set-counters': '-c',
}));

/** The name that iptables-save prints for an option. */
export const canonicalName = (name: string): string => LONG_NAMES.get(name) ?? name;

/** Words that the option takes, or undefined when they end at the next option. */
export const arityOf = (name: string): number | undefined => ARITY.get(canonicalName(name));

/** Options of the rule itself, which no match or target takes. */
export const HEADER_OPTIONS: ReadonlySet<string> = new Set(['-s', '-d', '-i', '-o', '-p', '-f', '-c', '-4', '-6']);

/** Values of options: numbers, ports, addresses, protocols. Each throws ParseError at its column. */

import { parseAddress } from '../../../lib/ip.ts';
import type { Counters, Family, Prefix, Range } from '../model.ts';
import { parseError, type Line, type Token } from './tokens.ts';

/** iptables' own list (libxtables xtables_chain_protos and /etc/protocols), by the names that iptables-save prints. */
const PROTOCOLS: ReadonlyMap<string, number> = new Map(Object.entries({
  icmp: 1, igmp: 2, ggp: 3, ipencap: 4, ipip: 4, st: 5, tcp: 6, egp: 8, igp: 9, pup: 12, udp: 17, hmp: 20, 'xns-idp': 22, rdp: 27,
  'iso-tp4': 29, dccp: 33, xtp: 36, ddp: 37, 'idpr-cmtp': 38, ipv6: 41, 'ipv6-route': 43, 'ipv6-frag': 44, idrp: 45, rsvp: 46,
  gre: 47, esp: 50, ah: 51, skip: 57, 'ipv6-icmp': 58, icmpv6: 58, icmp6: 58, 'ipv6-nonxt': 59, 'ipv6-opts': 60, rspf: 73, vmtp: 81, eigrp: 88,
  ospf: 89, ospfigp: 89, 'ax.25': 93, etherip: 97, encap: 98, pim: 103, ipcomp: 108, vrrp: 112, l2tp: 115, isis: 124, sctp: 132, fc: 133,
  'mobility-header': 135, mh: 135, 'ipv6-mh': 135, udplite: 136, 'mpls-in-ip': 137, manet: 138, hip: 139, shim6: 140, wesp: 141, rohc: 142, ethernet: 143,
}));

/** Services that hand-written rules name; iptables-save prints numbers. */
const SERVICES: ReadonlyMap<string, number> = new Map(Object.entries({
  'ftp-data': 20, ftp: 21, ssh: 22, telnet: 23, smtp: 25, domain: 53, bootps: 67, bootpc: 68, tftp: 69, http: 80, www: 80, kerberos: 88,
  pop3: 110, sunrpc: 111, auth: 113, ntp: 123, 'netbios-ns': 137, 'netbios-dgm': 138, 'netbios-ssn': 139, imap: 143, imap2: 143, snmp: 161,
  'snmp-trap': 162, bgp: 179, ldap: 389, https: 443, 'microsoft-ds': 445, isakmp: 500, syslog: 514, submission: 587, ldaps: 636, imaps: 993,
  pop3s: 995, openvpn: 1194, mysql: 3306, postgresql: 5432, 'ipsec-nat-t': 4500,
}));

/** Decimal or `0x` hexadecimal. A leading zero is refused: iptables takes it for octal in some matches and not in others. */
export function parseNumber({ value, column }: Token, maximum: number, line: Line, what: string): number {
  const number = /^(0x[0-9a-f]+|0|[1-9]\d*)$/i.test(value) ? Number(value) : NaN;
  if (!(number <= maximum)) throw parseError(line, column, `${what} '${value}' is not a number up to ${maximum}`);
  return number;
}

/** Undefined for `all` and 0, which test nothing. */
export function parseProtocol(token: Token, line: Line): number | undefined {
  const name = token.value.toLowerCase();
  if (name === 'all' || name === '0') return undefined;
  const known = PROTOCOLS.get(name);
  if (known !== undefined) return known;
  if (!/^\d+$/.test(name)) throw parseError(line, token.column, `unknown protocol '${token.value}'`);
  return parseNumber(token, 255, line, 'protocol');
}

/** `80`, `80:90`, `:90`, `80:`. */
export function parsePortRange(token: Token, line: Line): Range {
  const [low, high, excess] = splitWord(token, ':');
  if (low === undefined || excess !== undefined) throw parseError(line, token.column, `'${token.value}' is not a range of ports`);
  if (high === undefined) {
    const port = parsePort(low, line);
    return { low: port, high: port };
  }
  return { low: low.value === '' ? 0 : parsePort(low, line), high: high.value === '' ? 0xffff : parsePort(high, line) };
}

/** The parts of a word between separators, each with its own column. */
export function splitWord(word: Token, separator: string): Token[] {
  const { value, column } = word;
  if (!value.includes(separator)) return [word];
  let at = column;
  return value.split(separator).map((part) => {
    const token = { value: part, raw: part, column: at };
    at += part.length + separator.length;
    return token;
  });
}

const parsePort = (token: Token, line: Line): number => SERVICES.get(token.value) ?? parseNumber(token, 0xffff, line, 'port');

/** Comma-separated `address[/mask]`; host bits are cleared, as the kernel does. */
export const parsePrefixes = (token: Token, family: Family, line: Line): Prefix[] =>
  splitWord(token, ',').map((part) => parsePrefix(part, family, line));

/** One address of the family. */
export function parseFamilyAddress({ value, column }: Token, family: Family, line: Line): number[] {
  const words = parseAddress(value);
  if (words === undefined || words.length !== (family === 'ipv4' ? 1 : 4))
    throw parseError(line, column, `'${value}' is not an ${family === 'ipv4' ? 'IPv4' : 'IPv6'} address`);
  return words;
}

function parsePrefix(token: Token, family: Family, line: Line): Prefix {
  const [address, length, excess] = splitWord(token, '/');
  if (address === undefined || excess !== undefined) throw parseError(line, token.column, `'${token.value}' is not an address with a mask`);
  const words = parseFamilyAddress(address, family, line);
  const mask = length === undefined ? MASKS[family].at(-1)! : parseMask(length, family, line);
  return { address: words.map((word, i) => (word & mask[i]!) >>> 0), mask };
}

function parseMask(token: Token, family: Family, line: Line): number[] {
  if (!/^\d+$/.test(token.value)) return parseFamilyAddress(token, family, line);
  return MASKS[family][parseNumber(token, family === 'ipv4' ? 32 : 128, line, 'prefix length')]!;
}

/** Masks by prefix length; shared by all rules, since there are few. */
const MASKS: Readonly<Record<Family, number[][]>> = { ipv4: masksOf(1), ipv6: masksOf(4) };

function masksOf(words: number): number[][] {
  const word = (ones: number): number => (ones <= 0 ? 0 : (0xffff_ffff << (32 - Math.min(32, ones))) >>> 0);
  return Array.from({ length: words * 32 + 1 }, (_, bits) => Array.from({ length: words }, (_unused, i) => word(bits - i * 32)));
}

/** `value[/mask]` of marks. */
export function parseMasked(token: Token, line: Line): { value: number; mask: number } {
  const [value, mask, excess] = splitWord(token, '/');
  if (value === undefined || excess !== undefined) throw parseError(line, token.column, `'${token.value}' is not VALUE or VALUE/MASK`);
  return {
    value: parseNumber(value, 0xffff_ffff, line, 'mark'),
    mask: mask === undefined ? 0xffff_ffff : parseNumber(mask, 0xffff_ffff, line, 'mask'),
  };
}

const MOST = 2n ** 64n - 1n;

/** Two counters of the kernel, 64 bits each; without leading zeros, so that they print as they stood. */
export function readCounters(packets: Token, bytes: Token, line: Line): Counters {
  return { packets: readCounter(packets, line), bytes: readCounter(bytes, line) };
}

function readCounter({ value, column }: Token, line: Line): bigint {
  const count = /^(0|[1-9]\d{0,19})$/.test(value) ? BigInt(value) : -1n;
  if (count < 0n || count > MOST) throw parseError(line, column, `'${value}' is not a counter`);
  return count;
}

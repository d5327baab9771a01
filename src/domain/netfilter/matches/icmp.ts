import type { IcmpMatch, Range } from '../model.ts';
import { parseError, type Line, type Token } from '../save/tokens.ts';
import { parseNumber, splitWord } from '../save/values.ts';
import { onlyToken, optionOf, type MatchReader } from './context.ts';

const ANY_CODE: Range = { low: 0, high: 255 };

/** `type` or `type/code` by the names of `iptables -p icmp -h`. */
const NAMES: ReadonlyMap<string, string> = new Map(Object.entries({
  any: '255', 'echo-reply': '0', pong: '0', 'destination-unreachable': '3', 'network-unreachable': '3/0', 'host-unreachable': '3/1',
  'protocol-unreachable': '3/2', 'port-unreachable': '3/3', 'fragmentation-needed': '3/4', 'source-route-failed': '3/5', 'network-unknown': '3/6',
  'host-unknown': '3/7', 'network-prohibited': '3/9', 'host-prohibited': '3/10', 'TOS-network-unreachable': '3/11', 'TOS-host-unreachable': '3/12',
  'communication-prohibited': '3/13', 'host-precedence-violation': '3/14', 'precedence-cutoff': '3/15', 'source-quench': '4', redirect: '5',
  'network-redirect': '5/0', 'host-redirect': '5/1', 'TOS-network-redirect': '5/2', 'TOS-host-redirect': '5/3', 'echo-request': '8', ping: '8',
  'router-advertisement': '9', 'router-solicitation': '10', 'time-exceeded': '11', 'ttl-exceeded': '11', 'ttl-zero-during-transit': '11/0',
  'ttl-zero-during-reassembly': '11/1', 'parameter-problem': '12', 'ip-header-bad': '12/0', 'required-option-missing': '12/1',
  'timestamp-request': '13', 'timestamp-reply': '14', 'address-mask-request': '17', 'address-mask-reply': '18',
}));

const NAMES_6: ReadonlyMap<string, string> = new Map(Object.entries({
  'destination-unreachable': '1', 'no-route': '1/0', 'communication-prohibited': '1/1', 'beyond-scope': '1/2', 'address-unreachable': '1/3',
  'port-unreachable': '1/4', 'failed-policy': '1/5', 'reject-route': '1/6', 'packet-too-big': '2', 'time-exceeded': '3', 'ttl-exceeded': '3',
  'ttl-zero-during-transit': '3/0', 'ttl-zero-during-reassembly': '3/1', 'parameter-problem': '4', 'bad-header': '4/0', 'unknown-header-type': '4/1',
  'unknown-option': '4/2', 'echo-request': '128', ping: '128', 'echo-reply': '129', pong: '129', 'router-solicitation': '133',
  'router-advertisement': '134', 'neighbour-solicitation': '135', 'neighbor-solicitation': '135', 'neighbour-advertisement': '136',
  'neighbor-advertisement': '136', redirect: '137',
}));

const reader = (kind: IcmpMatch['kind'], optionName: string, protocol: number, names: ReadonlyMap<string, string>): MatchReader => ({
  options: new Set([optionName]),
  protocols: new Set([protocol]),
  read: (text, _family, line): IcmpMatch => {
    const option = optionOf(text, optionName);
    if (option === undefined) throw parseError(line, text.column, `-m ${kind} needs ${optionName}`);
    return { kind, negated: option.negated, ...readType(onlyToken(option, line), names, line) };
  },
});

/** `-m icmp` */
export const icmp = reader('icmp', '--icmp-type', 1, NAMES);
/** `-m icmp6` */
export const icmp6 = reader('icmp6', '--icmpv6-type', 58, NAMES_6);

/** iptables 1.8 stores a range of codes as its first one without a word, so a range is refused. */
function readType(token: Token, names: ReadonlyMap<string, string>, line: Line): { type: number; code: Range } {
  const [type, code, excess] = splitWord({ ...token, value: names.get(token.value) ?? token.value }, '/');
  if (type === undefined || excess !== undefined) throw parseError(line, token.column, `'${token.value}' is not an ICMP type`);
  const number = parseNumber(type, 255, line, 'ICMP type');
  if (code === undefined) return { type: number, code: ANY_CODE };
  const only = parseNumber(code, 255, line, 'ICMP code');
  return { type: number, code: { low: only, high: only } };
}

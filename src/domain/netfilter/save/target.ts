import type { Rule, Target } from '../model.ts';
import { optionText, type ParsedOption } from '../matches/index.ts';
import { canonicalName } from './options.ts';
import { parseError, type Line } from './tokens.ts';
import { parseMasked } from './values.ts';

/** Targets after which the walk never goes on; any other may let it, which dispatch allows for. The last row is of xtables-addons. */
const TERMINATING: ReadonlySet<string> = new Set([
  'REJECT', 'QUEUE', 'NFQUEUE', 'SNAT', 'DNAT', 'MASQUERADE', 'REDIRECT', 'NETMAP', 'TPROXY', 'SYNPROXY',
  'CHAOS', 'DELUDE', 'STEAL', 'TARPIT', 'FULLCONENAT',
]);

/** Every other target of iptables 1.8, and of xtables-addons; a name that is neither here nor a chain, and has no option, is a mistake. */
const CONTINUING: ReadonlySet<string> = new Set([
  'AUDIT', 'CHECKSUM', 'CLASSIFY', 'CLUSTERIP', 'CONNMARK', 'CONNSECMARK', 'CT', 'DNPT', 'DSCP', 'ECN', 'HL', 'HMARK', 'IDLETIMER', 'LED',
  'LOG', 'MARK', 'NFLOG', 'NOTRACK', 'RATEEST', 'SECMARK', 'SET', 'SNPT', 'TCPMSS', 'TCPOPTSTRIP', 'TEE', 'TOS', 'TRACE', 'TTL', 'ULOG',
  'ACCOUNT', 'DHCPMAC', 'DNETMAP', 'ECHO', 'FLOWOFFLOAD', 'IPMARK', 'LOGMARK', 'PROTO', 'RTPENGINE', 'SYSRQ',
]);

const VERDICTS: ReadonlyMap<string, Target> = new Map([
  ['ACCEPT', { kind: 'accept' }], ['DROP', { kind: 'drop' }], ['RETURN', { kind: 'return' }],
]);

/** Whether a name can be that of a target that takes options: everything but verdicts and chains. */
export const mayTakeOptions = (name: string, chains: { has(name: string): boolean }): boolean => !VERDICTS.has(name) && !chains.has(name);

/** `-j` or `-g` and the options behind it. */
export interface TargetText {
  option: ParsedOption;
  name: string;
  options: ParsedOption[];
}

/** @throws ParseError for a target that is neither a chain of the table nor one of iptables. */
export function readTarget(text: TargetText | undefined, chains: { has(name: string): boolean }, line: Line): Target {
  if (text === undefined) return { kind: 'none' };
  const { name, options } = text;
  if (canonicalName(text.option.name) === '-g') {
    if (!chains.has(name)) throw parseError(line, text.option.values[0]!.column, `there is no chain '${name}' to go to`);
    return { kind: 'goto', chain: name };
  }
  const verdict = VERDICTS.get(name);
  if (verdict !== undefined) return verdict;
  if (chains.has(name)) return { kind: 'jump', chain: name };
  if (!TERMINATING.has(name) && !CONTINUING.has(name) && options.length === 0)
    throw parseError(line, text.option.values[0]!.column, `there is no chain or target '${name}'`);
  const setsMark = name === 'MARK' ? readMark(options, line) : undefined;
  return {
    kind: 'native', name, terminating: TERMINATING.has(name),
    text: [`-j ${name}`, ...options.map(optionText)].join(' '),
    ...(setsMark === undefined ? {} : { setsMark }),
  };
}

/** `(mark & ~clear) ^ xor` for every way to write MARK (libxt_MARK). */
function readMark(options: readonly ParsedOption[], line: Line): { clear: number; xor: number } | undefined {
  const [option] = options;
  const token = option?.values[0];
  if (option === undefined || token === undefined) return undefined;
  const { value, mask } = parseMasked(token, line);
  switch (option.name) {
    case '--set-xmark':
      return { clear: mask, xor: value };
    case '--set-mark':
      return { clear: (mask | value) >>> 0, xor: value };
    case '--and-mark':
      return { clear: ~value >>> 0, xor: 0 };
    case '--or-mark':
      return { clear: value, xor: value };
    case '--xor-mark':
      return { clear: 0, xor: value };
    default:
      return undefined;
  }
}

/** The target as iptables-save would print it, for messages. */
export function targetName({ target }: Rule): string {
  switch (target.kind) {
    case 'none':
      return '';
    case 'jump':
    case 'goto':
      return target.chain;
    case 'native':
      return target.name;
    default:
      return target.kind.toUpperCase();
  }
}

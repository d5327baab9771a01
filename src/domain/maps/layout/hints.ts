/** What names tell about numbers, and formats that a user names. */

import { UsageError } from '../../../lib/errors.ts';
import { childNames, childOf, intLayout, moveLayout, type Layout, type Leaf, type StructLayout } from './layout.ts';

/** Formats that `--as` takes. */
export const FORMATS = [
  'u8', 'u16', 'u32', 'u64', 's8', 's16', 's32', 's64', 'be16', 'be32', 'be64', 'bool', 'float', 'hex', 'ipv4', 'ipv6', 'mac', 'port', 'string', 'pointer', 'prefix',
] as const;
export type Format = (typeof FORMATS)[number];

/** What `key=ipv4` and so on ask for, by path: `key`, `value`, `value.saddr`. `none` stands for "no guesses from names". */
export interface Hints {
  formats: ReadonlyMap<string, Format>;
  guess: boolean;
}

/** Reads `--as key=ipv4,value.port=port`, or `none`. @throws UsageError SL2602 */
export function parseHints(text: string | undefined): Hints {
  const formats = new Map<string, Format>();
  let guess = true;
  for (const part of (text ?? '').split(',').filter((word) => word !== '')) {
    if (part === 'none') {
      guess = false;
      continue;
    }
    const [path = '', format] = part.split('=');
    const known = FORMATS.find((name) => name === format);
    if (known === undefined || !/^(key|value)(\..+)?$/.test(path))
      throw new UsageError(`--as ${part} is not understood`, { code: 'SL2602', hints: ['--as key=ipv4,value.packets=u64', `formats: ${FORMATS.join(', ')}`, '--as none turns guesses from names off'] });
    formats.set(path, known);
  }
  return { formats, guess };
}

/** A layout with what the user said about it. @throws UsageError SL2602 where the path or the size does not fit. */
export function applyHints(layout: Layout, path: string, { formats }: Hints): Layout {
  return [...formats].filter(([at]) => at === path || at.startsWith(`${path}.`)).reduce(
    (changed, [at, format]) => applyAt(changed, at.split('.').slice(1), format, at), layout,
  );
}

function applyAt(layout: Layout, steps: readonly string[], format: Format, path: string): Layout {
  const [step, ...rest] = steps;
  if (step === undefined) return applyFormat(layout, format, path);
  const child = childOf(layout, step);
  if (child === undefined || layout.kind === 'prefix')
    throw new UsageError(`--as ${path}: there is no ${step}`, { code: 'SL2602', hints: [`there is: ${childNames(layout).join(', ') || 'nothing inside'}`] });
  if (layout.kind === 'array') return { ...layout, element: applyAt(layout.element, rest, format, path) };
  const { members } = layout as StructLayout;
  return { ...(layout as StructLayout), members: members.map((member) => (member.name === step ? { ...member, layout: applyAt(member.layout, rest, format, path) } : member)) };
}

function applyFormat(layout: Layout, format: Format, path: string): Layout {
  const formatted = formatLayout(layout.at, layout.size, format);
  if (formatted !== undefined) return formatted;
  throw new UsageError(`--as ${path}=${format}: ${layout.size} ${layout.size === 1 ? 'byte is' : 'bytes are'} no ${format}`, { code: 'SL2602' });
}

/** Bytes read in a format: several of it where they fit a whole number of times. */
export function formatLayout(at: number, size: number, format: Format): Layout | undefined {
  if (format === 'hex') return { kind: 'hex', at, size };
  if (format === 'string') return { kind: 'text', at, size };
  if (format === 'bool') return { kind: 'bool', at, size };
  if (format === 'prefix') return prefixLayout(at, size);
  if (format === 'float') return size === 4 || size === 8 ? { kind: 'float', at, size } : undefined;
  const unit = UNITS[format](0);
  if (unit.size === size) return moveLayout(unit, at);
  return size > 0 && size % unit.size === 0 ? { kind: 'array', at, size, count: size / unit.size, element: unit } : undefined;
}

const int = (size: number, signed: boolean, bigEndian = false) => (at: number): Leaf => intLayout(at, size, { signed, bigEndian });
const plain = (kind: 'ipv4' | 'ipv6' | 'mac' | 'pointer', size: number) => (at: number): Leaf => ({ kind, at, size });

const UNITS: Readonly<Record<Exclude<Format, 'hex' | 'string' | 'bool' | 'float' | 'prefix'>, (at: number) => Leaf>> = {
  u8: int(1, false), u16: int(2, false), u32: int(4, false), u64: int(8, false),
  s8: int(1, true), s16: int(2, true), s32: int(4, true), s64: int(8, true),
  be16: int(2, false, true), be32: int(4, false, true), be64: int(8, false, true), port: int(2, false, true),
  ipv4: plain('ipv4', 4), ipv6: plain('ipv6', 16), mac: plain('mac', 6), pointer: plain('pointer', 8),
};

/** A length and an address, as LPM tries have them as keys. */
function prefixLayout(at: number, size: number): Layout | undefined {
  const address = size === 8 ? plain('ipv4', 4)(at + 4) : size === 20 ? plain('ipv6', 16)(at + 4) : undefined;
  return address === undefined ? undefined : {
    kind: 'prefix', at, size, names: ['prefixlen', 'addr'], address: address as Leaf & { kind: 'ipv4' | 'ipv6' }, length: { kind: 'int', at, size: 4, signed: false, bigEndian: false },
  };
}

/** The key of an LPM trie as a prefix, where what follows the length is one address. */
export function asPrefix(key: Layout): Layout {
  if (key.kind === 'hex' || key.kind === 'int') return prefixLayout(0, key.size) ?? key;
  if (key.kind !== 'struct') return key;
  const [length, data, ...rest] = key.members;
  if (rest.length > 0 || length?.layout.kind !== 'int' || length.layout.size !== 4 || data?.layout.at !== 4) return key;
  const prefix = data.layout.size + 4 === key.size ? prefixLayout(0, key.size) : undefined;
  return prefix === undefined ? key : { ...prefix, names: [length.name, data.name] } as Layout;
}

/** What a type's own name says: `__be16`, `struct in6_addr`. Undefined where it says nothing. */
export function hintFromType(names: readonly string[], layout: Layout): Layout | undefined {
  const { size } = layout;
  if (names.includes('in_addr') && size === 4) return { kind: 'ipv4', at: 0, size };
  if (names.includes('in6_addr') && size === 16) return { kind: 'ipv6', at: 0, size };
  if (layout.kind !== 'int') return undefined;
  return names.some((name) => /^(__)?be(16|32|64)$/.test(name)) ? { ...layout, bigEndian: true } : undefined;
}

const ADDRESS = /(^|_)(ip|ipv4|ipv6|ip4|ip6|addr|addrs|address|gateway|gw|vip|[sd]ip|[sd]addr)(4|6|_be|_v4|_v6)?$|^ip_(src|dst)$/;
const PORT = /(^|_)[sdlr]?ports?(_be)?$/;
const MAC = /(^|_)(h_source|h_dest|[sd]?mac|eth|hwaddr|lladdr)(_|$)/;

/** What the name of a member says about its bytes. Undefined where it says nothing. */
export function hintFromName(name: string, layout: Layout): Layout | undefined {
  const word = name.toLowerCase();
  const { size } = layout;
  const isBytes = layout.kind === 'array' && (layout.element.kind === 'ipv4' || (layout.element.kind === 'int' && layout.element.size <= 4 && !layout.element.signed));
  const isWord = layout.kind === 'int' && !layout.signed;
  if (!isBytes && !isWord) return undefined;
  if (isWord && size === 2 && PORT.test(word)) return { ...layout, bigEndian: true };
  if (isBytes && size === 6 && (MAC.test(word) || ADDRESS.test(word))) return { kind: 'mac', at: 0, size };
  if (!ADDRESS.test(word)) return undefined;
  if (size === 4) return { kind: 'ipv4', at: 0, size };
  return isBytes && size === 16 ? { kind: 'ipv6', at: 0, size } : undefined;
}

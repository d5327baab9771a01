import { UsageError } from '../../../lib/errors.ts';
import { parseAddress } from '../../../lib/ip.ts';
import type { EntryLayout } from '../write/compile.ts';
import { findField, type EntryAt, type Field } from './field.ts';

/** Whether an entry is wanted. */
export type Filter = (entry: EntryAt) => boolean;

type Operator = '=' | '!=' | '<' | '<=' | '>' | '>=';

/**
 * Reads `key.addr=10.0.0.0/8`, `value.packets>=1000`, `state!=CLOSED`; with several, all must hold. A per-CPU value matches where
 * that of one CPU does.
 *
 * @throws UsageError SL2603 for a field that does not exist, SL2604 for what cannot be compared
 */
export function compileFilters(texts: readonly string[], layout: EntryLayout): Filter | undefined {
  const filters = texts.map((text) => compileFilter(text, layout));
  if (filters.length === 0) return undefined;
  return (entry) => filters.every((filter) => filter(entry));
}

function compileFilter(text: string, layout: EntryLayout): Filter {
  const [, path, operator, wanted] = /^([\w.]+)\s*(!=|<=|>=|=|<|>)\s*(.*)$/s.exec(text) ?? [];
  if (path === undefined || wanted === undefined || wanted === '') throw unusable(text, 'a filter is FIELD=VALUE, or with != < <= > >=');
  const field = findField(path, layout);
  return compileTest(field, operator as Operator, wanted, text);
}

function compileTest(field: Field, operator: Operator, wanted: string, text: string): Filter {
  const { kind } = field.leaf;
  if (kind === 'ipv4' || kind === 'ipv6') return addressTest(field, operator, wanted, text);
  if (kind === 'int' || kind === 'bits' || kind === 'float') return numberTest(field, operator, numberOf(wanted, text));
  if (operator !== '=' && operator !== '!=') throw unusable(text, 'only numbers are larger or smaller');
  return (entry) => field.read(entry).some((value) => (String(value) === wanted.toLowerCase() || String(value) === wanted) === (operator === '='));
}

function numberTest(field: Field, operator: Operator, wanted: bigint | number): Filter {
  const holds = COMPARE[operator];
  return (entry) => field.read(entry).some((value) => holds(order(value as number | bigint, wanted)));
}

const order = (a: number | bigint, b: number | bigint): number => (a < b ? -1 : a > b ? 1 : 0);

const COMPARE: Readonly<Record<Operator, (order: number) => boolean>> = {
  '=': (sign) => sign === 0, '!=': (sign) => sign !== 0, '<': (sign) => sign < 0, '<=': (sign) => sign <= 0, '>': (sign) => sign > 0, '>=': (sign) => sign >= 0,
};

function numberOf(wanted: string, text: string): bigint | number {
  if (/^-?(\d+|0x[\da-f]+)$/i.test(wanted)) return wanted.startsWith('-') ? -BigInt(wanted.slice(1)) : BigInt(wanted);
  const value = Number(wanted);
  if (Number.isNaN(value)) throw unusable(text, `${wanted} is no number`);
  return value;
}

/** An address is in a prefix; the prefix of a trie is in one that is as long or shorter. */
function addressTest({ read, lengthOf }: Field, operator: Operator, wanted: string, text: string): Filter {
  const [address = '', bits] = wanted.split('/');
  const words = parseAddress(address);
  if (words === undefined || (operator !== '=' && operator !== '!=')) throw unusable(text, `${wanted} is no address or prefix, or is compared by more than = and !=`);
  const length = bits === undefined ? words.length * 32 : Number(bits);
  if (!/^\d*$/.test(bits ?? '') || length > words.length * 32) throw unusable(text, `/${bits} is no length of a prefix`);
  return (entry) => {
    const inside = (lengthOf === undefined || lengthOf(entry) >= length) && covers(words, length, parseAddress(String(read(entry)[0]))!);
    return inside === (operator === '=');
  };
}

/** Whether the first `length` bits are the same. */
function covers(prefix: readonly number[], length: number, address: readonly number[]): boolean {
  return prefix.length === address.length && prefix.every((word, i) => {
    const bits = Math.min(32, Math.max(0, length - i * 32));
    return bits === 0 || ((word ^ address[i]!) >>> (32 - bits)) === 0;
  });
}

const unusable = (text: string, why: string): UsageError =>
  new UsageError(`--filter '${text}' is not understood: ${why}`, { code: 'SL2604', hints: ["--filter 'key.addr=10.0.0.0/8'", "--filter 'value.packets>=1000'"] });

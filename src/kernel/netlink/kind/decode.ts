/** Reading IFLA_INFO_DATA by a table of what each attribute is; what a table does not name is kept in hexadecimal. */

import { readIp, readMac } from '../address.ts';
import { walk } from '../attributes.ts';

/** Reads the value of one attribute between two offsets. */
export type ReadValue = (bytes: Buffer, from: number, to: number) => unknown;

/** By attribute number: the name it gets, and how it is read. */
export type KindTable = Readonly<Record<number, readonly [name: string, read: ReadValue]>>;

/** What is known of a link by its kind. `unknown` has the attributes without a name, by number, in hexadecimal. */
export type KindFacts = Readonly<Record<string, unknown>> & { unknown?: Readonly<Record<string, string>> };

/** Decodes kind data by a table. */
export function decodeBy(table: KindTable, data: Buffer): KindFacts {
  const facts: Record<string, unknown> = {};
  const unknown: Record<string, string> = {};
  walk(data, 0, data.length, (type, from, to) => {
    const entry = table[type];
    if (entry === undefined) unknown[type] = data.toString('hex', from, to);
    else facts[entry[0]] = entry[1](data, from, to);
  });
  return Object.keys(unknown).length === 0 ? facts : { ...facts, unknown };
}

export const u8: ReadValue = (bytes, from) => bytes[from];
export const u16: ReadValue = (bytes, from) => bytes.readUInt16LE(from);
export const port: ReadValue = (bytes, from) => bytes.readUInt16BE(from);
export const number: ReadValue = (bytes, from) => bytes.readUInt32LE(from);
export const signed: ReadValue = (bytes, from) => bytes.readInt32LE(from);
export const big: ReadValue = (bytes, from) => bytes.readBigUInt64LE(from);
export const yes: ReadValue = (bytes, from, to) => from === to || bytes[from] !== 0;
export const ip: ReadValue = readIp;
export const mac: ReadValue = readMac;
/** A time in USER_HZ, as seconds. */
export const centiseconds: ReadValue = (bytes, from, to) => (to - from === 8 ? Number(bytes.readBigUInt64LE(from)) : bytes.readUInt32LE(from)) / 100;
/** One of a list of words by its number; the number where it has none. */
export const word = (words: readonly string[], read: ReadValue = u8): ReadValue => (bytes, from, to) => words[Number(read(bytes, from, to))] ?? read(bytes, from, to);
/** `struct ifla_bridge_id`: priority in network order, then the MAC; printed as `ip` does. */
export const bridgeId: ReadValue = (bytes, from) => `${bytes.toString('hex', from, from + 2)}.${readMac(bytes, from + 2, from + 8)}`;

/** Layouts and random bytes for tests of the codec. */

import type { Layout } from '../../../src/domain/maps/layout/layout.ts';
import { seeded } from '../classifier/rules.ts';

export const int = (at: number, size: 1 | 2 | 4 | 8, signed = false, bigEndian = false): Layout => ({ kind: 'int', at, size, signed, bigEndian });

const names = new Map([[0n, 'ZERO'], [1n, 'ONE'], [255n, 'LAST']]);

/** One of everything, with a union, nested structs, arrays and bit fields. */
export const EVERYTHING: Layout = {
  kind: 'struct', at: 0, size: 200, members: [
    { name: 'u8', layout: int(0, 1) }, { name: 's8', layout: int(0, 1, true) }, { name: 'u16', layout: int(2, 2) }, { name: 's16', layout: int(2, 2, true) },
    { name: 'u32', layout: int(4, 4) }, { name: 's32', layout: int(4, 4, true) }, { name: 'u64', layout: int(8, 8) }, { name: 's64', layout: int(8, 8, true) },
    { name: 'be16', layout: int(16, 2, false, true) }, { name: 'be32', layout: int(16, 4, false, true) }, { name: 'be64', layout: int(16, 8, false, true) },
    { name: 'signed_be', layout: int(16, 4, true, true) },
    { name: 'low', layout: { kind: 'bits', at: 24, size: 1, shift: 1, bits: 3, signed: false } },
    { name: 'negative', layout: { kind: 'bits', at: 24, size: 2, shift: 4, bits: 7, signed: true } },
    { name: 'wide', layout: { kind: 'bits', at: 24, size: 8, shift: 3, bits: 45, signed: false } },
    { name: 'state', layout: { kind: 'enum', at: 32, size: 4, signed: false, names } },
    { name: 'small', layout: { kind: 'enum', at: 36, size: 1, signed: true, names: new Map([[-1n, 'MINUS']]) } },
    { name: 'large', layout: { kind: 'enum', at: 40, size: 8, signed: false, names } },
    { name: 'flag', layout: { kind: 'bool', at: 48, size: 1 } },
    { name: 'half', layout: { kind: 'float', at: 52, size: 4 } }, { name: 'whole', layout: { kind: 'float', at: 56, size: 8 } },
    { name: 'where', layout: { kind: 'pointer', at: 64, size: 8 } },
    { name: 'comm', layout: { kind: 'text', at: 72, size: 16 } },
    { name: 'raw', layout: { kind: 'hex', at: 88, size: 5 } },
    { name: 'saddr', layout: { kind: 'ipv4', at: 96, size: 4 } }, { name: 'saddr6', layout: { kind: 'ipv6', at: 100, size: 16 } }, { name: 'mac', layout: { kind: 'mac', at: 116, size: 6 } },
    { name: 'inner', layout: { kind: 'struct', at: 124, size: 8, members: [{ name: 'a', layout: int(124, 4) }, { name: 'deep', layout: { kind: 'struct', at: 128, size: 4, members: [{ name: 'b', layout: int(128, 4) }] } }] } },
    { name: 'list', layout: { kind: 'array', at: 132, size: 12, count: 3, element: int(0, 4) } },
    { name: 'pairs', layout: { kind: 'array', at: 144, size: 16, count: 2, element: { kind: 'struct', at: 0, size: 8, members: [{ name: 'x', layout: int(0, 4) }, { name: 'y', layout: { kind: 'ipv4', at: 4, size: 4 } }] } } },
    { name: 'nothing', layout: { kind: 'array', at: 160, size: 0, count: 0, element: int(0, 4) } },
    { name: 'grid', layout: { kind: 'array', at: 160, size: 8, count: 2, element: { kind: 'array', at: 0, size: 4, count: 2, element: int(0, 2) } } },
  ],
};

/** The key of an LPM trie. */
export const PREFIX: Layout = {
  kind: 'prefix', at: 0, size: 8, names: ['prefixlen', 'addr'], length: { kind: 'int', at: 0, size: 4, signed: false, bigEndian: false }, address: { kind: 'ipv4', at: 4, size: 4 },
};

/** Bytes of `count` values: random ones, and among them all zeros, all ones and printable text. */
export function randomBytes(size: number, count: number, seed: number): Buffer {
  const random = seeded(seed);
  const bytes = Buffer.from(Array.from({ length: size * count }, () => random(256)));
  bytes.fill(0, 0, size);
  bytes.fill(0xff, size, size * 2);
  for (let i = 2 * size; i < 4 * size; i++) bytes[i] = 0x20 + random(95);
  return bytes;
}

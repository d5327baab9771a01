import { describe, expect, test } from 'vitest';
import { formatInstruction, KernelSymbols, readInstructions, type CodeNames } from '../../../src/kernel/bpf/index.ts';

const NO_NAMES: CodeNames = {
  map: () => undefined, variable: () => undefined, subprogram: () => undefined, kernelFunction: () => undefined, symbol: () => undefined,
};
const NAMES: CodeNames = {
  map: (id) => `m${id}`, variable: (map, offset) => `v${map}+${offset}`, subprogram: (index) => `f${index}`,
  kernelFunction: ({ imm }) => `k${imm}`, symbol: (address) => `s${address.toString(16)}`,
};

/** One instruction from its fields. */
function instruction(code: number, { dst = 0, src = 0, off = 0, imm = 0, next }: { dst?: number; src?: number; off?: number; imm?: number; next?: number } = {}): Buffer {
  const bytes = Buffer.alloc(next === undefined ? 8 : 16);
  bytes[0] = code;
  bytes[1] = (src << 4) | dst;
  bytes.writeInt16LE(off, 2);
  bytes.writeInt32LE(imm | 0, 4);
  if (next !== undefined) bytes.writeInt32LE(next, 12);
  return bytes;
}

const format = (bytes: Buffer, names: CodeNames = NO_NAMES): string => formatInstruction(readInstructions(bytes)[0]!, names).slice(5);

test.each([
  ['r1 += 5', 0x07, { dst: 1, imm: 5 }], ['w1 -= w2', 0x1c, { dst: 1, src: 2 }], ['r1 = -1', 0xb7, { dst: 1, imm: -1 }], ['r3 s>>= 32', 0xc7, { dst: 3, imm: 32 }],
  ['w3 = -w3', 0x84, { dst: 3 }], ['r3 = -r3', 0x87, { dst: 3 }], ['r1 s/= r2', 0x3f, { dst: 1, src: 2, off: 1 }], ['w1 s%= 3', 0x94, { dst: 1, off: 1, imm: 3 }],
  ['r1 /= r2', 0x3f, { dst: 1, src: 2 }], ['r1 = (s8)r2', 0xbf, { dst: 1, src: 2, off: 8 }], ['r1 = (s16)r2', 0xbf, { dst: 1, src: 2, off: 16 }],
  ['r1 = (s32)r2', 0xbf, { dst: 1, src: 2, off: 32 }], ['w1 = (s16)w2', 0xbc, { dst: 1, src: 2, off: 16 }],
  ['r1 = be16 r1', 0xdc, { dst: 1, imm: 16 }], ['r1 = le64 r1', 0xd4, { dst: 1, imm: 64 }], ['r1 = bswap32 r1', 0xd7, { dst: 1, imm: 32 }],
  ['r1 = addr_space_cast(r2, 0, 1)', 0xbf, { dst: 1, src: 2, off: 1, imm: 1 }], ['r1 = addr_space_cast(r2, 1, 0)', 0xbf, { dst: 1, src: 2, off: 1, imm: 0x10000 }],
  ['r0 = &(void __percpu *)(r0)', 0xbf, { off: -1 }],
  ['r1 = *(u32 *)(r6 +4)', 0x61, { dst: 1, src: 6, off: 4 }], ['r1 = *(s8 *)(r6 -4)', 0x91, { dst: 1, src: 6, off: -4 }], ['r1 = *(s32 *)(r6 +0)', 0x81, { dst: 1, src: 6 }],
  ['*(u64 *)(r10 -8) = r1', 0x7b, { dst: 10, src: 1, off: -8 }], ['*(u8 *)(r10 -8) = -7', 0x72, { dst: 10, off: -8, imm: -7 }], ['nospec', 0xc2, {}],
  ['lock *(u64 *)(r1 +8) += r2', 0xdb, { dst: 1, src: 2, off: 8 }], ['lock *(u32 *)(r1 +0) ^= r2', 0xc3, { dst: 1, src: 2, imm: 0xa0 }],
  ['r2 = atomic64_fetch_add((u64 *)(r1 +0), r2)', 0xdb, { dst: 1, src: 2, imm: 1 }], ['r2 = atomic_fetch_or((u32 *)(r1 +0), r2)', 0xc3, { dst: 1, src: 2, imm: 0x41 }],
  ['r2 = atomic64_xchg((u64 *)(r1 +0), r2)', 0xdb, { dst: 1, src: 2, imm: 0xe1 }], ['r0 = atomic_cmpxchg((u32 *)(r1 +0), r0, r2)', 0xc3, { dst: 1, src: 2, imm: 0xf1 }],
  ['r1 = load_acquire((u64 *)(r2 +8))', 0xdb, { dst: 1, src: 2, off: 8, imm: 0x100 }], ['store_release((u16 *)(r1 -2), r2)', 0xcb, { dst: 1, src: 2, off: -2, imm: 0x110 }],
  ['r0 = *(u16 *)skb[12]', 0x28, { imm: 12 }], ['r0 = *(u8 *)skb[r3 + 2]', 0x50, { src: 3, imm: 2 }],
  ['goto pc-3', 0x05, { off: -3 }], ['gotol pc+70000', 0x06, { imm: 70000 }], ['may_goto pc+5', 0xe5, { off: 5 }], ['exit', 0x95, {}],
  ['if r1 == 0xffffffff goto pc+2', 0x15, { dst: 1, off: 2, imm: -1 }], ['if w1 s< w2 goto pc-1', 0xce, { dst: 1, src: 2, off: -1 }], ['if r1 & 0x4 goto pc+0', 0x45, { dst: 1, imm: 4 }],
  ['r1 = 0xffffffff80000001', 0x18, { dst: 1, imm: 0x80000001, next: -1 }],
  ['call unknown', 0x85, { imm: 1 }], ['call kernel-function', 0x85, { src: 2, imm: 1 }], ['call pc+7', 0x85, { src: 1, off: 7 }],
  ['unknown code 231 dst 0 src 0 off 0 imm 0', 0xe7, {}],
] as const)('%s', (text, code, fields) => {
  expect(format(instruction(code, fields))).toBe(text);
});

describe('names', () => {
  test.each([
    ['r1 = map[id:5 m5]', { src: 1, imm: 5, next: 0 }], ['r1 = map[id:5 m5][0]+8 <v5+8>', { src: 2, imm: 5, next: 8 }], ['r1 = subprog[+9] <f10>', { src: 4, imm: 9, next: 0 }],
    ['r1 = 0x100000002 <s100000002>', { src: 3, imm: 2, next: 1 }], ['r1 = 0x2', { imm: 2, next: 0 }], ['r1 = map[idx:3]', { src: 5, imm: 3, next: 0 }],
  ])('%s', (text, fields) => {
    expect(format(instruction(0x18, { dst: 1, ...fields }), NAMES)).toBe(text);
  });

  test('of functions', () => {
    expect(format(instruction(0x85, { src: 1, off: 7 }), NAMES)).toBe('call pc+7 <f8>');
    expect(format(instruction(0x85, { imm: 7 }), NAMES)).toBe('call k7');
  });
});

test('an instruction that is cut off is read as far as it goes', () => {
  expect(readInstructions(instruction(0x18, { imm: 5 })).map((one) => formatInstruction(one, NO_NAMES))).toEqual(['(18) r0 = 0x5']);
  expect(readInstructions(Buffer.alloc(7))).toEqual([]);
  expect(readInstructions(Buffer.concat([instruction(0x18, { next: 1 }), instruction(0x95)])).map(({ index }) => index)).toEqual([0, 2]);
});

describe('symbols of the kernel', () => {
  const symbols = new KernelSymbols(() => Buffer.from('ffffffff81000000 T _text\nffffffff81000010 t one\nffffffff81000010 t other\nffffffffc0000000 t mine\t[module]\n'));

  test('are found by address and by name', () => {
    expect([symbols.nameAt(0xffffffff81000010n), symbols.nameAt(0xffffffffc0000000n), symbols.nameAt(0x81000010n), symbols.nameAt(0n)]).toEqual(['one', 'mine', undefined, undefined]);
    expect([symbols.addressOf('_text'), symbols.addressOf('text'), symbols.addressOf('other')]).toEqual([0xffffffff81000000n, undefined, 0xffffffff81000010n]);
  });

  test('are unknown where the kernel hides them', () => {
    expect(new KernelSymbols(() => Buffer.from('0000000000000000 T _text\n')).addressOf('_text')).toBeUndefined();
  });
});

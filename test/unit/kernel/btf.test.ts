import { describe, expect, test } from 'vitest';
import { Btf, dumpC, essentialName, Kind } from '../../../src/kernel/btf/index.ts';
import { SluiceError } from '../../../src/lib/errors.ts';

/** Writes BTF by hand: each type is its words, names are looked up in the strings. */
class Writer {
  readonly #types: number[] = [];
  #strings = '\0';

  name(text: string): number {
    if (text === '') return 0;
    const at = this.#strings.length;
    this.#strings += `${text}\0`;
    return at;
  }

  add(name: string, kind: number, { vlen = 0, flag = false, last = 0, tail = [] as number[] }): this {
    this.#types.push(this.name(name), ((flag ? 0x8000_0000 : 0) | (kind << 24) | vlen) >>> 0, last, ...tail);
    return this;
  }

  bytes(): Buffer {
    const types = Buffer.from(Uint32Array.from(this.#types).buffer);
    const header = Buffer.alloc(24);
    header.writeUInt16LE(0xeb9f, 0);
    header[2] = 1;
    [24, 0, types.length, types.length, this.#strings.length].forEach((value, i) => header.writeUInt32LE(value, 4 + i * 4));
    return Buffer.concat([header, types, Buffer.from(this.#strings, 'latin1')]);
  }

  read(): Btf {
    return new Btf(this.bytes(), 'hand.btf');
  }
}

const int = { last: 4, tail: [32] };
const signedInt = { last: 4, tail: [(1 << 24) | 32] };

describe('types', () => {
  test('are read by id; others read as void', () => {
    const btf = new Writer().add('int', Kind.INT, int).add('', Kind.PTR, { last: 1 }).read();
    expect(btf.type(1)).toEqual({ id: 1, kind: Kind.INT, name: 'int', vlen: 0, flag: false, sizeOrType: 4 });
    expect([btf.sizeOf(1), btf.sizeOf(2), btf.sizeOf(0), btf.sizeOf(99)]).toEqual([4, 8, 0, 0]);
    expect(btf.type(99).kind).toBe(Kind.VOID);
    expect(btf.count).toBe(3);
  });

  test('have members, with the width of bit fields', () => {
    const writer = new Writer().add('int', Kind.INT, int);
    const members = [writer.name('a'), 1, 0, writer.name('b'), 1, (3 << 24) | 33];
    const btf = writer.add('s', Kind.STRUCT, { vlen: 2, flag: true, last: 8, tail: members }).read();
    expect(btf.members(btf.type(2))).toEqual([
      { name: 'a', type: 1, bitOffset: 0, bitSize: 0 }, { name: 'b', type: 1, bitOffset: 33, bitSize: 3 },
    ]);
  });

  test('have enumerators of both widths and signs', () => {
    const writer = new Writer();
    writer.add('u32', Kind.ENUM, { vlen: 1, last: 4, tail: [writer.name('HIGH'), 0xffff_ffff] });
    writer.add('s32', Kind.ENUM, { vlen: 1, flag: true, last: 4, tail: [writer.name('MINUS'), 0xffff_ffff] });
    writer.add('u64', Kind.ENUM64, { vlen: 1, last: 8, tail: [writer.name('BIG'), 5, 0x8000_0000] });
    writer.add('s64', Kind.ENUM64, { vlen: 1, flag: true, last: 8, tail: [writer.name('LOW'), 0, 0x8000_0000] });
    const btf = writer.read();
    expect([1, 2, 3, 4].map((id) => btf.enumerators(btf.type(id))[0])).toEqual([
      { name: 'HIGH', value: 0xffff_ffffn }, { name: 'MINUS', value: -1n }, { name: 'BIG', value: (1n << 63n) + 5n }, { name: 'LOW', value: -(1n << 63n) },
    ]);
  });

  test('know their sign', () => {
    const btf = new Writer().add('unsigned', Kind.INT, int).add('int', Kind.INT, signedInt).read();
    expect([1, 2].map((id) => btf.isSigned(btf.type(id)))).toEqual([false, true]);
  });

  test('are followed through typedefs and qualifiers, but not in circles', () => {
    const btf = new Writer()
      .add('int', Kind.INT, int).add('t', Kind.TYPEDEF, { last: 3 }).add('', Kind.CONST, { last: 1 })
      .add('a', Kind.TYPEDEF, { last: 5 }).add('b', Kind.TYPEDEF, { last: 4 }).add('', Kind.ARRAY, { tail: [6, 1, 1000] }).read();
    expect(btf.resolve(2).name).toBe('int');
    expect(btf.sizeOf(4)).toBe(0);
    expect(() => btf.sizeOf(6)).toThrow('hand.btf: BTF is damaged: array 6 contains itself');
  });
});

describe('names', () => {
  const btf = new Writer()
    .add('sk_buff', Kind.STRUCT, { last: 8 }).add('buff', Kind.STRUCT, { last: 8 }).add('sk_buff', Kind.TYPEDEF, { last: 1 })
    .add('sk_buff___old', Kind.STRUCT, { last: 4 }).add('sk_buff_head', Kind.STRUCT, { last: 4 }).add('sk_buff', Kind.STRUCT, { last: 16 }).read();

  test('lead to all types of that name and kind', () => {
    expect(btf.find('sk_buff', Kind.STRUCT)).toEqual([1, 6]);
    expect(btf.find('buff', Kind.STRUCT)).toEqual([2]);
    expect(btf.find('sk_buff', Kind.TYPEDEF)).toEqual([3]);
    expect(btf.find('sk', Kind.STRUCT)).toEqual([]);
    expect(btf.find('', Kind.STRUCT)).toEqual([]);
  });

  test('of other flavors count when they are asked for', () => {
    expect(btf.findFlavors('sk_buff', [Kind.STRUCT])).toEqual([1, 4, 6]);
    expect(btf.findFlavors('sk_buff', [Kind.STRUCT, Kind.TYPEDEF])).toEqual([1, 3, 4, 6]);
    expect(['sk_buff___old', 'sk_buff', '___x', 'a___', 'a___b___c'].map(essentialName)).toEqual(['sk_buff', 'sk_buff', '___x', 'a___', 'a']);
  });

  test('are found the same once they are looked for often', () => {
    const once = [btf.find('sk_buff', Kind.STRUCT), btf.find('buff', Kind.STRUCT), btf.find('sk', Kind.STRUCT), btf.findFlavors('sk_buff', [Kind.STRUCT, Kind.TYPEDEF])];
    for (let i = 0; i < 20; i++) expect([btf.find('sk_buff', Kind.STRUCT), btf.find('buff', Kind.STRUCT), btf.find('sk', Kind.STRUCT), btf.findFlavors('sk_buff', [Kind.STRUCT, Kind.TYPEDEF])]).toEqual(once);
    expect(btf.find('sk_buff___old', Kind.STRUCT)).toEqual([4]);
    expect(btf.find('', Kind.STRUCT)).toEqual([]);
  });

  test('may be the end of a longer string', () => {
    const shared = new Writer().add('sk_buff', Kind.STRUCT, { last: 8 }).add('', Kind.STRUCT, { last: 4 }).bytes();
    shared.writeUInt32LE(4, 24 + 12);
    expect(new Btf(shared, 'x').find('buff', Kind.STRUCT)).toEqual([2]);
  });
});

describe('damaged', () => {
  const bytes = new Writer().add('int', Kind.INT, int).add('s', Kind.STRUCT, { vlen: 1, last: 4, tail: [0, 1, 0] }).bytes();

  test('blobs are refused wherever they are cut off', () => {
    for (let length = 0; length < bytes.length; length++) expect(() => new Btf(bytes.subarray(0, length), 'x'), `${length} bytes`).toThrow(SluiceError);
    expect(new Btf(bytes, 'x').count).toBe(3);
  });

  test.each<[string, (blob: Buffer) => void, string]>([
    ['magic', (blob) => blob.writeUInt16LE(0, 0), 'no header'],
    ['a kind that does not exist', (blob) => blob.writeUInt32LE(31 << 24, 28), 'type kind 31'],
    ['more members than there are', (blob) => blob.writeUInt32LE((Kind.STRUCT << 24) | 60_000, 44), 'a type is cut off'],
    ['types past the end', (blob) => blob.writeUInt32LE(0xffff_ffff, 12), 'truncated'],
  ])('%s', (_, damage, message) => {
    const blob = Buffer.from(bytes);
    damage(blob);
    expect(() => new Btf(blob, 'x')).toThrow(`x: BTF is damaged: ${message}`);
  });
});

describe('split BTF', () => {
  const base = new Writer().add('int', Kind.INT, int).add('sock', Kind.STRUCT, { last: 4 }).read();
  /** A struct of the module with a pointer to the base's, and one whose name is only in the base's strings. */
  const module = (): Btf => {
    const writer = new Writer();
    // The module's first string is the empty one that the writer begins with, at the end of the base's.
    const own = base.stringsEnd + writer.name('mine');
    const name = base.stringsEnd + writer.name('peer');
    writer.add('', Kind.PTR, { last: 2 });
    const bytes = writer.add('', Kind.STRUCT, { vlen: 1, last: 8, tail: [name, 3, 0] }).add('', Kind.STRUCT, { last: 1 }).bytes();
    const words = 24 + 3 * 4;
    bytes.writeUInt32LE(own, words);
    bytes.writeUInt32LE(base.strings.indexOf('sock'), words + 6 * 4);
    return new Btf(bytes, 'split.btf', base);
  };

  test('goes on where the ids and strings of the base end, and answers for both', () => {
    const btf = module();
    expect([btf.firstId, btf.count]).toEqual([3, 6]);
    expect([1, 2, 3, 4].map((id) => btf.type(id))).toMatchObject([
      { kind: Kind.INT, name: 'int' }, { kind: Kind.STRUCT, name: 'sock' }, { kind: Kind.PTR, sizeOrType: 2 }, { id: 4, name: 'mine', vlen: 1 },
    ]);
    expect(btf.members(btf.type(4))).toEqual([{ name: 'peer', type: 3, bitOffset: 0, bitSize: 0 }]);
    expect([btf.sizeOf(1), btf.sizeOf(4), btf.isSigned(btf.type(1))]).toEqual([4, 8, false]);
    expect(btf.type(6).kind).toBe(Kind.VOID);
  });

  test('is written as one header with the base', () => {
    expect(dumpC(module())).toMatch(/struct sock \{\n\tlong : 32;\n\};\n\nstruct mine \{\n\tstruct sock \*peer;\n\};\n\nstruct sock___2 \{\n\tlong : 8;\n\};/);
  });

  test('finds names in the base, in itself, and where it only shares the base\'s string', () => {
    const btf = module();
    expect([btf.find('int', Kind.INT), btf.find('mine', Kind.STRUCT), btf.find('sock', Kind.STRUCT)]).toEqual([[1], [4], [2, 5]]);
    expect(base.find('sock', Kind.STRUCT)).toEqual([2]);
  });
});

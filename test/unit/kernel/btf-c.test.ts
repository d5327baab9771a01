import { expect, test } from 'vitest';
import { dumpC, Kind, Signatures } from '../../../src/kernel/btf/index.ts';
import { BtfWriter } from '../../support/btf-writer.ts';

/** The declarations of a header, without its frame. */
function declarations(write: (writer: BtfWriter) => void): string[] {
  const writer = new BtfWriter();
  write(writer);
  const text = dumpC(writer.read());
  expect(text).toMatch(/^#ifndef __VMLINUX_H__\n[^]*#pragma clang attribute push \(__attribute__\(\(preserve_access_index\)\), apply_to = record\)\n#endif\n/);
  expect(text).toMatch(/#pragma clang attribute pop\n#endif\n\n#endif \/\* __VMLINUX_H__ \*\/\n$/);
  return text.split('#endif\n\n')[1]!.split('\n#ifndef')[0]!.split('\n\n').map((one) => one.trim()).filter((one) => one !== '');
}

test('what a pointer leads to is declared in front, what is contained is defined', () => {
  expect(declarations((w) => {
    const int = w.int();
    w.record('outer', 16, [['next', 3, 0], ['inner', 4, 64]]);
    w.add({ kind: Kind.PTR, last: 5 });
    w.record('inner', 8, [['a', int, 0], ['b', int, 32]]);
    w.record('later', 16, [['back', 6, 0], ['self', 3, 64]]);
    w.add({ kind: Kind.PTR, last: 2 });
  })).toEqual([
    'struct later;', 'struct inner {\n\tint a;\n\tint b;\n};', 'struct outer {\n\tstruct later *next;\n\tstruct inner inner;\n};',
    'struct later {\n\tstruct outer *back;\n\tstruct later *self;\n};',
  ]);
});

test('types of one name are told apart, also from those of another kind, as flavors', () => {
  expect(declarations((w) => {
    const int = w.int();
    w.record('s', 4, [['a', int, 0]]);
    w.record('s', 8, [['a', int, 0], ['b', int, 32]]);
    w.record('s', 4, [['u', int, 0]], Kind.UNION);
    w.add({ name: 's', kind: Kind.ENUM, vlen: 1, last: 4, tail: [w.name('A'), 1] });
    w.add({ name: 'A', kind: Kind.TYPEDEF, last: int });
    w.add({ name: 'A', kind: Kind.TYPEDEF, last: 3 });
  })).toEqual([
    'struct s {\n\tint a;\n};', 'struct s___2 {\n\tint a;\n\tint b;\n};', 'union s___3 {\n\tint u;\n};', 'enum s___4 {\n\tA___3 = 1,\n};',
    'typedef int A;', 'typedef struct s___2 A___2;',
  ]);
});

test('a declaration means the definition of its kind; without one it is a type of its own', () => {
  expect(declarations((w) => {
    w.add({ name: 'seen', kind: Kind.FWD });
    w.add({ name: 'seen', kind: Kind.FWD, flag: true });
    const int = w.int();
    w.record('seen', 4, [['a', int, 0]]);
    w.add({ kind: Kind.PTR, last: 1 });
    w.add({ kind: Kind.PTR, last: 2 });
    w.record('user', 16, [['a', 5, 0], ['b', 6, 64]]);
  })).toEqual(['struct seen;', 'union seen___2;', 'struct seen {\n\tint a;\n};', 'struct user {\n\tstruct seen *a;\n\tunion seen___2 *b;\n};']);
});

test('enums have their width and their values', () => {
  const high = 0xffff_ffff;
  expect(declarations((w) => {
    w.add({ name: 'byte', kind: Kind.ENUM, vlen: 1, last: 1, tail: [w.name('B'), 7] });
    w.add({ name: 'minus', kind: Kind.ENUM, vlen: 1, flag: true, last: 4, tail: [w.name('M'), high] });
    w.add({ name: 'wide', kind: Kind.ENUM64, vlen: 2, last: 8, tail: [w.name('W'), high, high, w.name('X'), 5, 0] });
    w.add({ name: 'low', kind: Kind.ENUM64, vlen: 1, flag: true, last: 8, tail: [w.name('L'), 0, 0x8000_0000] });
    w.add({ name: 'small', kind: Kind.ENUM64, vlen: 1, last: 8, tail: [w.name('S'), 5, 0] });
    w.add({ name: '', kind: Kind.ENUM, vlen: 1, last: 4, tail: [w.name('ALONE'), 1] });
  })).toEqual([
    'enum byte {\n\tB = 7,\n} __attribute__((mode(byte)));', 'enum minus {\n\tM = -1,\n};', 'enum wide {\n\tW = 18446744073709551615ULL,\n\tX = 5,\n};',
    'enum low {\n\tL = (-9223372036854775807LL - 1),\n};', 'enum small {\n\tS = 5,\n} __attribute__((mode(word)));', 'enum {\n\tALONE = 1,\n};',
  ]);
});

test('declarators are written from the inside out', () => {
  expect(declarations((w) => {
    const int = w.int();
    const pointer = w.add({ kind: Kind.PTR, last: int });
    const proto = w.add({ kind: Kind.FUNC_PROTO, vlen: 3, last: pointer, tail: [0, int, 0, pointer, 0, 0] });
    const callback = w.add({ kind: Kind.PTR, last: proto });
    const table = w.add({ kind: Kind.ARRAY, tail: [callback, int, 4] });
    w.add({ name: 'table_t', kind: Kind.TYPEDEF, last: table });
    w.add({ name: 'table_pointer', kind: Kind.TYPEDEF, last: w.add({ kind: Kind.PTR, last: table }) });
    w.add({ name: 'nothing', kind: Kind.TYPEDEF, last: w.add({ kind: Kind.PTR, last: w.add({ kind: Kind.FUNC_PROTO }) }) });
    const constant = w.add({ kind: Kind.CONST, last: w.add({ kind: Kind.VOLATILE, last: int }) });
    w.add({ name: 'constant', kind: Kind.TYPEDEF, last: w.add({ kind: Kind.CONST, last: w.add({ kind: Kind.PTR, last: constant }) }) });
    w.add({ name: 'tagged', kind: Kind.TYPEDEF, last: w.add({ kind: Kind.PTR, last: w.add({ name: 'user', kind: Kind.TYPE_TAG, last: int }) }) });
    const matrix = w.add({ kind: Kind.ARRAY, tail: [w.add({ kind: Kind.ARRAY, tail: [int, int, 3] }), int, 0] });
    w.add({ name: 'matrix', kind: Kind.TYPEDEF, last: w.add({ kind: Kind.CONST, last: matrix }) });
  })).toEqual([
    'typedef int *(*table_t[4])(int, int *, ...);', 'typedef int *(*(*table_pointer)[4])(int, int *, ...);', 'typedef void (*nothing)(void);',
    'typedef const volatile int *const constant;', 'typedef __attribute__((btf_type_tag("user"))) int *tagged;', 'typedef const int matrix[0][3];',
  ]);
});

test('numbers that C does not know by their name get a typedef', () => {
  expect(declarations((w) => {
    const usize = w.add({ name: 'usize', kind: Kind.INT, last: 8, tail: [64] });
    w.add({ name: 'f16', kind: Kind.FLOAT, last: 8 });
    w.record('s', 8, [['a', usize, 0]]);
    w.add({ name: 'long unsigned int', kind: Kind.INT, last: 8, tail: [64] });
  })).toEqual(['typedef unsigned long usize;', 'typedef double f16;', 'struct s {\n\tusize a;\n};']);
});

test('a function is signed with the names of its parameters', () => {
  const writer = new BtfWriter();
  const int = writer.int();
  const pointer = writer.add({ kind: Kind.PTR, last: int });
  const proto = writer.add({ kind: Kind.FUNC_PROTO, vlen: 2, last: pointer, tail: [writer.name('count'), int, writer.name('list'), pointer] });
  const named = writer.add({ name: 'visit', kind: Kind.FUNC, last: proto });
  const empty = writer.add({ name: 'empty', kind: Kind.FUNC, last: writer.add({ kind: Kind.FUNC_PROTO }) });
  const signatures = new Signatures(writer.read());
  expect([signatures.of(named), signatures.of(empty), signatures.of(int), signatures.of(99)]).toEqual(['int *visit(int count, int *list)', 'void empty(void)', undefined, undefined]);
});

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { R_BPF_64_32, readElf, STT_FUNC } from '../../../src/kernel/elf/index.ts';
import { SluiceError } from '../../../src/lib/errors.ts';
import { Fixtures } from '../../support/compile-bpf.ts';

let fixtures: Fixtures;
let object: Buffer;

beforeAll(async () => {
  fixtures = new Fixtures();
  object = await fixtures.read('maps');
});

afterAll(() => fixtures.remove());

test('sections, symbols and relocations are those that the compiler wrote', () => {
  const { sections, symbols, relocations } = readElf(object, 'maps.bpf.o');
  const xdp = sections.find(({ name }) => name === 'xdp')!;
  expect(xdp).toMatchObject({ executable: true, size: xdp.data.length });
  expect(sections.find(({ name }) => name === 'license')!.data.toString()).toBe('GPL\0');
  expect(sections.find(({ name }) => name === '.bss')).toMatchObject({ data: Buffer.alloc(0), executable: false });
  const functions = symbols.filter(({ type, section }) => type === STT_FUNC && section === xdp.index);
  expect(functions.map(({ name }) => name)).toEqual(expect.arrayContaining(['sum', 'store', 'target']));
  expect(functions.reduce((bytes, { size }) => bytes + size, 0)).toBe(xdp.size);
  expect(relocations.get(xdp.index)!.filter(({ type }) => type === R_BPF_64_32).map(({ symbol }) => symbol.name)).toContain('shared');
});

describe('refuses', () => {
  test.each<[string, (bytes: Buffer) => void, string]>([
    ['text', (bytes) => bytes.write('#include'), 'not an ELF file'],
    ['32 bits', (bytes) => bytes.writeUInt8(1, 4), 'not a 64-bit object'],
    ['big endian', (bytes) => bytes.writeUInt8(2, 5), 'a big-endian object; compile with -target bpfel'],
    ['another machine', (bytes) => bytes.writeUInt16LE(62, 18), 'made for machine 62, not for BPF (247)'],
    ['a program', (bytes) => bytes.writeUInt16LE(2, 16), 'not a relocatable object'],
    ['sections past the end', (bytes) => bytes.writeBigUInt64LE(1n << 60n, 40), 'truncated'],
    ['no sections', (bytes) => bytes.writeUInt16LE(0, 60), 'no symbol table'],
  ])('%s', (_, damage, message) => {
    const bytes = Buffer.from(object);
    damage(bytes);
    expect(() => readElf(bytes, 'x.o')).toThrow(`x.o: not a usable BPF object: ${message}`);
  });

  test('an object that was cut off anywhere', () => {
    for (let length = 0; length < object.length; length += 61)
      expect(() => readElf(object.subarray(0, length), 'x.o'), `${length} bytes`).toThrow(SluiceError);
  });
});

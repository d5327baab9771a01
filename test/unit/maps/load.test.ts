import { describe, expect, test } from 'vitest';
import { encodeEntry, readEntries, type SourceEntry } from '../../../src/domain/maps/load/entries.ts';
import { CsvRecords } from '../../../src/domain/maps/load/csv.ts';
import { JsonItems } from '../../../src/domain/maps/load/json-items.ts';
import type { EntryLayout } from '../../../src/domain/maps/write/compile.ts';
import { int } from './layouts.ts';

/** Cuts text into pieces of every size, so that each place is once where two pieces meet. */
const SIZES = [1, 2, 3, 7, 64, 10_000];

async function* pieces(text: string, size: number): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function read(text: string, size: number, format?: 'json' | 'csv'): Promise<SourceEntry[]> {
  const all: SourceEntry[] = [];
  for await (const batch of readEntries(pieces(text, size), 'test', format)) all.push(...batch);
  return all;
}

const PRINTED = `{"apiVersion":"sluice.dev/v1","kind":"BpfMapEntryList","items":[
{"key":{"hex":"01","decoded":1,"display":"1"},"value":{"hex":"02","decoded":"a]}\\"{[","display":"2"}},
{"key":{"hex":"03"},"value":{"hex":"04"}}
],"metadata":{"node":"n","items":[1,{"a":2}],"complete":true}}
`;

describe.each(SIZES)('in pieces of %i bytes', (size) => {
  test('the list that dump prints has its entries', async () => {
    const entries = await read(PRINTED, size);
    expect(entries.map(({ line }) => line)).toEqual([2, 3]);
    expect(entries.map(({ key, value }) => [(key as { hex: string }).hex, (value as { hex: string }).hex])).toEqual([['01', '02'], ['03', '04']]);
  });

  test('arrays and objects one after the other have theirs', async () => {
    const expected = [{ line: 1, key: 1, value: '{' }, { line: 2, key: 2, value: 18446744073709551615n }];
    expect(await read('[{"key":1,"value":"{"},\n{"key":2,"value":18446744073709551615}]', size)).toEqual(expected);
    expect(await read('{"key":1,"value":"{"}\n{"key":2,"value":18446744073709551615}\n', size)).toEqual(expected);
    expect(await read('{"key":1,"values":[{"cpu":0,"value":5}]}', size)).toEqual([{ line: 1, key: 1, values: [{ cpu: 0, value: 5 }] }]);
  });

  test('CSV has fields by its header, or key and value', async () => {
    expect(await read('key,value\n1,2\r\n\n# left out\n"3","a ""b"", c"\n', size, 'csv')).toEqual([{ line: 2, key: '1', value: '2' }, { line: 5, key: '3', value: 'a "b", c' }]);
    expect(await read('key.addr,key.port,value\n10.0.0.1,80,7', size)).toEqual([{ line: 2, key: { addr: '10.0.0.1', port: '80' }, value: '7' }]);
    expect(await read('5,6\n', size)).toEqual([{ line: 1, key: '5', value: '6' }]);
    expect(await read('7\n8\n', size)).toEqual([{ line: 1, value: '7' }, { line: 2, value: '8' }]);
  });

  test.each([
    ['{"key":1,"value":2}\n{"key":', 2, 'ends within an object'],
    ['{"key":1,"value":2} x', 1, "'x' stands where"],
    ['[[1]]', 1, 'an array stands where'],
    ['[\n"text"]', 2, 'a string stands where'],
    ['{"key":1}', 1, 'an entry has "key" and "value"'],
    ['{"key":01,"value":1}', 1, 'JSON'],
    ['key,value\n1,2\n1,2,3\n', 3, '3 fields, where 2 are expected'],
  ])('%j is refused with its line', async (text, line, why) => {
    await expect(read(text, size)).rejects.toThrow(new RegExp(`^test:${line}:1: .*${why}`));
  });
});

test('nothing at all has no entries', async () => {
  expect(await read('', 10)).toEqual([]);
  expect(await read(' \n ', 1)).toEqual([]);
  expect(await read('[]', 1)).toEqual([]);
});

test('a line end in quotes belongs to the field', () => {
  const records = new CsvRecords();
  expect([...records.push('a,"b\nc"\nd,e'), ...records.end()]).toEqual([{ fields: ['a', 'b\nc'], line: 1 }, { fields: ['d', 'e'], line: 3 }]);
});

test('an item is never larger than what it is', () => {
  const items = new JsonItems();
  const text = '{"a":[1,{"b":"]}"}]}';
  expect([...items.push(Buffer.from(` ${text} , ${text}`))].map((item) => item.text)).toEqual([text, text]);
  items.end();
});

test('bytes of entries are those of the layouts; what does not fit names its line', () => {
  const layout = { key: int(0, 4), value: int(0, 2), perCpu: undefined };
  const encode = (of: EntryLayout, entry: SourceEntry, valueBytes: number): string[] => {
    const slot = { key: Buffer.alloc(4), value: Buffer.alloc(valueBytes) };
    encodeEntry(of, entry, 'test', slot);
    return [slot.key.toString('hex'), slot.value.toString('hex')];
  };
  expect(encode(layout, { key: '10.0.0.1', value: 7, line: 1 }, 2)).toEqual(['0a000001', '0700']);
  expect(() => encode(layout, { key: 1, value: 65_536, line: 9 }, 2)).toThrow('test:9:1: value cannot be');
  expect(() => encode(layout, { value: 1, line: 3 }, 2)).toThrow('test:3:1: key');
  const perCpu = { ...layout, perCpu: { count: 2, stride: 8 } };
  expect(encode(perCpu, { key: 1, value: 5, line: 1 }, 16)[1]).toBe('05000000000000000500000000000000');
  expect(encode(perCpu, { key: 1, values: [{ cpu: 1, value: 6 }], line: 1 }, 16)[1]).toBe('00000000000000000600000000000000');
});

import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it, vi } from 'vitest';
import { formatAge, formatCell, humanize } from '../../../src/cli/print/format.ts';
import { toJson } from '../../../src/cli/print/json.ts';
import { evaluateJsonPath } from '../../../src/cli/print/jsonpath.ts';
import { parseOutput, printLong, type PrintOptions } from '../../../src/cli/print/index.ts';
import { drawTable } from '../../../src/cli/print/table.ts';
import type { Column } from '../../../src/cli/view.ts';

interface Row {
  name: string;
  packets: bigint;
  note?: string;
}

const columns: Column<Row>[] = [
  { header: 'NAME', value: ({ name }) => name, shrinkTo: 6 },
  { header: 'PKTS', value: ({ packets }) => packets, format: 'count' },
  { header: 'NOTE', value: ({ note }) => note, dropOrder: 1 },
  { header: 'EXTRA', value: () => 'x', wide: true },
];
const rows: Row[] = [{ name: 'eth10', packets: 5n }, { name: 'eth2-with-a-long-name', packets: 18_203_311n, note: 'n\u001b[31mred' }];
const plain = { wide: false, headers: true, color: false };

describe('tables', () => {
  it('have full values and exact counters where nobody looks on', async () => {
    expect((await drawTable(columns, rows, plain)).text).toBe([
      'NAME                       PKTS  NOTE',
      'eth10                         5  -',
      'eth2-with-a-long-name  18203311  n[31mred',
    ].join('\n'));
  });

  it('drop and shorten columns to fit a terminal, never the counters', async () => {
    const { text, hidden } = await drawTable(columns, rows, { ...plain, width: 18 });
    expect(hidden).toEqual(['NOTE']);
    expect(text.split('\n')[2]).toBe('eth2-…-name  18.2M');
  });

  it('stand below earlier rows when their widths are kept, coloured or not', async () => {
    const widths = new Map<string, number>();
    const toned: Column<Row>[] = columns.map((column) => ({ ...column, tone: () => 'good' }));
    await drawTable(columns, rows, { ...plain, widths });
    expect((await drawTable(columns, rows.slice(0, 1), { ...plain, headers: false, widths })).text).toBe('eth10                         5  -');
    const { text } = await drawTable(toned, rows.slice(0, 1), { ...plain, headers: false, color: true, widths });
    expect(stripVTControlCharacters(text)).toBe('eth10                         5  -');
  });

  it('sort names naturally and numbers from the largest, and refuse unknown columns', async () => {
    expect((await drawTable(columns, rows, { ...plain, headers: false, sortBy: 'name', columns: ['name'] })).text).toBe('eth2-with-a-long-name\neth10');
    expect((await drawTable(columns, rows, { ...plain, headers: false, sortBy: 'PKTS', columns: ['pkts'] })).text).toBe('18203311\n       5');
    await expect(drawTable(columns, rows, { ...plain, columns: ['nope'] })).rejects.toThrow(/no column/);
  });

  it('look the same when they are long', async () => {
    const many = Array.from({ length: 2100 }, (_, i): Row => ({ name: `r${i}`, packets: BigInt(i) }));
    const [header, first] = (await drawTable(columns, many, plain)).text.split('\n');
    expect([header, first]).toEqual(['NAME   PKTS  NOTE', 'r0        0  -']);
  });

  it('are written as they come once they are very long, and a wider cell moves only what is below', async () => {
    const written: string[] = [];
    const afterPiece: number[] = [];
    const stdout = vi.spyOn(process.stdout, 'write').mockImplementation((text) => written.push(String(text)) > 0);
    const notes = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const listing = {
      async *pieces() {
        for (let from = 0; from < 13_000; from += 1000) {
          yield Array.from({ length: 1000 }, (_, i): Row => ({ name: `r${from + i}`, packets: 5n }));
          afterPiece.push(written.join('').split('\n').length - 1);
        }
      },
      outcome: () => ({ complete: true, warnings: [] }),
    };
    const options: PrintOptions = { format: 'table', template: '', headers: true, quiet: false, color: false };
    await printLong(listing, { kind: 'Row', empty: 'none', name: ({ name }) => name, columns }, { ...options, limit: 12_500 });
    expect(notes.mock.calls).toEqual([['12500 of 13000 shown; --limit 0 shows all\n']]);
    stdout.mockRestore();
    notes.mockRestore();
    expect(afterPiece).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 10_001, 11_001, 12_001, 12_501]);
    const lines = written.join('').trimEnd().split('\n');
    expect([lines[0], lines[1], lines.at(-1)]).toEqual(['NAME   PKTS  NOTE', 'r0        5  -', 'r12499     5  -']);
    expect(lines.filter((line) => line.startsWith('NAME'))).toHaveLength(1);
  });
});

describe('cells', () => {
  it('are short on a terminal', () => {
    expect([402, 1_100_000, 999_950, 21_400_331_102].map(humanize)).toEqual(['402', '1.1M', '1.0M', '21.4G']);
    expect([9, 252, 11_100, 41 * 86_400].map(formatAge)).toEqual(['9s', '4m12s', '3h5m', '41d']);
  });

  it('tell missing from unknown', () => {
    expect(formatCell({ header: 'A', value: () => undefined }, 0, false)).toBe('-');
    expect(formatCell({ header: 'A', value: () => null }, 0, false)).toBe('?');
  });
});

describe('machine formats', () => {
  it('keep 64-bit counters exact', () => {
    expect(toJson({ a: 18_446_744_073_709_551_615n })).toBe('{"a":18446744073709551615}');
  });

  it.each([
    ['{.items[*].name}', 'a b'], ['.items[1].name', 'b'], ['{.items[-1].name}', 'b'], ['{range .items[*]}{.name}{"\\n"}{end}', 'a\nb\n'],
    ["{.items[0]['x.y']}", '1'], ['{.missing}', ''],
  ])('evaluate %s', (template, expected) => {
    expect(evaluateJsonPath(template, { items: [{ name: 'a', 'x.y': 1 }, { name: 'b' }] })).toBe(expected);
  });

  it('refuse what is none', () => {
    expect(() => evaluateJsonPath('{.items[}', {})).toThrow(/JSONPath/);
    expect(() => parseOutput('xml')).toThrow(/unknown output format/);
    expect(parseOutput('jsonpath={.a=b}')).toEqual({ format: 'jsonpath', template: '{.a=b}' });
  });
});

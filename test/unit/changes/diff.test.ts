import { expect, test } from 'vitest';
import { diffLines } from '../../../src/domain/changes/diff.ts';

function show(before: string, after: string): string[] {
  return diffLines(before, after).map(({ sign, text }) => `${sign}${text}`);
}

test.each<[string, string, string[]]>([
  ['', '', []],
  ['a\n', 'a\n', ['=1 line']],
  ['', 'a\nb\n', ['+a', '+b']],
  ['a\nb\n', '', ['-a', '-b']],
  ['a\nb\nc\nd\n', 'a\nx\nc\nd\n', ['=1 line', '-b', '+x', '=2 lines']],
  ['a\nb\nc\nd\ne\n', 'b\nc\nX\ne\nf\n', ['-a', '=2 lines', '-d', '+X', '=1 line', '+f']],
  ['a\na\n', 'a\n', ['=1 line', '-a']],
  ['a', 'a\n\n', ['=1 line', '+']],
])('%j to %j', (before, after, expected) => {
  expect(show(before, after)).toEqual(expected);
});

test('two long texts without a common line are wholly removed and added', () => {
  const many = (letter: string) => Array.from({ length: 5000 }, (_, i) => `${letter}${i}\n`).join('');
  const lines = diffLines(many('a'), many('b'));
  expect(lines.length).toBe(10_000);
  expect(lines.filter(({ sign }) => sign === '-').length).toBe(5000);
});

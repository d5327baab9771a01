import { expect, test } from 'vitest';
import { parseDuration } from '../../../src/lib/duration.ts';

test.each([
  ['90s', 90_000],
  ['2m', 120_000],
  ['1h30m', 5_400_000],
  ['500ms', 500],
  ['1.5s', 1500],
  ['1d', 86_400_000],
  ['0s', 0],
])('%s is %d ms', (text, milliseconds) => {
  expect(parseDuration(text)).toBe(milliseconds);
});

test.each(['', '5', 's', '-2m', '2 m', '2m ', '2M', '2mm', '1h30', 'ms5', '1e3s', '٣m'])('%j is refused', (text) => {
  expect(() => parseDuration(text)).toThrow('is not a length of time');
});

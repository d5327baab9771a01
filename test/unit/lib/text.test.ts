import { expect, test } from 'vitest';
import { compareNatural } from '../../../src/lib/text.ts';

test.each([
  [['eth10', 'eth2', 'eth1'], ['eth1', 'eth2', 'eth10']],
  [['vx100000000000000000001', 'vx100000000000000000000'], ['vx100000000000000000000', 'vx100000000000000000001']],
  [['b', 'A', 'a', 'B'], ['A', 'a', 'B', 'b']],
  [['a1', 'a_1', 'ab', 'a-1', 'a'], ['a', 'a-1', 'a_1', 'a1', 'ab']],
  [['10.0.0.10', '10.0.0.9', '9.9.9.9'], ['9.9.9.9', '10.0.0.9', '10.0.0.10']],
  [['x02', 'x2', 'x1'], ['x1', 'x2', 'x02']],
  [['ü', 'z', 'a'], ['a', 'z', 'ü']],
  [['', 'a', ''], ['', '', 'a']],
])('%j in natural order', (names, ordered) => {
  expect(names.toSorted(compareNatural)).toEqual(ordered);
});

test('the order is one: no two different names are equal, and none comes before itself', () => {
  const names = ['a', 'A', 'a1', 'a01', 'a10', 'a-1', 'a_1', '', '1', '01', 'é', 'É'];
  for (const a of names) for (const b of names) {
    expect(Math.sign(compareNatural(a, b)) + Math.sign(compareNatural(b, a))).toBe(0);
    expect(compareNatural(a, b) === 0).toBe(a === b);
  }
});

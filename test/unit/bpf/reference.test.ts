import { expect, test } from 'vitest';
import { describeReference, readReference, takeReference } from '../../../src/domain/bpf/index.ts';

test.each([
  [['412'], { by: 'id', id: 412 }],
  [['id', '412'], { by: 'id', id: 412 }],
  [['4294967295'], { by: 'id', id: 0xffff_ffff }],
  [['fw_drop'], { by: 'word', text: 'fw_drop' }],
  [['name', '412'], { by: 'name', text: '412' }],
  [['name', 'id'], { by: 'name', text: 'id' }],
  [['id'], { by: 'word', text: 'id' }],
  [['0'], { by: 'word', text: '0' }],
  [['F00DF00DF00DF00D'], { by: 'word', text: 'F00DF00DF00DF00D' }],
  [['1234567812345678'], { by: 'word', text: '1234567812345678' }],
  [['tag', 'F00DF00DF00DF00D'], { by: 'tag', text: 'f00df00df00df00d' }],
  [['/sys/fs/bpf/x'], { by: 'pin', path: '/sys/fs/bpf/x' }],
  [['./x'], { by: 'pin', path: './x' }],
  [['pinned', 'x'], { by: 'pin', path: 'x' }],
])('%j', (words, reference) => {
  expect(readReference(words)).toEqual(reference);
});

test.each([
  [[''], 'it is empty'],
  [['id', 'x'], 'an id is a number from 1 to 4294967295'],
  [['id', '0'], 'an id is a number'],
  [['id', '4294967296'], 'an id is a number'],
  [['tag', 'f00d'], '16 hexadecimal digits'],
  [['412', '413'], "'412 413' names no BPF object: 413 is too much"],
  [['id', '412', 'x'], 'x is too much'],
])('%j is refused', (words, why) => {
  expect(() => readReference(words)).toThrow(expect.objectContaining({ code: 'SL2552', message: expect.stringContaining(why) }));
});

test('what follows a reference is left over', () => {
  expect(takeReference(['id', '412', 'key', '1'])).toEqual({ reference: { by: 'id', id: 412 }, rest: ['key', '1'] });
  expect(takeReference(['fw_drop', 'key'])).toEqual({ reference: { by: 'word', text: 'fw_drop' }, rest: ['key'] });
});

test('a reference is written as a user would', () => {
  expect([['412'], ['name', 'x'], ['x'], ['tag', 'f00df00df00df00d'], ['/x']].map((words) => describeReference(readReference(words)))).toEqual([
    'id 412', 'name x', "'x'", 'tag f00df00df00df00d', '/x',
  ]);
});

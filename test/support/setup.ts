/** In every test file: descriptors of kernel objects that it opened are closed when it ends. */

import { afterAll, beforeAll, expect } from 'vitest';
import { kernelDescriptors } from './leaks.ts';

let before: string[] = [];

beforeAll(() => {
  before = kernelDescriptors();
});

afterAll(() => {
  expect(kernelDescriptors().filter((line) => !before.includes(line)), 'descriptors left open').toEqual([]);
});

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { findSymbolOffset } from '../../../src/kernel/elf/index.ts';
import { OperationError } from '../../../src/lib/errors.ts';

/** A small file of this machine: the loader of programs, which has symbols of its own. */
const path = /\S+\/ld-linux\S*$/m.exec(readFileSync('/proc/self/maps', 'latin1'))![0];
const bytes = readFileSync(path);

describe('symbols of programs', () => {
  test('are found, and begin inside the code of the file', () => {
    const offset = findSymbolOffset(bytes, path, '__tls_get_addr');
    expect(offset).toBeGreaterThan(0n);
    expect(offset).toBeLessThan(BigInt(bytes.length));
    expect(findSymbolOffset(bytes, path, '__tls_get_add')).toBeUndefined();
    expect(findSymbolOffset(bytes, path, '')).toBeUndefined();
  });

  test.each([['empty', Buffer.alloc(0)], ['text', Buffer.from('#!/bin/sh\nexit 0\n')], ['of 32 bits', Buffer.concat([Buffer.from('7f454c4601', 'hex'), bytes.subarray(5)])]])('a file that is %s is refused', (_, damaged) => {
    expect(() => findSymbolOffset(damaged, 'x', 'main')).toThrow(expect.objectContaining({ code: 'SL2401', message: 'x has no symbols that can be read' }));
  });

  test('damage gives an answer or a refusal, nothing else', () => {
    const outcome = (damaged: Buffer): string => {
      try {
        return typeof findSymbolOffset(damaged, 'x', '__tls_get_addr');
      } catch (error) {
        return error instanceof OperationError ? error.code : String(error);
      }
    };
    let seed = 1;
    const random = (below: number): number => (seed = (seed * 48271) % 2147483647) % below;
    const outcomes = Array.from({ length: 200 }, (_, i) => {
      if (i % 2 === 0) return outcome(bytes.subarray(0, random(bytes.length)));
      const copy = Buffer.from(bytes);
      for (let flips = 0; flips < 8; flips++) copy[random(64)] = random(256);
      return outcome(copy);
    });
    expect(outcomes.filter((one) => !['bigint', 'undefined', 'SL2401'].includes(one))).toEqual([]);
  });
});

/**
 * What was parsed from the documents that were applied last: reading YAML takes longer than everything else when nothing
 * differs. It lies beside the locks, where only root writes, and is gone after a restart.
 */

import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

interface Memory {
  /** SHA-256 of the text. */
  text: string;
  values: unknown[];
}

/** Shorter texts are read in no time. */
const LEAST_BYTES = 16 << 10;

const directory = (): string => process.env['SLUICE_RUN_DIR'] ?? '/run/sluice';
const path = (): string => join(directory(), 'documents.json');
const hash = (text: string): string => createHash('sha256').update(text).digest('hex');

/** The values of the text when it is the one that is remembered. */
export function recallDocuments(text: string): unknown[] | undefined {
  if (text.length < LEAST_BYTES) return undefined;
  try {
    const memory = JSON.parse(readFileSync(path(), 'utf8')) as Memory;
    return memory.text === hash(text) ? memory.values : undefined;
  } catch {
    return undefined;
  }
}

/** Remembers the values of a text. A disk that is full costs only time. */
export function rememberDocuments(text: string, values: readonly unknown[]): void {
  if (text.length < LEAST_BYTES) return;
  try {
    mkdirSync(directory(), { recursive: true, mode: 0o700 });
    writeFileSync(`${path()}.${process.pid}`, JSON.stringify({ text: hash(text), values }), { mode: 0o600 });
    renameSync(`${path()}.${process.pid}`, path());
  } catch {
    // As if it had never been parsed.
  }
}

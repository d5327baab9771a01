import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { getChange, listChanges, rollbackChange } from '../../src/domain/changes/index.ts';
import { RuledNamespace, useChangeDirectories } from '../support/changes.ts';
import { requireRoot } from '../support/require.ts';

let directories: { root: string; close: () => void };
let state: string;
let ns: RuledNamespace;

beforeEach(() => {
  requireRoot();
  directories = useChangeDirectories();
  state = join(directories.root, 'state');
  mkdirSync(state);
  mount('-t', 'tmpfs', '-o', 'size=256k', 'none', state);
  ns = new RuledNamespace('d');
});

afterEach(() => {
  ns.delete();
  spawnSync('umount', [state]);
  directories.close();
});

function mount(...args: string[]): void {
  expect(spawnSync('mount', args, { encoding: 'utf8' }).stderr).toBe('');
}

test('a full disk refuses a change before anything is applied, and leaves nothing of it', async () => {
  const files = { 'rules.v4': '#'.repeat(300_000) };
  await expect(ns.begin({ files, confirmWithinMs: 60_000 })).rejects.toMatchObject({ code: 'SL4010', message: expect.stringContaining('ENOSPC') });
  expect((await listChanges()).items).toEqual([]);
  await (await ns.begin()).applied();
});

test('a disk that has become full or read-only does not stop a revert', async () => {
  const before = ns.save();
  for (const spoil of [() => fill(join(state, 'fill')), () => mount('-o', 'remount,ro', state)]) {
    rmSync(join(state, 'fill'), { force: true });
    const { id } = (await ns.change()).record;
    expect(ns.save()).not.toBe(before);
    spoil();
    expect(await rollbackChange(id)).toMatchObject({ state: 'rolled-back' });
    expect(ns.save()).toBe(before);
    expect(await getChange(id)).toMatchObject({ state: 'rolled-back' });
  }
});

test('without a disk that can be written nothing begins', async () => {
  mount('-o', 'remount,ro', state);
  const before = ns.save();
  await expect(ns.begin()).rejects.toMatchObject({ code: 'SL4010', message: expect.stringContaining('EROFS') });
  expect(ns.save()).toBe(before);
  expect(readdirSync(state)).toEqual([]);
});

function fill(path: string): void {
  try {
    writeFileSync(path, Buffer.alloc(1_000_000));
  } catch {
    // Full now.
  }
}

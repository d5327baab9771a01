/** Before all tests: a current build and one temporary folder for everything. After them: nothing may be left behind. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from '../../bin/build.ts';
import { findLeaks, listNamespaces } from './leaks.ts';

export default async function setUp(): Promise<() => Promise<void>> {
  await build();
  const root = mkdtempSync(join(tmpdir(), 'sluice-test-'));
  const outer = process.env['TMPDIR'];
  process.env['TMPDIR'] = root;
  const namespaces = listNamespaces();
  return async () => {
    const leaks = await findLeaks(root, namespaces);
    rmSync(root, { recursive: true, force: true });
    if (outer === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = outer;
    if (leaks.length > 0) throw new Error(`tests left behind:\n  ${leaks.join('\n  ')}`);
  };
}

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../src/tools/index.ts';
import { ensureBpffs } from '../../src/kernel/bpf/index.ts';

/** A bpf file system of the test's own. */
export function mountBpffs(): { path: string; unmount: () => Promise<void> } {
  const path = mkdtempSync(join(tmpdir(), 'bpffs-'));
  ensureBpffs(path);
  return {
    path,
    unmount: async () => {
      await run(['umount', path]);
      rmSync(path, { recursive: true });
    },
  };
}

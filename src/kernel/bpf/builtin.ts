import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { OperationError } from '../../lib/errors.ts';

/** Reads an object that is built from `bpf/` with sluice itself. @throws OperationError SL2302 when it was not built. */
export function readBuiltin(name: string): Buffer {
  const path = join(builtinDirectory(), `${name}.bpf.o`);
  if (existsSync(path)) return readFileSync(path);
  throw new OperationError(`this installation lacks ${name}.bpf.o`, { code: 'SL2302', causes: [`${path} does not exist`], hints: ['npm run build'] });
}

/** `bpf` beside the bundle; from the sources, in the folder that the build writes. */
function builtinDirectory(): string {
  // The bundle is CommonJS, where the bundler puts a plain path in place of the URL.
  const here = import.meta.url.startsWith('file:') ? fileURLToPath(import.meta.url) : import.meta.url;
  for (let directory = dirname(here); directory !== dirname(directory); directory = dirname(directory)) {
    if (existsSync(join(directory, 'bpf', 'filter.bpf.o'))) return join(directory, 'bpf');
    if (existsSync(join(directory, 'package.json'))) return join(directory, 'dist', 'bpf');
  }
  return join(dirname(here), 'bpf');
}

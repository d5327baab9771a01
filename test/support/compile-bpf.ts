import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { dumpC, kernelBtf } from '../../src/kernel/btf/index.ts';
import { run } from '../../src/tools/index.ts';
import { requireTool } from './require.ts';

const FIXTURES = join(dirname(import.meta.dirname), 'fixtures/bpf');

/** Objects of test/fixtures/bpf, compiled when they are asked for. */
export class Fixtures {
  readonly #folder = mkdtempSync(join(tmpdir(), 'bpf-objects-'));
  /** What each path was compiled with last. */
  readonly #compiled = new Map<string, string>();

  /** Path of the compiled `NAME.bpf.c`; compiled again only with other flags. */
  async compile(name: string, ...flags: string[]): Promise<string> {
    requireTool('clang');
    const path = join(this.#folder, `${name}.bpf.o`);
    if (this.#compiled.get(path) === flags.join(' ')) return path;
    const machine = process.arch === 'arm64' ? 'aarch64' : 'x86_64';
    const target = process.arch === 'arm64' ? 'arm64' : 'x86';
    await run(['clang', '-target', 'bpf', '-O2', '-g', `-D__TARGET_ARCH_${target}`, `-I/usr/include/${machine}-linux-gnu`, ...flags, '-c', join(FIXTURES, `${name}.bpf.c`), '-o', path]);
    this.#compiled.set(path, flags.join(' '));
    return path;
  }

  async read(name: string, ...flags: string[]): Promise<Buffer> {
    return readFileSync(await this.compile(name, ...flags));
  }

  /** Folder with a vmlinux.h of the running kernel. */
  kernelHeader(): string {
    const path = join(this.#folder, 'vmlinux.h');
    if (!existsSync(path)) writeFileSync(path, dumpC(kernelBtf()));
    return this.#folder;
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true });
  }
}

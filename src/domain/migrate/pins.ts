import { join } from 'node:path';
import type { HookName } from '../classifier/index.ts';
import type { Family } from '../netfilter/index.ts';
import type { ProgramPins } from './dispatch.ts';

/** Everything that a migration pins, by namespace: two namespaces never share a path. */
export class MigrationPins {
  readonly directory: string;

  /** `bpffs` is where the bpf file system is mounted, `inode` the namespace's. */
  constructor(bpffs: string, inode: number) {
    this.directory = join(bpffs, 'sluice', 'migrate', String(inode));
  }

  /** The program array that all links jump through. */
  get generations(): string {
    return join(this.directory, 'generations');
  }

  link(family: Family, hook: HookName): string {
    return join(this.directory, `link-${family}-${hook}`);
  }

  generation(id: string, family: Family): GenerationPins {
    return new GenerationPins(join(this.directory, id, family));
  }
}

/** Pins of one family's generation; `id` of the generation is that of the change. */
export class GenerationPins implements ProgramPins {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  get decide(): string {
    return join(this.directory, 'decide');
  }

  get image(): string {
    return join(this.directory, 'image');
  }

  get counters(): string {
    return join(this.directory, 'counters');
  }

  isAccept(hook: HookName): string {
    return join(this.directory, `is_accept-${hook}`);
  }

  isBit(hook: HookName, bit: number): string {
    return join(this.directory, `is_bit-${hook}-${bit}`);
  }
}

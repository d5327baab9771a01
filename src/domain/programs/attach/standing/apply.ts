/** A program on its way to a hook: found and linked, but not pinned, so that it ends with this process. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ensureBpffs, linkInfo, pin, programTypeName, type BpfProgram } from '../../../../kernel/bpf/index.ts';
import { netnsInode } from '../../../../kernel/netns/index.ts';
import type { Fd } from '../../../../kernel/syscalls/index.ts';
import type { RevertStep } from '../../../changes/index.ts';
import { linkFolder, type Hook } from '../../../bpf/index.ts';
import { prepareDevice } from '../device/apply.ts';
import { linkPinName } from '../pins.ts';
import type { AttachOptions, Prepared } from '../prepared.ts';
import { prepareKprobe, prepareKprobes, prepareUprobe, prepareUprobes } from '../probe/apply.ts';
import { explainRefusal } from '../refusal/inspect.ts';
import { prepareRoute } from '../route/apply.ts';
import { prepareCgroup, prepareNetfilter, prepareNetns, prepareSockmap } from '../socket/apply.ts';
import { readAttachSpec, type AttachSpec } from '../spec.ts';
import type { AttachTarget } from '../target.ts';
import { prepareCounter, prepareIterator, prepareRawTracepoint, prepareStructOps, prepareTracepoint, prepareTracing } from '../trace/apply.ts';

/** What is to be attached where. */
export interface Wish {
  program: BpfProgram;
  /** Its whole name; the kernel cuts it. */
  name: string;
  /** The whole name of the program's section, where the object is at hand. */
  section?: string | undefined;
  /** `HOOK:TARGET` */
  attach: string;
  options: AttachOptions;
}

/** A link that was made. */
export interface MadeLink {
  id: number;
  pin: string;
}

/** Reads what is asked for. @throws UsageError SL2500, SL2501 */
export const readWish = ({ program, section, attach }: Wish): AttachSpec => readAttachSpec(attach, { type: programTypeName(program.info().type), section });

/** Finds the hook and its target without changing anything. @throws as `Standing.open` */
export function checkHook(wish: Wish): void {
  const spec = readWish(wish);
  explained(wish, spec, () => prepare(spec, wish.options)).close();
}

/** A program at a hook, where that takes links; they are kept by `pin`, or end with `close`. */
export class Standing {
  readonly spec: AttachSpec;
  /** What undoes it, in this order. */
  readonly undo: readonly RevertStep[];
  readonly #wish: Wish;
  readonly #prepared: Prepared;
  readonly #links: readonly Fd[];
  readonly #pins: readonly string[];

  /**
   * Attaches, where the hook takes links.
   *
   * @param taken paths that others are going to pin at
   * @throws UsageError SL2500, SL2501 for what cannot be meant; NotFoundError SL2504 where the target does not exist;
   *   UnsupportedError SL2503 where the kernel lacks the hook; OperationError SL2502 when a device has an XDP program, SL2505, SL2506.
   */
  constructor(wish: Wish, taken: readonly string[] = []) {
    this.#wish = wish;
    this.spec = readWish(wish);
    this.#prepared = explained(wish, this.spec, () => prepare(this.spec, wish.options));
    let links: readonly Fd[] = [];
    try {
      links = this.#prepared.links === 0 ? [] : this.#attach();
      this.#pins = choosePins(wish, this.spec, links.length, taken);
    } catch (error) {
      for (const link of links) link.close();
      this.#prepared.close();
      throw error;
    }
    this.#links = links;
    this.undo = [...this.#prepared.undo, ...(this.#pins.length === 0 ? [] : [{ title: `detach ${wish.name} from ${this.spec.text}`, remove: this.#pins }])];
  }

  get name(): string {
    return this.#wish.name;
  }

  get pins(): readonly string[] {
    return this.#pins;
  }

  /** Makes it last: pins the links, or attaches where the hook takes none. */
  keep(): MadeLink[] {
    if (this.#prepared.links === 0) this.#attach();
    return this.#links.map((link, i) => {
      pin(link, this.#pins[i]!);
      return { id: linkInfo(link).id, pin: this.#pins[i]! };
    });
  }

  close(): void {
    for (const link of this.#links) link.close();
    this.#prepared.close();
  }

  #attach(): Fd[] {
    return explained(this.#wish, this.spec, () => this.#prepared.attach(this.#wish.program));
  }
}

function explained<T>({ name }: Wish, spec: AttachSpec, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw explainRefusal(error, name, spec);
  }
}

function choosePins({ options: { netns }, name }: Wish, { hook, text }: AttachSpec, count: number, taken: readonly string[]): string[] {
  if (count === 0) return [];
  const folder = linkFolder(ensureBpffs(), netnsInode(netns?.path));
  const chosen = new Set(taken);
  return Array.from({ length: count }, () => {
    const free = linkPinName([name, hook.name, text.slice(hook.name.length + 1)], (candidate) => chosen.has(join(folder, candidate)) || existsSync(join(folder, candidate)));
    chosen.add(join(folder, free));
    return join(folder, free);
  });
}

function prepare({ hook, target }: AttachSpec, options: AttachOptions): Prepared {
  switch (target.kind) {
    case 'device': return prepareDevice(hook, target.name, options);
    case 'netfilter': return prepareNetfilter(target, options);
    case 'path': return prepareCgroup(hook, target.path, options);
    case 'map': return prepareSockmap(hook, target.reference, options);
    case 'tracepoint': return prepareTracepoint(target);
    case 'function': return prepareKprobe(hook, target);
    case 'functions': return prepareKprobes(hook, target);
    case 'places': return hook.kind === 'uprobe' ? prepareUprobe(hook, target) : prepareUprobes(hook, target);
    case 'counter': return prepareCounter(target);
    case 'iterator': return prepareIterator(target, options);
    case 'route': return prepareRoute(hook, target, options);
    default: return hook.kind === 'netns' ? prepareNetns(hook, options) : prepareNamed(hook, target, options);
  }
}

function prepareNamed(hook: Hook, target: AttachTarget & { kind: 'name' | 'none' }, options: AttachOptions): Prepared {
  if (hook.kind === 'tracing' || target.kind === 'none') return prepareTracing(hook, target);
  return hook.kind === 'struct_ops' ? prepareStructOps(target.name, options) : prepareRawTracepoint(target.name);
}

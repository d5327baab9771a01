/** What a kernel can do, and what somebody needs of it. */

export type FeatureKind = 'general' | 'program' | 'map' | 'hook' | 'helper' | 'kfunc' | 'config';

export interface KernelFeature {
  kind: FeatureKind;
  name: string;
  available: boolean;
  /** Why it is not there. */
  reason?: string;
  /** Least kernel, where it is known. */
  since?: string;
}

/** One thing that is needed: `tcx`, `kfunc:bpf_dynptr_from_skb`, `helper:xdp/bpf_redirect_map`. */
export interface Need {
  /** Absent where only the name was said. */
  kind?: FeatureKind;
  name: string;
  /** Program type, for a helper. */
  type?: string;
}

const KINDS: readonly FeatureKind[] = ['general', 'program', 'map', 'hook', 'helper', 'kfunc', 'config'];

/** The words of `--need`, which has commas between them. */
export const splitNeeds = (texts: readonly string[]): string[] => texts.flatMap((text) => text.split(',')).map((text) => text.trim()).filter((text) => text !== '');

/** Reads one of them; undefined for a prefix that means nothing. */
export function readNeed(text: string): Need | undefined {
  if (/^CONFIG_\w+$/.test(text)) return { kind: 'config', name: text };
  const [, prefix, rest] = /^(\w+):(.+)$/.exec(text) ?? [];
  if (prefix === undefined || rest === undefined) return { name: text };
  const kind = KINDS.find((known) => known === prefix || (known === 'program' && prefix === 'prog'));
  if (kind !== 'helper') return kind === undefined ? undefined : { kind, name: rest };
  const [, type, helper] = /^(\w+)\/(\w+)$/.exec(rest) ?? [];
  return { kind, name: helper ?? rest, ...(type === undefined ? {} : { type }) };
}

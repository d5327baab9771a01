import { hostname } from 'node:os';

/** Additional facts about an answer. */
export interface Metadata {
  complete: boolean;
  warnings: readonly string[];
}

/** The envelope of a list. */
export const listEnvelope = (kind: string, items: readonly unknown[], metadata: Metadata): object => ({
  apiVersion: 'sluice.dev/v1', kind: `${kind}List`, metadata: describe(metadata), items,
});

/** One object with its kind; its own members follow. */
export const objectEnvelope = (kind: string, object: unknown, metadata: Metadata): object => ({
  apiVersion: 'sluice.dev/v1', kind, metadata: describe(metadata), ...(object as object),
});

/** What stands before and behind the items of a list that is written as it comes: the metadata are only known at its end. */
export const streamEnvelope = (kind: string): { head: string; tail: (metadata: Metadata) => string } => ({
  head: `{"apiVersion":"sluice.dev/v1","kind":${JSON.stringify(`${kind}List`)},"items":[`,
  tail: (metadata) => `\n],"metadata":${JSON.stringify(describe(metadata))}}\n`,
});

const describe = ({ complete, warnings }: Metadata): object => ({ node: hostname(), time: new Date().toISOString(), complete, warnings });

interface RawJson {
  rawJSON(text: string): unknown;
}

/** JSON with bigints as exact numbers. */
export function toJson(value: unknown, indent?: number): string {
  try {
    return JSON.stringify(value, undefined, indent);
  } catch (error) {
    // A bigint somewhere. Looking at every member for one takes several times as long, which counts in tables of 100,000 rows.
    if (!(error instanceof TypeError)) throw error;
    return JSON.stringify(value, exactNumbers, indent);
  }
}

function exactNumbers(_key: string, member: unknown): unknown {
  return typeof member === 'bigint' ? (JSON as unknown as RawJson).rawJSON(String(member)) : member;
}

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

const describe = ({ complete, warnings }: Metadata): object => ({ node: hostname(), time: new Date().toISOString(), complete, warnings });

interface RawJson {
  rawJSON(text: string): unknown;
}

/** JSON with bigints as exact numbers. */
export function toJson(value: unknown, indent?: number): string {
  const exact = JSON as unknown as RawJson;
  return JSON.stringify(value, (_key, member: unknown) => (typeof member === 'bigint' ? exact.rawJSON(String(member)) : member), indent);
}

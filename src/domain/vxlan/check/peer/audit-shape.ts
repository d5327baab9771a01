import type { Audit } from '../model.ts';

const LISTS = ['addresses', 'remotes', 'fdb', 'neighbours', 'routes', 'otherTunnels', 'lookups', 'notes'] as const;
const OBJECTS = ['tunnel', 'counters'] as const;

/** Whether an answer is an audit, as far as a version that is older or younger would get it wrong. */
export function isAudit(answer: unknown): answer is { audit: Audit } {
  const { kind, audit } = (answer ?? {}) as { kind?: unknown; audit?: Partial<Record<string, unknown>> };
  if (kind !== 'VxlanAudit' || typeof audit !== 'object') return false;
  return LISTS.every((name) => Array.isArray(audit[name])) && OBJECTS.every((name) => typeof audit[name] === 'object' && audit[name] !== null);
}

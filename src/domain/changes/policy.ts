/** When a change waits for a confirmation although nobody asked for it. */

/** What the command line knows about the session. */
export interface SessionFacts {
  /** `--confirm-within` in milliseconds, absent when not given. */
  requestedMs?: number;
  stdinIsTerminal: boolean;
  /** `SSH_CONNECTION` of the environment. */
  sshConnection?: string;
}

/** How long a change waits by default when a person could cut the own connection. */
export const DEFAULT_CONFIRM_WINDOW_MS = 120_000;

/**
 * The window within which a change must be confirmed, in milliseconds; undefined when it needs no confirmation.
 *
 * Without a request a person at a terminal who came through SSH gets two minutes for a change that judges packets: a
 * mistake there cuts the only way back. Scripts and consoles get no timer unless they ask.
 */
export function confirmWindow(facts: SessionFacts, touchesVerdicts: boolean): number | undefined {
  if (facts.requestedMs !== undefined) return facts.requestedMs;
  const remote = facts.stdinIsTerminal && facts.sshConnection !== undefined && facts.sshConnection !== '';
  return remote && touchesVerdicts ? DEFAULT_CONFIRM_WINDOW_MS : undefined;
}

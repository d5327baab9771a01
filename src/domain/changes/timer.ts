/** How the dead-man timer is started. */

import type { Argv } from './model.ts';

/** The systemd unit that reverts change `id`. */
export function unitOf(id: string): string {
  return `sluice-revert-${id}`;
}

/**
 * Starts the timer under systemd: out of reach of the caller's terminal, session and cgroup.
 *
 * The unit fires at the first deadline and runs the same script as elsewhere, which waits on when the deadline was extended.
 * Without AccuracySec systemd may be a minute late.
 */
export function systemdArgv(programs: { systemdRun: string; sh: string }, id: string, script: string, afterMs: number): Argv {
  return [
    programs.systemdRun,
    `--unit=${unitOf(id)}`,
    `--description=Revert sluice change ${id} unless it is confirmed`,
    `--on-active=${Math.ceil(afterMs / 1000)}s`,
    '--timer-property=AccuracySec=1s',
    '--collect',
    '--quiet',
    programs.sh,
    script,
  ];
}

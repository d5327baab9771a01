/** The shell script that waits for the deadline of a change; plain POSIX sh like the revert that it runs. */

import type { ChangeRecord } from './model.ts';
import type { ChangePaths } from './paths.ts';
import { IDENTITY_FUNCTION, quote, type ScriptPrograms } from './shell.ts';

/** The text of `timer.sh`. */
export function timerScript(record: ChangeRecord, paths: ChangePaths, programs: ScriptPrograms): string {
  return `#!/bin/sh
# Dead-man timer of change ${record.id}: runs revert.sh when nobody confirms in time.
#
# The file armed.SECONDS in the run directory is all it goes by: SECONDS is the deadline in seconds since boot, as in
# /proc/uptime. 'sluice change confirm' renames it to confirmed, 'extend' to a later armed.SECONDS, and this script to
# reverting. Renaming is atomic, so exactly one of them wins.

PATH=/usr/sbin:/usr/bin:/sbin:/bin
LC_ALL=C
export PATH LC_ALL
umask 077
trap '' HUP INT QUIT PIPE
cd / || exit 3
exec </dev/null >/dev/null 2>&1

change=${quote(paths.directory)}
run=${quote(paths.run)}
# Known deadline, for the case that the run directory is lost: then nobody can have confirmed.
deadline=${record.firstDeadline ?? 0}
lost=0

${IDENTITY_FUNCTION}
# Prints the deadline in the name of the token; fails when there is no such token.
armed() {
  set -- "$run"/armed.*
  [ -e "$1" ] && printf '%s\\n' "\${1##*/armed.}"
}

ended() {
  for token in confirmed reverting reverted rolled-back revert-failed; do
    [ -e "$run/$token" ] && return 0
  done
  return 1
}

identity $$ >"$run/timer.new" && mv -f "$run/timer.new" "$run/timer"

while :; do
  read -r uptime rest </proc/uptime
  now=\${uptime%.*}
  if seen=$(armed); then
    lost=0
    deadline=$seen
    [ "$now" -ge "$deadline" ] && mv -f "$run/armed.$deadline" "$run/reverting" && break
  elif ended; then
    exit 0
  else
    # A rename may hide the token for a moment; only a lasting loss counts.
    lost=$((lost + 1))
    [ "$lost" -ge 5 ] && [ "$now" -ge "$deadline" ] && break
  fi
  sleep 1
done

exec ${quote(programs.sh)} "$change/revert.sh" expired
`;
}

/**
 * The shell script that undoes a change.
 *
 * Plain POSIX sh for an operator to read and run by hand. It needs no Node and no sluice: what it runs is named by its
 * absolute path, and the only PATH is the one it sets. A signal does not stop it half way, and neither does a full disk.
 *
 * Trap: a redirection that fails on a special builtin (`:`, `exec`) ends a POSIX shell, and with it the revert.
 */

import type { ChangeRecord, Namespace, RevertStep } from './model.ts';
import type { ChangePaths } from './paths.ts';
import { comment, IDENTITY_FUNCTION, quote, quoteAll, type ScriptPrograms } from './shell.ts';

/** The text of `revert.sh`. Exit codes: 0 reverted, 3 refused, 8 a step failed. */
export function revertScript(record: ChangeRecord, paths: ChangePaths, programs: ScriptPrograms): string {
  return `#!/bin/sh
${comment(`Undoes change ${record.id} (${record.kind}) of ${record.createdAt} on ${record.node}: ${record.summary}`)}
#
#     sh ${quote(paths.revertScript)}
#
# Needs neither sluice nor Node. Every step leaves the same result when it is repeated, so a run that was cut off
# may simply be started again. What it does is at the end of this file; what it did is in revert.log beside it.
# When a later change was made on top of this one, undo that one first.
#
# Argument: rollback (the default), expired (the timer), failed (applying failed), or force, which also runs when
# the change is already undone or the node has restarted since.
# Exit code: 0 undone, 3 refused, 8 a step failed.

PATH=/usr/sbin:/usr/bin:/sbin:/bin
LC_ALL=C
export PATH LC_ALL
umask 077
trap '' HUP INT QUIT TERM PIPE
cd / || exit 3

id=${record.id}
change=${quote(paths.directory)}
run=${quote(paths.run)}
boot=${record.bootId}
why=\${1:-rollback}
failures=0
log=$change/revert.log
# In a subshell: a redirection that fails here would otherwise end the script. No log is better than no revert.
(printf '' >>"$log") 2>/dev/null || log=/dev/null

${namespacePart(record, programs)}
${REVERT_FUNCTIONS}
# One run at a time.
exec 9<"$change/revert.sh"
${quote(programs.flock)} -n 9 || { say "waiting for another run of this script" && ${quote(programs.flock)} 9; }

refuse_when_moot
mkdir -p "$run"
identity $$ >"$run/revert"
claim
stop_owner
say "reverting $id ($why)"
find_namespace

${record.revertSteps.map(stepPart).join('\n\n')}

${record.namespace.process === undefined ? '' : `[ "$failures" = 0 ] && ${quote(programs.umount)} ${quote(record.namespace.path)} 2>/dev/null\n`}finish
`;
}

const REVERT_FUNCTIONS = `say() {
  line="$(date -u +%Y-%m-%dT%H:%M:%SZ) $*"
  printf '%s\\n' "$line" >>"$log" 2>/dev/null
  printf '%s\\n' "$line" 2>/dev/null
}

${IDENTITY_FUNCTION}
refuse_when_moot() {
  [ "$why" = force ] && return
  read -r now_boot </proc/sys/kernel/random/boot_id
  if [ "$now_boot" != "$boot" ]; then
    say "the node has restarted since $id: nothing of it is left in the kernel (to run anyway: revert.sh force)"
    exit 3
  fi
  for undone in reverted rolled-back; do
    [ -e "$run/$undone" ] || continue
    say "$id is already $undone (to run again: revert.sh force)"
    exit 0
  done
}

# Takes the token, so that the timer and 'change confirm' leave this change alone from now on.
claim() {
  for try in 1 2 3 4 5 6 7 8 9 10; do
    for token in "$run"/armed.* "$run/confirmed" "$run/revert-failed" "$run/reverted" "$run/rolled-back"; do
      [ -e "$token" ] && mv -f "$token" "$run/reverting" 2>/dev/null
    done
    # 'change extend' may have renamed it in between.
    set -- "$run"/armed.*
    [ -e "$1" ] || break
  done
  [ -e "$run/reverting" ] || printf '' >"$run/reverting"
}

# A sluice that is still applying would go on after the revert.
stop_owner() {
  [ -r "$run/owner" ] || return
  owner=$(cat "$run/owner")
  [ "$(identity "\${owner%% *}")" = "$owner" ] || return
  say "stopping process \${owner%% *}, which is still applying"
  kill -KILL "\${owner%% *}"
  tries=0
  while [ "$tries" -lt 10 ] && [ "$(identity "\${owner%% *}")" = "$owner" ]; do
    sleep 1
    tries=$((tries + 1))
  done
}

# attempt NEED TITLE INPUT PROGRAM ARGUMENT...: runs one step in the namespace; NEED is must or may.
attempt() {
  need=$1 title=$2 input=$3
  shift 3
  if [ "$where" = gone ]; then
    say "skipped: $title (the network namespace $label is gone)"
  elif [ ! -r "$input" ]; then
    say "FAILED: $title: cannot read $input"
    [ "$need" = may ] || failures=$((failures + 1))
  elif enter "$@" <"$input" >>"$log" 2>&1 9<&-; then
    say "done: $title"
  else
    say "FAILED: $title: exit code $?: $*"
    [ "$need" = may ] || failures=$((failures + 1))
  fi
}

# tidy PATH: removes the folders of sluice above it that are empty.
tidy() {
  folder=\${1%/*}
  while case $folder/ in */sluice/*) rmdir "$folder" 2>/dev/null ;; *) false ;; esac; do folder=\${folder%/*}; done
}

# remove TITLE PATH...: what is not there counts as removed.
remove() {
  title=$1
  shift
  for path in "$@"; do
    if [ -d "$path" ] && [ ! -L "$path" ]; then rmdir "$path" >>"$log" 2>&1; else rm -f "$path" >>"$log" 2>&1; fi
    if [ ! -e "$path" ] && [ ! -L "$path" ]; then
      tidy "$path"
      continue
    fi
    say "FAILED: $title: $path is still there"
    failures=$((failures + 1))
    return
  done
  say "done: $title"
}

finish() {
  state=reverted code=0
  [ "$why" = rollback ] || [ "$why" = force ] && state=rolled-back
  [ "$failures" = 0 ] || state=revert-failed code=8
  printf '%s %s\\n' "$state" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" >"$change/state.$$" && mv -f "$change/state.$$" "$change/state"
  mv -f "$run/reverting" "$run/$state"
  rm -f "$run/revert" "$run/owner"
  if [ "$code" = 0 ]; then say "$id is $state"; else say "$id: $failures steps FAILED, see $log"; fi
  exit "$code"
}
`;

function namespacePart(record: ChangeRecord, programs: ScriptPrograms): string {
  const { namespace } = record;
  return `label=${quote(namespace.label)}
netns=${quote(namespace.path)}

# Runs a command in the network namespace of the change.
enter() {
  if [ "$where" = here ]; then "$@"; else ${quote(programs.nsenter)} --net="$netns" -- "$@"; fi
}

is_there() {
  [ "$(${quote(programs.nsenter)} --net="$1" -- readlink /proc/self/ns/net 2>/dev/null)" = "$there" ]
}

find_namespace() {
${namespace.host ? HOST_NAMESPACE : otherNamespace(namespace)}
}
`;
}

const HOST_NAMESPACE = `  there=$(readlink "$netns")
  where=there
  [ "$(readlink /proc/self/ns/net)" != "$there" ] || where=here`;

/** Looks first where the inode cannot have been given to another namespace meanwhile. */
function otherNamespace({ inode, process: inside }: Namespace): string {
  const path = `/proc/${inside?.pid}/ns/net`;
  const byProcess = `  # Its mount is gone once the change was confirmed: the process that was inside then still leads there.
  if [ "$(identity ${inside?.pid})" = '${inside?.pid} ${inside?.startTicks}' ] && is_there ${path}; then
    netns=${path}
    return
  fi
`;
  return `  there='net:[${inode}]'
  where=there
  is_there "$netns" && return
${inside === undefined ? '' : byProcess}  where=here
  [ "$(readlink /proc/self/ns/net)" = "$there" ] || where=gone`;
}

function stepPart(step: RevertStep, index: number): string {
  const title = comment(`${index + 1}. ${step.title}`);
  const spoken = quote(comment(step.title).slice(2));
  if ('remove' in step) return `${title}\nremove ${spoken} \\\n  ${step.remove.map(quote).join(' \\\n  ')}`;
  const input = step.stdinFile === undefined ? '/dev/null' : `"$change"/${quote(step.stdinFile)}`;
  return `${title}\nattempt ${step.tolerateFailure === true ? 'may' : 'must'} ${spoken} ${input} \\\n  ${quoteAll(step.argv)}`;
}

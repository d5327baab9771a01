import { UsageError } from '../lib/errors.ts';

/** Each script asks `sluice __complete` and shows what it answers; `:4` on the last line means "no file names". */
const SCRIPTS: Readonly<Record<string, string>> = {
  bash: `_sluice() {
  local answer line
  COMPREPLY=()
  answer=$(sluice __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null) || return
  while IFS= read -r line; do
    case $line in
      :4) compopt -o nosort 2>/dev/null ;;
      :*) compopt -o default 2>/dev/null ;;
      *) COMPREPLY+=("\${line%%$'\\t'*}") ;;
    esac
  done <<< "$answer"
}
complete -F _sluice sluice
`,
  zsh: `#compdef sluice
_sluice() {
  local line files=1
  local -a found
  for line in \${(f)"$(sluice __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)"}; do
    case $line in
      :4) files=0 ;;
      :*) ;;
      *) found+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}") ;;
    esac
  done
  _describe sluice found
  (( files )) && _files
}
compdef _sluice sluice
`,
  fish: `function __sluice_complete
  set -l words (commandline -opc) (commandline -ct)
  sluice __complete $words[2..-1] 2>/dev/null | string match -v ':*'
end
complete -c sluice -f -a '(__sluice_complete)'
`,
};

/** @throws UsageError for a shell that has none. */
export function completionScript(shell: string): string {
  const script = SCRIPTS[shell];
  if (script !== undefined) return script;
  throw new UsageError(`no completion for '${shell}'`, { hints: Object.keys(SCRIPTS).map((name) => `sluice completion ${name}`) });
}

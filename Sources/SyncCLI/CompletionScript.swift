/// The scripts that teach a shell to complete; all they know is how to ask the program.
enum CompletionScript: String, CaseIterable {
  case bash, zsh, fish

  var text: String {
    switch self {
    case .bash: Self.bashText
    case .zsh: Self.zshText
    case .fish: Self.fishText
    }
  }

  private static let bashText = #"""
    # bash completion for coder
    _coder() {
      local coder words=() word rest candidate i
      COMPREPLY=()
      coder=${COMP_WORDS[0]/#\~/$HOME}
      command -v -- "$coder" >/dev/null || coder=coder
      # Bash has split at = and : too; what stands without a blank between belongs together. Without
      # COMP_LINE, which only a real completion sets, the words are taken as they are.
      rest=${COMP_LINE-}
      for ((i = 0; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [ "$i" -gt 0 ] && [ -n "$rest" ] && [[ $rest != [[:space:]]* ]]; then
          words[${#words[@]} - 1]+=$word
        else
          words+=("$word")
        fi
        rest=${rest#"${rest%%[![:space:]]*}"}
        rest=${rest#"$word"}
      done
      word=${words[${#words[@]} - 1]}
      local quote=${word:0:1} plain=()
      for candidate in "${words[@]:1}"; do plain+=("${candidate//[\\\"\']/}"); done
      local current=${plain[${#plain[@]} - 1]-}
      # Bash replaces only what follows the last = or :.
      local kept=${current%"${current##*[:=]}"}
      while IFS= read -r candidate; do
        candidate=${candidate%%$'\t'*}
        if [ "$candidate" = :files ]; then
          compopt -o filenames 2>/dev/null
          mapfile -t COMPREPLY < <(compgen -f -- "${current#"$kept"}")
          return
        fi
        candidate=${candidate#"$kept"}
        case $quote in
          \" | \') ;;
          *) printf -v candidate %q "$candidate" ;;
        esac
        COMPREPLY+=("$candidate")
      done < <("$coder" __complete "${plain[@]}" 2>/dev/null)
    }
    complete -F _coder coder
    """#

  private static let zshText = #"""
    #compdef coder
    # zsh completion for coder
    _coder() {
      local line
      local -a candidates
      while IFS= read -r line; do
        candidates+=("${${line%%$'\t'*}//:/\\:}${${(M)line#*$'\t'}:+:${line#*$'\t'}}")
      done < <("${words[1]}" __complete "${(@)words[2,CURRENT]}" 2>/dev/null)
      if [[ "${candidates[1]}" == '\:files' ]]; then
        _files
      else
        _describe coder candidates
      fi
    }
    if [ "$funcstack[1]" = _coder ]; then _coder "$@"; else compdef _coder coder; fi
    """#

  private static let fishText = #"""
    # fish completion for coder
    function __coder_complete
      set -l words (commandline -opc) (commandline -ct)
      set -l candidates ($words[1] __complete $words[2..-1] 2>/dev/null)
      if test "$candidates[1]" = :files
        __fish_complete_path (commandline -ct)
      else
        printf '%s\n' $candidates
      end
    end
    complete -c coder -f -a '(__coder_complete)'
    """#
}

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
      local line candidates=() word="${COMP_WORDS[COMP_CWORD]}"
      while IFS= read -r line; do
        candidates+=("$(printf '%q' "${line%%$'\t'*}")")
      done < <("${COMP_WORDS[0]}" __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
      if [ "${candidates[0]-}" = :files ]; then
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
      else
        COMPREPLY=("${candidates[@]}")
      fi
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

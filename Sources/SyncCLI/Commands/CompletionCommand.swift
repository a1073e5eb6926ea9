internal import SyncText
internal import SyncUnits

extension Command {
  static let completion = Command(
    name: "completion",
    arguments: "bash|zsh|fish",
    summary: "Print a completion script for a shell",
    discussion: "Names of units are completed from the live agent.",
    examples: """
      # For this bash
      source <(coder completion bash)

      # For every zsh, in a folder of $fpath
      coder completion zsh > ~/.zfunc/_coder

      # For every fish
      coder completion fish > ~/.config/fish/completions/coder.fish
      """,
    completion: .words(CompletionScript.allCases.map(\.rawValue)),
    run: { invocation in
      guard invocation.arguments.count == 1 else {
        throw CommandFailure.usage("exactly one shell is required: bash, zsh or fish")
      }
      let shell = invocation.arguments[0]
      guard let script = CompletionScript(rawValue: shell) else {
        let known = CompletionScript.allCases.map(\.rawValue)
        throw CommandFailure.usage(
          "unknown shell \"\(shell)\"",
          hints: [
            closestMatch(to: shell, among: known).map { "did you mean \($0)?" }
              ?? "known are: \(known.joined(separator: ", "))"
          ])
      }
      try invocation.console.print(script.text)
    })

  /// What the completion scripts call: the words behind `coder`, the last one unfinished; prints one
  /// candidate a line and, behind a tab, what it is.
  static let complete__ = Command(
    name: "__complete",
    summary: "Print completions",
    isHidden: true,
    takesAllArguments: true,
    run: { invocation in
      for candidate in CompletionRequest(invocation: invocation).candidates {
        try invocation.console.print(
          candidate.description.isEmpty
            ? candidate.text : "\(candidate.text)\t\(candidate.description)")
      }
    })
}

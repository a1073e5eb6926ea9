extension String {
  /// The text in lines of at most `width` characters, each behind `indent` spaces. Line feeds that
  /// are in the text stay; a word that is longer has a line of its own.
  package func wrapped(width: Int, indent: Int) -> String {
    let margin = String(repeating: " ", count: indent)
    return split(separator: "\n", omittingEmptySubsequences: false).map { paragraph in
      var lines: [String] = []
      var line = ""
      for word in paragraph.split(separator: " ") {
        if !line.isEmpty, indent + line.count + 1 + word.count > width {
          lines.append(line)
          line = ""
        }
        line += line.isEmpty ? word : " " + word
      }
      return (lines + [line]).map { $0.isEmpty ? "" : margin + $0 }.joined(separator: "\n")
    }.joined(separator: "\n")
  }
}

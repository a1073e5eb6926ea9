// A Swift program that does nothing but print a line: what the runtime alone takes of a start. The task
// links the concurrency runtime, as everything with an async function does.
import Glibc

@main struct Empty {
  static func main() {
    if CommandLine.argc > 5 { Task { print("never") } }
    _ = write(1, "Success\n", 8)
  }
}

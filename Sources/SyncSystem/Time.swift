internal import Glibc

/// The clocks of the kernel.
package enum SystemTime {
  /// Time awake since some moment in the past; nobody can set it.
  package static var monotonic: Duration {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
  }

  /// Milliseconds since 1970.
  package static var now: UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return UInt64(time.tv_sec) * 1_000 + UInt64(time.tv_nsec) / 1_000_000
  }

  /// The date and time of day in UTC, to the millisecond, as RFC 3339 writes it.
  package static var timestamp: String {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    var parts = tm()
    gmtime_r(&time.tv_sec, &parts)
    func digits(_ value: Int, _ count: Int) -> String {
      let text = String(value)
      return String(repeating: "0", count: max(0, count - text.count)) + text
    }
    let date = [Int(parts.tm_year) + 1900, Int(parts.tm_mon) + 1, Int(parts.tm_mday)]
    let clock = [Int(parts.tm_hour), Int(parts.tm_min), Int(parts.tm_sec)]
    return digits(date[0], 4) + "-" + digits(date[1], 2) + "-" + digits(date[2], 2) + "T"
      + clock.map { digits($0, 2) }.joined(separator: ":") + "."
      + digits(time.tv_nsec / 1_000_000, 3) + "Z"
  }
}

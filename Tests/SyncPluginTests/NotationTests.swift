import SyncPlugin
import Testing

@Suite struct NotationTests {
  static let durations: [(String, Duration?, String?)] = [
    ("0", .zero, "0s"), ("0s", .zero, "0s"), ("300ms", .milliseconds(300), "300ms"),
    ("1.5s", .milliseconds(1_500), "1.5s"), ("5m", .seconds(300), "5m"),
    ("1h30m", .seconds(5_400), "1h30m"), ("90s", .seconds(90), "1m30s"),
    (".5s", .milliseconds(500), "500ms"), ("1.s", .seconds(1), "1s"),
    ("1.25h", .seconds(4_500), "1h15m"), ("10us", .microseconds(10), "10µs"),
    ("1.5µs", .nanoseconds(1_500), "1.5µs"), ("7ns", .nanoseconds(7), "7ns"),
    ("0.333333333333h", .nanoseconds(1_199_999_999_998), "19m59.999999998s"),
    ("0.9999999999999999999999s", .nanoseconds(999_999_999), "999.999999ms"),
    ("1m0.05s", .milliseconds(60_050), "1m0.05s"),
    ("2562047h", .seconds(2_562_047 * 3_600), "2562047h"),
    ("", nil, nil), ("5", nil, nil), ("s", nil, nil), (".s", nil, nil), ("-1s", nil, nil),
    ("1d", nil, nil), ("1 s", nil, nil), ("1sx", nil, nil), ("2562048h", nil, nil),
    ("99999999999999999999s", nil, nil), ("1e3s", nil, nil),
  ]

  @Test(arguments: durations)
  func durationsAreReadAndWrittenAsInGo(_ text: String, _ duration: Duration?, _ written: String?) {
    #expect(Duration(goNotation: text) == duration)
    #expect(duration?.goNotation == written)
    if let written { #expect(Duration(goNotation: written) == duration) }
  }

  static let endpoints: [(String, String, String?, String)] = [
    ("unix", "unix", nil, "unix"), ("unix:", "unix", nil, "unix"),
    ("unix:/a:b", "unix", "/a:b", "unix:/a:b"),
    ("unix:\u{301}", "unix", "\u{301}", "unix:\u{301}"),
    ("tcp:127.0.0.1:0", "tcp", "127.0.0.1:0", "tcp:127.0.0.1:0"),
  ]

  @Test(arguments: endpoints)
  func endpointsAreASchemeAndAnAddress(
    _ text: String, _ scheme: String, _ address: String?, _ written: String
  ) {
    let endpoint = Endpoint(parsing: text)
    #expect(endpoint == Endpoint(scheme: scheme, address: address))
    #expect(endpoint.description == written)
  }

  @Test func anEmptyVariableIsUnset() {
    let environment: Environment = ["A": "1", "B": ""]
    #expect(environment["A"] == "1")
    #expect(environment["B"] == nil)
    #expect(environment["C"] == nil)
  }
}

import Foundation

/// Whether this process was built with the address or the thread sanitizer, under which everything takes
/// several times as long and as much memory. Their runtimes are linked statically: only their symbols tell.
public let isSanitized = ["__asan_init", "__tsan_init"].contains { (name: String) in
  dlsym(nil, name) != nil
}

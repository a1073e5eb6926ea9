internal import SyncRPC
internal import SyncSystem
internal import SyncUnits

extension ProcessWatch {
  /// Watches processes of this machine.
  static let system = ProcessWatch(
    find: { process, relation, client throws(UnitError) in
      try find(process, relation, client)
    },
    close: { Descriptor.close($0) },
    command: { ProcessTable.command(of: $0) },
    now: { SystemTime.now })

  /// Opens the process, and only then makes sure, while both it and the client are still there, that it is
  /// what it has to be: so no other process can have got its number in between.
  private static func find(
    _ process: Int32, _ relation: Relation, _ client: Int32
  ) throws(UnitError) -> WatchedProcess {
    func refusal(_ reason: String) -> UnitError {
      UnitError(.permissionDenied, "process \(process) cannot be watched: \(reason)")
    }
    guard process > 1 else {
      throw refusal(process == 1 ? "it is the first one, which never ends" : "there is none")
    }
    let clientDescriptor: Int32
    let descriptor: Int32
    do throws(SystemError) {
      clientDescriptor = try ProcessTable.open(client)
    } catch {
      throw refusal("the client has ended")
    }
    defer { Descriptor.close(clientDescriptor) }
    do throws(SystemError) {
      descriptor = try ProcessTable.open(process)
    } catch {
      throw refusal(error.errno == Errno.noProcess ? "there is none" : error.reason)
    }
    let related =
      switch relation {
      case .ancestor: ProcessTable.isAncestor(process, of: client)
      case .child: ProcessTable.parent(of: process) == client
      }
    let reason: String? =
      if !related {
        relation == .ancestor ? "it did not start the client" : "the client did not start it"
      } else if ProcessTable.userID(of: process) != ProcessTable.userID(of: client) {
        "it is another user's"
      } else if ProcessTable.hasEnded(clientDescriptor) {
        "the client has ended"
      } else {
        nil
      }
    if let reason {
      Descriptor.close(descriptor)
      throw refusal(reason)
    }
    return WatchedProcess(
      id: process, command: ProcessTable.command(of: process), descriptor: descriptor)
  }
}

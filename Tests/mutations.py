#!/usr/bin/env python3
"""Puts deliberate bugs into a copy of the sources, one at a time, and shows which test catches each.

Usage: Tests/mutations.py [NAME...]     all of them take about 20 minutes

A bug that no test catches, or a place that has changed so that the bug cannot be put in, makes it fail.
"""
import filecmp, os, re, shutil, subprocess, sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
COPY = os.path.join(ROOT, ".build", "mutations")

# name, file, what is there, what is put there, and the tests that should catch it
MUTATIONS = [
    ("drop a wake-up", "Sources/SyncUnits/UnitStore+Propagation.swift",
     "if unit.unmet == 0 || (after == .lost && unit.lost == 1) { changed.append(node) }",
     "if after == .lost && unit.lost == 1 { changed.append(node) }",
     "ModelTests"),
    ("forget no waiter of a client that has left", "Sources/SyncRPC/ServedConnection.swift",
     "    takeBack(deferred.keys.sorted())\n", "",
     "SimulationTests"),
    ("keep the lease of a client that has left", "Sources/SyncRPC/ServedConnection.swift",
     "    endLease()\n", "",
     "ModelTests"),
    ("off by one in the length of a frame", "Sources/SyncWire/PacketDecoder.swift",
     "frame.length <= bytes.byteCount - end", "frame.length < bytes.byteCount - end",
     "FrameTests"),
    ("take packets of any size", "Sources/SyncWire/PacketDecoder.swift",
     "guard assembly.data.count + data.count <= Limits.packetBytes else { throw .packetTooLarge }",
     "",
     "FrameTests"),
    ("success is met by a start", "Sources/SyncUnits/UnitStore+Propagation.swift",
     "case .success, .completion: .open", "case .success, .completion: .met",
     "ModelTests"),
    ("a refused want leaves what it had added", "Sources/SyncUnits/UnitStore.swift",
     "    if dependencies.count > 1 { try checkCycles(id, dependencies) }\n", "",
     "UnitStoreTests"),
    ("a unit that failed keeps its locks", "Sources/SyncUnits/UnitStore.swift",
     "    holders[node] = nil\n    locks.release(node)\n    change(node) { unit in\n"
     "      unit.state = state\n",
     "    holders[node] = nil\n    change(node) { unit in\n      unit.state = state\n",
     "ModelTests"),
    ("beginning anew is no new generation", "Sources/SyncUnits/UnitStore.swift",
     "      if unit.state != .pending { unit.generation += 1 }\n", "",
     "ModelTests"),
    ("the agent does not look at the client's user", "Plugins/TransportUnix/UnixTransport.swift",
     "func isClientTrusted(_ peer: Peer) -> Bool { peer.userID == thisUser || peer.userID == 0 }",
     "func isClientTrusted(_ peer: Peer) -> Bool { true }",
     "UserTests"),
    ("the client does not look at the agent's user", "Plugins/TransportUnix/UnixTransport.swift",
     "    if peer.userID == thisUser || peer.userID == 0 { return true }\n",
     "    if peer.userID != .max { return true }\n",
     "UserTests"),
    ("the socket is open to all for a moment", "Plugins/TransportUnix/SocketOwnership.swift",
     "      try File.setMode(of: socket, 0o600)\n", "",
     "FaultTests"),
    ("any token is the right one", "Sources/SyncRPC/ServerSession.swift",
     "token == secrets.client", "token != secrets.agent",
     "CorpusTests|SecretTests"),
    ("the client believes any agent", "Sources/SyncRPC/RemoteUnitManager.swift",
     "try secrets.check(try await hello(metadata: secrets.metadata))",
     "_ = try await hello(metadata: secrets.metadata)",
     "TCPTests"),
    ("read on from who does not read", "Sources/SyncRPC/ServedConnection.swift",
     "      if connection.isCongested { connection.pause() }\n", "",
     "SimulationTests"),
    ("a start passes one that waits for the same lock", "Sources/SyncUnits/LocalUnitManager.swift",
     "let mustStandBack = state.starts.wants(options.locks)", "let mustStandBack = false",
     "ModelTests"),
]


def run(command, **options):
    return subprocess.run(command, cwd=COPY, capture_output=True, text=True, **options)


def copy():
    """Brings the copy up to date, with what is not committed yet; what is the same stays, for faster builds."""
    names = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True,
        check=True).stdout.split("\n")
    for name in filter(None, names):
        source, target = os.path.join(ROOT, name), os.path.join(COPY, name)
        if not os.path.isfile(source) or os.path.isfile(target) and filecmp.cmp(source, target, False):
            continue
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copy(source, target)


def build():
    return run(["swift", "build", "--build-tests"])


def test(filter):
    return run(
        ["swift", "test", "--skip-build", "--parallel", "--filter", filter], timeout=600,
        errors="replace")


def caught_by(output):
    tests = re.findall(r"Test (\w+)\(.*?\).* (?:recorded an issue|failed)", output)
    return sorted(set(tests))


def main(names):
    copy()
    first = build()
    if first.returncode != 0:
        sys.exit(first.stdout + first.stderr)
    missed = []
    for name, path, old, new, filter in MUTATIONS:
        if names and name not in names:
            continue
        file = os.path.join(COPY, path)
        text = open(file).read()
        if text.count(old) != 1:
            missed.append(name)
            print(f"{name}: cannot be put into {path}", flush=True)
            continue
        open(file, "w").write(text.replace(old, new))
        built = build()
        if built.returncode != 0:
            missed.append(name)
            print(f"{name}: does not compile\n{built.stdout[-2000:]}", flush=True)
        else:
            try:
                result = test(filter)
                tests = caught_by(result.stdout + result.stderr) or [f"a trap in {filter}"]
                caught = result.returncode != 0
            except subprocess.TimeoutExpired:
                tests, caught = ["which hangs"], True
            if not caught:
                missed.append(name)
            print(f"{name}: {'caught by ' + ', '.join(tests) if caught else 'MISSED'}", flush=True)
        open(file, "w").write(text)
    if missed:
        sys.exit(f"not caught: {', '.join(missed)}")


if __name__ == "__main__":
    if sys.argv[1:] in (["-h"], ["--help"]):
        print(__doc__)
    else:
        main(sys.argv[1:])

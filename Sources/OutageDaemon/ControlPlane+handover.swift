// The old process's side of a handover: what it gives away, and when it ends.

import ByteBuffers
import Foundation
import Logging
import Reactor
import Synchronization
import WireProtocol

extension ControlPlane {
  /// From here on nothing is published, so that the new process loads what the last publish has left.
  func beginHandover(to connection: ConnectionID, on loop: EventLoop) {
    guard successor == nil, let handover = handover.withLock({ $0 }) else {
      _ = loop.submit { loop in
        loop.complete(connection) {
          $0.appendError(
            RequestError(.failed, "another process is taking over already, or nothing is served yet"))
        }
      }
      return
    }
    handover.isFrozen(true)
    snapshots.flush()
    successor = connection
    log.notice("handing over to another process")
    _ = loop.submit { loop in
      // Where it fails, the connection closes, and `adminIsGone` puts things right.
      _ = loop.complete(connection, passing: handover.descriptors.map(\.descriptor)) {
        $0.appendBulk(encodeJSON(handover.descriptors.map(\.name)))
      }
    }
  }

  func commitHandover(from connection: ConnectionID) throws {
    guard successor == connection, let handover = handover.withLock({ $0 }) else {
      throw HandoverError(
        text: "HANDOVER.COMMIT comes from the process that began to take over, and from no other")
    }
    reactor?.stopAccepting(acceptingQueued: false)
    handover.committed()
  }

  func checkNoHandover() throws {
    if successor != nil {
      throw HandoverError(
        text: "process \(getpid()) is handing over to another; connect again in a moment")
    }
  }
}

// The change of processes without a gap: the new one gets lock and sockets from the old one, and says when it answers.

import ByteBuffers
import Foundation
import Reactor
import WireProtocol

/// What the old process gives, and what it does when the new one answers.
struct Handover: Sendable {
  var descriptors: [(name: String, descriptor: Int32)]
  /// Called on the control thread when the new process is about to read what the data directory holds (`true`), and when it is gone without
  /// having taken over. In between, nothing is written that only one process may write.
  var isFrozen: @Sendable (Bool) -> Void
  /// Called once, on the control thread, when nothing is accepted here any more.
  var committed: @Sendable () -> Void
}

/// A step of a handover that cannot be done.
struct HandoverError: Error, CustomStringConvertible {
  var text: String
  var description: String { text }
}

/// The new process's end of a handover: what it was given, and the connection over which it tells the old process to go.
///
/// While this object lives and has not committed, the old process serves and publishes nothing. When it goes without a commit, the old
/// process carries on as before.
///
/// Sendable, because it is used by one thread after another and never by two.
final class Takeover: @unchecked Sendable {
  let lockDescriptor, queryDescriptor, adminDescriptor, feedDescriptor: Int32
  private let client: SocketClient

  /// Asks the process behind an admin socket to hand over.
  /// - Returns: `nil` where nobody serves there.
  /// - Throws: `ClientError`, or `HandoverError` if the answer is not one.
  init?(adminSocket: String) throws {
    do {
      client = try SocketClient(path: adminSocket, timeoutSeconds: 60)
    } catch .notServing {
      return nil
    }
    let (reply, descriptors) = try client.askForDescriptors(["HANDOVER.BEGIN"])
    var byName: [String: Int32] = [:]
    if let text = reply.text, let names = try? JSONDecoder().decode([String].self, from: Data(text.utf8)) {
      for (name, descriptor) in zip(names, descriptors) { byName[name] = descriptor }
    }
    guard let lock = byName["lock"], let query = byName["query"], let admin = byName["admin"],
      let feed = byName["feed"]
    else {
      for descriptor in descriptors { close(descriptor) }
      throw HandoverError(
        text: "\(adminSocket): found \(reply), expected the descriptors lock, query, admin and feed")
    }
    (lockDescriptor, queryDescriptor, adminDescriptor, feedDescriptor) = (lock, query, admin, feed)
  }

  /// Tells the old process that this one answers; it accepts nothing further from then on, and ends when all that it was asked is answered.
  func commit() throws {
    let reply = try client.ask(["HANDOVER.COMMIT"])
    guard reply.text == "OK" else { throw HandoverError(text: "the old process answered \(reply)") }
  }
}

// Serves the same reply to every request through the reactor and the request parser: what they cost beside a bare loop.

import ByteBuffers
import Reactor
import WireProtocol

/// Answers each request with the same bulk string.
private final class EchoHandler: ConnectionHandler {
  private let parser = RequestParser()
  private let commands = CommandParser()
  private let reply: [UInt8]
  private let parsesCommands: Bool
  private let sessions = SessionTable()

  init(replyByteCount: Int, parsesCommands: Bool) {
    reply = [UInt8](repeating: UInt8(ascii: "x"), count: replyByteCount)
    self.parsesCommands = parsesCommands
  }

  func opened(_ connection: ConnectionID, listenerTag: Int) {
    sessions.begin(slot: Int(connection.slot), id: Int(connection.slot))
  }

  func handle(
    _ input: UnsafeRawBufferPointer, of connection: ConnectionID, budget: TurnBudget, output: inout ByteBuffer
  ) -> Verdict {
    let session = sessions[Int(connection.slot)]
    var consumed = 0
    var requestCount = 0
    while requestCount < budget.requestCount, output.count < budget.outputByteCount {
      let rest = UnsafeRawBufferPointer(rebasing: input[consumed...])
      switch parser.next(in: rest, &session.pointee.progress) {
      case .needMore:
        return Verdict(consumedByteCount: consumed, requestCount: requestCount, next: .wait)
      case .failed(let error):
        output.appendError(error)
        return Verdict(consumedByteCount: input.count, requestCount: requestCount, next: .close)
      case .request(let arguments, let byteCount):
        consumed += byteCount
        requestCount += 1
        guard arguments.count > 0 else { continue }
        guard parsesCommands else {
          reply.withUnsafeBytes { output.appendBulk($0) }
          continue
        }
        do throws(RequestError) {
          switch try commands.parse(arguments, role: .query) {
          case .session(let command):
            let server = ServerIdentity(version: "0")
            let next = session.pointee.answer(command, by: server, parser: commands, into: &output)
            if next == .closeAfterReplies {
              return Verdict(consumedByteCount: consumed, requestCount: requestCount, next: .close)
            }
          default: reply.withUnsafeBytes { output.appendBulk($0) }
          }
        } catch {
          output.appendError(error)
        }
      }
    }
    return Verdict(consumedByteCount: consumed, requestCount: requestCount, next: .more)
  }

  func closed(_ connection: ConnectionID, because reason: CloseReason) {}
}

let arguments = CommandLine.arguments
guard arguments.count >= 2 else {
  print("usage: reactor-echo SOCKET [LOOPS [REPLY_BYTES [raw]]]")
  throw ReactorError.notASocket(path: "")
}
let loopCount = arguments.count > 2 ? Int(arguments[2]) ?? 1 : 1
let replyByteCount = arguments.count > 3 ? Int(arguments[3]) ?? 300 : 300
let parsesCommands = !(arguments.count > 4 && arguments[4] == "raw")
let reactor = try Reactor(loopCount: loopCount) { _ in
  EchoHandler(replyByteCount: replyByteCount, parsesCommands: parsesCommands)
}
let listener = try UnixListener(path: arguments[1], mode: 0o600)
try reactor.add(listener, tag: 0)
reactor.join()

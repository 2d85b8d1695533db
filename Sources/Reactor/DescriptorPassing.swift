// Hands open descriptors to another process over a Unix socket (SCM_RIGHTS): how a listening socket changes hands.

internal import CEpoll
internal import Glibc

/// Descriptors on their way from one process to another. They travel with a byte of the stream.
public enum DescriptorPassing {
  /// Descriptors in one message, at most.
  public static let countMax = 16

  /// Sends copies of the descriptors; the sender's own stay open.
  /// - Parameter byte: the byte that they travel with, such as the first of a reply.
  /// - Throws: `ReactorError.system`.
  public static func send(
    _ descriptors: [Int32], with byte: UInt8, over socket: Int32
  ) throws(ReactorError) {
    precondition((1...countMax).contains(descriptors.count), "1 to \(countMax) descriptors a message")
    let byte = CChar(bitPattern: byte)
    guard cepoll_send_descriptors(socket, byte, descriptors, descriptors.count) == 0 else {
      throw .last("sendmsg")
    }
  }

  /// Waits for a byte, and the descriptors that travel with it.
  /// - Returns: the byte, `nil` where the stream has ended; and the descriptors in the order in which they were sent, which the caller owns.
  /// - Throws: `ReactorError.system`.
  public static func receive(
    over socket: Int32
  ) throws(ReactorError) -> (byte: UInt8?, descriptors: [Int32]) {
    var descriptors = [Int32](repeating: -1, count: countMax)
    var count = countMax
    var byte: CChar = 0
    let received = cepoll_receive_descriptors(socket, &byte, &descriptors, &count)
    guard received >= 0 else { throw .last("recvmsg") }
    return (received == 0 ? nil : UInt8(bitPattern: byte), Array(descriptors.prefix(count)))
  }
}

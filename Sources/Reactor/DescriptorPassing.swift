// Hands open descriptors to another process over a Unix socket (SCM_RIGHTS): how a listening socket changes hands.

internal import CEpoll
internal import Glibc

/// Descriptors on their way from one process to another.
public enum DescriptorPassing {
  /// Descriptors in one message, at most.
  public static let countMax = 16

  /// Sends copies of the descriptors; the sender's own stay open.
  /// - Throws: `ReactorError.system`.
  public static func send(_ descriptors: [Int32], over socket: Int32) throws(ReactorError) {
    precondition((1...countMax).contains(descriptors.count), "1 to \(countMax) descriptors a message")
    guard cepoll_send_descriptors(socket, descriptors, descriptors.count) == 0 else { throw .last("sendmsg") }
  }

  /// Waits for a message with descriptors.
  /// - Returns: the descriptors in the order in which they were sent, which the caller owns; none where the stream has ended.
  /// - Throws: `ReactorError.system`; its errno is EBADMSG where a message carried no descriptors.
  public static func receive(over socket: Int32) throws(ReactorError) -> [Int32] {
    var descriptors = [Int32](repeating: -1, count: countMax)
    let count = cepoll_receive_descriptors(socket, &descriptors, countMax)
    guard count >= 0 else { throw .last("recvmsg") }
    return Array(descriptors.prefix(count))
  }
}

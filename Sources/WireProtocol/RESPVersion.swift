// Which of the two Redis serialisation protocols a connection speaks.

/// The protocol version of a connection: 2 until the client asks for 3 with `HELLO 3`.
public enum RESPVersion: UInt8, Sendable {
  case v2 = 2
  case v3 = 3
}

// What a record is known by from one layer to the next: a short word of its bytes, under a key that nobody outside this process has.

import CCrypto

/// Poly1305 by libcrypto, with a random key for each process. Two records of up to L bytes that differ have the same one with a chance of at most
/// 8 ⌈L/16⌉ in 2^106 (Bernstein, "The Poly1305-AES message-authentication code", 2005), whoever wrote them; it takes a third of the time of SHA-256,
/// which the file needs besides.
final class RecordFingerprint {
  private let context: OpaquePointer?
  /// Where libcrypto is built without Poly1305.
  private let fallback = FileHash()

  private static let key: [UInt8] = {
    var random = SystemRandomNumberGenerator()
    return (0..<32).map { _ in UInt8.random(in: 0...255, using: &random) }
  }()

  init() {
    let algorithm = EVP_MAC_fetch(nil, "POLY1305", nil)
    context = algorithm.flatMap { EVP_MAC_CTX_new($0) }
    EVP_MAC_free(algorithm)
  }

  deinit { EVP_MAC_CTX_free(context) }

  func callAsFunction(_ bytes: UnsafeRawBufferPointer) -> ContentHash {
    guard let context else { return fallback.ofAll(bytes) }
    var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
    var count = 0
    let text = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
    let isDone = withUnsafeMutableBytes(of: &words) { words in
      EVP_MAC_init(context, Self.key, Self.key.count, nil) == 1
        && EVP_MAC_update(context, text, bytes.count) == 1
        && EVP_MAC_final(context, words.baseAddress?.assumingMemoryBound(to: UInt8.self), &count, words.count)
          == 1
    }
    return isDone && count == 16 ? ContentHash(words) : fallback.ofAll(bytes)
  }
}

// A URL as a source of layers, asked by HTTP GET.

import Foundation
import FoundationNetworking
import OutageModel
import Synchronization

/// Asks one server. URLSession and not async-http-client: one GET a minute into a file needs neither its event loops nor the four minutes
/// that it takes to build, and libcurl, which URLSession is on Linux, knows proxies, redirections and compression as well.
///
/// The server's `ETag` and `Last-Modified` are sent back to it, so that it may answer 304, which costs neither side anything.
final class HTTPSource: NSObject, FeedSource, URLSessionDataDelegate, @unchecked Sendable {
  private struct Validators {
    var entityTag: String?
    var lastModified: String?
  }

  /// What the delegate's queue writes, and the asking thread reads when the semaphore has told that it is done.
  private struct Answer {
    var file: FileHandle?
    var byteCount = 0
    var status = 0
    var validators = Validators()
    var fault: String?
    var error: (any Error)?
  }

  private let url: URL
  private let timeoutSeconds: Double
  private let sizeBytesMax: Int
  private let outputPath: String
  private let answer = Mutex(Answer())
  private let done = DispatchSemaphore(value: 0)
  /// Of the layer that was read last.
  private var known = Validators()

  init(_ url: URL, timeoutSeconds: Double, sizeBytesMax: Int, outputPath: String) {
    self.url = url
    self.timeoutSeconds = timeoutSeconds
    self.sizeBytesMax = sizeBytesMax
    self.outputPath = outputPath
  }

  func wasRead() { known = answer.withLock { $0.validators } }

  func look() -> SourceReading {
    guard
      FileManager.default.createFile(
        atPath: outputPath, contents: nil, attributes: [.posixPermissions: 0o600]),
      let file = FileHandle(forWritingAtPath: outputPath)
    else { return .failed(.unreachable, "\(outputPath): cannot be written") }
    answer.withLock {
      $0 = Answer()
      $0.file = file
    }
    var request = URLRequest(
      url: url, cachePolicy: .reloadIgnoringLocalCacheData, timeoutInterval: timeoutSeconds)
    request.setValue("outaged", forHTTPHeaderField: "User-Agent")
    request.setValue("application/geo+json, application/json, */*;q=0.5", forHTTPHeaderField: "Accept")
    if let tag = known.entityTag { request.setValue(tag, forHTTPHeaderField: "If-None-Match") }
    if let date = known.lastModified { request.setValue(date, forHTTPHeaderField: "If-Modified-Since") }
    let configuration = URLSessionConfiguration.ephemeral
    configuration.timeoutIntervalForRequest = timeoutSeconds
    configuration.timeoutIntervalForResource = timeoutSeconds
    configuration.urlCache = nil
    let session = URLSession(configuration: configuration, delegate: self, delegateQueue: nil)
    let task = session.dataTask(with: request)
    task.resume()
    // The session's own time-outs start anew with each byte that comes: a server that drips is cut here.
    if done.wait(timeout: .now() + timeoutSeconds) == .timedOut {
      task.cancel()
      done.wait()
      answer.withLock { $0.fault = "not done after \(timeoutSeconds) s" }
    }
    session.invalidateAndCancel()
    let result = answer.withLock { $0 }
    try? result.file?.close()
    if let fault = result.fault { return .failed(.unreachable, "\(url): \(fault)") }
    if (result.error as? URLError)?.code == .timedOut {
      return .failed(.unreachable, "\(url): not done after \(timeoutSeconds) s")
    }
    if let error = result.error {
      return .failed(
        result.byteCount > 0 ? .halfFile : .unreachable, "\(url): \(error.localizedDescription)")
    }
    switch result.status {
    case 304: return .unchanged
    case 200: return .file(path: outputPath, name: url.lastPathComponent, asOf: nil)
    default: return .failed(.unreachable, "\(url): HTTP status \(result.status)")
    }
  }

  // MARK: On the delegate's queue

  func urlSession(
    _ session: URLSession, dataTask: URLSessionDataTask, didReceive response: URLResponse,
    completionHandler: @escaping @Sendable (URLSession.ResponseDisposition) -> Void
  ) {
    answer.withLock {
      guard let response = response as? HTTPURLResponse else { return }
      $0.status = response.statusCode
      $0.validators = Validators(
        entityTag: response.value(forHTTPHeaderField: "ETag"),
        lastModified: response.value(forHTTPHeaderField: "Last-Modified"))
    }
    completionHandler(.allow)
  }

  func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
    let isTooLarge = answer.withLock { answer in
      answer.byteCount += data.count
      if answer.byteCount > sizeBytesMax {
        answer.fault = answer.fault ?? "more than \(sizeBytesMax) bytes"
        return true
      }
      do { try answer.file?.write(contentsOf: data) } catch { answer.fault = "\(outputPath): \(error)" }
      return answer.fault != nil
    }
    if isTooLarge { dataTask.cancel() }
  }

  func urlSession(_ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?) {
    answer.withLock { $0.error = error }
    done.signal()
  }
}

// A few pages over HTTP, on a thread of their own with bounds on everything that a client may do.

internal import Glibc
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import SystemThreads

/// What a page is at the moment of a request.
public struct MetricsPage: Sendable {
  public var isOK: Bool
  public var contentType: String
  public var text: String

  /// - Parameter isOK: status 200; 503 (Service Unavailable) otherwise.
  public init(isOK: Bool = true, contentType: String = "text/plain; charset=utf-8", text: String) {
    self.isOK = isOK
    self.contentType = contentType
    self.text = text
  }
}

/// What a client may do.
public struct MetricsLimits: Sendable {
  /// Open at once; more are closed as they come.
  public var connectionsMax = 32
  /// From a connection's begin to its end, whoever is slow.
  public var connectionMilliseconds: Int64 = 10_000
  /// Of a request, headers and all.
  public var requestBytesMax = 16 << 10

  public init() {}
}

/// The address cannot be listened on.
public struct MetricsError: Error, Equatable, Sendable, CustomStringConvertible {
  public let description: String
}

/// Offers pages by HTTP GET: one request a connection, all connections on one thread of low priority.
///
/// A client can keep its own connection waiting and nothing else: what it sends is bounded, and so is its time.
public final class MetricsEndpoint: Sendable {
  /// The one that was bound, with the port that the system chose where it was asked to.
  public let port: Int
  private let group: MultiThreadedEventLoopGroup
  private let channel: any Channel

  /// Listens. Must not be called from an async context.
  /// - Parameters:
  ///   - pages: by path, such as `/metrics`; each is asked for on the endpoint's thread, at each request.
  ///   - niceness: added to the thread's nice value.
  public init(
    address: MetricsAddress, pages: [String: @Sendable () -> MetricsPage], niceness: Int32 = 10,
    limits: MetricsLimits = MetricsLimits()
  ) throws(MetricsError) {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let loop = group.next()
    loop.execute { lowerPriority(niceness: niceness) }
    let openCount = NIOLoopBoundBox.makeBoxSendingValue(0, eventLoop: loop)
    let bootstrap = ServerBootstrap(group: group)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .serverChannelOption(.backlog, value: 64)
      .childChannelOption(.maxMessagesPerRead, value: 1)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          guard openCount.value < limits.connectionsMax else { throw MetricsError(description: "too many") }
          openCount.value += 1
          let deadline = channel.eventLoop.scheduleTask(in: .milliseconds(limits.connectionMilliseconds)) {
            channel.close(promise: nil)
          }
          channel.closeFuture.whenComplete { _ in
            openCount.value -= 1
            deadline.cancel()
          }
          let pipeline = channel.pipeline.syncOperations
          try pipeline.addHandler(RequestSizeLimit(bytesMax: limits.requestBytesMax))
          try pipeline.configureHTTPServerPipeline()
          try pipeline.addHandler(PageHandler(pages: pages))
        }
      }
    do {
      channel = try bootstrap.bind(host: address.host, port: address.port).wait()
    } catch {
      try? group.syncShutdownGracefully()
      throw MetricsError(description: "\(address): cannot be listened on: \(error)")
    }
    self.group = group
    port = channel.localAddress?.port ?? address.port
  }

  /// Closes the socket and all connections; returns when that is done. Must not be called from an async context.
  public func stop() { try? group.syncShutdownGracefully() }
}

/// Closes a connection that sends more than a request may be long. The parser has limits of its own, but not for all parts of a request.
private final class RequestSizeLimit: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer
  private var left: Int

  init(bytesMax: Int) { left = bytesMax }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    left -= unwrapInboundIn(data).readableBytes
    if left < 0 { context.close(promise: nil) } else { context.fireChannelRead(data) }
  }
}

/// Answers the first request of a connection, and closes it.
private final class PageHandler: ChannelInboundHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart
  private let pages: [String: @Sendable () -> MetricsPage]
  private var hasAnswered = false

  init(pages: [String: @Sendable () -> MetricsPage]) { self.pages = pages }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard case .head(let request) = unwrapInboundIn(data), !hasAnswered else { return }
    hasAnswered = true
    let path = String(request.uri.prefix { $0 != "?" })
    let (status, page, isWrongMethod): (HTTPResponseStatus, MetricsPage, Bool) =
      switch (pages[path], request.method) {
      case (nil, _):
        (.notFound, MetricsPage(text: "expected \(pages.keys.sorted().joined(separator: " or "))\n"), false)
      case (let page?, .GET), (let page?, .HEAD):
        { ($0.isOK ? .ok : .serviceUnavailable, $0, false) }(page())
      default: (.methodNotAllowed, MetricsPage(text: "expected GET or HEAD\n"), true)
      }
    let body = ByteBuffer(string: page.text)
    var headers: HTTPHeaders = [
      "Content-Type": page.contentType, "Content-Length": "\(body.readableBytes)",
      "Cache-Control": "no-store",
      "Connection": "close",
    ]
    if isWrongMethod { headers.add(name: "Allow", value: "GET, HEAD") }
    context.write(
      wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: status, headers: headers))),
      promise: nil)
    if request.method != .HEAD { context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil) }
    let channel = context.channel
    context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { _ in channel.close(promise: nil) }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}

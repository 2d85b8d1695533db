// The commands as values: what a client asks for, its arguments read and checked.

/// What a lookup may be asked to do beside looking up.
public struct LookupOptions {
  /// 0 to 50,000; 0 switches it off. `nil`: as configured.
  public var nearMetres: Double?
  /// A language tag (BCP 47), 1 to 35 letters, digits and hyphens, as the client wrote it. `nil`: as configured.
  public var language: Bytes?

  @inlinable
  public init() {}
}

/// Several positions, read and checked one by one where they lie.
public struct Positions {
  let arguments: Arguments

  public var count: Int { arguments.count / 2 }

  /// - Throws: `BADARG` with the number of the position, counted from 1.
  public func position(_ index: Int) throws(RequestError) -> (lonDegrees: Double, latDegrees: Double) {
    do throws(RequestError) {
      return try CommandParser.position(arguments[2 * index], arguments[2 * index + 1])
    } catch {
      throw RequestError(error.word, "position \(index + 1) of \(count): \(error.text)")
    }
  }
}

/// A request whose arguments were read and checked. Bytes in it are valid for as long as the `Arguments` that it was read from.
public enum Command {
  case account(id: Bytes, LookupOptions)
  case phone(number: Bytes, LookupOptions)
  case meter(id: Bytes, LookupOptions)
  case servicePoint(id: Bytes, LookupOptions)
  case point(lonDegrees: Double, latDegrees: Double, LookupOptions)
  /// One id or more.
  case accounts(ids: Arguments)
  /// One position or more.
  case points(Positions)
  /// Sections that are asked for, as the client wrote them; none: all.
  case info(sections: Arguments)
  case metrics
  case reportAdd(ReportRequest)
  case feed(FeedRequest)
  case layerPublish(path: Bytes, optionsJSON: Bytes?)
  case layerStatus
  case layerRollback(version: Int, isDryRun: Bool)
  case layerAccept(feed: Bytes)
  case addressesReload
  case handoverBegin
  case handoverCommit
  /// `SessionState.answer` answers it.
  case session(SessionCommand)
}

/// A command that concerns the connection or the command table, not outages.
public enum SessionCommand {
  case ping(message: Bytes?)
  case echo(message: Bytes)
  case hello(version: RESPVersion?, name: Bytes?)
  case auth
  case select
  case clientSetName(Bytes)
  case clientGetName
  case clientSetLibraryName(Bytes)
  case clientSetLibraryVersion(Bytes)
  case clientID
  case clientInfo
  case clientAccepted
  case reset
  case quit
  case commandAll
  case commandCount
  case commandDocs(names: Arguments)
  case commandInfo(names: Arguments)
  case commandList
  case configGet(names: Arguments)
}

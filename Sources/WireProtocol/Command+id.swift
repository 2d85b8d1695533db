// Which row of the command table a command came from.

extension Command {
  /// For those who count.
  @inlinable public var id: CommandID {
    switch self {
    case .account: .account
    case .phone: .phone
    case .meter: .meter
    case .servicePoint: .servicePoint
    case .point: .point
    case .accounts: .accounts
    case .points: .points
    case .info: .info
    case .metrics: .metrics
    case .reportAdd: .reportAdd
    case .feed(let request): request.id
    case .layerPublish: .layerPublish
    case .layerStatus: .layerStatus
    case .layerRollback: .layerRollback
    case .layerAccept: .layerAccept
    case .addressesReload: .addressesReload
    case .handoverBegin: .handoverBegin
    case .handoverCommit: .handoverCommit
    case .session(let command): command.id
    }
  }
}

extension FeedRequest {
  @inlinable var id: CommandID {
    switch self {
    case .readChanges: .changesRead
    case .acknowledgeChanges: .changesAck
    case .readReports: .reportRead
    case .acknowledgeReports: .reportAck
    case .subscribe: .changesSubscribe
    case .unsubscribe: .changesUnsubscribe
    }
  }
}

extension SessionCommand {
  @inlinable var id: CommandID {
    switch self {
    case .ping: .ping
    case .echo: .echo
    case .hello: .hello
    case .auth: .auth
    case .select: .select
    case .clientSetName, .clientGetName, .clientSetLibraryName, .clientSetLibraryVersion, .clientID,
      .clientInfo,
      .clientAccepted:
      .client
    case .reset: .reset
    case .quit: .quit
    case .commandAll, .commandCount, .commandDocs, .commandInfo, .commandList: .command
    case .configGet: .config
    }
  }
}

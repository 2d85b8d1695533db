// What one feed is: where its layers come from, how they are read, and when they are not believed.

import LayerImport

/// A source of outage layers that is looked at again and again.
public struct FeedConfiguration: Sendable, Equatable {
  public enum Source: Sendable, Equatable {
    /// Files that somebody puts there; the newest one counts. `pattern` as of the shell, such as `*.geojson`.
    case directory(path: String, pattern: String?)
    /// A program and its arguments, whose output is a layer. No shell is between.
    case command([String])
    /// Asked by HTTP GET.
    case url(String)
  }

  /// In messages, `INFO` and `LAYER.ACCEPT`: letters, digits, `_` and `-`.
  public var name: String
  public var source: Source
  /// How the layer is read. `maxRejectedFraction` is the guard `tooManyRejected`'s.
  public var options: ImportOptions
  /// From one look to the next.
  public var intervalSeconds: Double
  /// What the feed has not confirmed for so long is stale.
  public var staleAfterSeconds = 900
  /// A file is read when it has not changed for so long.
  public var settleSeconds = 0.5
  /// Of one command or HTTP request.
  public var timeoutSeconds = 30.0
  /// Of one layer as it comes.
  public var sizeBytesMax = 1 << 30
  public var guards = FeedGuardSettings()

  public init(name: String, source: Source, options: ImportOptions = ImportOptions()) {
    self.name = name
    self.source = source
    self.options = options
    if case .directory = source { intervalSeconds = 0.2 } else { intervalSeconds = 60 }
  }
}

/// When a layer that can be read is held back all the same.
public struct FeedGuardSettings: Sendable, Equatable {
  /// A drop of customers or outages by more than this share ...
  public var dropFractionMax = 0.4
  /// ... against a layer that was confirmed within this time is held; when the time is over, it is believed.
  public var dropWindowSeconds = 600
  /// Layers of fewer outages than this may drop as they like.
  public var dropOutagesMin = 20

  public init() {}
}

// When reports are taken to agree, and for how long: the parameters of the search for suspected outages.

/// The parameters of the search. `Docs/SUSPECTED.md` tells what each does and how they were chosen.
public struct SuspicionSettings: Sendable, Equatable {
  /// Reports further apart in time than this do not support one another.
  public var windowSeconds = 1800
  /// A report is forgotten after this: a suspected outage ends when its reports have stopped for so long.
  public var fadeAfterSeconds = 3600
  /// Service points that have to report at least, whatever the test says.
  public var reportersMin = 3
  /// Suspected outages without a cause in common that may be raised in the whole territory in a day, by chance.
  public var falseAlarmsPerDay = 1.0
  /// Reports that a thousand customers make in a day without having a cause in common.
  public var backgroundReportsPerThousandPerDay = 5.0
  /// How far apart reporters lie at most to support one another where no device joins them.
  public var neighbourMetres = 150.0
  /// The share of a feeder's transformers that have to have a reporter before the whole feeder is suspected.
  public var feederShare = 0.5

  public init() {}
}

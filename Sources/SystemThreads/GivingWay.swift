// Slow work lets queries go first.

internal import CThread

/// Has the calling thread, and those that it starts from then on, give way to threads that have not been told so.
///
/// The niceness says how much of a busy processor the thread gets. Of itself it does not say when: whoever wakes would wait until the thread's turn is over, for
/// milliseconds. So the thread asks for turns as long as the system has them (100 ms): Linux, from 6.12 on, lets one that wakes with shorter turns go
/// before one that is at a longer turn, and both still get their share (earliest eligible virtual deadline first; sched_setattr(2)).
/// - Parameter niceness: added to the thread's nice value, which ends at 19.
public func giveWay(niceness: Int32) { cthread_give_way(niceness, 100_000_000) }

// Slow work lets queries go first.

internal import CThread

/// Has the calling thread, and those that it starts from then on, give way at once to threads that have not been told so.
///
/// The niceness says how much of a busy processor the thread gets. Of itself it does not say when: whoever wakes would wait until the thread's turn is over, for
/// milliseconds. So the thread asks for turns longer than usual: Linux, from 6.12 on, lets one that wakes with shorter turns go
/// before one that is at a longer turn, and both still get their share (earliest eligible virtual deadline first; sched_setattr(2)). The thread itself
/// waits longer for its turn then: for slow work only.
/// - Parameter niceness: added to the thread's nice value, which ends at 19.
public func giveWay(niceness: Int32) { cthread_set_priority(niceness, 12_000_000) }

/// Gives the calling thread, and those that it starts from then on, less of a busy processor, in turns of the usual length: somebody waits for what it does.
/// - Parameter niceness: added to the thread's nice value, which ends at 19.
public func lowerPriority(niceness: Int32) { cthread_set_priority(niceness, 0) }

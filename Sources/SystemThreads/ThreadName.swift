// The names under which the system shows the program's threads.

internal import CThread

/// Names the calling thread, where `top -H` and `perf` show it; Foundation's own names do not reach the system.
/// - Parameter name: cut off after 15 bytes.
public func nameThread(_ name: String) { cthread_name(String(name.prefix(15))) }

// Faults in the system calls of SQLite, counted: the process is killed in the middle of the n-th write, or the disk is full from it on.

import CSpatiaLite
import GRDBSQLite
import Glibc

/// Stands between SQLite and the kernel in this process. Install it in a process of its own (an exit test): it is global.
public enum SystemCallFault {
  public enum Kind: Sendable {
    /// Half of the write is done, then the process gets SIGKILL.
    case kill
    /// No write that takes room succeeds any more.
    case diskFull
  }

  /// Calls that change files: writes, truncations and removals.
  nonisolated(unsafe) public static var callCount = 0
  nonisolated(unsafe) private static var faultyCall = Int.max
  nonisolated(unsafe) private static var kind = Kind.kill

  /// Counts from 1 from now on, and lets the fault happen at `call`.
  public static func arm(_ kind: Kind, atCall call: Int) {
    _ = install
    self.kind = kind
    callCount = 0
    faultyCall = call
  }

  /// Lets everything succeed again.
  public static func disarm() {
    faultyCall = .max
  }

  private static let install: Void = {
    let system = sqlite3_vfs_find(nil)!
    func replace(_ name: String, _ function: sqlite3_syscall_ptr) {
      // SQLite was built with one of the three ways to write; the others are null.
      if system.pointee.xGetSystemCall(system, name) != nil {
        precondition(system.pointee.xSetSystemCall(system, name, function) == SQLITE_OK)
      }
    }
    let pwrite: @convention(c) (Int32, UnsafeRawPointer?, Int, Int) -> Int = {
      descriptor, bytes, count, offset in
      switch SystemCallFault.next() {
      case .kill?:
        _ = Glibc.pwrite(descriptor, bytes, count / 2, offset)
        SystemCallFault.die()
      case .diskFull?:
        errno = ENOSPC
        return -1
      case nil:
        return Glibc.pwrite(descriptor, bytes, count, offset)
      }
    }
    let truncate: @convention(c) (Int32, Int) -> Int32 = { descriptor, size in
      if SystemCallFault.next() == .kill { SystemCallFault.die() }
      return Glibc.ftruncate(descriptor, size)
    }
    let unlink: @convention(c) (UnsafePointer<CChar>?) -> Int32 = { path in
      if SystemCallFault.next() == .kill { SystemCallFault.die() }
      return Glibc.unlink(path!)
    }
    replace("pwrite", unsafeBitCast(pwrite, to: sqlite3_syscall_ptr.self))
    replace("pwrite64", unsafeBitCast(pwrite, to: sqlite3_syscall_ptr.self))
    replace("ftruncate", unsafeBitCast(truncate, to: sqlite3_syscall_ptr.self))
    replace("unlink", unsafeBitCast(unlink, to: sqlite3_syscall_ptr.self))
  }()

  private static func next() -> Kind? {
    callCount += 1
    if callCount < faultyCall { return nil }
    return kind
  }

  private static func die() -> Never {
    kill(getpid(), SIGKILL)
    while true { pause() }
  }
}

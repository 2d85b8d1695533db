// How many files and sockets this process may have open.

import Foundation

enum OpenFileLimit {
  /// Raises the limit to what the system allows this user: a shell's usual 1,024 would be used up by as many callers.
  static func raise() {
    var limit = rlimit()
    let resource = __rlimit_resource_t(UInt32(RLIMIT_NOFILE.rawValue))
    guard getrlimit(resource, &limit) == 0, limit.rlim_cur < limit.rlim_max else { return }
    limit.rlim_cur = limit.rlim_max
    setrlimit(resource, &limit)
  }
}

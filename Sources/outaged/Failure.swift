// An error as the command line tells it: its own text and nothing around it, exit status 1.

import Foundation

/// Carries any error's description to the terminal.
struct Failure: Error, CustomStringConvertible {
  let description: String

  init(_ error: any Error) { description = "\(error)" }

  init(text: String) { description = text }
}

/// The same file for a process with another working directory.
func absolutePath(_ path: String) -> String {
  path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
}

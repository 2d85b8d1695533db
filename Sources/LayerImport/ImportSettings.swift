// The options of an import with its profile: what was asked for, resolved.

import Foundation

struct ImportSettings {
  let options: ImportOptions
  /// The profile file's content.
  let profileContent: Data?
  let tables: ImportTables
  /// Field to columns.
  let wantedColumns: [String: [String]]
  let isDayFirst: Bool
  let crs: String?
  let timeZoneName: String?
  let layerName: String?
  let encoding: String?
  let countryCode: String

  /// What the options say goes before what the profile says.
  init(_ options: ImportOptions) throws(ImportError) {
    self.options = options
    let profile: ImportProfile?
    if let file = options.profileFile {
      let content = try ImportProfile.content(of: file)
      profile = try ImportProfile(content, file: file)
      profileContent = content
    } else {
      (profile, profileContent) = (nil, nil)
    }
    tables = profile.map { ImportTables.shipped.extended(by: $0) } ?? .shipped
    var wanted = (profile?.map ?? [:]).mapValues(\.names)
    // A column that an option takes is no longer the profile's to give to another field.
    let taken = Set(options.mapping.values.map(folded))
    wanted = wanted.mapValues { $0.filter { !taken.contains(folded($0)) } }.filter { !$0.value.isEmpty }
    for (field, column) in options.mapping { wanted[field] = [column] }
    wantedColumns = wanted
    isDayFirst = profile?.dateOrder == "dmy"
    crs = options.crs ?? profile?.crs
    timeZoneName = options.timeZoneName ?? profile?.timezone ?? options.defaultTimeZoneName
    layerName = options.layerName ?? profile?.layer
    encoding = options.encoding ?? profile?.encoding
    countryCode = profile?.countryCode ?? options.defaultCountryCode
  }
}

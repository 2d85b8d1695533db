// The tests of LayerImport follow with its readers.

import Testing

#ifndef CFILE_H
#define CFILE_H

#include <stdint.h>

/// Brings a part of a file to the disk and waits for it: the bytes only, not the file's size or place (sync_file_range(2)).
/// Returns 0, or -1 with errno.
int cfile_write_back(int descriptor, int64_t offset, int64_t byte_count);

#endif

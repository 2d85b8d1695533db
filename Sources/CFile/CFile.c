#define _GNU_SOURCE
#include "CFile.h"

#include <fcntl.h>

int cfile_write_back(int descriptor, int64_t offset, int64_t byte_count) {
  return sync_file_range(descriptor, offset, byte_count,
                         SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
}

/* SPDX-License-Identifier: ISC */
#include "base/journal.h"

#include <sys/stat.h>

#include "base/slice.h"

bool journal_has_stderr(void) {
    const char *stream = getenv("JOURNAL_STREAM");
    struct slice rest = slice_of_str(stream ? stream : ""), device;
    uint64_t dev = 0, ino = 0;
    struct stat st;
    return slice_next(&rest, ':', &device) && slice_to_u64(device, UINT64_MAX, &dev) == 0 &&
           slice_to_u64(rest, UINT64_MAX, &ino) == 0 && fstat(STDERR_FILENO, &st) == 0 &&
           st.st_dev == dev && st.st_ino == ino;
}

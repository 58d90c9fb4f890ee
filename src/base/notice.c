/* SPDX-License-Identifier: ISC */
#include "base/notice.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"

bool notice_marked(void) {
    const char *stream = getenv("JOURNAL_STREAM");
    struct slice rest = slice_of_str(stream ? stream : ""), device;
    uint64_t dev = 0, ino = 0;
    struct stat st;
    return slice_next(&rest, ':', &device) && slice_to_u64(device, UINT64_MAX, &dev) == 0 &&
           slice_to_u64(rest, UINT64_MAX, &ino) == 0 && fstat(STDERR_FILENO, &st) == 0 &&
           st.st_dev == dev && st.st_ino == ino;
}

void notice_lines(int priority, struct slice text) {
    _cleanup_(buf_done) struct buf out = {0};
    struct slice line;
    bool marked = notice_marked();
    while (slice_next(&text, '\n', &line)) {
        if (marked)
            buf_printf(&out, "<%d>", priority);
        else if (out.len == 0)
            buf_add_str(&out, "hayauma: ");
        buf_add(&out, line);
        buf_add_byte(&out, '\n');
    }
    ssize_t n = write(STDERR_FILENO, out.ptr, out.len);
    (void)n;
}

void notice(int priority, const char *format, ...) {
    char text[1024];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    notice_lines(priority, slice_of_str(text));
}

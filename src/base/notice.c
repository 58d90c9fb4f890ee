/* SPDX-License-Identifier: ISC */
#include "base/notice.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/journal.h"

void notice_lines(int priority, struct slice text) {
    _cleanup_(buf_done) struct buf out = {0};
    struct slice line;
    bool marked = journal_has_stderr();
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

/* SPDX-License-Identifier: ISC */
/*
 * A second opinion: what Python's email package reads in a message that we composed.
 */
#pragma once

#include <stdio.h>

#include "message_test.h"

static inline void ask_python(struct slice message, struct buf *ret) {
    char path[] = "/tmp/hayauma-message-XXXXXX";
    char command[128];
    char chunk[4096];
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, message.ptr, message.len), message.len);
    assert_int_equal(close(fd), 0);
    (void)snprintf(command, sizeof command, "python3 message/read_message.py %s", path);
    FILE *answer = popen(command, "r");
    assert_non_null(answer);
    for (size_t n; (n = fread(chunk, 1, sizeof chunk, answer)) > 0;)
        buf_add_bytes(ret, chunk, n);
    assert_int_equal(pclose(answer), 0);
    assert_int_equal(unlink(path), 0);
}

/* The answer holds a line. */
#define assert_reads(answer, line)                                                                 \
    do {                                                                                           \
        if (slice_find(buf_slice(answer), slice_of_str("\n" line "\n")) < 0)                       \
            fail_msg("no line \"%s\" in:\n%.*s", line, SLICE_ARG(buf_slice(answer)));              \
    } while (0)

/* SPDX-License-Identifier: ISC */
/*
 * The first byte says in which parts the message comes, the second how many body lines are wanted
 * (255: all). A client that reads lines and takes one dot off gets back the message, or its
 * beginning for TOP, and never sees the end before its time.
 */
#include <stdint.h>

#include "base/error.h"
#include "pop3/text.h"

/* What a client reads: up to the line with a dot; the bytes behind it are counted. */
static size_t unstuff(struct slice sent, struct buf *to) {
    while (sent.len > 0) {
        ssize_t lf = slice_find_byte(sent, '\n');
        MUST(lf >= 0);
        struct slice line = slice_first(sent, (size_t)lf + 1);
        sent = slice_from(sent, line.len);
        if (slice_eq(line, S(".\r\n")))
            return sent.len;
        MUST(!slice_eq(line, S(".\n")));
        buf_add(to, slice_starts(line, S(".")) ? slice_from(line, 1) : line);
    }
    panic("the reply has no end");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
    if (len < 2)
        return 0;
    _cleanup_(buf_done) struct buf to = {0};
    _cleanup_(buf_done) struct buf got = {0};
    struct slice message = slice_of(bytes + 2, len - 2);
    size_t part = (size_t)bytes[0] + 1;
    struct pop3_text text;
    pop3_text_init(&text, bytes[1] == 255 ? POP3_ALL_LINES : bytes[1]);
    for (size_t at = 0; at < message.len; at += part)
        pop3_text_add(&text, slice_first(slice_from(message, at), part), &to);
    pop3_text_end(&text, &to);
    MUST(unstuff(buf_slice(&to), &got) == 0);
    struct slice end = buf_slice(&got);
    if (end.len > message.len || !slice_starts(message, end)) {
        MUST(slice_ends(end, S("\r\n")));
        end.len -= 2;
    }
    MUST(slice_starts(message, end));
    MUST(bytes[1] != 255 || end.len == message.len);
    return 0;
}

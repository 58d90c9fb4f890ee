/* SPDX-License-Identifier: ISC */
/*
 * One fiber for both directions: a parked connection costs one stack. What goes inside never waits,
 * since a process inside that is busy writing does not read: its output must be taken meanwhile.
 * What goes outside may wait, and then nothing is read from either side, which is how a peer that
 * does not read is slowed down.
 */
#include <errno.h>

#include "io/stream.h"

/* Until the inner side has nothing more: -EAGAIN, or how it ended. */
static int carry_out(struct stream *inner, struct stream *outer) WAITS {
    int r;
    while ((r = stream_try_fill(inner)) == 0) {
        struct slice window = stream_window(inner);
        stream_write(outer, window);
        stream_consume(inner, window.len);
        r = stream_flush(outer);
        if (r < 0)
            return r;
    }
    return r;
}

/* Until the inner side is full or the outer one has nothing more: -EAGAIN, or how it ended. */
static int carry_in(struct stream *outer, struct stream *inner, bool *ret_full) {
    for (;;) {
        int r = stream_try_flush(inner);
        *ret_full = r == -EAGAIN;
        if (r == 0)
            r = stream_try_fill(outer);
        if (r < 0)
            return r;
        stream_consume(outer, stream_try_write(inner, stream_window(outer)));
    }
}

int stream_carry(struct stream *outer, struct stream *inner, const bool *stays) {
    bool outer_ended = false;
    int r = 0;
    while (r == 0) {
        bool full = false;
        r = carry_out(inner, outer);
        if (r == -E_EOF)
            return stays && *stays ? 0 : stream_shutdown(outer);
        if (r != -EAGAIN)
            break;
        if (!outer_ended && carry_in(outer, inner, &full) != -EAGAIN) {
            outer_ended = true;
            (void)stream_shutdown(inner);
        }
        struct stream_wish wishes[2] = {{inner, false}, {full ? inner : outer, full}};
        r = stream_wait_any(wishes, full || !outer_ended ? 2 : 1, USEC_NEVER);
    }
    return r;
}

/* SPDX-License-Identifier: ISC */
/* A session on one end of a stream in memory, and who asks it on the other. */
#pragma once

#include "imap/session.h"
#include "store/world.h"
#include "unit.h"

struct asker {
    struct stream *stream, *other;
    struct fiber *fiber;
    struct store *store;
    struct imap_session_config config;
    struct buf said;
};

static inline void asker_serve(void *arg) WAITS {
    struct asker *c = arg;
    struct imap_session_counts counts;
    (void)imap_session(c->other, &c->config, c->store, TEST_ACCOUNT, &counts);
    (void)stream_shutdown(c->other);
}

/*
 * Says a command; all that is said then, up to the line that begins with its tag, until the next
 * call. It has to be answered with OK.
 */
static inline struct slice ask(struct asker *c, struct slice command) WAITS {
    stream_str(c->stream, "a ");
    stream_write(c->stream, command);
    stream_str(c->stream, "\r\n");
    assert_int_equal(stream_flush(c->stream), 0);
    buf_clear(&c->said);
    do {
        assert_int_equal(stream_fill(c->stream, 1), 0);
        buf_add(&c->said, stream_window(c->stream));
        stream_consume(c->stream, stream_window(c->stream).len);
    } while (slice_find(buf_slice(&c->said), S("\r\na OK ")) < 0 ||
             !slice_ends(buf_slice(&c->said), S("\r\n")));
    return buf_slice(&c->said);
}

/* With INBOX selected. */
static inline void asker_begin(struct asker *c, struct store *store,
                               const struct imap_session_config *config) WAITS {
    struct stream *ends[2];
    stream_pair(65536, ends);
    *c = (struct asker){.stream = ends[0], .other = ends[1], .store = store, .config = *config};
    c->config.tag = S("in");
    assert_int_equal(fiber_start("session", asker_serve, c, &c->fiber), 0);
    (void)ask(c, S("SELECT INBOX"));
}

static inline void asker_end(struct asker *c) WAITS {
    stream_free(c->stream);
    fiber_join(c->fiber);
    stream_free(c->other);
    buf_done(&c->said);
}

/* SPDX-License-Identifier: ISC */
#include "talk.h"

static void serve(void *arg) WAITS {
    struct talk *t = arg;
    struct imap_session_counts counts;
    (void)imap_session(t->other, &t->config, t->world->store, t->account, &counts);
    (void)stream_shutdown(t->other);
}

/* The next line, or false: none came in this time. */
static bool hear_line(struct talk *t, usec_t timeout, struct slice *ret) WAITS {
    stream_set_timeout(t->stream, timeout);
    int r = stream_read_line(t->stream, 65536, ret);
    if (r == -ETIMEDOUT)
        return false;
    assert_int_equal(r, 0);
    *ret = slice_trim_lines(*ret);
    t->hear(t, *ret);
    return true;
}

struct slice talk_ask(struct talk *t, const char *command) {
    const size_t tag = strcspn(command, " ") + 1;
    struct slice line;
    stream_str(t->stream, command);
    stream_str(t->stream, "\r\n");
    assert_int_equal(stream_flush(t->stream), 0);
    buf_clear(&t->said);
    do {
        assert_true(hear_line(t, USEC_MIN, &line));
        buf_add(&t->said, line);
        buf_add_byte(&t->said, '\n');
    } while (!slice_starts(line, slice_of(command, tag)));
    return buf_slice(&t->said);
}

void talk_listen(struct talk *t) {
    struct slice line;
    while (hear_line(t, 10 * USEC_MS, &line))
        continue;
}

void talk_begin_as(struct talk *t, struct world *w, uint64_t account,
                   const struct imap_session_config *config,
                   void (*hear)(struct talk *t, struct slice line)) {
    struct stream *ends[2];
    struct slice line;
    stream_pair(65536, ends);
    *t = (struct talk){.stream = ends[0],
                       .other = ends[1],
                       .world = w,
                       .config = *config,
                       .account = account,
                       .hear = hear};
    t->config.tag = S("in");
    assert_int_equal(fiber_start("session", serve, t, &t->fiber), 0);
    assert_true(hear_line(t, USEC_MIN, &line));
}

void talk_begin_keeping(struct talk *t, struct world *w,
                        void (*hear)(struct talk *t, struct slice line),
                        struct imap_results *results) {
    struct imap_session_config config = imap_session_defaults;
    config.results = results;
    talk_begin_as(t, w, TEST_ACCOUNT, &config, hear);
    (void)talk_ask(t, "s SELECT INBOX");
}

void talk_begin(struct talk *t, struct world *w, void (*hear)(struct talk *t, struct slice line)) {
    talk_begin_keeping(t, w, hear, NULL);
}

void talk_end(struct talk *t) {
    stream_free(t->stream);
    fiber_join(t->fiber);
    stream_free(t->other);
    buf_done(&t->said);
}

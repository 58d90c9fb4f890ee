/* SPDX-License-Identifier: ISC */
/* Sessions whose client compresses (RFC 4978): a dialogue script cannot. */
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "imap/session.h"
#include "io/deflate.h"
#include "store/memory/memory.h"
#include "unit.h"

#define ACCOUNT 4711U

struct world {
    struct memory_options memory;
    struct store *store;
    struct stream *ends[2]; /* the client's, the server's */
    struct fiber *session;
    enum door_end end;
};

static void run_session(void *arg) {
    struct world *w = arg;
    struct imap_session_config config = imap_session_defaults;
    struct imap_session_counts counts;
    config.tag = S("in");
    config.offer.tls_active = true;
    w->end = imap_session(w->ends[1], &config, w->store, ACCOUNT, &counts);
    (void)stream_shutdown(w->ends[1]);
}

/* Lines up to one that begins so; the bytes before that are counted. */
static size_t expect(struct world *w, const char *beginning) WAITS {
    size_t skipped = 0;
    struct slice line;
    for (;;) {
        assert_int_equal(stream_read_line(w->ends[0], STREAM_WINDOW, &line), 0);
        if (slice_starts(line, slice_of_str(beginning)))
            return skipped;
        skipped += line.len;
    }
}

static void begin(struct world *w) WAITS {
    struct store_options options = {.backend = memory_open, .backend_options = &w->memory};
    w->memory.memory = memory_new();
    assert_int_equal(store_open(&options, &w->store, NULL), 0);
    stream_pair(4096, w->ends);
    stream_set_timeout(w->ends[0], USEC_SEC);
    assert_int_equal(fiber_start("session", run_session, w, &w->session), 0);
    expect(w, "in OK ");
    stream_str(w->ends[0], "a COMPRESS deflate\r\n");
    expect(w, "a OK ");
    assert_int_equal(stream_deflate(w->ends[0]), 0);
}

static void end(struct world *w) WAITS {
    (void)stream_shutdown(w->ends[0]);
    fiber_join(w->session);
    stream_free(w->ends[0]);
    stream_free(w->ends[1]);
    store_close(w->store);
    memory_free(w->memory.memory);
}

static void deliver(struct world *w, struct slice text) WAITS {
    struct store_delivered d;
    struct store_delivery delivery = {.mailbox = STORE_INBOX, .parts = &text, .part_count = 1};
    assert_int_equal(store_deliver(w->store, ACCOUNT, &delivery, &d), 0);
}

FIBER_TEST(rfc4978_3_commands_and_large_answers) {
    struct world w = {0};
    struct buf message = {0};
    begin(&w);
    buf_add_str(&message, "Subject: large\r\n\r\n");
    for (unsigned i = 0; i < 40000; i++) {
        char line[40];
        (void)snprintf(line, sizeof line, "line %u of it\r\n", i);
        buf_add_str(&message, line);
    }
    deliver(&w, buf_slice(&message));
    stream_str(w.ends[0], "b SELECT INBOX\r\nc FETCH 1 BODY.PEEK[]\r\nd NOOP\r\n");
    expect(&w, "b OK ");
    expect(&w, "* 1 FETCH (BODY[] {");
    assert_int_equal(expect(&w, ")"), message.len);
    expect(&w, "d OK ");
    buf_done(&message);
    end(&w);
}

FIBER_TEST(rfc4978_3_once_is_enough) {
    struct world w = {0};
    begin(&w);
    stream_str(w.ends[0], "b COMPRESS DEFLATE\r\nc LOGOUT\r\n");
    expect(&w, "b NO [COMPRESSIONACTIVE] ");
    expect(&w, "c OK ");
    end(&w);
    assert_int_equal(w.end, DOOR_END_LOGOUT);
}

FIBER_TEST(what_changes_is_told_in_idle) {
    struct world w = {0};
    begin(&w);
    stream_str(w.ends[0], "b SELECT INBOX\r\nc IDLE\r\n");
    expect(&w, "+ ");
    deliver(&w, S("Subject: new\r\n\r\nbody\r\n"));
    assert_int_equal(expect(&w, "* 1 EXISTS"), 0);
    stream_str(w.ends[0], "DONE\r\n");
    assert_int_equal(expect(&w, "c OK "), 0);
    end(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rfc4978_3_commands_and_large_answers),
        cmocka_unit_test(test_rfc4978_3_once_is_enough),
        cmocka_unit_test(test_what_changes_is_told_in_idle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

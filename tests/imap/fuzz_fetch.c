/* SPDX-License-Identifier: ISC */
/*
 * A session is asked for any attributes of any message: every response is inside the grammar, and
 * the session is there for the next command. A line with the attributes, then the message.
 */
#include <stdint.h>

#include "imap/session.h"
#include "response_check.h"
#include "store/memory/memory.h"

#define ACCOUNT 1U

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

struct talk {
    struct slice line, message;
    struct store *store;
    struct stream *ends[2];
    struct buf said;
};

static void serve(void *arg) WAITS {
    struct talk *t = arg;
    struct imap_session_config config = imap_session_defaults;
    config.user = S("tama@example.test");
    struct imap_session_counts counts;
    config.tag = S("in");
    (void)imap_session(t->ends[1], &config, t->store, ACCOUNT, &counts);
    (void)stream_shutdown(t->ends[1]);
}

static void ask(struct talk *t) WAITS {
    struct stream *s = t->ends[0];
    stream_str(s, "s SELECT INBOX\r\na FETCH 1 ");
    stream_write(s, t->line);
    stream_str(s, "\r\nb LOGOUT\r\n");
    (void)stream_shutdown(s);
    while (stream_fill(s, 1) == 0) {
        struct slice window = stream_window(s);
        buf_add(&t->said, window);
        stream_consume(s, window.len);
    }
}

static void run(void *arg) WAITS {
    struct talk *t = arg;
    struct memory_options memory = {.memory = memory_new()};
    struct store_options options = {.backend = memory_open, .backend_options = &memory};
    struct store_delivery d = {.mailbox = STORE_INBOX, .parts = &t->message, .part_count = 1};
    struct store_delivered delivered;
    struct fiber *session;
    MUST(store_open(&options, &t->store, NULL) == 0);
    MUST(store_deliver(t->store, ACCOUNT, &d, &delivered) == 0);
    stream_pair(65536, t->ends);
    MUST(fiber_start("session", serve, t, &session) == 0);
    ask(t);
    fiber_join(session);
    stream_free(t->ends[0]);
    stream_free(t->ends[1]);
    store_close(t->store);
    memory_free(memory.memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
    const struct fiber_config config = {.simulate_from = 1800000000 * USEC_SEC};
    struct talk t = {.message = slice_of(bytes, len)};
    struct response_fault fault;
    (void)slice_next(&t.message, '\n', &t.line);
    if (!t.message.ptr)
        t.message = S("");
    MUST(fiber_run(&config, run, &t) == 0);
    struct slice rest = buf_slice(&t.said);
    MUST(slice_find(rest, S("\r\na ")) > 0 || slice_find_byte(t.line, '{') >= 0);
    while (rest.len > 0)
        if (!response_check(&rest, false, &fault))
            panic("expected %s at %zu of \"%.*s\"", fault.expected, fault.at, SLICE_ARG(rest));
    buf_done(&t.said);
    return 0;
}

/* SPDX-License-Identifier: ISC */
/*
 * How long searches take: bench_find [MESSAGES], of about 3 KB each, with a session over the store
 * of one host in $TMPDIR. While one runs, another session says NOOP all the time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/random.h"
#include "imap/session.h"
#include "store/world.h"

static unsigned messages = 100000;

struct client {
    struct stream *stream, *other;
    struct fiber *fiber;
    struct world *world;
    bool over;
    usec_t longest; /* answer to a NOOP */
};

static void serve(void *arg) WAITS {
    struct client *c = arg;
    struct imap_session_config config = imap_session_defaults;
    struct imap_session_counts counts;
    config.tag = S("a");
    (void)imap_session(c->other, &config, c->world->store, TEST_ACCOUNT, &counts);
    (void)stream_shutdown(c->other);
}

/* Reads up to the tagged answer; how many octets came. */
static size_t hear(struct client *c) WAITS {
    size_t count = 0;
    struct slice line;
    do {
        if (stream_read_line(c->stream, STREAM_WINDOW, &line) == -E_LIMIT) {
            bool bare;
            (void)stream_skip_line(c->stream, SIZE_MAX, &bare);
            line = S("* ");
        }
        count += line.len;
    } while (!slice_starts(line, S("a ")));
    return count;
}

static usec_t clock_now(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (usec_t)t.tv_sec * USEC_SEC + t.tv_nsec / 1000;
}

static void ask(struct client *c, const char *command) WAITS {
    stream_printf(c->stream, "a %s\r\n", command);
    (void)stream_flush(c->stream);
    (void)hear(c);
}

static void connect_to(struct client *c, struct world *w) WAITS {
    struct stream *ends[2];
    stream_pair(65536, ends);
    *c = (struct client){.stream = ends[0], .other = ends[1], .world = w};
    (void)fiber_start("session", serve, c, &c->fiber);
    (void)hear(c);
}

static void say_noop(void *arg) WAITS {
    struct client *c = arg;
    while (!c->over) {
        usec_t before = clock_now();
        ask(c, "NOOP");
        c->longest = MAX(c->longest, clock_now() - before);
        (void)fiber_sleep(1000);
    }
}

static void measure(struct world *w, struct client *c, const char *command) WAITS {
    struct client other;
    struct fiber *noops;
    connect_to(&other, w);
    (void)fiber_start("noop", say_noop, &other, &noops);
    usec_t before = clock_now();
    ask(c, command);
    usec_t took = clock_now() - before;
    other.over = true;
    fiber_join(noops);
    stream_free(other.stream);
    fiber_join(other.fiber);
    stream_free(other.other);
    printf("%8.1f ms  %5.1f ms  %s\n", (double)took / 1000, (double)other.longest / 1000, command);
}

static void fill(struct world *w) WAITS {
    static const char *const words[] = {"the",     "meeting", "minutes", "of",   "Monday",
                                        "invoice", "please",  "東京",    "会議", "regards"};
    for (unsigned i = 0; i < messages; i++) {
        _cleanup_(buf_done) struct buf text = {0};
        struct store_delivered d;
        buf_printf(&text,
                   "From: Tama <tama%u@example.test>\r\nSubject: about %u\r\n"
                   "Date: Mon, 2 Feb 2026 10:00:00 +0900\r\nMessage-ID: <%u@example.test>\r\n"
                   "References: <%u@example.test>\r\n"
                   "Content-Type: text/plain; charset=utf-8\r\n\r\n",
                   i % 100, i % 1000, i, i / 3);
        while (text.len < 3000)
            buf_printf(&text, "%s%s", words[random_below(10)], text.len % 7 ? " " : "\r\n");
        struct slice part = buf_slice(&text);
        struct store_delivery delivery = {
            .mailbox = STORE_INBOX, .parts = &part, .part_count = 1, .flags = i % 10 ? 1 : 0};
        assert_int_equal(store_deliver(w->store, TEST_ACCOUNT, &delivery, &d), 0);
    }
}

WORLD_TEST_ON(bench, false) {
    static const char *const commands[] = {
        "SEARCH UNSEEN",
        "SEARCH RETURN (COUNT) UNSEEN",
        "SEARCH SINCE 1-Feb-2026",
        "SEARCH SUBJECT \"about 77\"",
        "SEARCH HEADER Message-ID <4711@example.test>",
        "SEARCH TEXT nowhere",
        "SEARCH BODY invoiceplease",
        "SORT (SUBJECT DATE) UTF-8 ALL",
        "THREAD REFERENCES UTF-8 ALL",
    };
    struct client c;
    w->options.memory = (uint64_t)1 << 30;
    world_open(w);
    fill(w);
    connect_to(&c, w);
    ask(&c, "SELECT INBOX");
    printf("%u messages, %.0f MB; time, longest NOOP of another session:\n", messages,
           (double)messages * 3000 / 1e6);
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
        measure(w, &c, commands[i]);
    stream_free(c.stream);
    fiber_join(c.fiber);
    stream_free(c.other);
    world_close(w);
}

int main(int argc, char **argv) {
    if (argc > 1)
        messages = (unsigned)strtoul(argv[1], NULL, 10);
    bench(NULL);
    return 0;
}

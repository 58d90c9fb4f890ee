/* SPDX-License-Identifier: ISC */
/*
 * How long searches take: bench_find [MESSAGES], of about 6 KB each in English and Japanese, with a
 * session over the store of one host in $TMPDIR. While one runs, another session says NOOP all the
 * time. First without an index, then while it is made (and what that takes), then with it; then for
 * ten clients that search, sort and thread at once; then how deliveries go on beside it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/random.h"
#include "imap/session.h"
#include "search/indexes.h"
#include "store/bodies.h"
#include "store/world.h"

#define SIZE  6000U
#define RARE  1000U /* one message in so many has the words that no other has */
#define CROWD 10U
#define BURST 10000U
#define NOOPS 20000U

static unsigned messages = 100000;
static struct search_indexes *indexes; /* NULL: searches have none */

struct client {
    struct stream *stream, *other;
    struct fiber *fiber;
    struct world *world;
    bool over;
    unsigned noops;
    usec_t answers[NOOPS]; /* to NOOPs */
    const char *command;
};

static void serve(void *arg) WAITS {
    struct client *c = arg;
    struct imap_session_config config = imap_session_defaults;
    struct imap_session_counts counts;
    config.tag = S("a");
    config.indexes = indexes;
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

static struct client *connect_to(struct world *w) WAITS {
    struct stream *ends[2];
    struct client *c = NEW(struct client);
    stream_pair(65536, ends);
    c->stream = ends[0];
    c->other = ends[1];
    c->world = w;
    (void)fiber_start("session", serve, c, &c->fiber);
    (void)hear(c);
    ask(c, "SELECT INBOX");
    return c;
}

static void disconnect(struct client *c) WAITS {
    stream_free(c->stream);
    fiber_join(c->fiber);
    stream_free(c->other);
    free(c);
}

static void say_noop(void *arg) WAITS {
    struct client *c = arg;
    while (!c->over && c->noops < NOOPS) {
        usec_t before = clock_now();
        ask(c, "NOOP");
        c->answers[c->noops++] = clock_now() - before;
        (void)fiber_sleep(1000);
    }
}

static int compare(const void *a, const void *b) {
    const usec_t x = *(const usec_t *)a, y = *(const usec_t *)b;
    return (x > y) - (x < y);
}

/* What a client says while another one says NOOP: the time, and the NOOPs' 95 % and longest. */
static void measure(struct world *w, void (*run)(struct world *w, const char *command) WAITS,
                    const char *command) WAITS {
    struct client *other = connect_to(w);
    struct fiber *noops;
    (void)fiber_start("noop", say_noop, other, &noops);
    usec_t before = clock_now();
    run(w, command);
    usec_t took = clock_now() - before;
    other->over = true;
    fiber_join(noops);
    qsort(other->answers, other->noops, sizeof *other->answers, compare);
    unsigned count = MAX(other->noops, 1);
    printf("%9.1f ms  %6.1f  %6.1f  %s\n", (double)took / 1000,
           (double)other->answers[(size_t)count * 95 / 100] / 1000,
           (double)other->answers[count - 1] / 1000, command);
    disconnect(other);
}

static void run_one(struct world *w, const char *command) WAITS {
    struct client *c = connect_to(w);
    ask(c, command);
    disconnect(c);
}

/* ------------------------------------------------------------------ messages */

/* A number below `n`, small ones much more often, as words are. */
static unsigned draw(unsigned n) {
    double u = (double)random_below(1000000) / 1e6;
    return (unsigned)(u * u * u * u * n);
}

static void add_english(struct buf *to) {
    static const char *const parts[] = {"an", "ber", "con", "di",  "ex", "for", "ing", "ion",
                                        "le", "men", "nor", "per", "re", "sta", "tor", "us"};
    for (unsigned word = draw(60000) + 1; word > 0; word /= 16)
        buf_add_str(to, parts[word % 16]);
    buf_add_byte(to, ' ');
}

static void add_japanese(struct buf *to) {
    static const char *const particles[] = {"の", "は", "を", "に", "が", "で", "と", "も"};
    for (unsigned i = 0; i < 2; i++) {
        unsigned c = 0x4e00 + draw(3000);
        buf_printf(to, "%c%c%c", 0xe0 | c >> 12, 0x80 | (c >> 6 & 0x3f), 0x80 | (c & 0x3f));
    }
    buf_add_str(to, particles[random_below(ARRAY_SIZE(particles))]);
}

static void make(unsigned i, struct buf *text) {
    buf_clear(text);
    buf_printf(text,
               "From: Tama <tama%u@example.test>\r\nSubject: about %u\r\n"
               "Date: Mon, 2 Feb 2026 10:00:00 +0900\r\nMessage-ID: <%u@example.test>\r\n"
               "References: <%u@example.test>\r\n"
               "Content-Type: text/plain; charset=utf-8\r\n\r\n",
               i % 100, i % 1000, i, i / 3);
    if (i % RARE == 7)
        buf_add_str(text, "the parcel is called quetzalcoatl and 黒猫便 and 鯱鉾 today\r\n");
    if (i % 2)
        buf_add_str(text, "halfword\r\n");
    for (size_t line = text->len; text->len < SIZE;) {
        if (i % 2)
            add_english(text);
        else
            add_japanese(text);
        if (text->len - line > 60) {
            buf_add_str(text, "\r\n");
            line = text->len;
        }
    }
}

static void deliver_some(struct world *w, unsigned from, unsigned to) WAITS {
    _cleanup_(buf_done) struct buf text = {0};
    for (unsigned i = from; i < to; i++) {
        struct store_delivered d;
        make(i, &text);
        struct slice part = buf_slice(&text);
        struct store_delivery delivery = {
            .mailbox = STORE_INBOX, .parts = &part, .part_count = 1, .flags = i % 10 ? 1 : 0};
        assert_int_equal(store_deliver(w->store, TEST_ACCOUNT, &delivery, &d), 0);
    }
}

/* ------------------------------------------------------------------ the index */

static void wait_for_index(struct world *w, const char *what) WAITS {
    struct search_progress p = {0};
    usec_t before = clock_now();
    while (search_indexes_progress(indexes, w->account, &p) == 0 && (!p.there || p.left > 0))
        (void)fiber_sleep(100 * USEC_MS);
    printf("%s after %.1f s\n", what, (double)(clock_now() - before) / 1e6);
}

static void say_size(struct world *w) {
    _cleanup_(free_p) char *path = world_path(w, "67/4711/search.db");
    _cleanup_(free_p) char *log = mem_printf("%s-wal", path);
    uint64_t size = file_size(path) + (file_exists(log) ? file_size(log) : 0);
    printf("search.db is %.2f of the messages\n", (double)size / ((double)messages * SIZE));
}

/* ------------------------------------------------------------------ many at once */

struct crowd {
    struct client *clients[CROWD];
    struct fiber *fibers[CROWD];
};

static void ask_twice(void *arg) WAITS {
    struct client *c = arg;
    for (unsigned i = 0; i < 2; i++)
        ask(c, c->command);
}

static void run_crowd(struct world *w, const char *command) WAITS {
    static const char *const mixed[] = {"SEARCH TEXT quetzalcoatl", "SEARCH TEXT halfword",
                                        "SORT (SUBJECT DATE) UTF-8 ALL",
                                        "THREAD REFERENCES UTF-8 ALL", "SEARCH TEXT の"};
    struct crowd crowd;
    for (unsigned i = 0; i < CROWD; i++) {
        crowd.clients[i] = connect_to(w);
        crowd.clients[i]->command = *command == '(' ? mixed[i % ARRAY_SIZE(mixed)] : command;
        (void)fiber_start("crowd", ask_twice, crowd.clients[i], &crowd.fibers[i]);
    }
    for (unsigned i = 0; i < CROWD; i++) {
        fiber_join(crowd.fibers[i]);
        disconnect(crowd.clients[i]);
    }
}

/* ------------------------------------------------------------------ all */

static const char *const commands[] = {
    "SEARCH UNSEEN",
    "SEARCH RETURN (COUNT) UNSEEN",
    "SEARCH SINCE 1-Feb-2026",
    "SEARCH SUBJECT \"about 77\"",
    "SEARCH FROM tama77@",
    "SEARCH HEADER Message-ID <4711@example.test>",
    "SEARCH TEXT quetzalcoatl",
    "SEARCH TEXT etzalc",
    "SEARCH TEXT {9+}\r\n黒猫便",
    "SEARCH TEXT {6+}\r\n鯱鉾",
    "SEARCH BODY halfword",
    "SEARCH TEXT nowhere",
    "SEARCH RETURN (MIN) TEXT halfword",
    "SEARCH RETURN (MAX) TEXT quetzalcoatl",
    "SORT (SUBJECT DATE) UTF-8 ALL",
    "THREAD REFERENCES UTF-8 ALL",
};

static void measure_all(struct world *w, const char *what) WAITS {
    printf("%s: time, 95 %% and longest of another session's NOOPs in ms\n", what);
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
        measure(w, run_one, commands[i]);
    (void)fflush(stdout);
}

static void run_burst(struct world *w, const char *command) WAITS {
    (void)command;
    deliver_some(w, messages, messages + BURST);
}

WORLD_TEST_ON(bench, false) {
    struct search_indexes_options options = {0};
    w->options.memory = (uint64_t)1 << 30;
    struct search_indexes *x = search_indexes_new(&options);
    w->options.arrived = search_indexes_arrived;
    w->options.arrived_arg = x;
    world_open(w);
    random_fix(1);
    deliver_some(w, 0, messages);
    printf("%u messages, %.0f MB\n", messages, (double)messages * SIZE / 1e6);
    if (!getenv("INDEXED_ONLY"))
        measure_all(w, "without an index");
    measure(w, run_burst, "(a burst of deliveries, without an index)");
    messages += BURST;
    assert_int_equal(search_indexes_start(x, w->store), 0);
    indexes = x;
    run_one(w, "SEARCH RETURN (MIN) TEXT halfword");
    wait_for_index(w, "the index is made");
    say_size(w);
    measure_all(w, "with an index");
    measure(w, run_crowd, "SEARCH TEXT quetzalcoatl");
    measure(w, run_crowd, "(ten clients: rare and frequent words, SORT, THREAD)");
    measure(w, run_burst, "(a burst of deliveries, which the index follows)");
    wait_for_index(w, "caught up");
    search_indexes_stop(x);
    world_close(w);
    search_indexes_free(x);
}

int main(int argc, char **argv) {
    if (argc > 1)
        messages = (unsigned)strtoul(argv[1], NULL, 10);
    bench(NULL);
    return 0;
}

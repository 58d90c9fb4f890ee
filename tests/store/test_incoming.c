/* SPDX-License-Identifier: ISC */
/* Messages that come in pieces: their bytes, their bounds, and what is left of those given up. */
#include "store/incoming.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>

#include "fiber/fiber.h"
#include "world.h"

#define LATER (fiber_now() + USEC_MIN)

static void fill_pattern(char *bytes, size_t len, size_t from) {
    for (size_t i = 0; i < len; i++)
        bytes[i] = (char)('a' + (from + i) % 23);
}

static void add(struct store_incoming *in, size_t count, size_t piece) WAITS {
    char *bytes = mem_alloc(piece);
    for (size_t done = 0; done < count; done += piece) {
        fill_pattern(bytes, piece, in->len);
        struct slice next = slice_of(bytes, MIN(piece, count - done));
        assert_int_equal(store_incoming_add(in, next), 0);
        assert_true(in->held.len <= STORE_INCOMING_HELD);
    }
    free(bytes);
}

static struct store_delivered deliver(struct store_incoming *in) WAITS {
    struct store_delivered done = {0};
    struct store_delivery d = {.mailbox = STORE_INBOX, .flags = STORE_SEEN};
    assert_int_equal(store_incoming_deliver(in, &d, &done), 0);
    return done;
}

static void assert_stored(struct world *w, size_t at, size_t len) WAITS {
    struct snapshot *s = world_snapshot(w);
    assert_true(s->count > at);
    assert_int_equal(s->messages[at].size, len);
    assert_int_equal(s->messages[at].flags & STORE_SEEN, STORE_SEEN);
    char *read = mem_alloc(len + 1), *expected = mem_alloc(len + 1);
    assert_int_equal(store_read(w->account, &s->messages[at], 0, read, len), (ssize_t)len);
    fill_pattern(expected, len, 0);
    assert_memory_equal(read, expected, len);
    free(read);
    free(expected);
    free(s);
}

static uint64_t held(struct world *w) {
    struct store_stats stats;
    store_stats(w->store, &stats);
    return stats.incoming;
}

static size_t count_names(const char *path) {
    DIR *d = opendir(path);
    size_t count = 0;
    assert_non_null(d);
    while (readdir(d))
        count++;
    closedir(d);
    return count;
}

static size_t open_files(void) {
    return count_names("/proc/self/fd");
}

/* ------------------------------------------------------------------ bytes */

WORLD_TEST_BOTH(what_came_in_pieces_is_stored_byte_for_byte) {
    static const struct {
        size_t len, piece;
    } cases[] = {
        {0, 1},
        {1, 1},
        {STORE_INCOMING_HELD, 1000},
        {STORE_INCOMING_HELD, STORE_INCOMING_HELD},
        {STORE_INCOMING_HELD + 1, STORE_INCOMING_HELD},
        {STORE_INCOMING_HELD + 1, STORE_INCOMING_HELD + 1},
        {300000, 77},
        {3000000, 131072},
    };
    world_open(w);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct store_incoming in;
        store_incoming_init(&in, w->account);
        assert_int_equal(store_incoming_announce(&in, cases[i].len, 0, LATER), 0);
        add(&in, cases[i].len, cases[i].piece);
        assert_int_equal(in.len, cases[i].len);
        assert_int_equal(deliver(&in).uid, i + 1);
        store_incoming_done(&in);
        assert_stored(w, i, cases[i].len);
        assert_int_equal(held(w), 0);
    }
}

WORLD_TEST_BOTH(nothing_is_left_of_a_message_that_was_given_up) {
    world_open(w);
    world_fill(w, 1);
    char *folder = world_path(w, "67/4711");
    size_t files = open_files(), names = w->memory.memory ? 0 : count_names(folder);
    struct store_incoming in;
    store_incoming_init(&in, w->account);
    assert_int_equal(store_incoming_announce(&in, 300000, 0, LATER), 0);
    add(&in, 200000, 1000);
    assert_int_equal(open_files(), files + 1);
    if (!w->memory.memory) /* its file has no name, so it is gone with the process, too */
        assert_int_equal(count_names(folder), names);
    store_incoming_done(&in);
    assert_int_equal(open_files(), files);
    assert_int_equal(held(w), 0);
    EXPECT_UIDS(w, 1);
    free(folder);
}

/* ------------------------------------------------------------------ bounds */

WORLD_TEST_BOTH(above_the_bound_of_memory_what_comes_goes_to_files_and_nobody_is_refused) {
    world_open(w);
    enum { COUNT = STORE_INCOMING_MEMORY / STORE_INCOMING_HELD + 40 };
    struct store_incoming *in = mem_array(COUNT, sizeof *in);
    for (size_t i = 0; i < COUNT; i++) {
        store_incoming_init(&in[i], w->account);
        assert_int_equal(store_incoming_announce(&in[i], STORE_INCOMING_HELD, 0, LATER), 0);
        add(&in[i], STORE_INCOMING_HELD, STORE_INCOMING_HELD / 2);
        assert_true(held(w) <= STORE_INCOMING_MEMORY);
    }
    assert_int_equal(held(w), STORE_INCOMING_MEMORY);
    for (size_t i = 0; i < COUNT; i++) {
        (void)deliver(&in[i]);
        store_incoming_done(&in[i]);
    }
    assert_int_equal(held(w), 0);
    assert_stored(w, 0, STORE_INCOMING_HELD);
    assert_stored(w, COUNT - 1, STORE_INCOMING_HELD);
    free(in);
}

WORLD_TEST_BOTH(more_than_the_quota_is_refused_when_it_is_announced) {
    world_open(w);
    world_fill(w, 1); /* 10 bytes */
    struct store_incoming in;
    store_incoming_init(&in, w->account);
    assert_int_equal(store_incoming_announce(&in, 91, 100, LATER), -E_LIMIT);
    assert_int_equal(store_incoming_announce(&in, 90, 100, LATER), 0);
    assert_int_equal(store_incoming_announce(&in, 1, 100, LATER), -E_LIMIT);
    assert_int_equal(store_incoming_announce(&in, 1, 9, LATER), -E_LIMIT);
    assert_int_equal(store_incoming_announce(&in, (uint64_t)UINT32_MAX + 1, 0, LATER), -E_LIMIT);
    add(&in, 90, 90);
    world_fill(w, 2); /* meanwhile the room is taken */
    struct store_delivery d = {.mailbox = STORE_INBOX, .quota = 100};
    struct store_delivered done;
    assert_int_equal(store_incoming_deliver(&in, &d, &done), -E_LIMIT);
    store_incoming_done(&in);
    EXPECT_UIDS(w, 1, 2);
}

WORLD_TEST(d4_a_message_that_the_disk_has_no_room_for_is_refused_when_it_is_announced) {
    world_open(w);
    store_set_min_free(w->store, 1ULL << 60);
    struct store_incoming in;
    store_incoming_init(&in, w->account);
    assert_int_equal(store_incoming_announce(&in, 10, 0, LATER), -ENOSPC);
    store_set_min_free(w->store, 1);
    assert_int_equal(store_incoming_announce(&in, 10, 0, LATER), 0);
    store_incoming_done(&in);
}

WORLD_TEST(d4_a_disk_that_becomes_full_ends_a_message_and_nothing_of_it_is_left) {
    world_open(w);
    size_t files = open_files();
    char bytes[1000] = {0};
    struct store_incoming in;
    store_incoming_init(&in, w->account);
    assert_int_equal(store_incoming_announce(&in, 1000000, 0, LATER), 0);
    add(&in, 100000, 1000);
    store_set_min_free(w->store, 1ULL << 60);
    int r = 0;
    for (unsigned i = 0; r == 0 && i < 100; i++)
        r = store_incoming_add(&in, slice_of(bytes, sizeof bytes));
    assert_int_equal(r, -ENOSPC);
    store_incoming_done(&in);
    assert_true(open_files() <= files + 1); /* of the account: its pack */
    store_set_min_free(w->store, 1);
    store_incoming_init(&in, w->account);
    assert_int_equal(store_incoming_announce(&in, 100000, 0, LATER), 0);
    add(&in, 100000, 1000);
    (void)deliver(&in);
    store_incoming_done(&in);
    assert_stored(w, 0, 100000);
}

WORLD_TEST_BOTH(a_failed_write_ends_a_message_and_no_other) {
    world_open(w);
    struct rlimit before, small = {.rlim_cur = 150000};
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small.rlim_max = before.rlim_max;
    (void)signal(SIGXFSZ, SIG_IGN);
    char *bytes = mem_alloc(100000);
    fill_pattern(bytes, 100000, 0);
    struct store_incoming in;
    store_incoming_init(&in, w->account);
    assert_int_equal(store_incoming_announce(&in, 300000, 0, LATER), 0);
    assert_int_equal(store_incoming_add(&in, slice_of(bytes, 100000)), 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int r = store_incoming_add(&in, slice_of(bytes, 100000));
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(r, -EFBIG);
    store_incoming_done(&in);
    assert_int_equal(held(w), 0);
    store_incoming_init(&in, w->account);
    assert_int_equal(store_incoming_announce(&in, 200000, 0, LATER), 0);
    add(&in, 200000, 1000);
    (void)deliver(&in);
    store_incoming_done(&in);
    assert_stored(w, 0, 200000);
    free(bytes);
}

/* ------------------------------------------------------------------ places */

struct guest {
    struct world *w;
    struct store_incoming in;
    uint64_t bytes;
    usec_t deadline;
    int result;
    unsigned order;
    unsigned *arrived;
};

static void arrive(void *arg) WAITS {
    struct guest *g = arg;
    store_incoming_init(&g->in, g->w->account);
    g->result = store_incoming_announce(&g->in, g->bytes, 0, g->deadline);
    g->order = ++*g->arrived;
}

static void start(struct guest *g, struct world *w, unsigned *arrived, uint64_t bytes,
                  usec_t patience) WAITS {
    *g = (struct guest){.w = w, .bytes = bytes, .deadline = fiber_now() + patience, .result = 1};
    g->arrived = arrived;
    assert_int_equal(fiber_spawn("guest", arrive, g), 0);
    assert_int_equal(fiber_sleep(1), 0);
}

WORLD_TEST_BOTH(what_is_announced_for_an_account_waits_for_its_place_in_order_of_arrival) {
    world_open(w);
    unsigned arrived = 0;
    struct guest g[5];
    const uint64_t half = STORE_INCOMING_ACCOUNT / 2;
    start(&g[0], w, &arrived, half, USEC_HOUR);
    start(&g[1], w, &arrived, half, USEC_HOUR);
    start(&g[2], w, &arrived, half + 1, USEC_HOUR);
    start(&g[3], w, &arrived, 1, USEC_MIN); /* there would be no room before it either */
    start(&g[4], w, &arrived, 2, USEC_HOUR);
    assert_int_equal(arrived, 2);
    assert_int_equal(store_incoming_announce(&g[0].in, 1, 0, LATER), -E_BUSY);
    assert_int_equal(fiber_sleep(USEC_MIN), 0);
    assert_int_equal(g[3].result, -E_BUSY);
    store_incoming_done(&g[0].in);
    assert_int_equal(fiber_sleep(1), 0);
    assert_int_equal(g[2].result, 1);
    assert_int_equal(g[4].result, 1);
    store_incoming_done(&g[1].in);
    assert_int_equal(fiber_sleep(1), 0);
    assert_int_equal(g[2].result, 0);
    assert_int_equal(g[4].result, 0);
    assert_true(g[2].order < g[4].order);
    for (size_t i = 2; i < 5; i++)
        store_incoming_done(&g[i].in);
}

WORLD_TEST_BOTH(who_gives_up_waiting_lets_in_who_stands_behind) {
    world_open(w);
    unsigned arrived = 0;
    struct guest g[3];
    start(&g[0], w, &arrived, 1, USEC_HOUR);
    start(&g[1], w, &arrived, STORE_INCOMING_ACCOUNT, USEC_MIN);
    start(&g[2], w, &arrived, 1, USEC_HOUR);
    assert_int_equal(g[2].result, 1);
    assert_int_equal(fiber_sleep(USEC_MIN), 0);
    assert_int_equal(g[1].result, -E_BUSY);
    assert_int_equal(g[2].result, 0);
    for (size_t i = 0; i < 3; i++)
        store_incoming_done(&g[i].in);
}

WORLD_TEST_BOTH(a_message_above_the_bound_of_an_account_comes_alone) {
    world_open(w);
    unsigned arrived = 0;
    struct guest g[2];
    start(&g[0], w, &arrived, STORE_INCOMING_ACCOUNT + 1ULL, USEC_HOUR);
    start(&g[1], w, &arrived, 1, USEC_HOUR);
    assert_int_equal(g[0].result, 0);
    assert_int_equal(g[1].result, 1);
    store_incoming_done(&g[0].in);
    assert_int_equal(fiber_sleep(1), 0);
    assert_int_equal(g[1].result, 0);
    store_incoming_done(&g[1].in);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        BOTH(what_came_in_pieces_is_stored_byte_for_byte),
        BOTH(nothing_is_left_of_a_message_that_was_given_up),
        BOTH(above_the_bound_of_memory_what_comes_goes_to_files_and_nobody_is_refused),
        BOTH(more_than_the_quota_is_refused_when_it_is_announced),
        cmocka_unit_test(
            d4_a_message_that_the_disk_has_no_room_for_is_refused_when_it_is_announced),
        cmocka_unit_test(d4_a_disk_that_becomes_full_ends_a_message_and_nothing_of_it_is_left),
        BOTH(a_failed_write_ends_a_message_and_no_other),
        BOTH(what_is_announced_for_an_account_waits_for_its_place_in_order_of_arrival),
        BOTH(who_gives_up_waiting_lets_in_who_stands_behind),
        BOTH(a_message_above_the_bound_of_an_account_comes_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

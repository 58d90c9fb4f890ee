/* SPDX-License-Identifier: ISC */
/*
 * The indexes of accounts: whatever becomes of their files, each message that has a text is among
 * those that are to be looked at.
 */
#include "store/world.h"

#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fiber/fiber.h"
#include "search/indexes.h"
#include "store/bodies.h"

#define SEARCH   "67/4711/search.db"
#define FRESH    SEARCH ".new"
#define A_MOMENT (30 * USEC_SEC)
#define LEAST    10U

struct indexes {
    struct world *world;
    struct search_indexes *x;
};

static void report(void *arg, uint64_t account, const char *text) {
    struct world *w = arg;
    assert_int_equal(account, TEST_ACCOUNT);
    buf_add_str(&w->reports, text);
    buf_add_byte(&w->reports, '\n');
}

static void begin(struct indexes *t, struct world *w) {
    struct search_indexes_options options = {.least = LEAST, .report = report, .report_arg = w};
    *t = (struct indexes){w, search_indexes_new(&options)};
    w->options.arrived = search_indexes_arrived;
    w->options.arrived_arg = t->x;
    world_open(w);
    assert_int_equal(search_indexes_start(t->x, w->store), 0);
}

static void end(struct indexes *t) {
    search_indexes_stop(t->x);
    world_close(t->world);
    search_indexes_free(t->x);
}

static void again(struct indexes *t) {
    struct world *w = t->world;
    end(t);
    begin(t, w);
}

/* An empty folder. */
static void start_over(struct world *w) {
    world_remove(w);
    assert_int_equal(mkdir(w->dir, 0700), 0);
}

/* ------------------------------------------------------------------ messages, and what is found */

static void write_text(unsigned n, struct buf *to) {
    buf_clear(to);
    buf_printf(to, "Subject: number n%uu\r\nFrom: Tama %u <tama%u@example.test>\r\n\r\n", n, n, n);
    buf_printf(to, "The text of w%uw, 会議%s.\r\n", n, n % 2 ? "室" : "中");
}

static void deliver(struct world *w, struct slice text) {
    struct store_delivered d;
    struct store_delivery v = {.mailbox = STORE_INBOX, .parts = &text, .part_count = 1};
    assert_int_equal(store_deliver(w->store, TEST_ACCOUNT, &v, &d), 0);
}

static void fill(struct world *w, unsigned from, unsigned to) {
    _cleanup_(buf_done) struct buf text = {0};
    for (unsigned n = from; n < to; n++) {
        write_text(n, &text);
        deliver(w, buf_slice(&text));
    }
}

static void ask(struct indexes *t, enum search_field field, const char *needle,
                struct search_hits *ret) {
    struct search_asked asked = {.field = field, .needle = slice_of_str(needle)};
    search_indexes_ask(t->x, t->world->account, &asked, 1);
    *ret = asked.hits;
}

/* Whether a body is to be looked at. */
static bool may_have(const struct search_hits *h, uint64_t body) {
    bool may = !h->narrows || body > h->up_to;
    for (size_t i = 0; i < h->count; i++)
        may |= h->bodies[i] == body;
    return may;
}

/* Of how many messages of the INBOX nothing is to be read for a needle. Each that has it is among
 * the others. */
static size_t passed_over(struct indexes *t, const char *needle) {
    _cleanup_(search_hits_done) struct search_hits hits = {0};
    _cleanup_(free_p) struct snapshot *s = world_snapshot(t->world);
    size_t passed = 0;
    ask(t, SEARCH_ANY, needle, &hits);
    for (size_t i = 0; i < s->count; i++) {
        _cleanup_(free_p) char *text = mem_zero(s->messages[i].size + 1);
        bool may = may_have(&hits, s->messages[i].body);
        ssize_t n = store_read(t->world->account, &s->messages[i], 0, text, s->messages[i].size);
        if (n >= 0 && slice_find(slice_of(text, (size_t)n), slice_of_str(needle)) >= 0 && !may)
            fail_msg("message %zu has %s, and is not among the hits", i, needle);
        passed += !may;
    }
    return passed;
}

static bool there_is(const struct world *w, const char *name) {
    _cleanup_(free_p) char *path = world_path(w, name);
    return file_exists(path);
}

static bool said(const struct world *w, const char *text) {
    return slice_find(buf_slice(&w->reports), slice_of_str(text)) >= 0;
}

/* An account with messages 0 to count - 1, and their index. */
static void begin_with(struct indexes *t, struct world *w, unsigned count) {
    begin(t, w);
    fill(w, 0, count);
    assert_int_equal(passed_over(t, "w3w"), 0);
    (void)fiber_sleep(A_MOMENT);
    assert_int_equal(passed_over(t, "w3w"), count - 1);
}

/* ------------------------------------------------------------------ being made, and followed */

WORLD_TEST(an_index_is_made_when_somebody_asks_and_narrows_from_then_on) {
    struct indexes t;
    begin(&t, w);
    fill(w, 0, 50);
    (void)fiber_sleep(A_MOMENT);
    assert_false(there_is(w, SEARCH));
    assert_int_equal(passed_over(&t, "w7w"), 0);
    (void)fiber_sleep(USEC_SEC);
    assert_true(there_is(w, SEARCH));
    assert_int_equal(passed_over(&t, "w7w"), 49);
    assert_int_equal(passed_over(&t, "議室"), 25);
    assert_int_equal(passed_over(&t, "会"), 0);
    assert_int_equal(passed_over(&t, "nowhere"), 50);
    end(&t);
}

WORLD_TEST(fields_are_asked_by_themselves) {
    struct indexes t;
    begin_with(&t, w, 20);
    _cleanup_(search_hits_done) struct search_hits hits = {0};
    ask(&t, SEARCH_SUBJECT, "tama7", &hits);
    assert_true(hits.narrows);
    assert_int_equal(hits.count, 0);
    search_hits_done(&hits);
    ask(&t, SEARCH_FROM, "tama7@", &hits);
    assert_int_equal(hits.count, 1);
    end(&t);
}

WORLD_TEST(what_comes_later_is_to_be_looked_at_until_it_is_in) {
    struct indexes t;
    begin_with(&t, w, 20);
    fill(w, 20, 40);
    assert_int_equal(passed_over(&t, "w30w"), 20);
    (void)fiber_sleep(A_MOMENT);
    assert_int_equal(passed_over(&t, "w30w"), 39);
    again(&t); /* nobody asks, but the index is there */
    fill(w, 40, 60);
    (void)fiber_sleep(A_MOMENT);
    _cleanup_(search_hits_done) struct search_hits hits = {0};
    ask(&t, SEARCH_ANY, "w50w", &hits);
    assert_int_equal(hits.up_to, 60);
    end(&t);
}

WORLD_TEST(it_is_known_how_many_are_to_come_into_all_of_them) {
    struct indexes t;
    begin_with(&t, w, 20);
    assert_int_equal(search_indexes_left(t.x), 0);
    fill(w, 20, 23);
    assert_int_equal(search_indexes_left(t.x), 3);
    (void)fiber_sleep(A_MOMENT);
    assert_int_equal(search_indexes_left(t.x), 0);
    end(&t);
}

WORLD_TEST(an_account_with_few_messages_gets_none) {
    struct indexes t;
    begin(&t, w);
    fill(w, 0, LEAST - 1);
    assert_int_equal(passed_over(&t, "w3w"), 0);
    (void)fiber_sleep(A_MOMENT);
    assert_false(there_is(w, SEARCH));
    end(&t);
}

WORLD_TEST(more_than_a_batch_is_indexed_over_several_turns) {
    struct indexes t;
    begin_with(&t, w, 1300);
    end(&t);
}

/* Larger than what is read at once, with the word at its end; and one with too many words. */
WORLD_TEST(large_messages_are_indexed_or_looked_at) {
    struct indexes t;
    _cleanup_(buf_done) struct buf text = {0}, words = {0};
    begin(&t, w);
    fill(w, 0, 20);
    buf_add_str(&text, "Subject: large\r\n\r\n");
    while (text.len < 3 * STORE_SPAN_MAX + 99)
        buf_add_str(&text, "the same line again and again\r\n");
    buf_add_str(&text, "quetzalcoatl\r\n");
    deliver(w, buf_slice(&text));
    buf_add_str(&words, "Subject: many\r\n\r\n");
    for (unsigned i = 0; i < SEARCH_DOCUMENT_MAX + 10; i++)
        buf_printf(&words, "z%ux\r\n", i);
    deliver(w, buf_slice(&words));
    fill(w, 20, 30);
    (void)passed_over(&t, "w7w");
    (void)fiber_sleep(A_MOMENT);
    assert_int_equal(passed_over(&t, "quetzalcoatl"), 30); /* but itself, and the other one */
    assert_int_equal(passed_over(&t, "nowhere"), 31);
    end(&t);
}

WORLD_TEST(a_message_that_cannot_be_read_is_to_be_looked_at_and_keeps_no_other_out) {
    struct indexes t;
    begin(&t, w);
    fill(w, 0, 20);
    _cleanup_(free_p) struct snapshot *s = world_snapshot(w);
    struct world_place place = world_place(w, &s->messages[7]);
    _cleanup_(free_p) char *path = world_path(w, TEST_PACK);
    file_damage(path, place.body, 4);
    (void)passed_over(&t, "w3w");
    (void)fiber_sleep(A_MOMENT);
    assert_int_equal(passed_over(&t, "w3w"), 18);
    end(&t);
}

WORLD_TEST_BOTH(without_a_place_for_files_all_is_to_be_looked_at) {
    struct indexes t;
    begin(&t, w);
    fill(w, 0, 20);
    bool has_place = store_index_path(w->account) != NULL;
    assert_int_equal(search_indexes_rebuild(t.x, w->account), has_place ? 0 : -ENOTSUP);
    (void)fiber_sleep(A_MOMENT);
    assert_int_equal(passed_over(&t, "w3w"), has_place ? 19 : 0);
    end(&t);
}

/* ------------------------------------------------------------------ what may become of the file */

WORLD_TEST(the_file_may_be_removed_at_any_time) {
    struct indexes t;
    static const char *const endings[] = {"", "-wal", "-shm"};
    for (unsigned which = 1; which < 8; which++) { /* some of them stay */
        begin_with(&t, w, 20);
        for (unsigned i = 0; i < ARRAY_SIZE(endings); i++) {
            _cleanup_(free_p) char *name = mem_printf(SEARCH "%s", endings[i]);
            _cleanup_(free_p) char *path = world_path(w, name);
            if (which >> i & 1)
                (void)unlink(path);
        }
        (void)passed_over(&t, "w3w");
        fill(w, 20, 30);
        (void)passed_over(&t, "w25w");
        again(&t);
        (void)passed_over(&t, "w25w");
        (void)fiber_sleep(2 * USEC_MIN);
        assert_int_equal(passed_over(&t, "w25w"), 29);
        end(&t);
        start_over(w);
    }
}

static void is_garbage(const char *path) {
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    for (unsigned i = 0; i < 20000; i++)
        (void)fputc((int)(i * 7 % 251), f);
    assert_int_equal(fclose(f), 0);
}

static void is_empty(const char *path) {
    file_cut(path, 0);
}

static void is_half(const char *path) {
    file_cut(path, file_size(path) / 2);
}

static void has_lost_its_head(const char *path) {
    file_damage(path, 0, 100);
}

static void has_bad_pages(const char *path) {
    for (uint64_t at = 4096; at < file_size(path); at += 4096)
        file_damage(path, at, 64);
}

WORLD_TEST(a_file_that_is_spoiled_is_made_anew_and_nothing_is_missed) {
    struct indexes t;
    static void (*const spoil[])(const char *path) = {is_garbage, is_empty, is_half,
                                                      has_lost_its_head, has_bad_pages};
    _cleanup_(free_p) char *path = world_path(w, SEARCH);
    _cleanup_(free_p) char *log = world_path(w, SEARCH "-wal");
    begin_with(&t, w, 300);
    for (size_t i = 0; i < ARRAY_SIZE(spoil); i++) {
        assert_int_equal(search_indexes_rebuild(t.x, w->account), 0); /* all in one file */
        (void)fiber_sleep(A_MOMENT);
        end(&t);
        (void)unlink(log);
        spoil[i](path);
        begin(&t, w);
        for (unsigned k = 0; k < 5; k++) {
            (void)passed_over(&t, "w3w");
            (void)passed_over(&t, "会議室");
            (void)fiber_sleep(2 * USEC_MIN);
        }
        assert_int_equal(passed_over(&t, "w3w"), 299);
    }
    end(&t);
}

WORLD_TEST(an_index_of_newer_mailboxes_than_were_put_back_is_not_believed) {
    struct indexes t;
    _cleanup_(free_p) char *path = world_path(w, SEARCH);
    _cleanup_(free_p) char *kept = mem_printf("%s.kept", w->dir);
    for (unsigned more = 0; more < 2; more++) {
        begin_with(&t, w, 20);
        end(&t);
        world_image(w);
        begin(&t, w);
        fill(w, 20, 40);
        (void)passed_over(&t, "w25w");
        (void)fiber_sleep(A_MOMENT);
        assert_int_equal(search_indexes_rebuild(t.x, w->account), 0);
        (void)fiber_sleep(A_MOMENT);
        end(&t);
        file_copy(path, kept);
        world_restore(w);
        file_copy(kept, path);
        begin(&t, w);
        if (more == 0)
            fill(w, 100, 110); /* under numbers that are in the index already */
        else
            fill(w, 100, 130); /* and beyond */
        for (unsigned k = 0; k < 3; k++) {
            (void)passed_over(&t, "w105w");
            (void)fiber_sleep(A_MOMENT);
        }
        assert_int_equal(passed_over(&t, "w105w"), more == 0 ? 29 : 49);
        end(&t);
        start_over(w);
        (void)unlink(kept);
    }
}

WORLD_TEST(an_account_made_anew_from_its_packs_loses_its_index) {
    struct indexes t;
    struct backend_repaired r;
    struct problem p;
    begin_with(&t, w, 20);
    end(&t);
    assert_int_equal(solo_offline.repair(w->dir, TEST_ACCOUNT, &r, &p), 0);
    assert_false(there_is(w, SEARCH));
    assert_false(there_is(w, SEARCH "-wal"));
    begin(&t, w);
    assert_int_equal(passed_over(&t, "w3w"), 0);
    (void)fiber_sleep(A_MOMENT);
    assert_int_equal(passed_over(&t, "w3w"), 19);
    end(&t);
}

WORLD_TEST(a_purge_takes_the_index_along) {
    struct indexes t;
    begin_with(&t, w, 20);
    store_account_close(w->account);
    w->account = NULL;
    assert_int_equal(store_purge(w->store, TEST_ACCOUNT), 0);
    assert_false(there_is(w, "67/4711"));
    search_indexes_stop(t.x);
    search_indexes_free(t.x);
}

/* ------------------------------------------------------------------ made anew */

WORLD_TEST(while_it_is_made_anew_the_old_one_is_asked) {
    struct indexes t;
    begin_with(&t, w, 700);
    assert_int_equal(search_indexes_rebuild(t.x, w->account), 0);
    unsigned times = 0;
    do {
        assert_int_equal(passed_over(&t, "w7w"), 699);
        (void)fiber_yield();
    } while (there_is(w, FRESH) && times++ < 10000);
    (void)fiber_sleep(A_MOMENT);
    assert_false(there_is(w, FRESH));
    assert_int_equal(passed_over(&t, "w7w"), 699);
    end(&t);
}

/* What the process before has begun goes on. */
WORLD_TEST(one_that_was_begun_is_finished_by_the_next_process) {
    struct indexes t;
    _cleanup_(free_p) char *path = world_path(w, SEARCH), *fresh = world_path(w, FRESH);
    begin_with(&t, w, 20);
    assert_int_equal(search_indexes_rebuild(t.x, w->account), 0);
    (void)fiber_sleep(A_MOMENT);
    end(&t);
    file_copy(path, fresh);
    begin(&t, w);
    fill(w, 20, 40);
    (void)fiber_sleep(A_MOMENT);
    assert_false(there_is(w, FRESH));
    assert_int_equal(passed_over(&t, "w25w"), 39);
    end(&t);
}

WORLD_TEST(an_index_mostly_of_removed_messages_is_made_anew) {
    struct indexes t;
    _cleanup_(buf_done) struct buf uids = {0};
    _cleanup_(search_hits_done) struct search_hits hits = {0};
    begin_with(&t, w, 1500);
    for (uint32_t uid = 1; uid <= 1450; uid++)
        buf_add_bytes(&uids, &uid, sizeof uid);
    size_t removed;
    assert_int_equal(store_expunge(w->account, STORE_INBOX, (const void *)uids.ptr, 1450, &removed),
                     0);
    fill(w, 1500, 1510);
    (void)fiber_sleep(A_MOMENT);
    ask(&t, SEARCH_ANY, "会議", &hits);
    assert_true(hits.narrows);
    assert_int_equal(hits.count, 60);
    end(&t);
}

WORLD_TEST(progress_tells_what_is_in_it_and_what_is_left) {
    struct indexes t;
    struct search_progress p;
    begin(&t, w);
    fill(w, 0, 20);
    assert_int_equal(search_indexes_progress(t.x, w->account, &p), 0);
    assert_false(p.there);
    (void)passed_over(&t, "w7w");
    (void)fiber_sleep(A_MOMENT);
    fill(w, 20, 25);
    assert_int_equal(search_indexes_progress(t.x, w->account, &p), 0);
    assert_true(p.there && !p.anew);
    assert_int_equal(p.messages, 20);
    assert_int_equal(p.left, 5);
    assert_int_equal(search_indexes_rebuild(t.x, w->account), 0);
    assert_int_equal(search_indexes_progress(t.x, w->account, &p), 0);
    assert_true(p.there && p.anew);
    assert_int_equal(p.left, 25);
    end(&t);
}

/* ------------------------------------------------------------------ when it cannot be written */

WORLD_TEST(on_a_full_disk_messages_are_delivered_and_found) {
    struct rlimit before, full;
    struct indexes t;
    begin_with(&t, w, 300);
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    full = before;
    _cleanup_(free_p) char *path = world_path(w, SEARCH "-wal");
    full.rlim_cur = file_size(path);
    assert_true(full.rlim_cur > 100000);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &full), 0);
    fill(w, 300, 400);
    (void)fiber_sleep(5 * USEC_MIN);
    (void)passed_over(&t, "w350w");
    assert_true(said(w, "search.db cannot be written"));
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    (void)fiber_sleep(5 * USEC_MIN);
    assert_int_equal(passed_over(&t, "w350w"), 399);
    end(&t);
}

WORLD_TEST(it_takes_none_of_the_reserve_of_the_disk) {
    struct indexes t;
    begin(&t, w);
    fill(w, 0, 20);
    store_set_min_free(w->store, UINT64_MAX);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(passed_over(&t, "w3w"), 0);
        (void)fiber_sleep(2 * USEC_MIN);
    }
    assert_true(said(w, "search.db cannot be written"));
    store_set_min_free(w->store, 1);
    (void)fiber_sleep(2 * USEC_MIN);
    assert_int_equal(passed_over(&t, "w3w"), 19);
    end(&t);
}

/* ------------------------------------------------------------------ beside others */

#define MOST 2000U

struct crowd {
    struct indexes *t;
    unsigned delivered;
};

static void deliver_many(void *arg) {
    struct crowd *c = arg;
    for (; c->delivered < MOST; c->delivered++)
        fill(c->t->world, c->delivered, c->delivered + 1);
}

static void remove_some(void *arg) {
    struct crowd *c = arg;
    for (uint32_t uid = 1; uid < MOST / 2; uid += 3) {
        while (uid > c->delivered)
            (void)fiber_sleep(USEC_MS);
        world_expunge(c->t->world, uid);
    }
}

/* Kills between and within batches are images that are taken while it is written. */
WORLD_TEST_ON(with_deliveries_removals_and_a_kill_beside_it_nothing_is_missed, false) {
    struct indexes t;
    struct fiber *others[2];
    w->options.undelete = USEC_DAY; /* so that what goes can still be read */
    begin_with(&t, w, 20);
    struct crowd c = {.t = &t, .delivered = 20};
    assert_int_equal(fiber_start("deliveries", deliver_many, &c, &others[0]), 0);
    assert_int_equal(fiber_start("removals", remove_some, &c, &others[1]), 0);
    for (unsigned i = 0; i < 20; i++) {
        char needle[16];
        (void)snprintf(needle, sizeof needle, "w%uw", i * 100);
        (void)passed_over(&t, needle);
        if (i == 10)
            assert_int_equal(search_indexes_rebuild(t.x, w->account), 0);
        if (i == 15)
            world_image(w);
        (void)fiber_sleep(20 * USEC_MS);
    }
    fiber_join(others[0]);
    fiber_join(others[1]);
    end(&t);
    world_use_image(w);
    begin(&t, w);
    for (unsigned i = 0; i < 10; i++) {
        (void)passed_over(&t, "w20w");
        (void)passed_over(&t, "w1500w");
        (void)fiber_sleep(100 * USEC_MS);
    }
    end(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_index_is_made_when_somebody_asks_and_narrows_from_then_on),
        cmocka_unit_test(fields_are_asked_by_themselves),
        cmocka_unit_test(what_comes_later_is_to_be_looked_at_until_it_is_in),
        cmocka_unit_test(it_is_known_how_many_are_to_come_into_all_of_them),
        cmocka_unit_test(an_account_with_few_messages_gets_none),
        cmocka_unit_test(more_than_a_batch_is_indexed_over_several_turns),
        cmocka_unit_test(large_messages_are_indexed_or_looked_at),
        cmocka_unit_test(a_message_that_cannot_be_read_is_to_be_looked_at_and_keeps_no_other_out),
        BOTH(without_a_place_for_files_all_is_to_be_looked_at),
        cmocka_unit_test(the_file_may_be_removed_at_any_time),
        cmocka_unit_test(a_file_that_is_spoiled_is_made_anew_and_nothing_is_missed),
        cmocka_unit_test(an_index_of_newer_mailboxes_than_were_put_back_is_not_believed),
        cmocka_unit_test(an_account_made_anew_from_its_packs_loses_its_index),
        cmocka_unit_test(a_purge_takes_the_index_along),
        cmocka_unit_test(while_it_is_made_anew_the_old_one_is_asked),
        cmocka_unit_test(one_that_was_begun_is_finished_by_the_next_process),
        cmocka_unit_test(an_index_mostly_of_removed_messages_is_made_anew),
        cmocka_unit_test(progress_tells_what_is_in_it_and_what_is_left),
        cmocka_unit_test(on_a_full_disk_messages_are_delivered_and_found),
        cmocka_unit_test(it_takes_none_of_the_reserve_of_the_disk),
        cmocka_unit_test(with_deliveries_removals_and_a_kill_beside_it_nothing_is_missed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

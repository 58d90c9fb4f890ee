/* SPDX-License-Identifier: ISC */
/* What was removed can be brought back for a while, and then is gone for good. */
#include "world.h"

#include <stdio.h>

#include "fiber/fiber.h"
#include "store/undelete.h"

/* A test on both backends. */
#define BOTH_TEST(name)                                                                            \
    static void name##_on(struct world *w);                                                        \
    WORLD_TEST(name) {                                                                             \
        name##_on(w);                                                                              \
    }                                                                                              \
    WORLD_TEST(name##_in_memory) {                                                                 \
        w->memory.memory = memory_new();                                                           \
        name##_on(w);                                                                              \
    }                                                                                              \
    static void name##_on(struct world *w)
#define BOTH(name) cmocka_unit_test(name), cmocka_unit_test(name##_in_memory)

#define WEEK (7 * USEC_DAY)

static void open_with_window(struct world *w) {
    w->options.undelete = WEEK;
    world_open(w);
}

static void reopen_from_packs(struct world *w) {
    world_close(w);
    if (!w->memory.memory) {
        char *db = world_path(w, TEST_DB), *wal = world_path(w, TEST_DB "-wal");
        assert_int_equal(unlink(db), 0);
        (void)unlink(wal);
        free(db);
        free(wal);
    }
    world_open(w);
}

static uint32_t make_mailbox(struct world *w, uint32_t parent, const char *name) {
    uint32_t id;
    assert_int_equal(
        store_create_mailbox(w->account, parent, slice_of_str(name), STORE_ROLE_NONE, &id), 0);
    return id;
}

static struct store_usage usage(const struct world *w) {
    struct store_usage u;
    store_account_usage(w->account, &u);
    return u;
}

static void add_line(void *arg, const struct store_deleted *d) {
    buf_printf(arg, "%.*s/%u%s%.*s ", (int)d->mailbox_name.len, d->mailbox_name.ptr, d->uid,
               d->has_mailbox ? "" : "!", (int)d->keywords.len, d->keywords.ptr);
}

static void expect_deleted(struct world *w, const char *wanted) {
    struct buf lines = {0};
    assert_int_equal(store_deleted_each(w->account, add_line, &lines), 0);
    if (!slice_eq(buf_slice(&lines), slice_of_str(wanted)))
        (void)fprintf(stderr, "deleted: %.*s\n", (int)lines.len, lines.ptr);
    assert_true(slice_eq(buf_slice(&lines), slice_of_str(wanted)));
    buf_done(&lines);
}

static bool want_all(void *arg, const struct store_deleted *d) {
    (void)arg, (void)d;
    return true;
}

static bool want_uid(void *arg, const struct store_deleted *d) {
    return d->uid == *(const uint32_t *)arg;
}

static struct store_restored restore(struct world *w, uint32_t uid, uint32_t to) {
    struct store_restored done;
    struct store_restore r = {.wanted = uid ? want_uid : want_all, .arg = &uid, .to = to};
    assert_int_equal(store_restore(w->account, &r, &done), 0);
    return done;
}

BOTH_TEST(what_was_expunged_comes_back_as_it_was) {
    open_with_window(w);
    world_fill(w, 3);
    const uint32_t two = 2;
    struct store_flags_changed changed;
    assert_int_equal(store_set_flags(w->account, STORE_INBOX, &two, 1,
                                     &(struct store_flags){.add = STORE_FLAGGED | STORE_SEEN,
                                                           .add_keywords = &S("$Work"),
                                                           .add_keyword_count = 1},
                                     &changed, NULL),
                     0);
    struct snapshot *before = world_snapshot(w);
    fiber_sleep(USEC_HOUR);
    world_expunge(w, 2);
    world_expunge(w, 3);
    for (int round = 0; round < 3; round++) {
        EXPECT_UIDS(w, 1);
        assert_int_equal(usage(w).messages, 1);
        assert_int_equal(usage(w).bytes, 10);
        expect_deleted(w, "INBOX/2$Work INBOX/3 ");
        round ? reopen_from_packs(w) : world_reopen(w);
    }
    struct store_restored done = restore(w, 2, 0);
    assert_int_equal(done.count, 1);
    done = restore(w, 2, 0); /* once more: it is there */
    assert_int_equal(done.count, 0);
    assert_int_equal(done.already, 1);
    for (int round = 0; round < 2; round++) {
        struct snapshot *s = world_snapshot(w);
        char bytes[64], uidl[2][STORE_UIDL_SIZE];
        assert_int_equal(s->count, 2);
        assert_int_equal(s->messages[1].uid, 4);
        assert_int_equal(s->messages[1].flags, STORE_FLAGGED | STORE_SEEN);
        assert_int_equal(s->messages[1].date, before->messages[1].date);
        assert_int_equal(store_read(w->account, &s->messages[1], 0, bytes, sizeof bytes), 10);
        assert_memory_equal(bytes, "number 2\r\n", 10);
        assert_false(slice_eq(store_uidl(&s->messages[1], uidl[0]),
                              store_uidl(&before->messages[1], uidl[1])));
        assert_int_equal(usage(w).messages, 2);
        free(s);
        reopen_from_packs(w);
    }
    struct buf names = {0};
    assert_int_equal(store_keywords(w->account, STORE_INBOX, &names), 0);
    assert_true(slice_eq(buf_slice(&names), S("$Work")));
    buf_done(&names);
    free(before);
}

BOTH_TEST(a_removed_mailbox_comes_back_message_by_message) {
    open_with_window(w);
    world_fill(w, 3);
    uint32_t other = make_mailbox(w, 0, "other"), third = make_mailbox(w, 0, "third");
    struct store_copied copied;
    assert_int_equal(
        store_copy(w->account, STORE_INBOX, (const uint32_t[]){1, 2}, 2, other, true, &copied), 0);
    assert_int_equal(
        store_copy(w->account, STORE_INBOX, (const uint32_t[]){3}, 1, other, false, &copied), 0);
    expect_deleted(w, ""); /* a move removes nothing */
    assert_int_equal(store_remove_mailbox(w->account, other, false), 0);
    for (int round = 0; round < 3; round++) {
        assert_int_equal(usage(w).messages, 1);
        assert_int_equal(usage(w).bytes, 10);
        expect_deleted(w, "other/1! other/2! other/3! ");
        round ? reopen_from_packs(w) : world_reopen(w);
    }
    assert_int_equal(restore(w, 1, third).count, 1);
    assert_int_equal(restore(w, 2, 0).count, 1);
    struct store_mailbox m;
    assert_int_equal(store_mailbox_get(w->account, third, &m), 0);
    assert_int_equal(m.messages, 1);
    assert_int_equal(store_mailbox_get(w->account, STORE_INBOX, &m), 0);
    assert_int_equal(m.messages, 2);
    struct store_restored done;
    struct store_restore r = {.wanted = want_all, .to = third, .quota = 35};
    assert_int_equal(store_restore(w->account, &r, &done), -E_LIMIT);
    r = (struct store_restore){.wanted = want_all, .to = 99};
    assert_int_equal(store_restore(w->account, &r, &done), -E_UNKNOWN);
}

BOTH_TEST(after_its_time_it_is_gone_for_good) {
    w->solo.compact_size = 1;
    open_with_window(w);
    world_fill(w, 2);
    world_deliver(w, "", "to stay here for ever and ever, whatever happens to the others\r\n");
    world_expunge(w, 1);
    fiber_sleep(3 * USEC_DAY);
    world_expunge(w, 2);
    expect_deleted(w, "INBOX/1 INBOX/2 ");
    fiber_sleep(5 * USEC_DAY); /* nobody asks for anything meanwhile */
    expect_deleted(w, "INBOX/2 ");
    reopen_from_packs(w);
    expect_deleted(w, "INBOX/2 ");
    store_account_close(TAKE_PTR(w->account)); /* nor has it open */
    fiber_sleep(5 * USEC_DAY);
    assert_int_equal(store_account_open(w->store, TEST_ACCOUNT, &w->account), 0);
    expect_deleted(w, "");
    assert_int_equal(store_compact(w->account), 0);
    reopen_from_packs(w);
    expect_deleted(w, "");
    assert_int_equal(usage(w).messages, 1);
}

BOTH_TEST(nothing_is_kept_where_it_is_switched_off) {
    struct store_message m;
    struct store_view *v;
    char bytes[16];
    world_open(w);
    world_fill(w, 2);
    assert_int_equal(store_view_open(w->account, STORE_INBOX, &v), 0);
    store_view_at(v, 0, &m);
    world_expunge(w, 1);
    expect_deleted(w, "");
    assert_int_equal(store_read(w->account, &m, 0, bytes, sizeof bytes), -E_UNKNOWN);
    store_view_close(v);
    store_set_undelete(w->store, WEEK, 0);
    world_expunge(w, 2);
    expect_deleted(w, "INBOX/2 ");
    store_set_undelete(w->store, 0, 0);
    fiber_sleep(USEC_DAY);
    expect_deleted(w, "");
}

/* Somebody appends and expunges in a loop. */
BOTH_TEST(an_account_keeps_no_more_than_its_bound) {
    enum { SIZE = 1000, ROUNDS = 200 };
    char text[SIZE + 1];
    memset(text, 'x', SIZE);
    text[SIZE] = 0;
    w->solo.pack_size = 20000;
    w->solo.compact_size = 1;
    w->options.undelete_bytes = 10 * SIZE;
    open_with_window(w);
    world_fill(w, 1);
    for (uint32_t i = 0; i < ROUNDS; i++) {
        world_deliver(w, "", text);
        world_expunge(w, i + 2);
        fiber_sleep(USEC_SEC);
    }
    fiber_sleep(USEC_MIN);
    char wanted[200] = "";
    for (unsigned i = ROUNDS - 10; i < ROUNDS; i++)
        (void)snprintf(wanted + strlen(wanted), sizeof wanted - strlen(wanted), "INBOX/%u ", i + 2);
    expect_deleted(w, wanted);
    assert_true(usage(w).disk < 60 * SIZE);
    reopen_from_packs(w);
    expect_deleted(w, wanted);
    assert_int_equal(usage(w).messages, 1);
}

BOTH_TEST(a_body_counts_where_it_is_and_is_freed_once) {
    open_with_window(w);
    world_fill(w, 1);
    uint32_t other = make_mailbox(w, 0, "other");
    const uint32_t one = 1;
    struct store_copied copied;
    size_t removed;
    assert_int_equal(store_copy(w->account, STORE_INBOX, &one, 1, other, false, &copied), 0);
    assert_int_equal(store_expunge(w->account, other, &one, 1, &removed), 0);
    assert_int_equal(usage(w).messages, 1);
    world_expunge(w, 1);
    assert_int_equal(usage(w).messages, 0);
    assert_int_equal(usage(w).bytes, 0);
    expect_deleted(w, "other/1 INBOX/1 ");
    reopen_from_packs(w);
    assert_int_equal(usage(w).messages, 0);
    expect_deleted(w, "other/1 INBOX/1 ");
    assert_int_equal(restore(w, 0, 0).count, 2);
    assert_int_equal(usage(w).messages, 2);
    fiber_sleep(8 * USEC_DAY);
    expect_deleted(w, "");
    reopen_from_packs(w);
    expect_deleted(w, "");
    assert_int_equal(usage(w).messages, 2);
}

/* ------------------------------------------------------------------ packs */

/* Flags lie in other packs than the message, all of which are compacted before it comes back. */
WORLD_TEST(compaction_keeps_what_can_be_brought_back) {
    w->solo.pack_size = 3000;
    w->solo.compact_size = 1;
    char large[2000];
    memset(large, 'x', sizeof large - 1);
    large[sizeof large - 1] = 0;
    open_with_window(w);
    uint32_t other = make_mailbox(w, 0, "other");
    world_fill(w, 4);
    struct store_copied copied;
    assert_int_equal(
        store_copy(w->account, STORE_INBOX, (const uint32_t[]){1, 2}, 2, other, true, &copied), 0);
    store_set_undelete(w->store, 0, 0);
    uint32_t uid = 5;
    for (int round = 0; round < 14; round++) {
        world_deliver(w, "", large);
        world_deliver(w, "", large);
        if (round == 2)
            (void)world_flag(w, 3, STORE_FLAGGED, 0);
        store_set_undelete(w->store, WEEK, 0);
        if (round == 4)
            world_expunge(w, 3);
        if (round == 6)
            assert_int_equal(store_remove_mailbox(w->account, other, false), 0);
        store_set_undelete(w->store, 0, 0); /* the large ones go for good */
        const uint32_t uids[] = {uid, uid + 1};
        size_t removed;
        uid += 2;
        assert_int_equal(store_expunge(w->account, STORE_INBOX, uids, 2, &removed), 0);
        store_set_undelete(w->store, WEEK, 0);
        (void)store_compact(w->account);
        if (round % 3 == 0)
            reopen_from_packs(w);
        const char *wanted = round < 4 ? "" : round < 6 ? "INBOX/3 " : "INBOX/3 other/1! other/2! ";
        expect_deleted(w, wanted);
    }
    assert_true(usage(w).disk < 15000);
    reopen_from_packs(w);
    assert_int_equal(restore(w, 0, 0).count, 3);
    struct snapshot *s = world_snapshot(w);
    assert_int_equal(s->count, 4);
    assert_int_equal(s->messages[1].flags, STORE_FLAGGED);
    for (size_t i = 0; i < s->count; i++) {
        char bytes[64];
        assert_int_equal(store_read(w->account, &s->messages[i], 0, bytes, sizeof bytes), 10);
    }
    free(s);
}

WORLD_TEST(a_purged_account_leaves_nothing) {
    open_with_window(w);
    world_fill(w, 1);
    world_expunge(w, 1);
    expect_deleted(w, "INBOX/1 ");
    store_account_close(TAKE_PTR(w->account));
    assert_int_equal(store_purge(w->store, TEST_ACCOUNT), 0);
    char *dir = world_path(w, "67/4711");
    assert_false(file_exists(dir));
    free(dir);
    fiber_sleep(USEC_DAY);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        BOTH(what_was_expunged_comes_back_as_it_was),
        BOTH(a_removed_mailbox_comes_back_message_by_message),
        BOTH(after_its_time_it_is_gone_for_good),
        BOTH(nothing_is_kept_where_it_is_switched_off),
        BOTH(an_account_keeps_no_more_than_its_bound),
        BOTH(a_body_counts_where_it_is_and_is_freed_once),
        cmocka_unit_test(compaction_keeps_what_can_be_brought_back),
        cmocka_unit_test(a_purged_account_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

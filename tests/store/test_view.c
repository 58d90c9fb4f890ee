/* SPDX-License-Identifier: ISC */
/* Views that are begun before the mailbox is in memory. */
#include "world.h"

#include <sqlite3.h>
#include <stdio.h>

#include "fiber/fiber.h"

#define MANY 1500U /* more than are looked at for the first unseen one */

static struct store_view *begin(struct world *w, struct store_view_info *ret_info) {
    struct store_view *v;
    assert_int_equal(store_view_begin(w->account, STORE_INBOX, &v), 0);
    store_view_info(v, ret_info);
    return v;
}

static uint64_t loads(const struct world *w) {
    struct store_stats stats;
    store_stats(w->store, &stats);
    return stats.loads;
}

/* An INBOX with so many messages, none of which is in memory. */
static void open_filled(struct world *w, uint32_t count) {
    world_open(w);
    world_fill(w, count);
    world_reopen(w);
}

static void expect_uids(struct store_view *v, uint32_t first, size_t count) {
    struct store_message m;
    for (size_t place = 0; place < count; place++) {
        store_view_at(v, place, &m);
        assert_int_equal(m.uid, first + place);
        assert_int_equal(store_view_place(v, m.uid), place);
    }
    assert_int_equal(store_view_place(v, UINT32_MAX), count);
}

WORLD_TEST_BOTH(what_is_known_of_a_mailbox_does_not_wait_for_its_messages) {
    struct store_view_info info, before;
    open_filled(w, MANY);
    struct store_view *v = begin(w, &info);
    assert_int_equal(loads(w), 0);
    assert_false(store_view_is_settled(v));
    assert_int_equal(store_view_settle(v), 0);
    assert_int_equal(loads(w), 1);
    assert_true(store_view_is_settled(v));
    expect_uids(v, 1, MANY);
    store_view_close(v);
    v = begin(w, &before); /* it is in memory now */
    assert_true(store_view_is_settled(v));
    assert_memory_equal(&info, &before, sizeof info);
    assert_int_equal(info.count, MANY);
    assert_int_equal(info.uidnext, MANY + 1);
    store_view_close(v);
}

WORLD_TEST_BOTH(few_messages_are_read_at_once) {
    struct store_view_info info;
    open_filled(w, 32);
    struct store_view *v = begin(w, &info);
    assert_true(store_view_is_settled(v));
    store_view_close(v);
}

WORLD_TEST_BOTH(a_view_in_room_of_the_caller_is_as_any_other) {
    struct store_view_room room;
    struct store_view *v;
    open_filled(w, MANY);
    assert_int_equal(store_view_open_in(w->account, STORE_INBOX, &room, &v), 0);
    assert_ptr_equal(v, &room);
    assert_true(store_view_is_settled(v));
    expect_uids(v, 1, MANY);
    store_view_close(v);
    assert_int_equal(store_view_open_in(w->account, 77, &room, &v), -E_UNKNOWN);
}

/* Others deliver, set flags and remove before it is settled. */
WORLD_TEST_BOTH(a_view_has_the_messages_of_the_moment_when_it_was_begun) {
    _cleanup_(buf_done) struct buf uids = {0};
    struct store_view_info info;
    struct store_message m;
    open_filled(w, 100);
    struct store_view *v = begin(w, &info);
    world_fill(w, 103);
    (void)world_flag(w, 7, STORE_FLAGGED, 0);
    world_expunge(w, 50);
    world_fill(w, 105);
    assert_int_equal(store_view_settle(v), 0);
    expect_uids(v, 1, 100);
    store_view_at(v, 6, &m);
    assert_int_equal(m.flags, 0);
    store_view_changes(v, 0, &uids); /* those that came are not the view's */
    assert_int_equal(uids.len / sizeof(uint32_t), 100);
    store_view_close(v);
}

WORLD_TEST_BOTH(a_view_that_nobody_settles_costs_nothing) {
    struct store_view_info info;
    open_filled(w, 100);
    struct store_view *first = begin(w, &info), *second = begin(w, &info);
    store_view_close(first);
    assert_int_equal(loads(w), 0);
    assert_int_equal(store_view_settle(second), 0);
    expect_uids(second, 1, 100);
    store_view_close(second);
    world_reopen(w);
    store_view_close(begin(w, &info));
    assert_int_equal(loads(w), 0);
}

WORLD_TEST_BOTH(a_mailbox_that_is_removed_meanwhile_is_seen_as_it_was) {
    struct store_view *v;
    struct store_copied copied;
    uint32_t uids[100];
    world_open(w);
    world_fill(w, 100);
    uint32_t other = world_mailbox(w, "other");
    for (uint32_t i = 0; i < 100; i++)
        uids[i] = i + 1;
    assert_int_equal(store_copy(w->account, STORE_INBOX, uids, 100, other, false, &copied), 0);
    world_reopen(w);
    assert_int_equal(store_view_begin(w->account, other, &v), 0);
    assert_int_equal(store_remove_mailbox(w->account, other, false), 0);
    assert_int_equal(store_view_settle(v), 0);
    expect_uids(v, 1, 100);
    store_view_close(v);
    assert_int_equal(store_view_begin(w->account, other, &v), -E_UNKNOWN);
}

/* ------------------------------------------------------------------ the first unseen message */

static void expect_unseen(struct world *w, size_t place, bool loaded) {
    struct store_view_info info;
    size_t found;
    world_reopen(w);
    struct store_view *v = begin(w, &info);
    assert_int_equal(store_view_first_unseen(v, &found), 0);
    assert_int_equal(found, place);
    assert_int_equal(loads(w), loaded);
    assert_int_equal(store_view_settle(v), 0);
    assert_int_equal(store_view_first_unseen(v, &found), 0);
    assert_int_equal(found, place);
    store_view_close(v);
}

static void set_seen(struct world *w, uint32_t first, uint32_t last, bool seen) {
    uint32_t uids[MANY];
    struct store_flags_changed changed;
    struct store_flags f = {.add = seen ? STORE_SEEN : 0, .remove = seen ? 0 : STORE_SEEN};
    for (uint32_t uid = first; uid <= last; uid++)
        uids[uid - first] = uid;
    assert_int_equal(
        store_set_flags(w->account, STORE_INBOX, uids, last - first + 1, &f, &changed, NULL), 0);
}

WORLD_TEST_BOTH(the_first_unseen_message_is_found_without_the_others) {
    world_open(w);
    world_fill(w, MANY);
    expect_unseen(w, 0, false);
    set_seen(w, 1, MANY, true);
    expect_unseen(w, MANY, false);
    set_seen(w, MANY - 5, MANY - 5, false);
    set_seen(w, MANY, MANY, false);
    expect_unseen(w, MANY - 6, false);
    set_seen(w, MANY - 1023, MANY - 1023, false);
    expect_unseen(w, MANY - 1024, false);
}

WORLD_TEST_BOTH(an_unseen_message_far_ahead_is_found_by_reading_all) {
    world_open(w);
    world_fill(w, MANY);
    set_seen(w, 1, MANY, true);
    set_seen(w, MANY - 1024, MANY - 1024, false);
    set_seen(w, MANY, MANY, false);
    expect_unseen(w, MANY - 1025, true);
}

/* Places are counted from the end, whatever is missing before it. */
WORLD_TEST_BOTH(the_first_unseen_message_is_found_behind_gaps) {
    world_open(w);
    world_fill(w, MANY);
    set_seen(w, 1, MANY, true);
    set_seen(w, MANY - 10, MANY - 10, false);
    world_expunge(w, 3);
    world_expunge(w, MANY - 4);
    world_expunge(w, MANY);
    expect_unseen(w, MANY - 12, false);
}

/* ------------------------------------------------------------------ damage */

static void spoil(const struct world *w, const char *sql) {
    _cleanup_(free_p) char *path = world_path(w, TEST_DB);
    sqlite3 *db;
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

WORLD_TEST(a_wrong_count_is_said_once_and_mended) {
    static const char *const COUNTS[] = {"99", "101", "1000000000", "0"};
    struct store_view_info info;
    open_filled(w, 100);
    for (size_t i = 0; i < ARRAY_SIZE(COUNTS); i++) {
        char sql[80];
        bool few = strcmp(COUNTS[i], "0") == 0;
        world_close(w);
        (void)snprintf(sql, sizeof sql, "UPDATE mailboxes SET messages = %s, unseen = 5",
                       COUNTS[i]);
        spoil(w, sql);
        world_open(w);
        struct store_view *v = begin(w, &info);
        assert_int_equal(store_view_settle(v), few ? 0 : -E_CORRUPT);
        store_view_close(v);
        v = begin(w, &info);
        assert_int_equal(store_view_settle(v), 0);
        assert_int_equal(info.count, 100);
        expect_uids(v, 1, 100);
        store_view_close(v);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        BOTH(what_is_known_of_a_mailbox_does_not_wait_for_its_messages),
        BOTH(few_messages_are_read_at_once),
        BOTH(a_view_in_room_of_the_caller_is_as_any_other),
        BOTH(a_view_has_the_messages_of_the_moment_when_it_was_begun),
        BOTH(a_view_that_nobody_settles_costs_nothing),
        BOTH(a_mailbox_that_is_removed_meanwhile_is_seen_as_it_was),
        BOTH(the_first_unseen_message_is_found_without_the_others),
        BOTH(an_unseen_message_far_ahead_is_found_by_reading_all),
        BOTH(the_first_unseen_message_is_found_behind_gaps),
        cmocka_unit_test(a_wrong_count_is_said_once_and_mended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

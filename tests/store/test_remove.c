/* SPDX-License-Identifier: ISC */
/* Mailboxes that are removed: all that was in them goes, and nothing brings it back. */
#include "world.h"

#include <sqlite3.h>
#include <stdio.h>

#include "fiber/fiber.h"

static void copy(struct world *w, const uint32_t *uids, size_t count, uint32_t to, bool move) {
    struct store_copied done;
    assert_int_equal(store_copy(w->account, STORE_INBOX, uids, count, to, move, &done), 0);
    assert_int_equal(done.count, count);
}

static int remove_mailbox(struct world *w, uint32_t mailbox) {
    return store_remove_mailbox(w->account, mailbox, false);
}

static struct store_usage usage(const struct world *w) {
    struct store_usage u;
    store_account_usage(w->account, &u);
    return u;
}

static bool is_there(const struct world *w, uint32_t mailbox) {
    struct store_mailbox m;
    return store_mailbox_get(w->account, mailbox, &m) == 0;
}

WORLD_TEST_BOTH(a_mailbox_goes_with_its_messages) {
    world_open(w);
    world_fill(w, 4);
    uint64_t bytes = usage(w).bytes;
    uint32_t other = world_mailbox(w, "other");
    struct store_mailbox before, after;
    assert_int_equal(store_mailbox_get(w->account, other, &before), 0);
    copy(w, (const uint32_t[]){1, 2}, 2, other, false);
    copy(w, (const uint32_t[]){3}, 1, other, true);
    assert_int_equal(usage(w).messages, 4);
    uint64_t modseq = store_account_modseq(w->account);
    assert_int_equal(remove_mailbox(w, other), 0);
    assert_true(store_account_modseq(w->account) > modseq);
    assert_int_equal(usage(w).messages, 3); /* the copies lie in the INBOX as well */
    assert_int_equal(usage(w).bytes, bytes - strlen("number 3\r\n"));
    for (int round = 0; round < 3; round++) {
        assert_false(is_there(w, other));
        assert_int_equal(store_mailbox_count(w->account), 1);
        EXPECT_UIDS(w, 1, 2, 4);
        assert_int_equal(usage(w).messages, 3);
        round ? world_rebuild(w) : world_reopen(w);
    }
    uint32_t again = world_mailbox(w, "other");
    assert_true(again > other);
    assert_int_equal(store_mailbox_get(w->account, again, &after), 0);
    assert_true(after.uidvalidity > before.uidvalidity); /* RFC 9051 §6.3.5 */
    assert_int_equal(after.messages, 0);
}

WORLD_TEST_BOTH(what_may_not_be_removed_stays) {
    world_open(w);
    world_fill(w, 1);
    uint32_t parent = world_mailbox(w, "parent"), child = world_mailbox_in(w, parent, "child");
    copy(w, (const uint32_t[]){1}, 1, child, false);
    assert_int_equal(remove_mailbox(w, STORE_INBOX), -EPERM);
    assert_int_equal(remove_mailbox(w, 77), -E_UNKNOWN);
    assert_int_equal(remove_mailbox(w, parent), -E_BUSY);
    assert_int_equal(store_remove_mailbox(w->account, child, true), -ENOTEMPTY);
    assert_true(is_there(w, child));
    assert_int_equal(remove_mailbox(w, child), 0);
    assert_int_equal(store_remove_mailbox(w->account, parent, true), 0);
    assert_int_equal(remove_mailbox(w, parent), -E_UNKNOWN);
}

WORLD_TEST_BOTH(a_view_goes_on_and_everything_else_is_refused) {
    world_open(w);
    world_fill(w, 2);
    uint32_t other = world_mailbox(w, "other"), third = world_mailbox(w, "third");
    copy(w, (const uint32_t[]){1, 2}, 2, other, true);
    struct store_view *v, *none;
    struct store_view_info info;
    struct store_message m;
    char bytes[64];
    assert_int_equal(store_view_open(w->account, other, &v), 0);
    assert_int_equal(remove_mailbox(w, other), 0);
    store_view_info(v, &info);
    assert_int_equal(info.count, 2);
    store_view_at(v, 1, &m);
    assert_int_equal(m.uid, 2);
    assert_int_equal(store_read(w->account, &m, 0, bytes, sizeof bytes), -E_UNKNOWN);
    struct store_flags_changed changed;
    struct store_copied copied;
    size_t removed;
    const uint32_t uid = 1;
    struct store_delivery d = {.mailbox = other, .parts = &S("x\r\n"), .part_count = 1};
    struct store_delivered delivered;
    assert_int_equal(store_view_open(w->account, other, &none), -E_UNKNOWN);
    assert_int_equal(store_set_flags(w->account, other, &uid, 1,
                                     &(struct store_flags){.add = STORE_SEEN}, &changed, NULL),
                     -E_UNKNOWN);
    assert_int_equal(store_expunge(w->account, other, &uid, 1, &removed), -E_UNKNOWN);
    assert_int_equal(store_copy(w->account, other, &uid, 1, third, true, &copied), -E_UNKNOWN);
    assert_int_equal(store_copy(w->account, third, &uid, 1, other, true, &copied), -E_UNKNOWN);
    assert_int_equal(store_deliver(w->store, TEST_ACCOUNT, &d, &delivered), -E_UNKNOWN);
    assert_int_equal(store_rename_mailbox(w->account, other, 0, S("new")), -E_UNKNOWN);
    store_view_close(v);
}

/* ------------------------------------------------------------------ at the same time */

struct attempt {
    struct world *w;
    uint32_t mailbox;
    enum { DELIVER, FLAG, EXPUNGE, COPY_FROM, COPY_TO, REMOVE, VIEW, ATTEMPTS } what;
    int result;
};

static void attempt(void *arg) {
    struct attempt *t = arg;
    struct store_account *a = t->w->account;
    struct store_flags_changed changed;
    struct store_copied copied;
    struct store_delivered delivered;
    struct store_view *v = NULL;
    size_t removed;
    const uint32_t uid = 1;
    struct store_delivery d = {.mailbox = t->mailbox, .parts = &S("x\r\n"), .part_count = 1};
    switch (t->what) {
    case DELIVER:
        t->result = store_deliver(t->w->store, TEST_ACCOUNT, &d, &delivered);
        break;
    case FLAG:
        t->result = store_set_flags(a, t->mailbox, &uid, 1,
                                    &(struct store_flags){.add = STORE_SEEN}, &changed, NULL);
        break;
    case EXPUNGE:
        t->result = store_expunge(a, t->mailbox, &uid, 1, &removed);
        break;
    case COPY_FROM:
        t->result = store_copy(a, t->mailbox, &uid, 1, STORE_INBOX, false, &copied);
        break;
    case COPY_TO:
        t->result = store_copy(a, STORE_INBOX, &uid, 1, t->mailbox, false, &copied);
        break;
    case REMOVE:
        t->result = store_remove_mailbox(a, t->mailbox, false);
        break;
    default:
        t->result = store_view_open(a, t->mailbox, &v);
        store_view_close(v);
    }
}

/*
 * Everything is asked for at once, in any order: what came before the removal has been done, what
 * came after it is refused, and usage is what is really there.
 */
WORLD_TEST_BOTH(what_comes_at_the_same_time_is_before_or_after) {
    world_open(w);
    world_fill(w, 2);
    for (unsigned round = 0; round < 2 * ATTEMPTS; round++) {
        uint32_t other = world_mailbox(w, "other");
        copy(w, (const uint32_t[]){1, 2}, 2, other, false);
        struct attempt attempts[2 * ATTEMPTS];
        struct fiber *fibers[2 * ATTEMPTS];
        for (unsigned i = 0; i < 2 * ATTEMPTS; i++) {
            attempts[i] = (struct attempt){w, other, (round * (i + 1) + i) % ATTEMPTS, 0};
            assert_int_equal(fiber_start("attempt", attempt, &attempts[i], &fibers[i]), 0);
        }
        for (unsigned i = 0; i < 2 * ATTEMPTS; i++) {
            fiber_join(fibers[i]);
            assert_true(attempts[i].result == 0 || attempts[i].result == -E_UNKNOWN);
        }
        int last = remove_mailbox(w, other);
        assert_true(last == 0 || last == -E_UNKNOWN);
        struct store_usage now = usage(w);
        struct snapshot *s = world_snapshot(w);
        assert_int_equal(now.messages, 2);
        assert_true(s->count >= 2);
        free(s);
        round % 2 ? world_rebuild(w) : world_reopen(w);
        assert_int_equal(usage(w).messages, now.messages);
        assert_int_equal(usage(w).bytes, now.bytes);
        assert_false(is_there(w, other));
    }
}

/* A mailbox larger than the pieces in which it is looked at. */
WORLD_TEST_BOTH(thousands_go_in_one_go) {
    enum { COPIES = 3000 };
    world_open(w);
    world_fill(w, 1);
    uint32_t other = world_mailbox(w, "other");
    for (unsigned i = 0; i < COPIES; i++)
        copy(w, (const uint32_t[]){1}, 1, other, false);
    assert_int_equal(remove_mailbox(w, other), 0);
    assert_int_equal(usage(w).messages, 1);
    world_rebuild(w);
    assert_int_equal(usage(w).messages, 1);
    assert_int_equal(store_mailbox_count(w->account), 1);
    EXPECT_UIDS(w, 1);
}

/* ------------------------------------------------------------------ packs */

static unsigned gone_rows(struct world *w) {
    _cleanup_(free_p) char *path = world_path(w, TEST_DB);
    sqlite3 *db;
    sqlite3_stmt *st;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_prepare_v2(db, "SELECT count(*) FROM mailboxes WHERE gone > 0", -1, &st, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    unsigned count = (unsigned)sqlite3_column_int(st, 0);
    sqlite3_finalize(st);
    sqlite3_close(db);
    return count;
}

/*
 * The oldest pack names the mailbox and has messages of it; the one in which its removal stands is
 * compacted, and mail.db made anew.
 */
WORLD_TEST(an_older_pack_does_not_bring_a_mailbox_back) {
    w->solo.pack_size = 6000;
    w->solo.compact_size = 1;
    char large[4000];
    memset(large, 'x', sizeof large - 1);
    large[sizeof large - 1] = 0;
    world_open(w);
    uint32_t other = world_mailbox(w, "other");
    for (int i = 0; i < 4; i++) /* packs 1 and 2 stay alive */
        world_deliver(w, "", large);
    copy(w, (const uint32_t[]){1}, 1, other, false);
    world_deliver(w, "", large); /* and are followed by a pack that will be empty */
    world_deliver(w, "", large);
    assert_int_equal(remove_mailbox(w, other), 0);
    size_t removed;
    for (int round = 0; round < 4; round++) {
        world_deliver(w, "", large);
        world_deliver(w, "", large);
        struct snapshot *s = world_snapshot(w);
        uint32_t uids[2] = {s->messages[s->count - 1].uid, s->messages[s->count - 2].uid};
        free(s);
        assert_int_equal(store_expunge(w->account, STORE_INBOX, uids, 2, &removed), 0);
        assert_int_equal(store_compact(w->account), 0);
        world_rebuild(w);
        assert_false(is_there(w, other));
        assert_int_equal(store_mailbox_count(w->account), 1);
    }
    world_close(w);
    assert_int_equal(gone_rows(w), 1);
    world_open(w);
    struct snapshot *s = world_snapshot(w);
    for (size_t i = 0; i < s->count; i++)
        world_expunge(w, s->messages[i].uid);
    free(s);
    for (int round = 0; round < 6; round++) { /* with the old packs goes what they needed */
        world_deliver(w, "", large);
        world_deliver(w, "", large);
        s = world_snapshot(w);
        for (size_t i = 0; i < s->count; i++)
            world_expunge(w, s->messages[i].uid);
        free(s);
        assert_int_equal(store_compact(w->account), 0);
    }
    world_rebuild(w);
    assert_int_equal(store_mailbox_count(w->account), 1);
    world_close(w);
    assert_int_equal(gone_rows(w), 0);
}

static void crash_before_sync(void *arg, int fd) {
    (void)fd;
    world_image(arg);
}

WORLD_TEST(a_crash_leaves_all_of_it_or_nothing) {
    world_open(w);
    world_fill(w, 5);
    uint32_t other = world_mailbox(w, "other");
    copy(w, (const uint32_t[]){1, 2, 3}, 3, other, true);
    disk.before_sync = crash_before_sync;
    disk.arg = w;
    assert_int_equal(remove_mailbox(w, other), 0);
    disk.before_sync = NULL;
    world_close(w);
    world_use_image(w); /* written, not synced */
    world_open(w);
    assert_false(is_there(w, other));
    EXPECT_UIDS(w, 4, 5);
    assert_int_equal(usage(w).messages, 2);
}

WORLD_TEST(a_removal_that_fails_leaves_everything) {
    world_open(w);
    world_fill(w, 3);
    uint32_t other = world_mailbox(w, "other");
    copy(w, (const uint32_t[]){1, 2}, 2, other, true);
    disk.write_error = ENOSPC;
    assert_int_equal(remove_mailbox(w, other), -ENOSPC);
    disk.write_error = 0;
    struct snapshot *s = world_snapshot_of(w, other);
    assert_int_equal(s->count, 2);
    free(s);
    assert_int_equal(usage(w).messages, 3);
    assert_int_equal(remove_mailbox(w, other), 0);
    assert_int_equal(usage(w).messages, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        BOTH(a_mailbox_goes_with_its_messages),
        BOTH(what_may_not_be_removed_stays),
        BOTH(a_view_goes_on_and_everything_else_is_refused),
        BOTH(what_comes_at_the_same_time_is_before_or_after),
        BOTH(thousands_go_in_one_go),
        cmocka_unit_test(an_older_pack_does_not_bring_a_mailbox_back),
        cmocka_unit_test(a_crash_leaves_all_of_it_or_nothing),
        cmocka_unit_test(a_removal_that_fails_leaves_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

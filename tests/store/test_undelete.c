/* SPDX-License-Identifier: ISC */
/* What was removed can be brought back for a while, and then is gone for good. */
#include "world.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "fiber/fiber.h"
#include "fiber/scheduler.h"
#include "store/account.h"
#include "store/solo/inside.h"
#include "store/solo/note.h"
#include "store/undelete.h"

#define WEEK (7 * USEC_DAY)

static void open_with_window(struct world *w) {
    w->options.undelete = WEEK;
    world_open(w);
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
    struct deleted_place place = {0};
    bool more = true;
    while (more)
        assert_int_equal(store_deleted_each(w->account, &place, 2, add_line, &lines, &more), 0);
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
    struct store_restore r = {
        .wanted = uid ? want_uid : want_all, .arg = &uid, .to = to, .most = 1000};
    assert_int_equal(store_restore(w->account, &r, &done), 0);
    assert_false(done.more);
    return done;
}

WORLD_TEST_BOTH(what_was_expunged_comes_back_as_it_was) {
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
        round ? world_rebuild(w) : world_reopen(w);
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
        world_rebuild(w);
    }
    struct buf names = {0};
    assert_int_equal(store_keywords(w->account, STORE_INBOX, &names), 0);
    assert_true(slice_eq(buf_slice(&names), S("$Work")));
    buf_done(&names);
    free(before);
}

static void add_back(void *arg, const struct store_deleted *d) {
    struct store_deleted *list = arg;
    list[d->uid - 1] = *d;
}

WORLD_TEST_BOTH(what_is_back_is_known_by_where_it_is) {
    struct store_deleted list[3];
    struct deleted_place place = {0};
    bool more;
    open_with_window(w);
    world_fill(w, 3);
    uint32_t other = world_mailbox(w, "other");
    for (uint32_t uid = 1; uid <= 3; uid++)
        world_expunge(w, uid);
    assert_int_equal(restore(w, 1, 0).count, 1);
    assert_int_equal(restore(w, 2, other).count, 1);
    assert_int_equal(store_deleted_each(w->account, &place, 9, add_back, list, &more), 0);
    for (uint32_t uid = 1; uid <= 3; uid++) {
        const struct store_deleted *d = &list[uid - 1];
        assert_int_equal(store_deleted_is_back(w->account, d, 0, false), uid == 1);
        assert_int_equal(store_deleted_is_back(w->account, d, other, false), uid == 2);
        assert_int_equal(store_deleted_is_back(w->account, d, 0, true), uid < 3);
    }
}

/* By the key of its delivery it is known, which lasts as long as what was removed. */
WORLD_TEST_BOTH(what_is_back_is_not_doubled_however_long_removed_messages_are_kept) {
    w->options.undelete = 90 * USEC_DAY;
    world_open(w);
    world_fill(w, 2);
    world_expunge(w, 1);
    assert_int_equal(restore(w, 1, 0).count, 1);
    for (int month = 0; month < 2; month++) {
        fiber_sleep(30 * USEC_DAY);
        world_deliver(w, "", "number\r\n");
        world_reopen(w);
        struct store_restored done = restore(w, 1, 0);
        assert_int_equal(done.count, 0);
        assert_int_equal(done.already, 1);
        store_set_undelete(w->store, 60 * USEC_DAY + USEC_HOUR, 0);
        if (month == 0)
            assert_int_equal(store_compact(w->account), 0);
    }
}

WORLD_TEST_BOTH(a_removed_mailbox_comes_back_message_by_message) {
    open_with_window(w);
    world_fill(w, 3);
    uint32_t other = world_mailbox(w, "other"), third = world_mailbox(w, "third");
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
        round ? world_rebuild(w) : world_reopen(w);
    }
    assert_int_equal(restore(w, 1, third).count, 1);
    assert_int_equal(restore(w, 2, 0).count, 1);
    struct store_mailbox m;
    assert_int_equal(store_mailbox_get(w->account, third, &m), 0);
    assert_int_equal(m.messages, 1);
    assert_int_equal(store_mailbox_get(w->account, STORE_INBOX, &m), 0);
    assert_int_equal(m.messages, 2);
    struct store_restored done;
    struct store_restore r = {.wanted = want_all, .to = third, .quota = 35, .most = 9};
    assert_int_equal(store_restore(w->account, &r, &done), -E_LIMIT);
    r = (struct store_restore){.wanted = want_all, .to = 99, .most = 9};
    assert_int_equal(store_restore(w->account, &r, &done), -E_UNKNOWN);
}

WORLD_TEST_BOTH(after_its_time_it_is_gone_for_good) {
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
    world_rebuild(w);
    expect_deleted(w, "INBOX/2 ");
    store_account_close(TAKE_PTR(w->account)); /* nor has it open */
    fiber_sleep(5 * USEC_DAY);
    assert_int_equal(store_account_open(w->store, TEST_ACCOUNT, &w->account), 0);
    expect_deleted(w, "");
    assert_int_equal(store_compact(w->account), 0);
    world_rebuild(w);
    expect_deleted(w, "");
    assert_int_equal(usage(w).messages, 1);
}

/* At the start of a machine, or when it wakes; until it has heard the time from others. */
WORLD_TEST_BOTH(nothing_goes_while_the_clock_may_be_wrong) {
    open_with_window(w);
    world_fill(w, 2);
    world_expunge(w, 1);
    for (int round = 0; round < 2; round++) {
        fiber_scheduler->wall_offset += 30 * USEC_DAY;
        if (round == 0)
            world_reopen(w);
        fiber_sleep(50 * USEC_MIN);
        expect_deleted(w, "INBOX/1 ");
        fiber_scheduler->wall_offset -= 30 * USEC_DAY;
        fiber_sleep(8 * USEC_HOUR);
        expect_deleted(w, "INBOX/1 ");
    }
    fiber_scheduler->wall_offset += 30 * USEC_DAY;
    fiber_sleep(8 * USEC_HOUR);
    expect_deleted(w, "");
}

/* What was removed before something old is old, whatever its date. */
WORLD_TEST_BOTH(what_was_removed_while_the_clock_was_ahead_keeps_nothing_else) {
    open_with_window(w);
    world_fill(w, 3);
    fiber_scheduler->wall_offset += 3650 * USEC_DAY;
    world_expunge(w, 1);
    fiber_scheduler->wall_offset -= 3650 * USEC_DAY;
    fiber_sleep(8 * USEC_DAY);
    expect_deleted(w, "INBOX/1 ");
    world_expunge(w, 2);
    fiber_sleep(6 * USEC_DAY);
    world_expunge(w, 3);
    expect_deleted(w, "INBOX/1 INBOX/2 INBOX/3 ");
    fiber_sleep(2 * USEC_DAY);
    expect_deleted(w, "INBOX/3 ");
    world_rebuild(w);
    expect_deleted(w, "INBOX/3 ");
}

WORLD_TEST_BOTH(a_removed_mailbox_stays_away_when_its_messages_are_forgotten) {
    open_with_window(w);
    world_fill(w, 1);
    const uint32_t one = 1;
    struct store_copied copied;
    struct store_mailbox m;
    uint32_t other = world_mailbox(w, "other");
    assert_int_equal(store_copy(w->account, STORE_INBOX, &one, 1, other, false, &copied), 0);
    assert_int_equal(store_remove_mailbox(w->account, other, false), 0);
    fiber_sleep(8 * USEC_DAY);
    expect_deleted(w, "");
    for (int round = 0; round < 3; round++) {
        assert_int_equal(store_mailbox_get(w->account, other, &m), -E_UNKNOWN);
        assert_int_equal(store_mailbox_count(w->account), 1);
        world_rebuild(w);
    }
    assert_true(world_mailbox(w, "other") > other);
}

WORLD_TEST_BOTH(what_can_be_brought_back_has_the_name_that_its_mailbox_has_now) {
    open_with_window(w);
    world_fill(w, 1);
    const uint32_t one = 1;
    struct store_copied copied;
    size_t removed;
    uint32_t other = world_mailbox(w, "other");
    assert_int_equal(store_copy(w->account, STORE_INBOX, &one, 1, other, false, &copied), 0);
    assert_int_equal(store_expunge(w->account, other, &one, 1, &removed), 0);
    assert_int_equal(store_rename_mailbox(w->account, other, 0, S("renamed")), 0);
    expect_deleted(w, "renamed/1 ");
    assert_int_equal(store_remove_mailbox(w->account, other, false), 0);
    expect_deleted(w, "renamed/1! ");
}

WORLD_TEST_BOTH(nothing_is_kept_where_it_is_switched_off) {
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

WORLD_TEST_BOTH(an_account_keeps_so_many_messages_and_not_more) {
    w->options.undelete_count = 3;
    open_with_window(w);
    world_fill(w, 4);
    uint32_t other = world_mailbox(w, "other");
    struct store_copied copied;
    assert_int_equal(
        store_copy(w->account, STORE_INBOX, (const uint32_t[]){1, 2}, 2, other, true, &copied), 0);
    world_expunge(w, 3);
    world_expunge(w, 4);
    fiber_sleep(USEC_MIN);
    expect_deleted(w, "INBOX/3 INBOX/4 ");
    world_reopen(w); /* they are counted */
    assert_int_equal(store_remove_mailbox(w->account, other, false), 0);
    fiber_sleep(USEC_MIN);
    expect_deleted(w, "INBOX/4 other/1! other/2! ");
}

/* Nobody opens it: a window that is off from the start looks after what there was before. */
WORLD_TEST_BOTH(what_was_kept_goes_when_the_next_store_keeps_nothing) {
    open_with_window(w);
    world_fill(w, 2);
    world_expunge(w, 1);
    expect_deleted(w, "INBOX/1 ");
    world_close(w);
    w->options.undelete = 0;
    world_open(w);
    store_account_close(TAKE_PTR(w->account));
    fiber_sleep(15 * USEC_MIN);
    store_set_undelete(w->store, WEEK, 0);
    assert_int_equal(store_account_open(w->store, TEST_ACCOUNT, &w->account), 0);
    expect_deleted(w, "");
    world_expunge(w, 2);
    expect_deleted(w, "INBOX/2 ");
    assert_int_equal(usage(w).messages, 0);
}

WORLD_TEST_BOTH(a_shorter_window_holds_soon_unless_it_was_a_slip) {
    open_with_window(w);
    world_fill(w, 3);
    world_expunge(w, 1);
    fiber_sleep(USEC_DAY);
    world_expunge(w, 2);
    world_expunge(w, 3);
    store_set_undelete(w->store, 0, 0);
    fiber_sleep(5 * USEC_MIN);
    store_set_undelete(w->store, WEEK, 0);
    fiber_sleep(15 * USEC_MIN);
    expect_deleted(w, "INBOX/1 INBOX/2 INBOX/3 ");
    store_set_undelete(w->store, USEC_HOUR, 0);
    fiber_sleep(15 * USEC_MIN);
    expect_deleted(w, "INBOX/2 INBOX/3 ");
    store_set_undelete(w->store, USEC_HOUR, 10);
    fiber_sleep(15 * USEC_MIN);
    expect_deleted(w, "INBOX/3 ");
    assert_int_equal(restore(w, 0, 0).count, 1);
}

/* Where the record of this type begins and ends in a pack. */
static struct pack_entry find_record(const char *pack, uint8_t type) {
    struct pack_reader r = {
        .fd = open(pack, O_RDONLY), .at = PACK_FILE_HEAD, .to = file_size(pack)};
    struct pack_entry e;
    do
        assert_int_equal(pack_next(&r, &e), PACK_RECORD);
    while (e.record.type != type);
    pack_reader_done(&r);
    close(r.fd);
    return e;
}

/*
 * Compaction writes them and the expunge, which is needed for the first pack, in one group, and a
 * power cut leaves of it the expunge alone.
 */
WORLD_TEST(what_a_torn_compaction_says_of_removed_messages_is_not_all) {
    char large[9000];
    memset(large, 'x', sizeof large - 1);
    large[sizeof large - 1] = 0;
    w->solo.pack_size = 8000;
    open_with_window(w);
    world_fill(w, 2);
    world_deliver(w, "", large);
    world_expunge(w, 1); /* in the second pack */
    world_expunge(w, 2);
    for (unsigned i = 0; i < 50; i++)
        world_flag(w, 3, i % 2 ? STORE_SEEN : 0, i % 2 ? 0 : STORE_SEEN);
    world_image(w);
    assert_int_equal(store_compact(w->account), 0);
    char *third = world_path(w, "67/4711/packs/000003.pack"),
         *torn = mem_printf("%s/67/4711/packs/000003.pack", w->other);
    struct pack_entry deleted = find_record(third, NOTE_DELETED);
    uint64_t gone = find_record(third, NOTE_GONE).from;
    assert_in_range(find_record(third, NOTE_EXPUNGE).from, deleted.to, gone);
    file_copy(third, torn);
    world_close(w);
    world_use_image(w);
    file_cut(torn, gone);
    file_damage(torn, deleted.from, deleted.to - deleted.from);
    world_open(w);
    expect_deleted(w, "INBOX/1 INBOX/2 ");
    world_rebuild(w);
    expect_deleted(w, "INBOX/1 INBOX/2 ");
    free(third), free(torn);
}

static void expect_return_path(struct world *w, uint64_t body, const char *wanted) {
    struct buf path = {0};
    assert_int_equal(w->account->below->backend->ops->return_path(w->account->below, body, &path),
                     0);
    assert_true(slice_eq(buf_slice(&path), slice_of_str(wanted)));
    buf_done(&path);
}

/* Also when compaction has copied the message, which has no entry any more, meanwhile. */
WORLD_TEST_BOTH(what_comes_back_has_its_return_path) {
    char large[2000];
    memset(large, 'x', sizeof large - 1);
    large[sizeof large - 1] = 0;
    w->solo.pack_size = 3000;
    w->solo.compact_size = 1;
    open_with_window(w);
    struct store_delivered d;
    assert_int_equal(store_deliver(w->store, TEST_ACCOUNT,
                                   &(struct store_delivery){.mailbox = STORE_INBOX,
                                                            .return_path = S("mike@example.jp"),
                                                            .parts = &S("Subject: a\r\n\r\n"),
                                                            .part_count = 1,
                                                            .fd = -1},
                                   &d),
                     0);
    world_expunge(w, d.uid);
    for (uint32_t round = 0; round < 8; round++) {
        expect_return_path(w, d.body, "mike@example.jp");
        store_set_undelete(w->store, WEEK, 0);
        world_deliver(w, "", large);
        world_deliver(w, "", large);
        world_expunge(w, 2 * round + 2);
        (void)store_compact(w->account);
        if (round % 3 == 2)
            world_rebuild(w);
    }
    assert_int_equal(restore(w, d.uid, 0).count, 1);
    struct snapshot *s = world_snapshot(w);
    expect_return_path(w, s->messages[s->count - 1].body, "mike@example.jp");
    expect_return_path(w, s->messages[0].body, "tama@example.test");
    free(s);
}

static void count_one(void *arg, const struct store_deleted *d) {
    (void)d;
    ++*(size_t *)arg;
}

/* They come in pages, in order, and share syncs. */
WORLD_TEST_BOTH(many_come_back_in_order) {
    enum { MANY = 700 };
    uint32_t uids[MANY];
    size_t removed, seen = 0;
    bool more = true;
    open_with_window(w);
    world_fill(w, MANY);
    for (uint32_t i = 0; i < MANY; i++)
        uids[i] = i + 1;
    assert_int_equal(store_expunge(w->account, STORE_INBOX, uids, MANY, &removed), 0);
    struct deleted_place place = {0};
    for (int calls = 0; more; calls++) {
        assert_true(calls < 3);
        assert_int_equal(store_deleted_each(w->account, &place, 300, count_one, &seen, &more), 0);
    }
    assert_int_equal(seen, MANY);
    struct store_restore r = {.wanted = want_all, .most = 300};
    struct store_restored done = {.more = true};
    size_t back = 0;
    while (done.more) {
        assert_int_equal(store_restore(w->account, &r, &done), 0);
        back += done.count;
    }
    assert_int_equal(back, MANY);
    struct snapshot *s = world_snapshot(w);
    assert_int_equal(s->count, MANY);
    for (size_t i = 0; i < MANY; i++) {
        char bytes[64], wanted[64];
        int len = snprintf(wanted, sizeof wanted, "number %zu\r\n", i + 1);
        assert_int_equal(store_read(w->account, &s->messages[i], 0, bytes, sizeof bytes), len);
        assert_memory_equal(bytes, wanted, (size_t)len);
    }
    free(s);
}

/* Somebody appends and expunges in a loop. */
WORLD_TEST_BOTH(an_account_keeps_no_more_than_its_bound) {
    enum { SIZE = 1000, ROUNDS = 200 };
    char text[SIZE + 1];
    memset(text, 'x', SIZE);
    text[SIZE] = 0;
    w->solo.pack_size = 20000;
    w->solo.compact_size = 1;
    w->options.undelete_bytes = 10ULL * SIZE;
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
    assert_true(usage(w).disk < 60ULL * SIZE);
    world_rebuild(w);
    expect_deleted(w, wanted);
    assert_int_equal(usage(w).messages, 1);
}

WORLD_TEST_BOTH(a_body_counts_where_it_is_and_is_freed_once) {
    open_with_window(w);
    world_fill(w, 1);
    uint32_t other = world_mailbox(w, "other");
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
    world_rebuild(w);
    assert_int_equal(usage(w).messages, 0);
    expect_deleted(w, "other/1 INBOX/1 ");
    assert_int_equal(restore(w, 0, 0).count, 2);
    assert_int_equal(usage(w).messages, 2);
    fiber_sleep(8 * USEC_DAY);
    expect_deleted(w, "");
    world_rebuild(w);
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
    uint32_t other = world_mailbox(w, "other");
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
            world_rebuild(w);
        const char *wanted = round < 4 ? "" : round < 6 ? "INBOX/3 " : "INBOX/3 other/1! other/2! ";
        expect_deleted(w, wanted);
    }
    assert_true(usage(w).disk < 15000);
    world_rebuild(w);
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

/* Compaction writes the move again, and then it stands behind the removal. */
WORLD_TEST(what_was_moved_away_before_is_not_what_a_removed_mailbox_had) {
    w->solo.pack_size = 3000;
    w->solo.compact_size = 1;
    char large[2000];
    memset(large, 'x', sizeof large - 1);
    large[sizeof large - 1] = 0;
    open_with_window(w);
    uint32_t other = world_mailbox(w, "other");
    world_deliver(w, "", large);
    struct store_copied copied;
    assert_int_equal(
        store_copy(w->account, STORE_INBOX, (const uint32_t[]){1}, 1, other, false, &copied), 0);
    world_deliver(w, "", large); /* this pack stays */
    assert_int_equal(
        store_copy(w->account, other, (const uint32_t[]){1}, 1, STORE_INBOX, true, &copied), 0);
    world_deliver(w, "", large);
    world_deliver(w, "", large);
    assert_int_equal(store_remove_mailbox(w->account, other, false), 0);
    world_deliver(w, "", large);
    world_deliver(w, "", large);
    size_t removed;
    store_set_undelete(w->store, 0, 0); /* these go for good */
    assert_int_equal(store_expunge(w->account, STORE_INBOX, (const uint32_t[]){4, 5}, 2, &removed),
                     0);
    store_set_undelete(w->store, WEEK, 0);
    for (int round = 0; round < 3; round++) {
        (void)store_compact(w->account);
        expect_deleted(w, "");
        world_rebuild(w);
        expect_deleted(w, "");
    }
    assert_int_equal(usage(w).messages, 4);
}

static void take_in(struct world *w, uint8_t type, const struct buf *facts) {
    struct solo_account *a = account_of(w->account->below);
    struct list records;
    struct index_account row;
    const usec_t born = TEST_NOW;
    assert_int_equal(index_account(a->index, &row), 0);
    list_init(&records);
    struct log_record *r = log_record_new(type, NOTE_MOVED, buf_slice(facts));
    r->pack = row.mark.pack;
    list_append(&records, &r->link);
    assert_int_equal(index_take_in(a->index, &records, row.mark, &born), 0);
    log_records_free(&records);
}

/*
 * A replay finds an entry that it knows at the removal of its mailbox, and then that it was removed
 * before, and is forgotten.
 */
WORLD_TEST(what_was_forgotten_does_not_stay_for_a_later_removal_of_its_mailbox) {
    struct buf facts = {0}, items = {0};
    open_with_window(w);
    world_fill(w, 1);
    uint32_t other = world_mailbox(w, "other");
    struct store_copied copied;
    assert_int_equal(
        store_copy(w->account, STORE_INBOX, (const uint32_t[]){1}, 1, other, true, &copied), 0);
    assert_int_equal(store_remove_mailbox(w->account, other, false), 0);
    uint64_t removed = w->account->published;
    expect_deleted(w, "other/1! ");
    note_forget_encode(
        &facts, &(struct note_forget){.account = TEST_ACCOUNT, .modseq = removed - 1, .uid = 1});
    take_in(w, NOTE_FORGET, &facts);
    expect_deleted(w, "other/1! ");
    buf_clear(&facts);
    note_deletion_encode(
        &items, &(struct note_deletion){
                    .uid = 1, .size = 10, .body = 1, .modseq = removed - 1, .when = TEST_NOW});
    note_deleted_encode(&facts, &(struct note_deleted){.account = TEST_ACCOUNT,
                                                       .mailbox = other,
                                                       .count = 1,
                                                       .items = buf_slice(&items)});
    note_sets_encode(&facts, S(""));
    take_in(w, NOTE_DELETED, &facts);
    expect_deleted(w, "");
    buf_done(&facts), buf_done(&items);
}

/* A backend that takes its time over the removed messages of accounts, and to close one. */
static struct slow {
    struct backend_ops ops;
    const struct backend_ops *real;
    usec_t look, close;
} slow;

static int look_slowly(struct backend_account *a, struct deleted_place behind,
                       struct backend_deleted *list, size_t size, struct buf *texts,
                       size_t *ret_count) {
    (void)fiber_sleep(slow.look);
    return slow.real->deleted(a, behind, list, size, texts, ret_count);
}

static int close_slowly(struct backend_account *a, bool forced) {
    (void)fiber_sleep(slow.close);
    return slow.real->account_close(a, forced);
}

static int open_slow(const void *options, const struct backend_host *host,
                     struct store_backend **ret, struct problem *problem) {
    int error = solo_open(options, host, ret, problem);
    if (error)
        return error;
    slow = (struct slow){.ops = *(*ret)->ops, .real = (*ret)->ops};
    slow.ops.deleted = look_slowly;
    slow.ops.account_close = close_slowly;
    (*ret)->ops = &slow.ops;
    return 0;
}

/* One account has too much while another is looked after, and goes out of memory meanwhile. */
WORLD_TEST(an_account_that_goes_out_of_memory_is_looked_after_when_it_is_there_again) {
    static const uint32_t first = 1;
    struct slice part = S("message\r\n");
    struct store_delivery d = {.mailbox = STORE_INBOX, .parts = &part, .part_count = 1};
    struct store_delivered delivered;
    struct store_account *other;
    struct problem problem = {0};
    size_t removed;
    w->solo.dir = w->dir;
    w->options.backend = open_slow;
    w->options.backend_options = &w->solo;
    w->options.memory = 1; /* who is idle goes at once */
    w->options.undelete = WEEK;
    w->options.undelete_bytes = 1;
    assert_int_equal(store_open(&w->options, &w->store, &problem), 0);
    assert_int_equal(store_account_open(w->store, TEST_ACCOUNT, &w->account), 0);
    assert_int_equal(store_account_open(w->store, TEST_ACCOUNT + 1, &other), 0);
    assert_int_equal(store_deliver(w->store, TEST_ACCOUNT, &d, &delivered), 0);
    assert_int_equal(store_deliver(w->store, TEST_ACCOUNT + 1, &d, &delivered), 0);
    slow.look = USEC_SEC;
    slow.close = 3 * USEC_SEC;
    assert_int_equal(store_expunge(other, STORE_INBOX, &first, 1, &removed), 0);
    (void)fiber_sleep(USEC_MS);
    assert_int_equal(store_expunge(w->account, STORE_INBOX, &first, 1, &removed), 0);
    store_account_close(TAKE_PTR(w->account));
    (void)fiber_sleep(10 * USEC_SEC);
    slow.look = slow.close = 0;
    assert_int_equal(store_account_open(w->store, TEST_ACCOUNT, &w->account), 0);
    expect_deleted(w, "");
    store_account_close(other);
}

/* Before the disk is so full that messages are refused. */
WORLD_TEST(what_is_kept_gives_way_when_the_disk_gets_full) {
    open_with_window(w);
    world_fill(w, 2);
    store_set_undelete_room(w->store, 1);
    world_expunge(w, 1);
    fiber_sleep(USEC_HOUR);
    expect_deleted(w, "INBOX/1 ");
    store_set_undelete_room(w->store, 1ULL << 60);
    fiber_sleep(2 * USEC_MIN);
    expect_deleted(w, "");
    EXPECT_UIDS(w, 2);
    assert_true(slice_eq(buf_slice(&w->reports),
                         S("the disk is nearly full: deleted messages that could still be "
                           "brought back went for good (1)\n")));
    fiber_sleep(USEC_DAY); /* there is nothing more to be said */
    world_expunge(w, 2);
    buf_clear(&w->reports);
    fiber_sleep(11 * USEC_MIN);
    assert_true(slice_eq(buf_slice(&w->reports),
                         S("the disk is nearly full: deleted messages that could still be "
                           "brought back went for good (1)\n")));
}

WORLD_TEST(what_goes_since_its_time_is_over_is_not_reported) {
    open_with_window(w);
    world_fill(w, 1);
    world_expunge(w, 1);
    fiber_sleep(8 * USEC_DAY);
    expect_deleted(w, "");
    assert_int_equal(w->reports.len, 0);
}

WORLD_TEST(bringing_back_does_not_make_room_by_what_it_brings_back) {
    open_with_window(w);
    world_fill(w, 1);
    world_expunge(w, 1);
    store_set_min_free(w->store, 1ULL << 60);
    struct store_restored done;
    struct store_restore r = {.wanted = want_all, .most = 9};
    assert_int_equal(store_restore(w->account, &r, &done), -ENOSPC);
    fiber_sleep(USEC_HOUR);
    store_set_min_free(w->store, 1);
    assert_int_equal(restore(w, 0, 0).count, 1);
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
        BOTH(what_is_back_is_not_doubled_however_long_removed_messages_are_kept),
        BOTH(what_is_back_is_known_by_where_it_is),
        BOTH(a_removed_mailbox_comes_back_message_by_message),
        BOTH(after_its_time_it_is_gone_for_good),
        BOTH(nothing_goes_while_the_clock_may_be_wrong),
        BOTH(what_was_removed_while_the_clock_was_ahead_keeps_nothing_else),
        BOTH(a_removed_mailbox_stays_away_when_its_messages_are_forgotten),
        BOTH(what_can_be_brought_back_has_the_name_that_its_mailbox_has_now),
        BOTH(nothing_is_kept_where_it_is_switched_off),
        BOTH(an_account_keeps_so_many_messages_and_not_more),
        BOTH(what_was_kept_goes_when_the_next_store_keeps_nothing),
        BOTH(a_shorter_window_holds_soon_unless_it_was_a_slip),
        cmocka_unit_test(what_a_torn_compaction_says_of_removed_messages_is_not_all),
        BOTH(what_comes_back_has_its_return_path),
        BOTH(many_come_back_in_order),
        BOTH(an_account_keeps_no_more_than_its_bound),
        BOTH(a_body_counts_where_it_is_and_is_freed_once),
        cmocka_unit_test(compaction_keeps_what_can_be_brought_back),
        cmocka_unit_test(what_was_moved_away_before_is_not_what_a_removed_mailbox_had),
        cmocka_unit_test(what_was_forgotten_does_not_stay_for_a_later_removal_of_its_mailbox),
        cmocka_unit_test(what_goes_since_its_time_is_over_is_not_reported),
        cmocka_unit_test(an_account_that_goes_out_of_memory_is_looked_after_when_it_is_there_again),
        cmocka_unit_test(what_is_kept_gives_way_when_the_disk_gets_full),
        cmocka_unit_test(bringing_back_does_not_make_room_by_what_it_brings_back),
        cmocka_unit_test(a_purged_account_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

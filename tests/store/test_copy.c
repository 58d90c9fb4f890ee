/* SPDX-License-Identifier: ISC */
/* A body and its entries: copies cost no bytes, and nothing that an entry needs is ever lost. */
#include "world.h"

#include <stdio.h>

#include "fiber/fiber.h"

static uint32_t make_mailbox(struct world *w, const char *name) {
    uint32_t id;
    assert_int_equal(store_create_mailbox(w->account, 0, slice_of_str(name), STORE_ROLE_NONE, &id),
                     0);
    return id;
}

static struct store_copied copy(struct world *w, uint32_t from, const uint32_t *uids, size_t count,
                                uint32_t to, bool move) {
    struct store_copied done;
    assert_int_equal(store_copy(w->account, from, uids, count, to, move, &done), 0);
    return done;
}

static void expunge(struct world *w, uint32_t mailbox, const uint32_t *uids, size_t count) {
    size_t removed;
    assert_int_equal(store_expunge(w->account, mailbox, uids, count, &removed), 0);
    assert_int_equal(removed, count);
}

static struct store_usage usage(const struct world *w) {
    struct store_usage u;
    store_account_usage(w->account, &u);
    return u;
}

/* The mailbox holds these UIDs, and each reads as "letter N\r\n" with its N. */
static void expect(struct world *w, uint32_t mailbox, const uint32_t *uids, const unsigned *numbers,
                   size_t count) {
    struct snapshot *s = world_snapshot_of(w, mailbox);
    assert_int_equal(s->count, count);
    for (size_t i = 0; i < count; i++) {
        char bytes[64], wanted[64];
        int len = snprintf(wanted, sizeof wanted, "number %u\r\n", numbers[i]);
        assert_int_equal(s->messages[i].uid, uids[i]);
        assert_int_equal(store_read(w->account, &s->messages[i], 0, bytes, sizeof bytes), len);
        assert_memory_equal(bytes, wanted, (size_t)len);
    }
    free(s);
}
#define EXPECT(w, mailbox, uids, numbers)                                                          \
    expect((w), (mailbox), (uids), (numbers), ARRAY_SIZE(uids))

/* ------------------------------------------------------------------ save dates (RFC 8514) */

static void expect_saved(struct world *w, uint32_t mailbox, uint32_t uid, usec_t date) {
    usec_t saved = 1;
    assert_int_equal(store_save_dates(w->account, mailbox, &uid, 1, &saved), 0);
    assert_int_equal(saved, date);
}

/* Messages 1 to 3 come in the hours behind TEST_NOW; copies of them another hour later each. */
static uint32_t fill_hourly(struct world *w) {
    uint32_t other = make_mailbox(w, "other");
    for (uint32_t i = 1; i <= 3; i++) {
        world_fill(w, i);
        fiber_sleep(TEST_NOW + i * USEC_HOUR - fiber_wall());
    }
    (void)copy(w, STORE_INBOX, (const uint32_t[]){1}, 1, other, false);
    fiber_sleep(TEST_NOW + 4 * USEC_HOUR - fiber_wall());
    (void)copy(w, STORE_INBOX, (const uint32_t[]){2, 3}, 2, other, true);
    (void)world_flag(w, 1, STORE_FLAGGED, 0);
    return other;
}

static void expect_hourly(struct world *w, uint32_t other) {
    expect_saved(w, STORE_INBOX, 1, TEST_NOW);
    expect_saved(w, STORE_INBOX, 2, 0); /* it has gone */
    expect_saved(w, other, 1, TEST_NOW + 3 * USEC_HOUR);
    expect_saved(w, other, 2, TEST_NOW + 4 * USEC_HOUR);
    expect_saved(w, other, 3, TEST_NOW + 4 * USEC_HOUR);
    expect_saved(w, other, 4, 0);
}

WORLD_TEST_BOTH(rfc8514_messages_are_saved_when_they_come_to_their_mailbox) {
    world_open(w);
    uint32_t other = fill_hourly(w);
    expect_hourly(w, other);
    world_crash(w);
    expect_hourly(w, other);
}

WORLD_TEST(rfc8514_save_dates_outlive_compaction_and_mail_db) {
    struct store_stats stats;
    w->solo.compact_size = 1000000000; /* only when we say so */
    world_open(w);
    uint32_t other = fill_hourly(w);
    uint32_t uid = 4;
    for (unsigned i = 1; i <= 2; i++) {
        world_fill(w, 40 * i);
        while (uid <= 40 * i)
            world_expunge(w, uid++);
        assert_int_equal(store_compact(w->account), 0);
        store_stats(w->store, &stats);
        assert_int_equal(stats.compacted, i);
    }
    expect_hourly(w, other);
    world_rebuild(w);
    expect_hourly(w, other);
}

WORLD_TEST_BOTH(rfc9051_6_4_7_copies_have_flags_dates_and_new_uids) {
    world_open(w);
    world_fill(w, 3);
    (void)world_flag(w, 2, STORE_FLAGGED, 0);
    uint32_t other = make_mailbox(w, "other");
    uint64_t before = store_account_modseq(w->account);
    struct store_copied done = copy(w, STORE_INBOX, (const uint32_t[]){2, 3, 9}, 3, other, false);
    assert_int_equal(done.first_uid, 1);
    assert_int_equal(done.count, 2);
    for (int round = 0; round < 3; round++) {
        struct snapshot *inbox = world_snapshot(w), *s = world_snapshot_of(w, other);
        assert_int_equal(inbox->count, 3);
        assert_int_equal(s->count, 2);
        assert_int_equal(s->messages[0].flags, STORE_FLAGGED);
        assert_int_equal(s->messages[0].date, inbox->messages[1].date);
        assert_int_equal(s->messages[0].body, inbox->messages[1].body);
        assert_true(s->messages[0].modseq > before);
        assert_int_equal(s->info.uidnext, 3);
        struct store_mailbox m;
        assert_int_equal(store_mailbox_get(w->account, other, &m), 0);
        assert_true(m.messages == 2 && m.unseen == 2 && m.bytes == s->bytes);
        free(inbox), free(s);
        EXPECT(w, other, ((const uint32_t[]){1, 2}), ((const unsigned[]){2, 3}));
        if (round == 0)
            world_crash(w);
        else
            world_rebuild(w);
    }
}

WORLD_TEST_BOTH(a_body_counts_once_as_long_as_it_has_an_entry) {
    world_open(w);
    world_fill(w, 2);
    uint32_t other = make_mailbox(w, "other");
    const uint32_t first = 1, second = 2;
    struct store_usage before = usage(w);
    (void)copy(w, STORE_INBOX, &first, 1, other, false);
    (void)copy(w, STORE_INBOX, &first, 1, STORE_INBOX, false);
    assert_true(usage(w).messages == 2 && usage(w).bytes == before.bytes);
    expunge(w, STORE_INBOX, &first, 1);
    assert_true(usage(w).messages == 2 && usage(w).bytes == before.bytes);
    world_reopen(w);
    assert_true(usage(w).messages == 2 && usage(w).bytes == before.bytes);
    const uint32_t copied = 3;
    expunge(w, STORE_INBOX, &copied, 1);
    assert_int_equal(usage(w).bytes, before.bytes);
    expunge(w, other, &first, 1);
    assert_true(usage(w).messages == 1 && usage(w).bytes == before.bytes / 2);
    expunge(w, STORE_INBOX, &second, 1);
    assert_true(usage(w).messages == 0 && usage(w).bytes == 0);
    world_reopen(w);
    assert_true(usage(w).messages == 0 && usage(w).bytes == 0);
    world_rebuild(w);
    assert_true(usage(w).messages == 0 && usage(w).bytes == 0);
}

WORLD_TEST_BOTH(all_entries_of_a_body_removed_at_once_free_it_once) {
    world_open(w);
    world_fill(w, 1);
    const uint32_t first = 1;
    for (int i = 0; i < 3; i++)
        (void)copy(w, STORE_INBOX, &first, 1, STORE_INBOX, false);
    expunge(w, STORE_INBOX, (const uint32_t[]){1, 2, 3, 4}, 4);
    assert_true(usage(w).messages == 0 && usage(w).bytes == 0);
}

/* More than one record takes; the copies are of every message, and go at once. */
WORLD_TEST_BOTH(thousands_are_copied_and_removed_in_one_go) {
    enum { COUNT = 1100, ALL = 4 * COUNT };
    world_open(w);
    world_fill(w, COUNT);
    uint32_t *uids = mem_array(ALL, sizeof *uids);
    for (uint32_t i = 0; i < ALL; i++)
        uids[i] = i + 1;
    struct store_usage before = usage(w);
    assert_int_equal(copy(w, STORE_INBOX, uids, COUNT, STORE_INBOX, false).count, COUNT);
    assert_int_equal(copy(w, STORE_INBOX, uids, ALL, STORE_INBOX, false).first_uid, 2 * COUNT + 1);
    assert_true(usage(w).messages == COUNT && usage(w).bytes == before.bytes);
    world_rebuild(w);
    assert_true(usage(w).messages == COUNT && usage(w).bytes == before.bytes);
    expunge(w, STORE_INBOX, uids + COUNT, ALL - COUNT);
    assert_true(usage(w).messages == COUNT && usage(w).bytes == before.bytes);
    expunge(w, STORE_INBOX, uids, COUNT);
    assert_true(usage(w).messages == 0 && usage(w).bytes == 0);
    world_rebuild(w);
    assert_true(usage(w).messages == 0 && usage(w).bytes == 0);
    free(uids);
}

WORLD_TEST_BOTH(rfc6851_a_move_leaves_nothing_behind_and_keeps_the_uidl) {
    world_open(w);
    world_fill(w, 3);
    uint32_t other = make_mailbox(w, "other");
    struct snapshot *before = world_snapshot(w);
    char was[STORE_UIDL_SIZE], is[STORE_UIDL_SIZE];
    const uint32_t second = 2, first = 1;
    struct store_usage u = usage(w);
    assert_int_equal(copy(w, STORE_INBOX, &second, 1, other, true).count, 1);
    assert_true(usage(w).messages == 3 && usage(w).bytes == u.bytes);
    EXPECT(w, STORE_INBOX, ((const uint32_t[]){1, 3}), ((const unsigned[]){1, 3}));
    expect(w, other, &first, &second, 1);
    assert_int_equal(copy(w, other, &first, 1, STORE_INBOX, true).first_uid, 4);
    for (int round = 0; round < 3; round++) {
        EXPECT(w, STORE_INBOX, ((const uint32_t[]){1, 3, 4}), ((const unsigned[]){1, 3, 2}));
        struct snapshot *s = world_snapshot(w);
        (void)store_uidl(&before->messages[1], was);
        (void)store_uidl(&s->messages[2], is);
        assert_string_equal(was, is);
        free(s);
        if (round == 0)
            world_crash(w);
        else
            world_rebuild(w);
    }
    free(before);
}

WORLD_TEST_BOTH(rfc1939_7_a_copy_has_a_uidl_of_its_own) {
    char one[STORE_UIDL_SIZE], two[STORE_UIDL_SIZE];
    const uint32_t first = 1;
    world_open(w);
    world_fill(w, 1);
    (void)copy(w, STORE_INBOX, &first, 1, STORE_INBOX, false);
    for (int round = 0; round < 3; round++) {
        struct snapshot *s = world_snapshot(w);
        assert_int_equal(s->count, 2);
        (void)store_uidl(&s->messages[0], one);
        (void)store_uidl(&s->messages[1], two);
        assert_string_not_equal(one, two);
        free(s);
        world_rebuild(w);
    }
}

/* Fills the rest of the pack with what is removed at once, so that it is compacted. */
static void let_compact(struct world *w, unsigned number) {
    char *text = mem_zero(4001), key[32];
    memset(text, 'x', 4000);
    for (int i = 0; i < 10; i++) {
        (void)snprintf(key, sizeof key, "large %u %d", number, i);
        uint32_t uid = world_deliver(w, key, text).uid;
        expunge(w, STORE_INBOX, &uid, 1);
    }
    free(text);
    assert_int_equal(store_compact(w->account), 0);
    fiber_sleep(10 * USEC_SEC);
}

WORLD_TEST_BOTH(a_body_outlives_its_first_entry_and_its_pack) {
    world_open(w);
    world_fill(w, 3);
    uint32_t other = make_mailbox(w, "other");
    (void)copy(w, STORE_INBOX, (const uint32_t[]){1, 2}, 2, other, false);
    expunge(w, STORE_INBOX, (const uint32_t[]){1, 3}, 2);
    let_compact(w, 1);
    _cleanup_(free_p) char *first = world_path(w, TEST_PACK);
    assert_false(file_exists(first));
    for (int round = 0; round < 3; round++) {
        EXPECT(w, STORE_INBOX, ((const uint32_t[]){2}), ((const unsigned[]){2}));
        EXPECT(w, other, ((const uint32_t[]){1, 2}), ((const unsigned[]){1, 2}));
        assert_int_equal(usage(w).messages, 2);
        assert_true(world_deliver(w, "key 1", "again").already);
        assert_true(world_deliver(w, "key 3", "again").already);
        let_compact(w, (unsigned)round + 2);
        world_rebuild(w);
    }
}

/* Entries in one pack, their bodies in another; each pack goes at another time. */
WORLD_TEST_BOTH(a_rebuild_finds_entries_and_bodies_in_any_order_of_packs) {
    w->solo.pack_size = 3000;
    world_open(w);
    uint32_t other = make_mailbox(w, "other");
    const uint32_t first = 1, second = 2;
    world_fill(w, 2);
    let_compact(w, 1);
    (void)copy(w, STORE_INBOX, (const uint32_t[]){1, 2}, 2, other, false);
    let_compact(w, 2);
    expunge(w, STORE_INBOX, &first, 1);
    let_compact(w, 3);
    world_rebuild(w);
    expect(w, STORE_INBOX, &second, &second, 1);
    EXPECT(w, other, ((const uint32_t[]){1, 2}), ((const unsigned[]){1, 2}));
    expunge(w, other, &first, 1);
    let_compact(w, 4);
    world_rebuild(w);
    expect(w, other, &second, &second, 1);
    expunge(w, STORE_INBOX, &second, 1);
    let_compact(w, 5);
    for (int round = 0; round < 2; round++) {
        expect(w, other, &second, &second, 1);
        assert_int_equal(usage(w).messages, 1);
        world_rebuild(w);
    }
    expunge(w, other, &second, 1);
    let_compact(w, 6);
    assert_int_equal(usage(w).messages, 0);
    world_rebuild(w);
    assert_int_equal(usage(w).messages, 0);
    struct store_mailbox m;
    assert_int_equal(store_mailbox_get(w->account, other, &m), 0);
    assert_true(m.messages == 0 && m.uidnext == 3);
}

WORLD_TEST_BOTH(rfc7162_3_1_3_a_conditional_change_leaves_newer_ones_alone) {
    world_open(w);
    world_fill(w, 3);
    uint64_t before = store_account_modseq(w->account);
    (void)world_flag(w, 2, STORE_SEEN, 0);
    struct store_flags wanted = {
        .add = STORE_FLAGGED, .conditional = true, .unchanged_since = before};
    struct store_flags_changed changed;
    _cleanup_(buf_done) struct buf refused = {0};
    assert_int_equal(store_set_flags(w->account, STORE_INBOX, (const uint32_t[]){3, 2, 1}, 3,
                                     &wanted, &changed, &refused),
                     0);
    assert_true(changed.changed == 2 && changed.refused == 1);
    assert_int_equal(refused.len, sizeof(uint32_t));
    uint32_t uid;
    memcpy(&uid, refused.ptr, sizeof uid);
    assert_int_equal(uid, 2);
    struct snapshot *s = world_snapshot(w);
    assert_int_equal(s->messages[0].flags, STORE_FLAGGED);
    assert_int_equal(s->messages[1].flags, STORE_SEEN);
    assert_int_equal(s->messages[2].flags, STORE_FLAGGED);
    free(s);
}

WORLD_TEST_BOTH(rfc7162_what_changed_and_what_vanished_since_a_modseq) {
    world_open(w);
    world_fill(w, 5);
    uint64_t since = store_account_modseq(w->account);
    (void)world_flag(w, 4, STORE_SEEN, 0);
    expunge(w, STORE_INBOX, (const uint32_t[]){2, 3}, 2);
    world_fill(w, 6);
    for (int round = 0; round < 3; round++) {
        _cleanup_(buf_done) struct buf changed = {0}, vanished = {0};
        struct store_view *v;
        assert_int_equal(store_view_open(w->account, STORE_INBOX, &v), 0);
        store_view_changes(v, since, &changed);
        store_view_close(v);
        assert_int_equal(changed.len, 2 * sizeof(uint32_t));
        assert_memory_equal(changed.ptr, ((const uint32_t[]){4, 6}), changed.len);
        assert_int_equal(store_vanished(w->account, STORE_INBOX, since, &vanished), 0);
        assert_int_equal(vanished.len, 2 * sizeof(uint32_t));
        assert_memory_equal(vanished.ptr, ((const uint32_t[]){2, 3}), vanished.len);
        buf_clear(&vanished);
        assert_int_equal(
            store_vanished(w->account, STORE_INBOX, store_account_modseq(w->account), &vanished),
            0);
        assert_int_equal(vanished.len, 0);
        if (round == 0)
            world_crash(w);
        else
            world_rebuild(w);
    }
}

static int vanished_since(struct world *w, uint64_t since, const uint32_t *uids, size_t count) {
    _cleanup_(buf_done) struct buf vanished = {0};
    int error = store_vanished(w->account, STORE_INBOX, since, &vanished);
    if (!error) {
        assert_int_equal(vanished.len, count * sizeof *uids);
        assert_memory_equal(vanished.ptr, uids, vanished.len);
    }
    return error;
}

/* Beyond the most in a mailbox the older ones are forgotten, and that is said. */
WORLD_TEST_BOTH(rfc7162_3_2_5_what_vanished_too_long_ago_is_said_to_be) {
    w->solo.vanished_max = w->memory.vanished_max = 3;
    w->solo.vanished_age = 5 * USEC_DAY;
    w->solo.pack_size = w->solo.compact_size = 300; /* a pack for each group, and soon it goes */
    world_open(w);
    world_fill(w, 12);
    uint64_t modseqs[9];
    for (uint32_t i = 0; i < 9; i++) {
        modseqs[i] = store_account_modseq(w->account);
        world_expunge(w, i + 1);
    }
    for (int day = 0; day < 5 && !w->memory.memory; day++) {
        fiber_sleep(2 * USEC_DAY);
        (void)world_flag(w, 10, day % 2 ? 0 : STORE_SEEN, day % 2 ? STORE_SEEN : 0);
        assert_int_equal(store_compact(w->account), 0);
        fiber_sleep(10 * USEC_SEC);
    }
    static const uint32_t last[] = {7, 8, 9};
    for (int round = 0; round < 2; round++) {
        assert_int_equal(vanished_since(w, 0, NULL, 0), -E_LIMIT);
        assert_int_equal(vanished_since(w, modseqs[5], NULL, 0), -E_LIMIT);
        if (w->memory.memory) { /* by then those are too old as well */
            assert_int_equal(vanished_since(w, modseqs[6], last, 3), 0);
            assert_int_equal(vanished_since(w, modseqs[7], last + 1, 2), 0);
        } else {
            assert_int_equal(vanished_since(w, modseqs[7], NULL, 0), -E_LIMIT);
        }
        world_reopen(w);
    }
    uint64_t now = store_account_modseq(w->account);
    world_expunge(w, 11);
    assert_int_equal(vanished_since(w, now, (const uint32_t[]){11}, 1), 0);
    world_rebuild(w);
    assert_int_equal(vanished_since(w, 0, NULL, 0), -E_LIMIT);
    assert_int_equal(vanished_since(w, store_account_modseq(w->account), NULL, 0), 0);
}

/* The young ones are told, in whatever number up to the most. */
WORLD_TEST_BOTH(rfc7162_3_2_5_what_vanished_lately_is_kept) {
    w->solo.vanished_max = w->memory.vanished_max = 3;
    world_open(w);
    world_fill(w, 6);
    uint64_t before = store_account_modseq(w->account);
    for (uint32_t i = 1; i <= 3; i++)
        world_expunge(w, i);
    for (int day = 0; day < 3; day++) {
        fiber_sleep(2 * USEC_DAY);
        (void)world_flag(w, 5, day % 2 ? 0 : STORE_SEEN, day % 2 ? STORE_SEEN : 0);
        world_reopen(w);
    }
    assert_int_equal(vanished_since(w, before, (const uint32_t[]){1, 2, 3}, 3), 0);
}

/* An expunge that went with its pack is not known from the others: no answer, not a wrong one.
 * In memory there are no packs. */
WORLD_TEST(a_rebuild_does_not_claim_to_know_what_vanished_with_a_pack) {
    w->solo.pack_size = 3000;
    world_open(w);
    world_fill(w, 3);
    uint64_t before = store_account_modseq(w->account);
    world_expunge(w, 2);
    let_compact(w, 1);
    _cleanup_(free_p) char *first = world_path(w, TEST_PACK);
    assert_false(file_exists(first));
    _cleanup_(buf_done) struct buf vanished = {0};
    assert_int_equal(store_vanished(w->account, STORE_INBOX, before, &vanished), 0);
    assert_true(vanished.len >= sizeof(uint32_t));
    world_rebuild(w);
    assert_int_equal(vanished_since(w, before, NULL, 0), -E_LIMIT);
    struct store_mailbox inbox;
    (void)world_mailbox(w, "changed later than the INBOX");
    world_rebuild(w);
    assert_int_equal(store_mailbox_get(w->account, STORE_INBOX, &inbox), 0);
    assert_int_equal(vanished_since(w, inbox.modseq, NULL, 0), 0);
    uint64_t now = store_account_modseq(w->account);
    world_expunge(w, 3);
    assert_int_equal(vanished_since(w, now, (const uint32_t[]){3}, 1), 0);
    world_rebuild(w);
    assert_int_equal(vanished_since(w, now, (const uint32_t[]){3}, 1), 0);
}

/* However deep one is made, and whatever moves another below it. */
WORLD_TEST_BOTH(mailboxes_lie_no_deeper_and_have_no_longer_paths_than_is_bearable) {
    char name[STORE_NAME_MAX + 1] = {0};
    uint32_t deep = 0, wide = 0, id;
    world_open(w);
    for (unsigned i = 0; i + 1 < STORE_DEPTH_MAX; i++)
        deep = world_mailbox_in(w, deep, "d");
    id = world_mailbox_in(w, deep, "d");
    assert_int_equal(store_create_mailbox(w->account, id, S("d"), STORE_ROLE_NONE, &id), -E_LIMIT);
    memset(name, 'n', STORE_NAME_MAX);
    for (unsigned i = 0; i < 4; i++) /* with what stands between them all but one byte */
        wide = world_mailbox_in(w, wide, name);
    assert_int_equal(store_create_mailbox(w->account, wide, S("n"), STORE_ROLE_NONE, &id),
                     -E_LIMIT);
    uint32_t one = make_mailbox(w, "one"), two = world_mailbox_in(w, one, "two");
    assert_int_equal(store_rename_mailbox(w->account, one, deep, S("one")), -E_LIMIT);
    assert_int_equal(store_rename_mailbox(w->account, one, wide, S("")), -E_SYNTAX);
    assert_int_equal(store_rename_mailbox(w->account, two, deep, S("two")), 0);
    assert_int_equal(store_rename_mailbox(w->account, one, deep, S("one")), 0);
    name[STORE_NAME_MAX - 5] = 0;
    assert_int_equal(store_rename_mailbox(w->account, wide, 0, S("w")), 0);
    world_reopen(w);
    assert_int_equal(store_rename_mailbox(w->account, two, wide, slice_of_str(name)), 0);
}

/* What copies cost is no quota: so their number is bounded, and no more than that. */
WORLD_TEST_BOTH(an_account_is_not_filled_with_copies) {
    const uint32_t uids[] = {1, 2, 3, 4};
    struct store_copied done;
    w->options.entries = 10;
    world_open(w);
    world_fill(w, 4);
    uint32_t other = make_mailbox(w, "other");
    (void)copy(w, STORE_INBOX, uids, 4, other, false);
    assert_int_equal(store_copy(w->account, STORE_INBOX, uids, 4, other, false, &done), -E_LIMIT);
    (void)copy(w, STORE_INBOX, uids, 2, other, false);
    assert_int_equal(store_copy(w->account, other, uids, 1, other, false, &done), -E_LIMIT);
    (void)copy(w, other, uids, 4, STORE_INBOX, true);
    (void)world_deliver(w, "more", "it comes all the same\r\n");
}

WORLD_TEST_BOTH(rfc9051_6_3_6_a_renamed_mailbox_keeps_what_is_in_and_below_it) {
    world_open(w);
    world_fill(w, 1);
    const uint32_t first = 1;
    uint32_t one = make_mailbox(w, "one"), two = make_mailbox(w, "two"), below;
    assert_int_equal(store_create_mailbox(w->account, one, S("below"), STORE_ROLE_NONE, &below), 0);
    (void)copy(w, STORE_INBOX, &first, 1, one, false);
    struct store_mailbox before, m;
    assert_int_equal(store_mailbox_get(w->account, one, &before), 0);
    uint32_t validity = before.uidvalidity;
    assert_int_equal(store_rename_mailbox(w->account, one, 0, S("two")), -EEXIST);
    assert_int_equal(store_rename_mailbox(w->account, one, below, S("x")), -EINVAL);
    assert_int_equal(store_rename_mailbox(w->account, one, 99, S("x")), -E_UNKNOWN);
    assert_int_equal(store_rename_mailbox(w->account, 99, 0, S("x")), -E_UNKNOWN);
    assert_int_equal(store_rename_mailbox(w->account, one, 0, S("")), -E_SYNTAX);
    assert_int_equal(store_rename_mailbox(w->account, STORE_INBOX, 0, S("x")), -EPERM);
    assert_int_equal(store_rename_mailbox(w->account, one, two, S("three")), 0);
    for (int round = 0; round < 3; round++) {
        assert_int_equal(store_mailbox_find(w->account, 0, S("one"), &m), -E_UNKNOWN);
        assert_int_equal(store_mailbox_find(w->account, two, S("three"), &m), 0);
        assert_true(m.id == one && m.uidvalidity == validity && m.messages == 1);
        assert_int_equal(m.uidnext, 2);
        assert_int_equal(store_mailbox_find(w->account, one, S("below"), &m), 0);
        expect(w, one, &first, &first, 1);
        if (round == 0)
            world_crash(w);
        else
            world_rebuild(w);
    }
}

WORLD_TEST_BOTH(mailboxes_that_are_unknown_are_said_to_be) {
    struct store_copied done;
    const uint32_t uid = 1;
    world_open(w);
    world_fill(w, 1);
    assert_int_equal(store_copy(w->account, STORE_INBOX, &uid, 1, 77, false, &done), -E_UNKNOWN);
    assert_int_equal(store_copy(w->account, 77, &uid, 1, STORE_INBOX, false, &done), -E_UNKNOWN);
}

/* Half of the entries are loaded when the other half is changed. */
WORLD_TEST_BOTH_ON(what_is_changed_while_a_mailbox_is_loaded_is_seen, false) {
    enum { COUNT = 300 };
    world_open(w);
    world_fill(w, COUNT);
    for (int round = 0; round < 3; round++) {
        world_reopen(w);
        struct store_delivered d = world_deliver(w, "", "number 1\r\n");
        struct snapshot *s = world_snapshot(w);
        assert_int_equal(s->count, COUNT + round + 1);
        assert_int_equal(s->messages[s->count - 1].uid, d.uid);
        free(s);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        BOTH(rfc8514_messages_are_saved_when_they_come_to_their_mailbox),
        cmocka_unit_test(rfc8514_save_dates_outlive_compaction_and_mail_db),
        BOTH(rfc9051_6_4_7_copies_have_flags_dates_and_new_uids),
        BOTH(a_body_counts_once_as_long_as_it_has_an_entry),
        BOTH(all_entries_of_a_body_removed_at_once_free_it_once),
        BOTH(thousands_are_copied_and_removed_in_one_go),
        BOTH(rfc6851_a_move_leaves_nothing_behind_and_keeps_the_uidl),
        BOTH(rfc1939_7_a_copy_has_a_uidl_of_its_own),
        BOTH(a_body_outlives_its_first_entry_and_its_pack),
        BOTH(a_rebuild_finds_entries_and_bodies_in_any_order_of_packs),
        BOTH(rfc7162_3_1_3_a_conditional_change_leaves_newer_ones_alone),
        BOTH(rfc7162_what_changed_and_what_vanished_since_a_modseq),
        BOTH(rfc7162_3_2_5_what_vanished_too_long_ago_is_said_to_be),
        BOTH(rfc7162_3_2_5_what_vanished_lately_is_kept),
        cmocka_unit_test(a_rebuild_does_not_claim_to_know_what_vanished_with_a_pack),
        BOTH(mailboxes_lie_no_deeper_and_have_no_longer_paths_than_is_bearable),
        BOTH(an_account_is_not_filled_with_copies),
        BOTH(rfc9051_6_3_6_a_renamed_mailbox_keeps_what_is_in_and_below_it),
        BOTH(mailboxes_that_are_unknown_are_said_to_be),
        BOTH(what_is_changed_while_a_mailbox_is_loaded_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

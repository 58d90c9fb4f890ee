/* SPDX-License-Identifier: ISC */
/*
 * Changes of many messages: mail.db takes them in by stretches of neighbours, a rebuild goes from
 * entry to entry. Whatever was done, the two have the same rows.
 */
#include "world.h"

#include <sqlite3.h>

#include "fiber/fiber.h"
#include "model/rng.h"

enum { MESSAGES = 400, BOXES = 3, ROUNDS = 12, CHANGES = 8 };

static struct buf dump(struct world *w) {
    static const char *const queries[] = {
        "SELECT 'entry', mailbox_id, uid, body_id, modseq, flags, pack, saved, (SELECT names FROM"
        " keyword_sets k WHERE k.mailbox_id = e.mailbox_id AND k.set_id = e.keywords)"
        " FROM entries e ORDER BY 2, 3",
        "SELECT 'body', body_id, pack, length, size, entries, deleted FROM bodies ORDER BY 2",
        "SELECT 'set', mailbox_id, names, entries FROM keyword_sets ORDER BY 2, 3",
        "SELECT 'keyword', mailbox_id, name, sets FROM keywords ORDER BY 2, 3",
        "SELECT 'deleted', mailbox_id, uid, body_id, flags, keywords, modseq, deleted_at, pack"
        " FROM deleted ORDER BY 2, 3",
        "SELECT 'vanished', mailbox_id, uid, modseq, pack FROM vanished ORDER BY 2, 3",
        "SELECT 'mailbox', mailbox_id, name, messages, unseen, bytes, uidnext, modseq"
        " FROM mailboxes WHERE gone = 0 ORDER BY 2",
        "SELECT 'pack', pack, alive, bytes FROM packs ORDER BY 2",
        "SELECT 'account', bodies, bytes, deleted_bytes, modseq, body_next FROM account",
    };
    struct buf text = {0};
    sqlite3 *db;
    sqlite3_stmt *row;
    char *path = world_path(w, TEST_DB);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    for (size_t i = 0; i < ARRAY_SIZE(queries); i++) {
        assert_int_equal(sqlite3_prepare_v2(db, queries[i], -1, &row, NULL), SQLITE_OK);
        while (sqlite3_step(row) == SQLITE_ROW) {
            for (int k = 0; k < sqlite3_column_count(row); k++)
                buf_printf(&text, "%s ", (const char *)sqlite3_column_text(row, k));
            buf_add_byte(&text, '\n');
        }
        (void)sqlite3_finalize(row);
    }
    (void)sqlite3_close(db);
    free(path);
    return text;
}

static void print_difference(const struct buf *a, const struct buf *b) {
    struct slice x, y, left = buf_slice(a), right = buf_slice(b);
    while (slice_next(&left, '\n', &x) && slice_next(&right, '\n', &y))
        if (!slice_eq(x, y)) {
            print_message("taken in: %.*s\nrebuilt:  %.*s\n", (int)x.len, x.ptr, (int)y.len, y.ptr);
            return;
        }
}

/* What has been taken in as it came is what a rebuild makes of it. */
static void compare(struct world *w) {
    world_close(w);
    struct buf taken = dump(w);
    world_open(w);
    world_rebuild(w);
    world_close(w);
    struct buf rebuilt = dump(w);
    if (!slice_eq(buf_slice(&taken), buf_slice(&rebuilt)))
        print_difference(&taken, &rebuilt);
    assert_int_equal(taken.len, rebuilt.len);
    assert_memory_equal(taken.ptr, rebuilt.ptr, taken.len);
    buf_done(&taken);
    buf_done(&rebuilt);
    world_open(w);
}

/* Messages of a mailbox: all of them, neighbours, or some that lie scattered. */
static size_t choose(struct world *w, struct rng *rng, uint32_t mailbox, uint32_t *uids) {
    struct snapshot *s = world_snapshot_of(w, mailbox);
    uint32_t every = rng_one_in(rng, 3) ? 1 + rng_below(rng, 9) : 1;
    size_t count = 0, first = s->count > 0 ? rng_below(rng, (uint32_t)s->count) : 0;
    size_t last = rng_one_in(rng, 2) ? s->count : first + rng_below(rng, 60);
    for (size_t i = rng_one_in(rng, 2) ? first : 0; i < last && i < s->count; i++)
        if (rng_one_in(rng, every))
            uids[count++] = s->messages[i].uid;
    free(s);
    return count;
}

static void change_flags(struct world *w, struct rng *rng, uint32_t mailbox, const uint32_t *uids,
                         size_t count) {
    const struct slice words[] = {S("$Junk"), S("work"), S("later")};
    struct store_flags f = {.add = rng_below(rng, STORE_FLAGS + 1),
                            .remove = rng_below(rng, STORE_FLAGS + 1),
                            .add_keywords = &words[rng_below(rng, 3)],
                            .add_keyword_count = rng_below(rng, 2),
                            .remove_keywords = words,
                            .remove_keyword_count = rng_below(rng, 3)};
    struct store_flags_changed changed;
    assert_int_equal(store_set_flags(w->account, mailbox, uids, count, &f, &changed, NULL), 0);
}

static void change(struct world *w, struct rng *rng, const uint32_t *boxes) {
    uint32_t from = boxes[rng_below(rng, BOXES)], to = boxes[rng_below(rng, BOXES)];
    uint32_t *uids = mem_array(16UL * MESSAGES, sizeof *uids);
    size_t removed, count = choose(w, rng, from, uids);
    struct store_copied copied;
    MUST(count <= 16UL * MESSAGES);
    switch (rng_below(rng, 6)) {
    case 0:
        if (count < MESSAGES)
            assert_int_equal(store_copy(w->account, from, uids, count, to, false, &copied), 0);
        break;
    case 1:
        assert_int_equal(store_copy(w->account, from, uids, count, to, true, &copied), 0);
        break;
    case 2:
        assert_int_equal(store_expunge(w->account, from, uids, count, &removed), 0);
        assert_int_equal(removed, count);
        break;
    default:
        change_flags(w, rng, from, uids, count);
    }
    free(uids);
}

/* Many changes that come by lot from a seed; messages that were removed can be brought back or not.
 */
static void change_by_lot(struct world *w, uint64_t seed, usec_t undelete) {
    struct rng rng = {seed};
    w->solo.compact_size = 1U << 30; /* packs stay as they are */
    w->options.undelete = undelete;
    w->options.undelete_bytes = UINT64_MAX;
    world_open(w);
    uint32_t boxes[BOXES] = {STORE_INBOX, world_mailbox(w, "one"), world_mailbox(w, "two")};
    world_fill(w, MESSAGES);
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < CHANGES; i++)
            change(w, &rng, boxes);
        compare(w);
    }
    assert_int_equal(store_remove_mailbox(w->account, boxes[1], false), 0);
    compare(w);
}

WORLD_TEST(mail_db_has_of_many_changes_what_a_rebuild_makes) {
    change_by_lot(w, 1, 0);
}

WORLD_TEST(mail_db_has_of_other_changes_what_a_rebuild_makes) {
    change_by_lot(w, 2, 0);
}

WORLD_TEST(mail_db_has_what_can_be_brought_back) {
    change_by_lot(w, 3, USEC_DAY);
}

/* Who changes much waits until mail.db has what was before, so that memory does not fill with it.
 */
WORLD_TEST(a_change_of_many_waits_for_mail_db) {
    struct store_copied copied;
    uint32_t uids[MESSAGES];
    w->solo.take_in_count = UINT32_MAX; /* nobody takes anything in but for this */
    w->solo.take_in_after = USEC_DAY;
    w->solo.idle_files = USEC_DAY;
    world_open(w);
    uint32_t one = world_mailbox(w, "one");
    world_fill(w, MESSAGES);
    world_reopen(w);
    for (uint32_t i = 0; i < MESSAGES; i++)
        uids[i] = i + 1;
    w->solo.take_in_bytes = 20000; /* more than a copy of all has, and less than two */
    world_reopen(w);
    char *log = world_path(w, TEST_DB "-wal");
    assert_int_equal(store_copy(w->account, STORE_INBOX, uids, MESSAGES, one, false, &copied), 0);
    uint64_t before = file_size(log);
    assert_int_equal(store_copy(w->account, STORE_INBOX, uids, MESSAGES, one, false, &copied), 0);
    assert_int_equal(file_size(log), before);
    assert_int_equal(store_copy(w->account, STORE_INBOX, uids, MESSAGES, one, false, &copied), 0);
    assert_true(file_size(log) > before);
    free(log);
}

/* ------------------------------------------------------------------ usage */

static uint64_t used(const struct world *w) {
    struct store_usage u;
    store_account_usage(w->account, &u);
    return u.messages;
}

static void expunge(struct world *w, uint32_t mailbox, const uint32_t *uids, size_t count) {
    size_t removed;
    assert_int_equal(store_expunge(w->account, mailbox, uids, count, &removed), 0);
    assert_int_equal(removed, count);
}

/* A body counts once, and until its last entry goes, wherever its entries are known. */
static void count_bodies(struct world *w, bool in_memory) {
    uint32_t uids[MESSAGES];
    struct store_copied copied;
    world_open(w);
    uint32_t one = world_mailbox(w, "one"), two = world_mailbox(w, "two");
    world_fill(w, MESSAGES);
    for (uint32_t i = 0; i < MESSAGES; i++)
        uids[i] = i + 1;
    assert_int_equal(store_copy(w->account, STORE_INBOX, uids, MESSAGES, one, false, &copied), 0);
    assert_int_equal(store_copy(w->account, STORE_INBOX, uids, 300, two, false, &copied), 0);
    if (!in_memory)
        world_reopen(w);
    expunge(w, STORE_INBOX, uids, MESSAGES);
    assert_int_equal(used(w), MESSAGES);
    if (!in_memory)
        world_reopen(w);
    expunge(w, one, uids, MESSAGES);
    assert_int_equal(used(w), 300);
    if (!in_memory)
        world_reopen(w);
    expunge(w, two, uids + 20, 280);
    assert_int_equal(used(w), 20);
    world_reopen(w);
    assert_int_equal(used(w), 20);
}

WORLD_TEST_BOTH(bodies_are_counted_in_memory) {
    count_bodies(w, true);
}

WORLD_TEST_BOTH(bodies_are_counted_where_they_are_kept) {
    count_bodies(w, false);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mail_db_has_of_many_changes_what_a_rebuild_makes),
        cmocka_unit_test(mail_db_has_of_other_changes_what_a_rebuild_makes),
        cmocka_unit_test(mail_db_has_what_can_be_brought_back),
        cmocka_unit_test(a_change_of_many_waits_for_mail_db),
        BOTH(bodies_are_counted_in_memory),
        BOTH(bodies_are_counted_where_they_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

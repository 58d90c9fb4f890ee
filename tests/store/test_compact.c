/* SPDX-License-Identifier: ISC */
/* Space of messages that are gone comes back, and nothing else goes with it. */
#include "world.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>

#include "fiber/fiber.h"
#include "fiber/scheduler.h"

static uint64_t disk_of(struct world *w) {
    struct store_usage u;
    store_account_usage(w->account, &u);
    return u.disk;
}

static void deliver_large(struct world *w, uint32_t count, size_t size) {
    char *text = mem_alloc(size + 1);
    memset(text, 'x', size);
    text[size] = 0;
    for (uint32_t i = 0; i < count; i++) {
        char key[32];
        (void)snprintf(key, sizeof key, "large %u", i);
        world_deliver(w, key, text);
    }
    free(text);
}

static void expunge_range(struct world *w, uint32_t from, uint32_t to) {
    uint32_t uids[256];
    size_t count = 0, removed;
    for (uint32_t uid = from; uid <= to; uid++)
        uids[count++] = uid;
    assert_int_equal(store_expunge(w->account, STORE_INBOX, uids, count, &removed), 0);
    assert_int_equal(removed, count);
}

WORLD_TEST(space_comes_back_when_less_than_half_is_alive) {
    w->solo.compact_size = 10000;
    world_open(w);
    world_fill(w, 3);
    deliver_large(w, 20, 5000); /* UIDs 4 to 23 */
    char *first = world_path(w, TEST_PACK);
    expunge_range(w, 4, 12);
    fiber_sleep(5 * USEC_SEC);
    assert_true(file_exists(first)); /* more than half is alive */
    expunge_range(w, 13, 23);
    fiber_sleep(5 * USEC_SEC);
    assert_false(file_exists(first));
    assert_true(disk_of(w) < 10000);
    EXPECT_UIDS(w, 1, 2, 3);
    struct store_stats st;
    store_stats(w->store, &st);
    assert_int_equal(st.compacted, 1);
    world_reopen(w);
    EXPECT_UIDS(w, 1, 2, 3);
    assert_true(disk_of(w) < 10000);
    assert_int_equal(w->reports.len, 0);
    free(first);
}

static off_t longest = 5000; /* of the new pack; the old one is longer */

static void take_first_image(void *arg, int fd) {
    off_t size = lseek(fd, 0, SEEK_END);
    if (size <= (off_t)PACK_FILE_HEAD || size > longest)
        return;
    disk.before_sync = NULL;
    world_image(arg);
}

/*
 * The power fails before what compaction has written is synced, and all of it but its last record
 * is lost: a disk writes sectors in any order. The old pack must not be taken for emptied.
 */
WORLD_TEST(a_compaction_that_is_torn_loses_nothing) {
    world_open(w);
    world_fill(w, 3);
    deliver_large(w, 5, 5000);
    expunge_range(w, 4, 8);
    disk.before_sync = take_first_image;
    disk.arg = w;
    assert_int_equal(store_compact(w->account), 0);
    world_close(w);
    world_use_image(w);
    char *pack = world_path(w, "67/4711/packs/000002.pack");
    uint64_t last = PACK_HEAD + 17 + PACK_END; /* a record with the facts of NOTE_GONE */
    assert_true(file_size(pack) > PACK_FILE_HEAD + last);
    file_damage(pack, PACK_FILE_HEAD, file_size(pack) - PACK_FILE_HEAD - last);
    world_open(w);
    EXPECT_UIDS(w, 1, 2, 3);
    free(pack);
}

/*
 * The power fails when a pack has been copied, before it is said to be empty. What it has is dead,
 * but for a key, and it is too small to be worth another compaction. The pack with the copies is
 * compacted first: the removals in it are the only ones of what the old one still has.
 */
WORLD_TEST(what_a_half_emptied_pack_has_does_not_come_back) {
    char *first = world_path(w, TEST_PACK), text[2500];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    w->solo.compact_size = 1;
    world_open(w);
    world_fill(w, 2);
    world_deliver(w, "third", text);
    fiber_sleep(5 * USEC_SEC);
    const uint32_t uids[] = {1, 3};
    size_t removed;
    assert_int_equal(store_expunge(w->account, STORE_INBOX, uids, 2, &removed), 0);
    fiber_sleep(5 * USEC_SEC);
    assert_false(file_exists(first)); /* the second one has keys and the message */
    world_deliver(w, "fourth", text);
    fiber_sleep(5 * USEC_SEC);
    longest = 1500;
    disk.before_sync = take_first_image;
    disk.arg = w;
    world_expunge(w, 4);
    fiber_sleep(5 * USEC_SEC);
    longest = 5000;
    assert_null(disk.before_sync);
    world_close(w);
    world_use_image(w);
    w->solo.compact_size = 0;
    world_open(w);
    EXPECT_UIDS(w, 2);
    world_expunge(w, 2);
    deliver_large(w, 1, 5000);
    world_expunge(w, 5);
    assert_int_equal(store_compact(w->account), 0);
    world_expect(w, NULL, 0);
    world_rebuild(w);
    world_expect(w, NULL, 0);
    free(first);
}

/*
 * The power fails while a second pack is begun, and what is left of it ends within its head, at the
 * end of a record: nothing looks torn. It does not describe every mailbox, which who stands
 * behind the first pack has to when that goes.
 */
WORLD_TEST(a_pack_goes_only_when_a_later_one_describes_every_mailbox) {
    w->solo.pack_size = 2000;
    world_open(w);
    uint32_t parent = world_mailbox(w, "parent"), child = world_mailbox_in(w, parent, "child");
    world_fill(w, 1);
    deliver_large(w, 1, 5000);
    fiber_sleep(5 * USEC_SEC);
    world_image(w);
    world_fill(w, 3);
    char *first = world_path(w, TEST_PACK), *second = world_path(w, "67/4711/packs/000002.pack");
    char *whole = mem_printf("%s/67/4711/packs/000002.pack", w->other);
    file_copy(second, whole);
    struct pack_reader r = {.fd = open(second, O_RDONLY), .to = file_size(second)};
    struct pack_entry record;
    unsigned records = 0;
    for (r.at = PACK_FILE_HEAD; pack_next(&r, &record) == PACK_RECORD; records++) {
        world_close(w);
        world_restore(w);
        file_cut(second, record.to);
        world_open(w);
        world_deliver(w, "key 3", "number 3\r\n");
        world_expunge(w, 2);
        assert_int_equal(store_compact(w->account), 0);
        assert_false(file_exists(first));
        world_rebuild(w);
        struct snapshot *s = world_snapshot(w);
        assert_int_equal(s->count, 2);
        free(s);
        struct store_mailbox m;
        assert_int_equal(store_mailbox_find(w->account, parent, S("child"), &m), 0);
        assert_int_equal(m.id, child);
        assert_int_equal(store_mailbox_find(w->account, 0, S("parent"), &m), 0);
    }
    assert_true(records > 4); /* the account, three mailboxes, a message */
    pack_reader_done(&r);
    close(r.fd);
    free(first), free(second), free(whole);
}

WORLD_TEST(d6_a_clock_that_has_jumped_ahead_costs_no_keys) {
    world_open(w);
    world_fill(w, 2);
    deliver_large(w, 1, 5000);
    world_expunge(w, 1);
    world_expunge(w, 3);
    fiber_scheduler->wall_offset += 3650 * USEC_DAY;
    assert_int_equal(store_compact(w->account), 0);
    fiber_scheduler->wall_offset -= 3650 * USEC_DAY;
    world_rebuild(w);
    EXPECT_UIDS(w, 2);
    assert_true(world_deliver(w, "key 1", "number 1\r\n").already);
}

WORLD_TEST(a_moved_message_keeps_its_uid_uidl_flags_and_key) {
    world_open(w);
    world_fill(w, 3);
    deliver_large(w, 5, 5000);
    const uint32_t uid = 2;
    (void)world_flag(w, uid, STORE_SEEN, 0);
    struct snapshot *before = world_snapshot(w), *after;
    expunge_range(w, 4, 8);
    assert_int_equal(store_compact(w->account), 0);
    for (int round = 0; round < 3; round++) {
        after = world_snapshot(w);
        assert_int_equal(after->count, 3);
        assert_int_equal(after->info.uidvalidity, before->info.uidvalidity);
        for (size_t i = 0; i < 3; i++) {
            char one[STORE_UIDL_SIZE], two[STORE_UIDL_SIZE], bytes[32];
            const struct store_message *old = &before->messages[i], *new = &after->messages[i];
            store_uidl(old, one);
            store_uidl(new, two);
            assert_string_equal(one, two);
            assert_int_equal(new->uid, old->uid);
            assert_int_equal(new->flags, old->flags);
            assert_int_equal(new->modseq, old->modseq);
            assert_true(world_place(w, new).pack > 1);
            /* a session that began before reads on */
            assert_int_equal(store_read(w->account, old, 0, bytes, sizeof bytes), 10);
        }
        free(after);
        assert_true(world_deliver(w, "key 1", "x").already);
        assert_true(world_deliver(w, "large 3", "x").already);
        if (round == 0) {
            world_reopen(w);
        } else {
            world_close(w);
            char *db = world_path(w, TEST_DB), *wal = world_path(w, TEST_DB "-wal");
            (void)unlink(db);
            (void)unlink(wal);
            free(db), free(wal);
            world_open(w);
        }
    }
    free(before);
}

/* Twenty messages, the first three of which stay; then the pack that holds them is compacted. */
static void compact_the_first(struct world *w, void (*before)(struct world *w)) {
    w->solo.compact_size = 10000;
    world_open(w);
    world_fill(w, 3);
    deliver_large(w, 20, 5000);
    fiber_sleep(5 * USEC_SEC);
    before(w);
    expunge_range(w, 4, 23);
    fiber_sleep(5 * USEC_SEC);
    char *first = world_path(w, TEST_PACK);
    assert_false(file_exists(first));
    free(first);
}

/* All of the database is on the disk. */
static void sync_database(struct world *w) {
    sqlite3 *db;
    world_close(w);
    char *path = world_path(w, TEST_DB);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    free(path);
    world_open(w);
}

/* The log between its mark and what compaction wrote is gone: only the packs know what went. */
WORLD_TEST(a_database_older_than_a_compaction_brings_no_message_back) {
    compact_the_first(w, world_image);
    world_close(w);
    char *db = world_path(w, TEST_DB), *wal = world_path(w, TEST_DB "-wal");
    char *old = mem_printf("%s/" TEST_DB, w->other), *old_wal = mem_printf("%s-wal", old);
    file_copy(old, db);
    file_copy(old_wal, wal);
    world_open(w);
    EXPECT_UIDS(w, 1, 2, 3);
    assert_true(world_deliver(w, "large 7", "x").already);
    assert_true(world_deliver(w, "new", "x").uid > 23);
    free(db), free(wal), free(old), free(old_wal);
}

WORLD_TEST(a_pack_is_removed_only_when_the_database_without_it_is_durable) {
    compact_the_first(w, sync_database);
    world_image(w);
    world_close(w);
    world_use_image(w);
    char *wal = world_path(w, TEST_DB "-wal");
    (void)unlink(wal); /* all that was not synced */
    world_open(w);
    assert_int_equal(w->reports.len, 0);
    EXPECT_UIDS(w, 1, 2, 3);
    free(wal);
}

/* It still holds messages that had been copied from it before the damage was met. */
WORLD_TEST(a_damaged_pack_that_is_kept_brings_no_message_back) {
    world_open(w);
    deliver_large(w, 70, 200000);
    struct snapshot *s = world_snapshot(w);
    char *first = world_path(w, TEST_PACK), *db = world_path(w, TEST_DB);
    char *wal = mem_printf("%s-wal", db);
    file_damage(first, world_place(w, &s->messages[64]).offset + 10, 4);
    free(s);
    expunge_range(w, 31, 70);
    fiber_sleep(10 * USEC_SEC);
    assert_true(file_exists(first));
    expunge_range(w, 1, 25);
    fiber_sleep(10 * USEC_SEC);
    world_close(w);
    (void)unlink(db);
    (void)unlink(wal);
    world_open(w);
    s = world_snapshot(w);
    assert_int_equal(s->count, 5);
    assert_int_equal(s->messages[0].uid, 26);
    free(s);
    free(first), free(db), free(wal);
}

/* The packs are the truth: what an index does not know is not gone for that. */
WORLD_TEST(a_message_that_the_database_has_lost_survives_compaction) {
    sqlite3 *db;
    w->solo.compact_size = 10000;
    world_open(w);
    world_fill(w, 3);
    deliver_large(w, 20, 5000);
    world_close(w);
    char *path = world_path(w, TEST_DB);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db, "DELETE FROM entries WHERE uid = 2; DELETE FROM bodies WHERE body_id = 2",
                     NULL, NULL, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    world_open(w);
    expunge_range(w, 4, 23);
    fiber_sleep(10 * USEC_SEC);
    world_reopen(w);
    EXPECT_UIDS(w, 1, 2, 3);
    fiber_sleep(10 * USEC_SEC);
    EXPECT_UIDS(w, 1, 2, 3);
    assert_true(disk_of(w) < 10000); /* now that it is known */
    free(path);
}

WORLD_TEST(a_reader_keeps_the_file_it_is_sending) {
    world_open(w);
    world_fill(w, 1);
    deliver_large(w, 5, 5000);
    struct snapshot *s = world_snapshot(w);
    struct store_file b;
    assert_int_equal(store_file_get(w->account, &s->messages[0], &b), 0);
    expunge_range(w, 2, 6);
    assert_int_equal(store_compact(w->account), 0);
    char bytes[10];
    assert_int_equal(pread(b.fd, bytes, 10, (off_t)b.offset), 10);
    assert_memory_equal(bytes, "number 1\r\n", 10);
    store_file_release(w->account, &b);
    char text[16];
    assert_int_equal(store_read(w->account, &s->messages[3], 0, text, sizeof text), -E_UNKNOWN);
    free(s);
}

/* The expunge lies in a pack that goes, its message in one that stays. */
WORLD_TEST(an_expunge_outlives_the_pack_it_was_written_to) {
    w->solo.pack_size = 20000;
    world_open(w);
    world_fill(w, 2);
    deliver_large(w, 4, 6000); /* UIDs 3 to 6: the first pack is full */
    world_deliver(w, "", "second pack\r\n");
    world_expunge(w, 2);
    const uint32_t uid = 1;
    (void)world_flag(w, uid, STORE_FLAGGED, 0);
    char key[] = "other 0";
    char *text = mem_zero(8001);
    memset(text, 'y', 8000);
    for (int i = 0; i < 3; i++) {
        key[6]++;
        world_deliver(w, key, text); /* 8, 9, 10 into the second pack */
    }
    free(text);
    expunge_range(w, 7, 10);
    assert_int_equal(store_compact(w->account), 0);
    char *first = world_path(w, TEST_PACK), *second = world_path(w, "67/4711/packs/000002.pack");
    assert_true(file_exists(first));
    assert_false(file_exists(second));
    world_close(w);
    char *db = world_path(w, TEST_DB), *wal = world_path(w, TEST_DB "-wal");
    (void)unlink(db);
    (void)unlink(wal);
    world_open(w); /* made anew from packs 1 and 3 */
    struct snapshot *s = world_snapshot(w);
    assert_int_equal(s->count, 5);
    assert_int_equal(s->messages[0].uid, 1);
    assert_int_equal(s->messages[0].flags, STORE_FLAGGED);
    assert_int_equal(s->messages[1].uid, 3);
    free(s);
    struct store_mailbox m;
    assert_int_equal(store_mailbox_get(w->account, STORE_INBOX, &m), 0);
    assert_int_equal(m.uidnext, 11);
    free(first), free(second), free(db), free(wal);
}

WORLD_TEST(a_damaged_pack_is_kept_for_salvage) {
    world_open(w);
    world_fill(w, 2);
    deliver_large(w, 5, 5000);
    struct snapshot *s = world_snapshot(w);
    char *first = world_path(w, TEST_PACK);
    file_damage(first, world_place(w, &s->messages[0]).body, 3);
    free(s);
    expunge_range(w, 3, 7);
    assert_int_equal(store_compact(w->account), 0);
    assert_true(file_exists(first));
    assert_true(slice_find(buf_slice(&w->reports), S("is kept as it is")) >= 0);
    fiber_sleep(10 * USEC_SEC);
    struct store_usage u;
    store_account_usage(w->account, &u);
    assert_int_equal(u.messages, 2);
    free(first);
}

WORLD_TEST(delivery_goes_on_while_a_large_pack_is_rewritten) {
    w->solo.compact_size = 100000;
    world_open(w);
    deliver_large(w, 200, 60000); /* 12 MB: several steps */
    expunge_range(w, 1, 120);
    assert_int_equal(world_deliver(w, "key 201", "number 201\r\n").uid, 201);
    fiber_sleep(5 * USEC_SEC);
    struct snapshot *s = world_snapshot(w);
    assert_int_equal(s->count, 81);
    char *bytes = mem_alloc(60000);
    for (size_t i = 0; i < 80; i++)
        assert_int_equal(store_read(w->account, &s->messages[i], 0, bytes, 60000), 60000);
    free(bytes);
    assert_true(world_place(w, &s->messages[0]).pack > 1);
    assert_true(disk_of(w) < 5100000);
    free(s);
}

static unsigned senders_done;

/* A message that comes and goes: weight of the pack that nobody needs. */
static void add_dead_weight(struct world *w) {
    static char text[50001];
    static unsigned number;
    char key[32];
    memset(text, 'x', sizeof text - 1);
    (void)snprintf(key, sizeof key, "weight %u", number++);
    uint32_t uid = world_deliver(w, key, text).uid;
    expunge_range(w, uid, uid);
}

static void deliver_thirty(void *arg) {
    static unsigned number;
    struct world *w = arg;
    for (unsigned i = 0; i < 30; i++) {
        char key[32];
        (void)snprintf(key, sizeof key, "meanwhile %u", number++);
        world_deliver(w, key, "meanwhile\r\n");
    }
    senders_done++;
}

/* What is written to the newest pack before its compaction takes its first step moves too. */
WORLD_TEST_ON(messages_that_come_as_compaction_begins_are_kept, false) {
    w->solo.compact_size = 1000000000; /* only when we say so */
    world_open(w);
    for (unsigned i = 0; i < 20; i++)
        add_dead_weight(w);
    senders_done = 0;
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(fiber_spawn("sender", deliver_thirty, w), 0);
    while (senders_done < 8) {
        assert_int_equal(store_compact(w->account), 0);
        assert_int_equal(fiber_sleep(USEC_MS), 0);
        add_dead_weight(w);
    }
    struct snapshot *s = world_snapshot(w);
    assert_int_equal(s->count, 240);
    for (size_t i = 0; i < s->count; i++) {
        char bytes[16];
        assert_int_equal(store_read(w->account, &s->messages[i], 0, bytes, sizeof bytes), 11);
    }
    free(s);
}

/* A pack that is begun while a large change becomes visible knows its MODSEQ. */
static void remove_many(void *arg) {
    struct world *w = arg;
    uint32_t *uids = mem_array(30000, sizeof *uids);
    size_t removed;
    for (uint32_t i = 0; i < 30000; i++)
        uids[i] = i + 101;
    assert_int_equal(store_expunge(w->account, STORE_INBOX, uids, 30000, &removed), 0);
    assert_int_equal(removed, 29900);
    free(uids);
}

WORLD_TEST(rfc7162_highestmodseq_does_not_fall_by_a_pack_that_is_begun_in_between) {
    uint32_t uids[100];
    struct fiber *remover;
    struct store_mailbox m, then;
    struct store_copied done;
    w->solo.compact_size = 1000;
    world_open(w);
    world_fill(w, 100);
    for (uint32_t i = 0; i < 100; i++)
        uids[i] = i + 1;
    for (int i = 0; i < 299; i++)
        assert_int_equal(store_copy(w->account, STORE_INBOX, uids, 100, STORE_INBOX, false, &done),
                         0);
    assert_int_equal(fiber_start("remover", remove_many, w, &remover), 0);
    do {
        assert_int_equal(fiber_yield(), 0);
        assert_int_equal(store_mailbox_get(w->account, STORE_INBOX, &m), 0);
    } while (m.messages == 30000);
    assert_int_equal(store_compact(w->account), 0);
    fiber_join(remover);
    assert_int_equal(store_mailbox_get(w->account, STORE_INBOX, &m), 0);
    _cleanup_(free_p) char *first = world_path(w, TEST_PACK);
    assert_false(file_exists(first));
    world_rebuild(w);
    assert_int_equal(store_mailbox_get(w->account, STORE_INBOX, &then), 0);
    assert_true(then.messages == 100 && then.modseq >= m.modseq);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(space_comes_back_when_less_than_half_is_alive),
        cmocka_unit_test(a_compaction_that_is_torn_loses_nothing),
        cmocka_unit_test(what_a_half_emptied_pack_has_does_not_come_back),
        cmocka_unit_test(a_pack_goes_only_when_a_later_one_describes_every_mailbox),
        cmocka_unit_test(d6_a_clock_that_has_jumped_ahead_costs_no_keys),
        cmocka_unit_test(a_moved_message_keeps_its_uid_uidl_flags_and_key),
        cmocka_unit_test(a_database_older_than_a_compaction_brings_no_message_back),
        cmocka_unit_test(a_pack_is_removed_only_when_the_database_without_it_is_durable),
        cmocka_unit_test(a_damaged_pack_that_is_kept_brings_no_message_back),
        cmocka_unit_test(a_message_that_the_database_has_lost_survives_compaction),
        cmocka_unit_test(a_reader_keeps_the_file_it_is_sending),
        cmocka_unit_test(an_expunge_outlives_the_pack_it_was_written_to),
        cmocka_unit_test(a_damaged_pack_is_kept_for_salvage),
        cmocka_unit_test(delivery_goes_on_while_a_large_pack_is_rewritten),
        cmocka_unit_test(messages_that_come_as_compaction_begins_are_kept),
        cmocka_unit_test(rfc7162_highestmodseq_does_not_fall_by_a_pack_that_is_begun_in_between),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

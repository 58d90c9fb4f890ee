/* SPDX-License-Identifier: ISC */
/*
 * F2, D1, D6: what was acknowledged is there after any crash, with its UID, and what was expunged
 * stays away. Damage to any file costs what it hit and is reported.
 */
#include "world.h"

#include <dirent.h>
#include <sqlite3.h>
#include <stdio.h>

#include "fiber/fiber.h"
#include "pack/pack.h"

static void drop_database(struct world *w) {
    char *db = world_path(w, TEST_DB), *wal = world_path(w, TEST_DB "-wal");
    (void)unlink(db);
    (void)unlink(wal);
    free(db);
    free(wal);
}

static bool said(const struct world *w, struct slice words) {
    return slice_find(buf_slice(&w->reports), words) >= 0;
}

/* ------------------------------------------------------------------ a crash without damage */

WORLD_TEST(d1_an_acknowledged_message_survives_a_crash_at_once) {
    world_open(w);
    for (uint32_t uid = 1; uid <= 5; uid++) {
        world_fill(w, uid);
        world_crash(w);
    }
    EXPECT_UIDS(w, 1, 2, 3, 4, 5);
    assert_true(world_deliver(w, "key 5", "number 5\r\n").already);
    assert_int_equal(w->reports.len, 0);
}

WORLD_TEST(an_expunge_survives_a_crash_at_once) {
    world_open(w);
    world_fill(w, 4);
    world_expunge(w, 2);
    world_crash(w);
    EXPECT_UIDS(w, 1, 3, 4);
    world_expunge(w, 4);
    world_crash(w);
    EXPECT_UIDS(w, 1, 3);
    assert_int_equal(world_deliver(w, "key 5", "number 5\r\n").uid, 5);
}

WORLD_TEST(flags_and_mailboxes_survive_a_crash_at_once) {
    world_open(w);
    world_fill(w, 2);
    const uint32_t uid = 2;
    uint32_t id;
    uint64_t modseq = world_flag(w, uid, STORE_ANSWERED, 0);
    assert_int_equal(store_create_mailbox(w->account, 0, S("Work"), STORE_ROLE_NONE, &id), 0);
    world_crash(w);
    struct snapshot *s = world_snapshot(w);
    assert_int_equal(s->messages[1].flags, STORE_ANSWERED);
    assert_int_equal(s->messages[1].modseq, modseq);
    free(s);
    struct store_mailbox m;
    assert_int_equal(store_mailbox_find(w->account, 0, S("Work"), &m), 0);
    assert_int_equal(m.id, id);
    assert_true(store_account_modseq(w->account) > modseq);
}

/* ------------------------------------------------------------------ a write cut short */

WORLD_TEST(a_pack_cut_anywhere_in_its_last_record_loses_only_that) {
    world_open(w);
    world_fill(w, 3);
    world_close(w);
    char *pack = world_path(w, TEST_PACK);
    uint64_t before = file_size(pack);
    free(pack);
    world_open(w);
    world_image(w); /* mail.db as it was before the last message */
    world_fill(w, 4);
    world_close(w);
    pack = world_path(w, TEST_PACK);
    char *whole = mem_printf("%s/whole", w->dir), *db = world_path(w, TEST_DB),
         *wal = world_path(w, TEST_DB "-wal");
    char *old_db = mem_printf("%s/" TEST_DB, w->other),
         *old_wal = mem_printf("%s/" TEST_DB "-wal", w->other);
    uint64_t after = file_size(pack);
    file_copy(pack, whole);
    for (uint64_t size = before; size <= after; size++) {
        file_copy(whole, pack);
        file_cut(pack, size);
        file_copy(old_db, db);
        file_copy(old_wal, wal);
        world_open(w);
        if (size < after)
            EXPECT_UIDS(w, 1, 2, 3);
        else
            EXPECT_UIDS(w, 1, 2, 3, 4);
        struct store_delivered d = world_deliver(w, "key 4", "number 4\r\n");
        assert_int_equal(d.already, size == after);
        EXPECT_UIDS(w, 1, 2, 3, 4);
        world_close(w);
    }
    assert_int_equal(w->reports.len, 0);
    free(pack), free(whole), free(db), free(wal), free(old_db), free(old_wal);
}

static void deliver_together(struct world *w, uint32_t first, size_t count) {
    struct store_delivery d[8];
    struct slice parts[8];
    struct store_delivered done[8];
    char texts[8][16];
    assert_true(count <= ARRAY_SIZE(d));
    for (size_t i = 0; i < count; i++) {
        int len = snprintf(texts[i], sizeof texts[i], "number %u\r\n", first + (unsigned)i);
        parts[i] = slice_of(texts[i], (size_t)len);
        d[i] = (struct store_delivery){.mailbox = STORE_INBOX, .parts = &parts[i], .part_count = 1};
    }
    assert_int_equal(store_deliver_all(w->store, TEST_ACCOUNT, d, count, done), 0);
    assert_int_equal(done[0].uid, first);
}

WORLD_TEST(rfc3502_messages_stored_together_that_are_cut_anywhere_are_all_gone) {
    world_open(w);
    world_fill(w, 1);
    char *pack = world_path(w, TEST_PACK), *whole = mem_printf("%s/whole", w->dir);
    world_image(w);
    char *before = mem_printf("%s/" TEST_PACK, w->other);
    deliver_together(w, 2, 3);
    world_close(w);
    file_copy(pack, whole);
    for (uint64_t size = file_size(before); size <= file_size(whole); size++) {
        drop_database(w);
        file_copy(whole, pack);
        file_cut(pack, size);
        world_open(w);
        if (size < file_size(whole))
            EXPECT_UIDS(w, 1);
        else
            EXPECT_UIDS(w, 1, 2, 3, 4);
        world_close(w);
    }
    file_cut(pack, file_size(whole) - 1);
    drop_database(w);
    world_open(w);
    deliver_together(w, 2, 2); /* in the place of those that were torn */
    world_crash(w);
    EXPECT_UIDS(w, 1, 2, 3);
    free(pack), free(whole), free(before);
}

WORLD_TEST(rfc3502_damage_in_one_of_several_messages_costs_that_one) {
    world_open(w);
    deliver_together(w, 1, 3);
    struct snapshot *s = world_snapshot(w);
    struct world_place second = world_place(w, &s->messages[1]);
    world_close(w);
    char *pack = world_path(w, TEST_PACK);
    file_damage(pack, second.offset, 8);
    drop_database(w);
    world_open(w);
    EXPECT_UIDS(w, 1, 3);
    free(pack), free(s);
}

WORLD_TEST(a_first_pack_cut_anywhere_is_begun_again) {
    world_open(w);
    world_close(w);
    char *pack = world_path(w, TEST_PACK), *whole = mem_printf("%s/whole", w->dir);
    file_copy(pack, whole);
    for (uint64_t size = 0; size < file_size(whole); size += 3) {
        drop_database(w);
        file_copy(whole, pack);
        file_cut(pack, size);
        world_open(w);
        world_deliver(w, "", "number\r\n");
        world_crash(w);
        struct snapshot *s = world_snapshot(w);
        assert_int_equal(s->count, 1);
        free(s);
        world_close(w);
        free(pack), free(whole);
        pack = world_path(w, TEST_PACK), whole = mem_printf("%s/whole", w->dir);
        char *second = world_path(w, "67/4711/packs/000002.pack");
        (void)unlink(second);
        free(second);
    }
    free(pack), free(whole);
}

/* ------------------------------------------------------------------ sectors in any order */

static void take_image_once(void *arg, int fd) {
    disk.before_sync = NULL;
    world_image(arg);
}

/* The power fails before the sync; of what was written, the first bytes are not on the disk. */
WORLD_TEST(rfc6851_a_move_that_is_torn_loses_nothing) {
    world_open(w);
    world_fill(w, 3);
    uint32_t work;
    const uint32_t uid = 2;
    struct store_copied copied;
    assert_int_equal(store_create_mailbox(w->account, 0, S("Work"), STORE_ROLE_NONE, &work), 0);
    char *pack = world_path(w, TEST_PACK);
    uint64_t end = file_size(pack);
    free(pack);
    disk.before_sync = take_image_once;
    disk.arg = w;
    assert_int_equal(store_copy(w->account, STORE_INBOX, &uid, 1, work, true, &copied), 0);
    EXPECT_UIDS(w, 1, 3);
    world_close(w);
    world_use_image(w);
    pack = world_path(w, TEST_PACK);
    file_damage(pack, end + PACK_HEAD, 8);
    world_open(w);
    EXPECT_UIDS(w, 1, 2, 3);
    free(pack);
}

/* ------------------------------------------------------------------ mail.db is late, or gone */

WORLD_TEST(a_database_that_lost_its_last_commits_catches_up) {
    w->solo.take_in_count = 1;
    world_open(w);
    world_fill(w, 3);
    fiber_sleep(5 * USEC_SEC);
    char *wal = world_path(w, TEST_DB "-wal");
    uint64_t full = file_size(wal);
    world_fill(w, 4);
    world_expunge(w, 1);
    world_fill(w, 8);
    fiber_sleep(5 * USEC_SEC);
    uint64_t now = file_size(wal);
    assert_true(now > full);
    world_image(w);
    world_close(w);
    for (uint64_t frame = 4096 + 24; now > full; now -= frame) {
        world_restore(w);
        file_cut(wal, now - 1); /* the last frame, then one more each time */
        world_open(w);
        EXPECT_UIDS(w, 2, 3, 4, 5, 6, 7, 8);
        assert_true(world_deliver(w, "key 8", "number 8\r\n").already);
        assert_int_equal(world_deliver(w, "key 9", "number 9\r\n").uid, 9);
        world_close(w);
    }
    assert_int_equal(w->reports.len, 0);
    free(wal);
}

WORLD_TEST(yesterdays_database_takes_in_what_came_since) {
    world_open(w);
    world_fill(w, 3);
    world_close(w);
    char *db = world_path(w, TEST_DB), *old = mem_printf("%s/old", w->dir);
    file_copy(db, old);
    char *wal = world_path(w, TEST_DB "-wal"), *old_wal = mem_printf("%s/old-wal", w->dir);
    file_copy(wal, old_wal);
    world_open(w);
    world_expunge(w, 2);
    world_fill(w, 5);
    world_expunge(w, 5);
    world_close(w);
    file_copy(old, db);
    file_copy(old_wal, wal);
    world_open(w);
    EXPECT_UIDS(w, 1, 3, 4);
    assert_true(world_deliver(w, "key 5", "number 5\r\n").already);
    assert_int_equal(world_deliver(w, "key 6", "number 6\r\n").uid, 6);
    assert_int_equal(w->reports.len, 0);
    free(db), free(old), free(wal), free(old_wal);
}

WORLD_TEST(a_lost_database_is_made_anew_from_the_packs) {
    w->solo.pack_size = 700; /* several packs */
    world_open(w);
    uint32_t id;
    world_fill(w, 6);
    world_expunge(w, 1);
    assert_int_equal(store_create_mailbox(w->account, 0, S("Work"), STORE_ROLE_NONE, &id), 0);
    world_expunge(w, 6);
    struct store_mailbox before, after;
    assert_int_equal(store_mailbox_get(w->account, STORE_INBOX, &before), 0);
    uint64_t modseq = store_account_modseq(w->account);
    world_close(w);
    drop_database(w);
    world_open(w);
    assert_true(said(w, S("mail.db was made anew")));
    EXPECT_UIDS(w, 2, 3, 4, 5);
    assert_int_equal(store_mailbox_get(w->account, STORE_INBOX, &after), 0);
    assert_int_equal(after.uidvalidity, before.uidvalidity);
    assert_int_equal(after.uidnext, 7);
    assert_int_equal(after.messages, before.messages);
    assert_int_equal(after.unseen, before.unseen);
    assert_int_equal(after.bytes, before.bytes);
    assert_int_equal(store_account_modseq(w->account), modseq);
    assert_int_equal(store_mailbox_find(w->account, 0, S("Work"), &after), 0);
    for (uint32_t uid = 1; uid <= 6; uid++) {
        char key[32];
        (void)snprintf(key, sizeof key, "key %u", uid);
        assert_true(world_deliver(w, key, "x").already);
    }
}

static unsigned count_set_aside(const struct world *w) {
    char *path = world_path(w, "67/4711");
    DIR *dir = opendir(path);
    struct dirent *e;
    unsigned count = 0;
    while ((e = readdir(dir)))
        count += strncmp(e->d_name, "mail.db.damaged-", 16) == 0 &&
                 strcmp(e->d_name + strlen(e->d_name) - 4, "-wal") != 0;
    closedir(dir);
    free(path);
    return count;
}

WORLD_TEST(a_damaged_database_is_set_aside_and_made_anew) {
    world_open(w);
    world_fill(w, 40);
    world_expunge(w, 7);
    world_close(w);
    char *db = world_path(w, TEST_DB), *wal = world_path(w, TEST_DB "-wal");
    (void)unlink(wal);
    file_damage(db, 0, 64);
    world_open(w);
    assert_true(said(w, S("set aside")));
    assert_int_equal(count_set_aside(w), 1);
    struct store_mailbox m;
    assert_int_equal(store_mailbox_get(w->account, STORE_INBOX, &m), 0);
    assert_int_equal(m.messages, 39);
    assert_int_equal(m.uidnext, 41);
    free(db), free(wal);
}

WORLD_TEST(damage_in_the_database_noticed_later_is_made_good_too) {
    world_open(w);
    for (uint32_t count = 10; count <= 300; count += 10) {
        world_fill(w, count);
        fiber_sleep(2 * USEC_SEC); /* a transaction of its own, until the log is long */
    }
    world_close(w);
    char *db = world_path(w, TEST_DB);
    uint64_t size = file_size(db);
    assert_true(size > 10 * 4096U);
    world_open(w);
    world_close(w);
    for (uint64_t page = 1; page < size / 4096; page++)
        file_damage(db, page * 4096, 8);
    world_open(w);
    struct store_view *v = NULL;
    for (int tries = 0; tries < 3 && !v; tries++) {
        (void)store_view_open(w->account, STORE_INBOX, &v);
        fiber_sleep(2 * USEC_SEC);
    }
    assert_non_null(v);
    store_view_close(v);
    struct snapshot *s = world_snapshot(w);
    assert_int_equal(s->count, 300);
    assert_true(count_set_aside(w) >= 1);
    free(s);
    free(db);
}

WORLD_TEST(a_newer_database_is_left_alone) {
    world_open(w);
    world_fill(w, 1);
    world_close(w);
    char *path = world_path(w, TEST_DB);
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA user_version=99", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    assert_int_equal(world_try_open(w), -E_VERSION);
    assert_int_equal(count_set_aside(w), 0);
    assert_true(file_exists(path));
    store_close(w->store);
    w->store = NULL;
    free(path);
}

WORLD_TEST(repair_makes_the_database_from_packs_alone) {
    world_open(w);
    world_fill(w, 5);
    size_t removed;
    world_expunge(w, 3);
    store_set_undelete(w->store, USEC_DAY, 0);
    assert_int_equal(store_expunge(w->account, STORE_INBOX, (const uint32_t[]){1, 2}, 2, &removed),
                     0);
    world_close(w);
    struct backend_repaired r;
    struct problem p;
    assert_int_equal(solo_offline.repair(w->dir, TEST_ACCOUNT, &r, &p), 0);
    assert_int_equal(r.packs, 1);
    assert_int_equal(r.messages, 2);
    assert_int_equal(r.deleted, 2);
    assert_int_equal(r.damaged, 0);
    assert_int_equal(solo_offline.repair(w->dir, 999, &r, &p), -ENOENT);
    world_open(w);
    EXPECT_UIDS(w, 4, 5);
    assert_int_equal(count_set_aside(w), 1);
}

/* ------------------------------------------------------------------ damage to packs */

WORLD_TEST(a_damaged_message_is_told_from_a_good_one) {
    world_open(w);
    world_fill(w, 3);
    struct snapshot *s = world_snapshot(w);
    char *pack = world_path(w, TEST_PACK), bytes[32];
    file_damage(pack, world_place(w, &s->messages[1]).body + 2, 1);
    assert_int_equal(store_read(w->account, &s->messages[0], 0, bytes, sizeof bytes), 10);
    assert_int_equal(store_read(w->account, &s->messages[1], 0, bytes, sizeof bytes), -E_CORRUPT);
    assert_int_equal(store_read(w->account, &s->messages[2], 0, bytes, sizeof bytes), 10);
    assert_true(said(w, S("message 2 is damaged")));
    free(s);
    free(pack);
}

WORLD_TEST(damage_in_the_middle_of_a_pack_costs_what_it_hit_and_no_number) {
    world_open(w);
    world_fill(w, 5);
    struct snapshot *s = world_snapshot(w);
    uint64_t at = world_place(w, &s->messages[4]).offset;
    free(s);
    world_fill(w, 6);
    world_close(w);
    drop_database(w);
    char *pack = world_path(w, TEST_PACK);
    file_damage(pack, at + 10, 4);
    world_open(w);
    assert_true(said(w, S("are damaged")));
    EXPECT_UIDS(w, 1, 2, 3, 4, 6);
    struct store_delivered d = world_deliver(w, "key 7", "number 7\r\n");
    assert_true(d.uid > 7);
    world_reopen(w);
    struct snapshot *after = world_snapshot(w);
    assert_int_equal(after->count, 6);
    free(after);
    free(pack);
}

WORLD_TEST(a_damaged_head_of_a_pack_hides_nothing) {
    world_open(w);
    world_fill(w, 3);
    world_close(w);
    drop_database(w);
    char *pack = world_path(w, TEST_PACK);
    file_damage(pack, 16, 8);
    world_open(w);
    assert_true(said(w, S("head is damaged")));
    EXPECT_UIDS(w, 1, 2, 3);
    world_fill(w, 4);
    world_crash(w);
    EXPECT_UIDS(w, 1, 2, 3, 4);
    free(pack);
}

WORLD_TEST(a_pack_of_another_account_is_refused) {
    world_open(w);
    world_fill(w, 1);
    world_close(w);
    char *pack = world_path(w, TEST_PACK), *copy = mem_printf("%s/copy", w->dir);
    file_copy(pack, copy);
    world_open(w);
    struct store_account *other;
    assert_int_equal(store_account_open(w->store, 0x67 + 256, &other), 0);
    store_account_close(other);
    world_close(w);
    char *theirs = world_path(w, "67/359/packs/000001.pack"), *db = world_path(w, "67/359/mail.db"),
         *wal = world_path(w, "67/359/mail.db-wal");
    file_copy(copy, theirs);
    (void)unlink(db);
    (void)unlink(wal);
    world_open(w);
    assert_int_equal(store_account_open(w->store, 359, &other), -E_UNKNOWN);
    struct slice part = S("number\r\n");
    struct store_delivery message = {.mailbox = STORE_INBOX, .parts = &part, .part_count = 1};
    struct store_delivered d;
    assert_int_equal(store_deliver(w->store, 359, &message, &d), -E_TEMPORARY); /* to be kept */
    assert_true(said(w, S("belongs to another account")));
    EXPECT_UIDS(w, 1);
    free(pack), free(copy), free(theirs), free(db), free(wal);
}

WORLD_TEST(packs_that_vanished_are_reported_and_the_rest_goes_on) {
    world_open(w);
    world_fill(w, 3);
    world_close(w);
    char *pack = world_path(w, TEST_PACK);
    file_cut(pack, 200);
    world_open(w);
    assert_true(w->reports.len > 0);
    struct snapshot *s = world_snapshot(w);
    assert_int_equal(s->count, 3);
    char bytes[32];
    assert_int_equal(store_read(w->account, &s->messages[2], 0, bytes, sizeof bytes), -E_CORRUPT);
    free(s);
    struct store_delivered d = world_deliver(w, "key 4", "number 4\r\n");
    assert_true(d.uid >= 4);
    world_reopen(w);
    s = world_snapshot(w);
    assert_int_equal(s->count, 4);
    assert_int_equal(store_read(w->account, &s->messages[3], 0, bytes, sizeof bytes), 10);
    free(s);
    free(pack);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(d1_an_acknowledged_message_survives_a_crash_at_once),
        cmocka_unit_test(an_expunge_survives_a_crash_at_once),
        cmocka_unit_test(flags_and_mailboxes_survive_a_crash_at_once),
        cmocka_unit_test(a_pack_cut_anywhere_in_its_last_record_loses_only_that),
        cmocka_unit_test(rfc3502_messages_stored_together_that_are_cut_anywhere_are_all_gone),
        cmocka_unit_test(rfc3502_damage_in_one_of_several_messages_costs_that_one),
        cmocka_unit_test(a_first_pack_cut_anywhere_is_begun_again),
        cmocka_unit_test(rfc6851_a_move_that_is_torn_loses_nothing),
        cmocka_unit_test(a_database_that_lost_its_last_commits_catches_up),
        cmocka_unit_test(yesterdays_database_takes_in_what_came_since),
        cmocka_unit_test(a_lost_database_is_made_anew_from_the_packs),
        cmocka_unit_test(a_damaged_database_is_set_aside_and_made_anew),
        cmocka_unit_test(damage_in_the_database_noticed_later_is_made_good_too),
        cmocka_unit_test(a_newer_database_is_left_alone),
        cmocka_unit_test(repair_makes_the_database_from_packs_alone),
        cmocka_unit_test(a_damaged_message_is_told_from_a_good_one),
        cmocka_unit_test(damage_in_the_middle_of_a_pack_costs_what_it_hit_and_no_number),
        cmocka_unit_test(a_damaged_head_of_a_pack_hides_nothing),
        cmocka_unit_test(a_pack_of_another_account_is_refused),
        cmocka_unit_test(packs_that_vanished_are_reported_and_the_rest_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: ISC */
/* D3, D4: a disk that fails to write, to sync, or is full. */
#include "world.h"

#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "fiber/fiber.h"
#include "pack/badread.h"
#include "pack/readdir.h"

#define SECOND_PACK "67/4711/packs/000002.pack"

static void forget_database(struct world *w) {
    char *db = world_path(w, TEST_DB), *wal = world_path(w, TEST_DB "-wal");
    (void)unlink(db);
    (void)unlink(wal);
    free(db), free(wal);
}

WORLD_TEST(d3_after_a_failed_sync_the_pack_is_given_up) {
    world_open(w);
    world_fill(w, 2);
    struct store_delivered d;
    disk.sync_error = EIO;
    disk.fail_times = 1;
    assert_int_equal(world_try_deliver(w, "key 3", "number 3\r\n", &d), -EIO);
    assert_true(slice_find(buf_slice(&w->reports), S("a new one is begun")) >= 0);
    EXPECT_UIDS(w, 1, 2);
    d = world_deliver(w, "key 3", "number 4\r\n"); /* UID 3 was given out and is lost */
    assert_false(d.already);
    assert_int_equal(d.uid, 4);
    EXPECT_UIDS(w, 1, 2, 4);
}

WORLD_TEST(d3_a_given_up_pack_is_copied_and_removed) {
    world_open(w);
    world_fill(w, 3);
    struct store_delivered d;
    disk.sync_error = EIO;
    disk.fail_times = 1;
    assert_int_equal(world_try_deliver(w, "key 4", "number 4\r\n", &d), -EIO);
    fiber_sleep(10 * USEC_SEC);
    char *first = world_path(w, TEST_PACK), *second = world_path(w, SECOND_PACK);
    assert_false(file_exists(first));
    assert_true(file_exists(second));
    EXPECT_UIDS(w, 1, 2, 3);
    world_crash(w);
    EXPECT_UIDS(w, 1, 2, 3);
    assert_true(world_deliver(w, "key 2", "number 2\r\n").already);
    free(first), free(second);
}

WORLD_TEST(d3_a_disk_that_stays_broken_fails_every_delivery_and_loses_none) {
    world_open(w);
    world_fill(w, 2);
    disk.sync_error = EIO;
    struct store_delivered d;
    for (int i = 0; i < 5; i++)
        assert_true(world_try_deliver(w, "key 3", "number 3\r\n", &d) < 0);
    fiber_sleep(10 * USEC_SEC);
    EXPECT_UIDS(w, 1, 2);
    disk.sync_error = 0;
    d = world_deliver(w, "key 3", "new\r\n");
    assert_false(d.already);
    world_crash(w);
    struct snapshot *s = world_snapshot(w);
    assert_int_equal(s->count, 3);
    assert_int_equal(s->messages[2].uid, d.uid);
    free(s);
}

/*
 * The kernel tells of a failed sync once, and takes the bytes for written. If whoever was told dies
 * at once, the next one finds them in memory and has to have them written again.
 */
WORLD_TEST(d3_what_a_failed_sync_left_in_memory_counts_only_when_it_is_on_the_disk) {
    struct store_delivered d;
    world_open(w);
    world_fill(w, 2);
    disk.sync_error = EIO;
    disk.fail_times = 1;
    assert_int_equal(world_try_deliver(w, "key 3", "number 3\r\n", &d), -EIO);
    struct disk then = disk;
    world_image(w);
    world_close(w);
    world_use_image(w);
    disk = then;
    world_open(w);
    assert_true(world_deliver(w, "key 3", "number 3\r\n").already); /* the queue forgets it */
    then = disk;
    world_close(w);
    char *pack = world_path(w, TEST_PACK);
    if (then.lost.to > 0)
        file_cut(pack, then.lost.from); /* the power fails */
    forget_database(w);
    world_open(w);
    EXPECT_UIDS(w, 1, 2, 3);
    free(pack);
}

static bool said(const struct world *w, const char *what) {
    return slice_find(buf_slice(&w->reports), slice_of_str(what)) >= 0;
}

static void leave_closed(struct world *w) {
    store_close(w->store);
    w->store = NULL;
}

/* What the disk does not give today it may give tomorrow: no end of the pack, and no damage. */
WORLD_TEST(a_read_error_at_the_end_of_a_pack_keeps_the_account_closed) {
    world_open(w);
    world_fill(w, 3);
    world_close(w);
    forget_database(w);
    char *pack = world_path(w, TEST_PACK);
    uint64_t size = file_size(pack);
    bad_read_set(pack, (off_t)size - 20, (off_t)size);
    assert_int_equal(world_try_open(w), -EIO);
    assert_true(said(w, "pack 000001: the disk does not give bytes"));
    assert_true(said(w, "`hayauma repair` gives them up"));
    leave_closed(w);
    bad_read.file = 0;
    assert_int_equal(file_size(pack), size);
    world_open(w);
    EXPECT_UIDS(w, 1, 2, 3);
    assert_false(said(w, "damaged"));
    free(pack);
}

WORLD_TEST(a_repair_gives_up_what_cannot_be_read) {
    struct backend_repaired r;
    struct problem p;
    world_open(w);
    world_fill(w, 3);
    world_close(w);
    char *pack = world_path(w, TEST_PACK);
    uint64_t size = file_size(pack);
    bad_read_set(pack, (off_t)size - 20, (off_t)size);
    assert_int_equal(solo_offline.repair(w->dir, TEST_ACCOUNT, &r, &p), 0);
    assert_int_equal(r.messages, 2);
    assert_true(r.damaged > 20);
    world_open(w);
    assert_true(world_deliver(w, "new", "new\r\n").uid > 4);
    world_close(w);
    bad_read.file = 0;
    assert_int_equal(file_size(pack), size);
    assert_int_equal(solo_offline.repair(w->dir, TEST_ACCOUNT, &r, &p), 0);
    assert_int_equal(r.messages, 4);
    assert_int_equal(r.damaged, 0);
    world_open(w);
    assert_true(world_deliver(w, "key 3", "number 3\r\n").already);
    free(pack);
}

/* A database is lost while the account is in memory, and cannot be made anew at once. */
WORLD_TEST(a_database_that_lacks_messages_takes_nothing_in) {
    world_open(w);
    world_fill(w, 3);
    fiber_sleep(10 * USEC_SEC); /* nobody uses the files any more */
    forget_database(w);
    char *pack = world_path(w, TEST_PACK);
    bad_read_set(pack, PACK_FILE_HEAD, (off_t)file_size(pack));
    assert_int_equal(world_deliver(w, "key 4", "number 4\r\n").uid, 4);
    fiber_sleep(10 * USEC_SEC);
    assert_true(said(w, "mail.db has gone"));
    assert_true(said(w, "the disk does not give bytes"));
    bad_read.file = 0;
    fiber_sleep(10 * USEC_SEC);
    assert_int_equal(world_deliver(w, "key 5", "number 5\r\n").uid, 5);
    fiber_sleep(10 * USEC_SEC);
    /* A pack whose head cannot be read is not gone on with: a second one says it again. */
    assert_true(said(w, "mail.db was made anew (records: 8, packs: 2)"));
    world_reopen(w);
    EXPECT_UIDS(w, 1, 2, 3, 4, 5);
    free(pack);
}

/* Somebody moves it, or unmounts its disk, while the account is in memory. */
WORLD_TEST(a_folder_that_has_gone_is_not_begun_anew_and_is_gone_on_with_when_it_is_back) {
    const struct store_flags flagged = {.add = STORE_FLAGGED};
    const uint32_t uid = 1;
    struct store_flags_changed changed;
    struct store_delivered d;
    char text[100];
    world_open(w);
    world_fill(w, 3);
    fiber_sleep(10 * USEC_SEC); /* nobody uses the files any more */
    char *dir = world_path(w, "67/4711"), *away = world_path(w, "away");
    assert_int_equal(rename(dir, away), 0);
    struct snapshot *s = world_snapshot(w);
    assert_int_equal(s->count, 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(store_read(w->account, &s->messages[0], 0, text, sizeof text), -EIO);
        assert_true(world_try_deliver(w, "key 4", "number 4\r\n", &d) < 0);
        assert_true(store_set_flags(w->account, STORE_INBOX, &uid, 1, &flagged, &changed, NULL) <
                    0);
        fiber_sleep(20 * USEC_SEC);
        assert_false(file_exists(dir));
    }
    assert_true(said(w, "has gone: was it moved"));
    assert_false(said(w, "made anew"));
    assert_int_equal(rename(away, dir), 0);
    assert_true(store_read(w->account, &s->messages[0], 0, text, sizeof text) > 0);
    d = world_deliver(w, "key 4", "number 4\r\n");
    assert_false(d.already);
    free(s);
    world_reopen(w);
    s = world_snapshot(w);
    assert_int_equal(s->count, 4);
    assert_int_equal(s->messages[3].uid, d.uid);
    free(s);
    free(dir), free(away);
}

/* Or what was never acknowledged would count after all. */
WORLD_TEST(d6_a_seal_that_cannot_be_read_keeps_the_account_closed) {
    struct store_delivered d;
    world_open(w);
    world_fill(w, 2);
    disk.sync_error = EIO;
    disk.fail_times = 1;
    assert_int_equal(world_try_deliver(w, "key 3", "number 3\r\n", &d), -EIO);
    assert_int_equal(world_deliver(w, "key 3", "number 4\r\n").uid, 4);
    world_image(w);
    world_close(w);
    world_use_image(w);
    forget_database(w);
    char *second = world_path(w, SECOND_PACK);
    bad_read_set(second, 0, PACK_FILE_HEAD);
    bad_read.times = 1;
    assert_int_equal(world_try_open(w), -EIO);
    leave_closed(w);
    world_open(w);
    EXPECT_UIDS(w, 1, 2, 4);
    free(second);
}

/* Or the packs that are not known would be taken for gone. */
WORLD_TEST(an_account_whose_packs_cannot_be_listed_stays_closed) {
    world_open(w);
    world_fill(w, 3);
    world_close(w);
    for (int given = 0; given <= 3; given++) {
        readdir_fails_after = given;
        assert_int_equal(world_try_open(w), -EIO);
        leave_closed(w);
    }
    readdir_fails_after = -1;
    world_open(w);
    EXPECT_UIDS(w, 1, 2, 3);
}

static void full_disk(struct world *w, size_t short_write) {
    world_open(w);
    world_fill(w, 2);
    char *pack = world_path(w, TEST_PACK);
    uint64_t size = file_size(pack);
    disk.write_error = ENOSPC;
    disk.short_write = short_write;
    struct store_delivered d;
    assert_int_equal(world_try_deliver(w, "key 3", "number 3\r\n", &d), -ENOSPC);
    assert_int_equal(file_size(pack), size);
    size_t removed;
    const uint32_t uid = 1;
    assert_int_equal(store_expunge(w->account, STORE_INBOX, &uid, 1, &removed), -ENOSPC);
    EXPECT_UIDS(w, 1, 2);
    disk.write_error = 0;
    assert_int_equal(world_deliver(w, "key 3", "number 4\r\n").uid, 4);
    world_expunge(w, 1);
    world_crash(w);
    EXPECT_UIDS(w, 2, 4);
    assert_int_equal(w->reports.len, 0);
    free(pack);
}

WORLD_TEST(d4_a_full_disk_is_a_clean_error) {
    full_disk(w, 0);
}

WORLD_TEST(d4_no_half_record_is_left_on_a_full_disk) {
    full_disk(w, 20);
}

WORLD_TEST(a_first_delivery_on_a_full_disk_may_be_tried_again) {
    disk.write_error = ENOSPC;
    assert_int_equal(world_try_open(w), -ENOSPC);
    disk.write_error = 0;
    assert_int_equal(store_account_open(w->store, TEST_ACCOUNT, &w->account), 0);
    world_fill(w, 1);
    world_crash(w);
    EXPECT_UIDS(w, 1);
}

WORLD_TEST(a_write_error_gives_the_pack_up_as_well) {
    world_open(w);
    world_fill(w, 1);
    disk.write_error = EIO;
    disk.short_write = 30;
    disk.fail_times = 1;
    struct store_delivered d;
    assert_int_equal(world_try_deliver(w, "key 2", "number 2\r\n", &d), -EIO);
    assert_int_equal(world_deliver(w, "key 2", "number 3\r\n").uid, 3);
    world_crash(w);
    EXPECT_UIDS(w, 1, 3);
}

WORLD_TEST(d4_low_space_refuses_messages_before_it_is_too_late) {
    w->solo.min_free = 1ULL << 60;
    world_open(w);
    struct store_delivered d;
    assert_int_equal(world_try_deliver(w, "key 1", "number 1\r\n", &d), -ENOSPC);
    struct store_usage u;
    store_account_usage(w->account, &u);
    assert_int_equal(u.messages, 0);
}

WORLD_TEST(another_limit_of_free_space_counts_at_once) {
    world_open(w);
    struct store_delivered d;
    store_set_min_free(w->store, 1ULL << 60);
    assert_int_equal(world_try_deliver(w, "key 1", "number 1\r\n", &d), -ENOSPC);
    store_set_min_free(w->store, 1);
    assert_int_equal(world_try_deliver(w, "key 1", "number 1\r\n", &d), 0);
}

struct sender {
    struct world *w;
    const char *key;
    int result;
};

static void send_one(void *arg) {
    struct sender *s = arg;
    struct store_delivered d;
    s->result = world_try_deliver(s->w, s->key, "number\r\n", &d);
}

WORLD_TEST(a_group_whose_sync_fails_fails_for_all_of_it) {
    world_open(w);
    struct sender senders[] = {{w, "a", 0}, {w, "b", 0}, {w, "c", 0}};
    struct fiber *fibers[3];
    disk.sync_error = EIO;
    disk.fail_times = 1;
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(fiber_start("sender", send_one, &senders[i], &fibers[i]), 0);
    for (size_t i = 0; i < 3; i++) {
        fiber_join(fibers[i]);
        assert_int_equal(senders[i].result, -EIO);
    }
    struct store_usage u;
    store_account_usage(w->account, &u);
    assert_int_equal(u.messages, 0);
}

/* ------------------------------------------------------------------ a power cut at every sync */

#define MESSAGES 12
#define NEVER    UINT_MAX

struct disposition {
    uint32_t uid; /* acknowledged; 0: not yet */
    bool expunge_began, expunged;
};

/* What of the bytes that were not synced is there after the cut, and is mail.db? */
enum cut {
    CUT_KEEPS_ALL,
    CUT_KEEPS_HALF,
    CUT_KEEPS_NONE,
    CUT_LOSES_DATABASE,
    CUTS,
};

#define SYNCS 200

/* The script is played once; before each sync an image is taken of what a cut would leave. */
struct script {
    struct world *w;
    enum cut kind;
    ino_t synced_file;
    off_t synced_size;
    unsigned fail_at, syncs; /* of the disk: this sync fails */
    struct disposition now[MESSAGES], then[SYNCS][MESSAGES];
};

static void name_image(const struct world *w, unsigned cut, char *name, size_t size) {
    (void)snprintf(name, size, "%.42s.%u", w->dir, cut % 1000); /* it is below SYNCS */
}

/* Takes the unsynced bytes of the pack away from its copy in the image. */
static void lose_bytes(struct script *s, int fd, const struct stat *st) {
    char link[64], path[256];
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, path, sizeof path - 1);
    assert_true(len > 0);
    path[len] = 0;
    char *copy = mem_printf("%s%s", s->w->other, path + strlen(s->w->dir));
    off_t synced = st->st_ino == s->synced_file ? s->synced_size : 0;
    off_t unsynced = st->st_size - synced;
    file_cut(copy, (uint64_t)(synced + (s->kind == CUT_KEEPS_HALF ? unsynced / 2 : 0)));
    free(copy);
}

static void at_sync(void *arg, int fd) {
    struct script *s = arg;
    struct stat st;
    assert_int_equal(fstat(fd, &st), 0);
    unsigned n = s->syncs++;
    assert_true(n < SYNCS);
    disk.sync_error = n == s->fail_at ? EIO : 0;
    name_image(s->w, n, s->w->other, sizeof s->w->other);
    world_image(s->w);
    if (s->kind == CUT_KEEPS_HALF || s->kind == CUT_KEEPS_NONE)
        lose_bytes(s, fd, &st);
    memcpy(s->then[n], s->now, sizeof s->now);
    if (n != s->fail_at) {
        s->synced_file = st.st_ino;
        s->synced_size = st.st_size;
    }
}

/* Tries until it is acknowledged, as the queue does. */
static void deliver_surely(struct script *s, unsigned i) {
    char key[32], text[32];
    (void)snprintf(key, sizeof key, "key %u", i);
    (void)snprintf(text, sizeof text, "number %u\r\n", i);
    struct store_delivered d;
    while (world_try_deliver(s->w, key, text, &d) < 0)
        (void)fiber_sleep(USEC_SEC);
    assert_false(d.already);
    s->now[i].uid = d.uid;
}

static void expunge_surely(struct script *s, unsigned i) {
    size_t removed = 0;
    s->now[i].expunge_began = true;
    while (store_expunge(s->w->account, STORE_INBOX, &s->now[i].uid, 1, &removed) < 0)
        (void)fiber_sleep(USEC_SEC);
    assert_int_equal(removed, 1);
    s->now[i].expunged = true;
}

/* Messages, expunges, flags, packs that fill up, compaction. */
static void play(struct script *s) {
    disk.before_sync = at_sync;
    disk.arg = s;
    world_open(s->w);
    for (unsigned i = 0; i < MESSAGES; i++) {
        deliver_surely(s, i);
        struct store_flags_changed changed;
        if (i > 1)
            (void)store_set_flags(s->w->account, STORE_INBOX, &s->now[i - 2].uid, 1,
                                  &(struct store_flags){.add = STORE_SEEN}, &changed, NULL);
        if (i >= 4)
            expunge_surely(s, i - 4);
        if (i % 4 == 0)
            (void)fiber_sleep(3 * USEC_SEC);
    }
    disk.before_sync = NULL;
    world_close(s->w);
}

static void check_message(struct world *w, const struct disposition *then,
                          const struct store_message *l, unsigned seen[MESSAGES]) {
    char bytes[64];
    ssize_t len = store_read(w->account, l, 0, bytes, sizeof bytes);
    unsigned i;
    assert_true(len > 0);
    bytes[len] = 0;
    assert_int_equal(sscanf(bytes, "number %u\r\n", &i), 1);
    assert_true(i < MESSAGES && !seen[i]);
    assert_false(then[i].expunged);
    if (then[i].uid)
        assert_int_equal(l->uid, then[i].uid);
    seen[i] = 1;
}

/* What was acknowledged before the cut is there, what was removed is not, and nothing is twice. */
static void check(struct world *w, const struct disposition then[MESSAGES]) {
    unsigned seen[MESSAGES] = {0};
    uint32_t highest = 0;
    world_open(w);
    struct snapshot *snap = world_snapshot(w);
    for (size_t i = 0; i < snap->count; i++)
        check_message(w, then, &snap->messages[i], seen);
    free(snap);
    for (unsigned i = 0; i < MESSAGES; i++) {
        const struct disposition *f = &then[i];
        char key[32];
        (void)snprintf(key, sizeof key, "key %u", i);
        if (f->uid && !f->expunge_began)
            assert_true(seen[i]);
        if (f->uid)
            assert_true(world_deliver(w, key, "again\r\n").already);
        highest = MAX(highest, f->uid);
    }
    assert_true(world_deliver(w, "new", "new\r\n").uid > highest);
    world_close(w);
}

static unsigned cut_everywhere(struct world *w, unsigned fail_at, enum cut kind) {
    struct script *s = NEW(struct script);
    *s = (struct script){.w = w, .kind = kind, .fail_at = fail_at};
    w->solo.pack_size = 900;
    w->solo.compact_size = 300;
    play(s);
    for (unsigned cut = 0; cut < s->syncs; cut++) {
        struct world left = *w;
        left.other[0] = '\0'; /* it is the last image's */
        name_image(w, cut, left.dir, sizeof left.dir);
        if (kind == CUT_LOSES_DATABASE)
            forget_database(&left);
        check(&left, s->then[cut]);
        world_remove(&left);
    }
    world_remove(w);
    assert_int_equal(mkdir(w->dir, 0700), 0);
    unsigned cuts = s->syncs;
    free(s);
    return cuts;
}

WORLD_TEST(d1_d6_a_cut_before_any_sync_loses_and_doubles_nothing) {
    for (enum cut kind = 0; kind < CUTS; kind++)
        assert_true(cut_everywhere(w, NEVER, kind) > 30);
}

WORLD_TEST(d3_nor_does_a_cut_after_a_failed_sync) {
    for (unsigned fail_at = 2; fail_at < 40; fail_at += 3)
        assert_true(cut_everywhere(w, fail_at, (enum cut)(fail_at % CUTS)) > 30);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(d3_after_a_failed_sync_the_pack_is_given_up),
        cmocka_unit_test(d3_a_given_up_pack_is_copied_and_removed),
        cmocka_unit_test(d3_what_a_failed_sync_left_in_memory_counts_only_when_it_is_on_the_disk),
        cmocka_unit_test(a_read_error_at_the_end_of_a_pack_keeps_the_account_closed),
        cmocka_unit_test(a_repair_gives_up_what_cannot_be_read),
        cmocka_unit_test(a_database_that_lacks_messages_takes_nothing_in),
        cmocka_unit_test(
            a_folder_that_has_gone_is_not_begun_anew_and_is_gone_on_with_when_it_is_back),
        cmocka_unit_test(d6_a_seal_that_cannot_be_read_keeps_the_account_closed),
        cmocka_unit_test(an_account_whose_packs_cannot_be_listed_stays_closed),
        cmocka_unit_test(d3_a_disk_that_stays_broken_fails_every_delivery_and_loses_none),
        cmocka_unit_test(d4_a_full_disk_is_a_clean_error),
        cmocka_unit_test(d4_no_half_record_is_left_on_a_full_disk),
        cmocka_unit_test(a_first_delivery_on_a_full_disk_may_be_tried_again),
        cmocka_unit_test(a_write_error_gives_the_pack_up_as_well),
        cmocka_unit_test(d4_low_space_refuses_messages_before_it_is_too_late),
        cmocka_unit_test(another_limit_of_free_space_counts_at_once),
        cmocka_unit_test(a_group_whose_sync_fails_fails_for_all_of_it),
        cmocka_unit_test(d1_d6_a_cut_before_any_sync_loses_and_doubles_nothing),
        cmocka_unit_test(d3_nor_does_a_cut_after_a_failed_sync),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

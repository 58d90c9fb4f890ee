/* SPDX-License-Identifier: ISC */
/* Maps of messages: right whatever becomes of the file that keeps them, and not kept for ever. */
#include "world.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/alloc.h"
#include "fiber/fiber.h"
#include "message/map/map.h"
#include "store/solo/map_file.h"

#define MAPS     "67/4711/" MAP_FILE_NAME
#define MAPS_LOG MAPS "-wal"
#define SOON     (100 * USEC_MS) /* not long enough for the mapper, unless there are many */
#define A_MOMENT (3 * USEC_SEC)
#define LONG_AGO (TEST_NOW - 1000 * USEC_DAY)

/* ------------------------------------------------------------------ messages and their maps */

static uint64_t deliver_at(struct world *w, uint32_t mailbox, struct slice text, usec_t arrival) {
    struct store_delivered d;
    struct store_delivery v = {
        .mailbox = mailbox, .arrival = arrival, .parts = &text, .part_count = 1};
    assert_int_equal(store_deliver(w->store, TEST_ACCOUNT, &v, &d), 0);
    return d.body;
}

static void write_text(unsigned n, struct buf *to) {
    buf_clear(to);
    buf_printf(to,
               "Subject: Re: number %u\r\nMessage-ID: <%u@example.test>\r\n"
               "From: Tama %u <tama@example.test>\r\n\r\nText of number %u.\r\n",
               n, n, n, n);
}

static void fill(struct world *w, unsigned from, unsigned to) {
    _cleanup_(buf_done) struct buf text = {0};
    for (unsigned n = from; n < to; n++) {
        write_text(n, &text);
        (void)deliver_at(w, STORE_INBOX, buf_slice(&text), 0);
    }
}

/* In one change. */
static void fill_together(struct world *w, unsigned from, unsigned to) {
    const unsigned count = to - from;
    _cleanup_(free_p) struct store_delivery *d = mem_array(count, sizeof *d);
    _cleanup_(free_p) struct store_delivered *stored = mem_array(count, sizeof *stored);
    _cleanup_(free_p) struct buf *texts = mem_array(count, sizeof *texts);
    _cleanup_(free_p) struct slice *parts = mem_array(count, sizeof *parts);
    for (unsigned i = 0; i < count; i++) {
        texts[i] = (struct buf){0};
        write_text(from + i, &texts[i]);
        parts[i] = buf_slice(&texts[i]);
        d[i] = (struct store_delivery){.mailbox = STORE_INBOX, .parts = &parts[i], .part_count = 1};
    }
    assert_int_equal(store_deliver_all(w->store, TEST_ACCOUNT, d, count, stored), 0);
    for (unsigned i = 0; i < count; i++)
        buf_done(&texts[i]);
}

static void make_map(struct slice text, struct buf *to) {
    _cleanup_(message_map_free_p) struct message_map_maker *maker = message_map_new();
    message_map_feed(maker, text);
    message_map_finish(maker, to);
}

static void expect_map(struct slice text, const struct buf *maps, struct store_piece piece) {
    _cleanup_(buf_done) struct buf wanted = {0};
    make_map(text, &wanted);
    assert_int_equal(piece.len, wanted.len);
    assert_memory_equal(maps->ptr + piece.at, wanted.ptr, wanted.len);
}

/* Asks for all maps of a mailbox, so many at once, and compares them with the texts. */
static void expect_maps(struct world *w, uint32_t mailbox, size_t most) {
    _cleanup_(free_p) struct snapshot *s = world_snapshot_of(w, mailbox);
    _cleanup_(buf_done) struct buf maps = {0}, text = {0};
    struct store_piece pieces[STORE_MAPS_MAX];
    for (size_t i = 0; i < s->count;) {
        buf_clear(&maps);
        int n = store_maps(w->account, &s->messages[i], MIN(s->count - i, most), &maps, pieces);
        assert_in_range(n, 1, MIN(most, STORE_MAPS_MAX));
        for (int k = 0; k < n; k++, i++) {
            unsigned number = 0;
            struct message_map map;
            _cleanup_(arena_done) struct arena arena = {0};
            struct slice blob = slice_of(maps.ptr + pieces[k].at, pieces[k].len);
            assert_int_equal(message_map_read(&arena, blob, &map), 0);
            assert_int_equal(sscanf(map.base_subject.ptr, "number %u", &number), 1);
            write_text(number, &text);
            assert_int_equal(s->messages[i].size, text.len);
            expect_map(buf_slice(&text), &maps, pieces[k]);
        }
    }
}

static bool said(const struct world *w, const char *text) {
    return slice_find(buf_slice(&w->reports), slice_of_str(text)) >= 0;
}

static unsigned lines_said(const struct world *w) {
    unsigned lines = 0;
    for (size_t i = 0; i < w->reports.len; i++)
        lines += w->reports.ptr[i] == '\n';
    return lines;
}

/* ------------------------------------------------------------------ the file, looked at */

static bool there_is(const struct world *w, const char *name) {
    _cleanup_(free_p) char *path = world_path(w, name);
    return file_exists(path);
}

/* What a statement says of the file; nothing has it open. */
static int64_t ask(const struct world *w, const char *sql) {
    _cleanup_(free_p) char *path = world_path(w, MAPS);
    sqlite3 *db;
    sqlite3_stmt *row = NULL;
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &row, NULL), SQLITE_OK);
    int r = sqlite3_step(row);
    assert_true(r == SQLITE_ROW || r == SQLITE_DONE);
    int64_t found = r == SQLITE_ROW ? sqlite3_column_int64(row, 0) : 0;
    sqlite3_finalize(row);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    return found;
}

/* How many maps are kept. Closes the store for it. */
static int64_t kept(struct world *w) {
    world_close(w);
    int64_t rows = there_is(w, MAPS) ? ask(w, "SELECT count(*) FROM maps") : -1;
    world_open(w);
    return rows;
}

/* ------------------------------------------------------------------ every backend */

WORLD_TEST_BOTH(maps_are_those_of_the_messages_however_many_are_asked_for) {
    world_open(w);
    fill(w, 0, 300);
    expect_maps(w, STORE_INBOX, 1);
    expect_maps(w, STORE_INBOX, 7);
    expect_maps(w, STORE_INBOX, 300);
    fill(w, 300, 310);
    expect_maps(w, STORE_INBOX, 300);
}

WORLD_TEST_BOTH(a_copy_has_the_map_of_its_body) {
    world_open(w);
    fill(w, 0, 4);
    uint32_t box = world_mailbox(w, "copies"), uids[] = {2, 4};
    struct store_copied copied;
    expect_maps(w, STORE_INBOX, 2);
    assert_int_equal(store_copy(w->account, STORE_INBOX, uids, 2, box, false, &copied), 0);
    expect_maps(w, box, 2);
    world_reopen(w);
    expect_maps(w, box, 2);
}

/* A header that is long, a text that is longer than what is read at once, and an empty one. */
WORLD_TEST_BOTH(messages_of_any_size_have_maps) {
    _cleanup_(buf_done) struct buf text = {0}, small = {0}, maps = {0};
    struct store_piece pieces[3];
    world_open(w);
    buf_add_str(&text, "Subject: number 1\r\n\r\n");
    while (text.len < 3 * STORE_SPAN_MAX + 1234)
        buf_printf(&text, "line %zu of the text\r\n", text.len);
    write_text(0, &small);
    (void)deliver_at(w, STORE_INBOX, buf_slice(&text), 0);
    (void)deliver_at(w, STORE_INBOX, buf_slice(&small), 0);
    (void)deliver_at(w, STORE_INBOX, S(""), 0);
    _cleanup_(free_p) struct snapshot *s = world_snapshot(w);
    for (unsigned times = 0; times < 2; times++) {
        for (int done = 0, n; done < 3; done += n) {
            n = store_maps(w->account, &s->messages[done], (size_t)(3 - done), &maps,
                           &pieces[done]);
            assert_in_range(n, 1, 3 - done);
        }
        expect_map(buf_slice(&text), &maps, pieces[0]);
        expect_map(buf_slice(&small), &maps, pieces[1]);
        expect_map(S(""), &maps, pieces[2]);
    }
}

/* Of texts that are cut at 8 KiB each there are 32 in 256 KiB. */
WORLD_TEST_BOTH(one_call_gives_no_more_than_twice_the_span_of_maps) {
    _cleanup_(buf_done) struct buf text = {0}, maps = {0};
    struct store_piece pieces[STORE_MAPS_MAX];
    world_open(w);
    buf_add_str(&text, "X: y\r\nSubject: ");
    for (unsigned i = 0; i < MESSAGE_MAP_TEXT; i++)
        buf_add_byte(&text, 'x');
    buf_add_str(&text, "\r\n\r\n");
    for (unsigned i = 0; i < 100; i++)
        (void)deliver_at(w, STORE_INBOX, buf_slice(&text), 0);
    _cleanup_(free_p) struct snapshot *s = world_snapshot(w);
    for (unsigned times = 0; times < 2; times++) {
        for (size_t done = 0; done < 100;) {
            buf_clear(&maps);
            int n = store_maps(w->account, &s->messages[done], 100 - done, &maps, pieces);
            assert_true(n >= 1 && (done + (size_t)n == 100 || n >= 16));
            assert_true(maps.len <= (size_t)2 * STORE_SPAN_MAX);
            for (int i = 0; i < n; i++)
                expect_map(buf_slice(&text), &maps, pieces[i]);
            done += (size_t)n;
        }
    }
}

WORLD_TEST_BOTH(of_a_message_that_is_gone_nobody_is_told_a_map_that_was_never_made) {
    _cleanup_(buf_done) struct buf maps = {0};
    struct store_piece pieces[3];
    world_open(w);
    fill(w, 0, 3);
    _cleanup_(free_p) struct snapshot *s = world_snapshot(w);
    world_expunge(w, 2);
    assert_int_equal(store_compact(w->account), 0);
    assert_int_equal(store_maps(w->account, &s->messages[1], 2, &maps, pieces), -E_UNKNOWN);
    assert_int_equal(store_maps(w->account, s->messages, 3, &maps, pieces), 1);
}

/* ------------------------------------------------------------------ what is kept */

/* The bytes of the messages are spoiled, so nobody can make their maps. */
WORLD_TEST(a_map_is_made_once) {
    world_open(w);
    fill(w, 0, 5);
    expect_maps(w, STORE_INBOX, 5);
    _cleanup_(free_p) struct snapshot *s = world_snapshot(w);
    _cleanup_(free_p) char *pack = world_path(w, TEST_PACK);
    for (size_t i = 0; i < s->count; i++)
        file_damage(pack, world_place(w, &s->messages[i]).body, 4);
    expect_maps(w, STORE_INBOX, 5);
    world_reopen(w);
    expect_maps(w, STORE_INBOX, 5);
    char byte[256];
    assert_int_equal(store_read(w->account, &s->messages[0], 0, byte, sizeof byte), -E_CORRUPT);
}

/* And is there after a kill. */
WORLD_TEST(maps_that_were_kept_outlive_a_kill) {
    world_open(w);
    fill(w, 0, 5);
    expect_maps(w, STORE_INBOX, 5);
    world_crash(w);
    expect_maps(w, STORE_INBOX, 5);
    assert_int_equal(kept(w), 5);
    assert_int_equal(lines_said(w), 0);
}

WORLD_TEST(maps_of_an_earlier_version_are_made_again) {
    world_open(w);
    fill(w, 0, 3);
    expect_maps(w, STORE_INBOX, 3);
    _cleanup_(free_p) struct snapshot *s = world_snapshot(w);
    world_close(w);
    _cleanup_(free_p) char *path = world_path(w, MAPS);
    struct map_file *f;
    char old[] = {MESSAGE_MAP_VERSION - 1, 0, 0, 0, 0, 0, 0, 0};
    struct store_piece piece = {0, sizeof old};
    struct backend_mapped m = {s->messages[1].body, (uint32_t)s->messages[1].size,
                               s->messages[1].date};
    assert_int_equal(map_file_open(path, false, &f, NULL), 0);
    assert_int_equal(map_file_put(f, &m, 1, slice_of(old, sizeof old), &piece), 0);
    map_file_close(f);
    world_open(w);
    expect_maps(w, STORE_INBOX, 3);
    world_close(w);
    assert_int_equal(ask(w, "SELECT count(*) FROM maps WHERE length(map) < 20"), 0);
    world_open(w);
    assert_int_equal(lines_said(w), 0);
}

WORLD_TEST(rows_that_are_spoiled_are_made_again) {
    static const char *const spoil[] = {
        "UPDATE maps SET map = x'01' WHERE body = 2",
        "UPDATE maps SET map = x'' WHERE body = 2",
        "UPDATE maps SET map = x'0100aabbccdd' WHERE body = 2",
        "UPDATE maps SET map = (SELECT map FROM maps WHERE body = 3) WHERE body = 2",
        "UPDATE maps SET map = 'text' WHERE body = 2",
        "DELETE FROM maps WHERE body = 2",
    };
    world_open(w);
    fill(w, 0, 4);
    expect_maps(w, STORE_INBOX, 4);
    for (size_t i = 0; i < ARRAY_SIZE(spoil); i++) {
        world_close(w);
        (void)ask(w, spoil[i]);
        world_open(w);
        expect_maps(w, STORE_INBOX, 4);
        assert_int_equal(kept(w), 4);
    }
}

/* Older mailboxes were put back, and have other messages under the same numbers since. */
WORLD_TEST(maps_of_other_messages_with_the_same_number_are_not_believed) {
    world_open(w);
    fill(w, 10, 13);
    world_image(w);
    fill(w, 20, 23);
    expect_maps(w, STORE_INBOX, 6);
    world_close(w);
    _cleanup_(free_p) char *path = world_path(w, MAPS), *log = world_path(w, MAPS_LOG);
    char here[64], here_log[64];
    (void)snprintf(here, sizeof here, "%.40s.maps", w->dir);
    (void)snprintf(here_log, sizeof here_log, "%.40s.maps-wal", w->dir);
    file_copy(path, here);
    file_copy(log, here_log);
    world_restore(w);
    file_copy(here, path);
    file_copy(here_log, log);
    (void)unlink(here);
    (void)unlink(here_log);
    world_open(w);
    fill(w, 30, 33);
    expect_maps(w, STORE_INBOX, 6);
}

WORLD_TEST(the_file_may_be_removed_at_any_time) {
    _cleanup_(free_p) char *path = world_path(w, MAPS), *log = world_path(w, MAPS_LOG);
    world_open(w);
    fill(w, 0, 5);
    expect_maps(w, STORE_INBOX, 5);
    (void)unlink(path); /* in use; its log stays */
    fill(w, 5, 8);
    expect_maps(w, STORE_INBOX, 5);
    world_reopen(w);
    expect_maps(w, STORE_INBOX, 5);
    assert_int_equal(kept(w), 8);
    world_close(w);
    (void)unlink(path);
    (void)unlink(log);
    world_open(w);
    expect_maps(w, STORE_INBOX, 5);
    assert_int_equal(kept(w), 8);
    assert_int_equal(lines_said(w), 0);
}

/* ------------------------------------------------------------------ what is wrong with the file */

static void write_file(const char *path, struct slice bytes) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes.ptr, bytes.len), bytes.len);
    close(fd);
}

static void is_garbage(struct world *w, const char *path) {
    _cleanup_(buf_done) struct buf bytes = {0};
    for (unsigned i = 0; i < 9000; i++)
        buf_add_byte(&bytes, (char)(i * 7));
    write_file(path, buf_slice(&bytes));
}

static void ends_in_a_page(struct world *w, const char *path) {
    file_cut(path, 5000);
}

static void lacks_pages(struct world *w, const char *path) {
    file_cut(path, 8192);
}

static void has_lost_its_head(struct world *w, const char *path) {
    file_damage(path, 0, 100);
}

static void has_a_bad_tree(struct world *w, const char *path) {
    file_damage(path, 8192, 4000);
}

static void is_of_another_release(struct world *w, const char *path) {
    (void)ask(w, "PRAGMA user_version = 99");
}

static void is_another_database(struct world *w, const char *path) {
    (void)ask(w, "PRAGMA application_id = 5");
}

static void has_other_tables(struct world *w, const char *path) {
    (void)ask(w, "ALTER TABLE maps RENAME TO other");
}

static void is_a_link(struct world *w, const char *path) {
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("/dev/null", path), 0);
}

/* Whatever it is: maps are right, somebody is told, once, and the next ones are kept again. */
WORLD_TEST(a_file_that_is_spoiled_makes_way_for_another) {
    static void (*const spoil[])(struct world * w, const char *path) = {
        is_garbage,          ends_in_a_page,   lacks_pages, has_lost_its_head,    has_a_bad_tree,
        is_another_database, has_other_tables, is_a_link,   is_of_another_release};
    _cleanup_(free_p) char *path = world_path(w, MAPS), *log = world_path(w, MAPS_LOG);
    world_open(w);
    fill(w, 0, 20);
    for (size_t i = 0; i < ARRAY_SIZE(spoil); i++) {
        expect_maps(w, STORE_INBOX, 20);
        world_close(w);
        (void)ask(w, "PRAGMA wal_checkpoint(TRUNCATE)");
        spoil[i](w, path);
        (void)unlink(log);
        buf_clear(&w->reports);
        world_open(w);
        expect_maps(w, STORE_INBOX, 20);
        assert_true(said(w, "maps.db is removed"));
        assert_int_equal(lines_said(w), 1);
        assert_int_equal(kept(w), 20);
    }
}

/* A folder has taken its name: it is left alone, and looked at again after a while. */
WORLD_TEST(a_file_that_cannot_be_removed_is_left_alone) {
    _cleanup_(free_p) char *path = world_path(w, MAPS);
    world_open(w);
    fill(w, 0, 5);
    assert_int_equal(mkdir(path, 0700), 0);
    for (unsigned i = 0; i < 3; i++)
        expect_maps(w, STORE_INBOX, 5);
    assert_true(said(w, "maps.db cannot be used for now"));
    assert_int_equal(lines_said(w), 1);
    assert_int_equal(rmdir(path), 0);
    (void)fiber_sleep(2 * USEC_MIN);
    expect_maps(w, STORE_INBOX, 5);
    assert_int_equal(kept(w), 5);
}

static int give(const char *path, uid_t owner) {
    return chown(path, owner, (gid_t)-1);
}

/* As when a command was run by another user: the folder is ours, so the file goes. */
WORLD_TEST(a_file_of_somebody_else_makes_way_for_another) {
    const uid_t nobody = 65534;
    static const char *const ours[] = {
        "", "/67", "/67/4711", "/67/4711/packs", "/" TEST_PACK, "/" TEST_DB, "/" TEST_DB "-wal"};
    const bool is_root = geteuid() == 0;
    world_open(w);
    fill(w, 0, 5);
    expect_maps(w, STORE_INBOX, 5);
    world_close(w);
    for (size_t i = 0; is_root && i < ARRAY_SIZE(ours); i++) {
        _cleanup_(free_p) char *path = mem_printf("%s%s", w->dir, ours[i]);
        assert_int_equal(give(path, nobody), 0);
    }
    _cleanup_(free_p) char *maps = world_path(w, MAPS);
    if (is_root)
        assert_int_equal(seteuid(nobody), 0);
    else /* who is not root cannot give a file away, but close it to himself */
        assert_int_equal(chmod(maps, 0), 0);
    world_open(w);
    expect_maps(w, STORE_INBOX, 5);
    assert_true(said(w, "may not be opened by this user"));
    expect_maps(w, STORE_INBOX, 5);
    world_close(w);
    if (is_root)
        assert_int_equal(seteuid(0), 0);
    assert_int_equal(ask(w, "SELECT count(*) FROM maps"), 5);
    world_open(w);
}

/* No file may grow beyond some bytes: so SQLite gets what a full disk gives it. */
WORLD_TEST(on_a_full_disk_maps_are_made_and_not_kept) {
    struct rlimit before, full;
    world_open(w);
    fill(w, 0, 5);
    (void)fiber_sleep(A_MOMENT);
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    full = before;
    full.rlim_cur = 4096;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &full), 0);
    for (unsigned i = 0; i < 3; i++)
        expect_maps(w, STORE_INBOX, 5);
    assert_true(said(w, "maps.db"));
    assert_int_equal(lines_said(w), 1);
    (void)fiber_sleep(5 * USEC_MIN); /* tried again, and not told again */
    expect_maps(w, STORE_INBOX, 5);
    assert_int_equal(lines_said(w), 1);
    (void)fiber_sleep(6 * USEC_MIN);
    expect_maps(w, STORE_INBOX, 5);
    assert_int_equal(lines_said(w), 2);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    (void)fiber_sleep(2 * USEC_MIN);
    expect_maps(w, STORE_INBOX, 5);
    assert_int_equal(kept(w), 5);
}

/* What is free is for messages. */
WORLD_TEST(maps_take_none_of_the_reserve_of_the_disk) {
    world_open(w);
    fill(w, 0, 5);
    store_set_min_free(w->store, UINT64_MAX);
    expect_maps(w, STORE_INBOX, 5);
    assert_true(said(w, "maps of messages are not kept"));
    assert_false(there_is(w, MAPS));
    store_set_min_free(w->store, 1);
    expect_maps(w, STORE_INBOX, 5);
    assert_int_equal(kept(w), 5);
}

/* ------------------------------------------------------------------ the mapper */

WORLD_TEST(nobody_makes_maps_where_nobody_asks_for_them) {
    world_open(w);
    fill(w, 0, 100);
    (void)fiber_sleep(A_MOMENT);
    assert_false(there_is(w, MAPS));
    world_reopen(w);
    fill(w, 100, 110);
    (void)fiber_sleep(A_MOMENT);
    assert_false(there_is(w, MAPS));
}

WORLD_TEST(maps_of_what_comes_later_are_made_in_time) {
    world_open(w);
    fill(w, 0, 1);
    expect_maps(w, STORE_INBOX, 1);
    fill(w, 1, 4);
    (void)fiber_sleep(SOON);
    fill(w, 4, 6);
    (void)fiber_sleep(A_MOMENT);
    assert_int_equal(kept(w), 6);
    fill(w, 6, 7); /* also when nobody has asked since the account was opened */
    (void)fiber_sleep(A_MOMENT);
    assert_int_equal(kept(w), 7);
    expect_maps(w, STORE_INBOX, 7);
}

WORLD_TEST(who_is_expected_to_ask_finds_them_made) {
    world_open(w);
    fill(w, 0, 1);
    store_expect_maps(w->account);
    fill(w, 1, 4);
    (void)fiber_sleep(A_MOMENT);
    assert_int_equal(kept(w), 3); /* what was there before is made when it is asked for */
    expect_maps(w, STORE_INBOX, 4);
    assert_int_equal(kept(w), 4);
}

WORLD_TEST(many_are_made_at_once) {
    world_open(w);
    store_expect_maps(w->account);
    fill_together(w, 0, 2048);
    (void)fiber_sleep(SOON);
    assert_int_equal(kept(w), 2048);
    store_expect_maps(w->account);
    fill_together(w, 2048, 4095); /* one less */
    (void)fiber_sleep(SOON);
    assert_int_equal(kept(w), 2048);
}

/* Each of these comes before the one before it counts as the last. */
static void trickle(struct world *w, unsigned from, unsigned to) {
    for (unsigned n = from; n < to; n++) {
        fill_together(w, n, n + 1);
        (void)fiber_sleep(100 * USEC_MS);
    }
}

WORLD_TEST(while_messages_keep_coming_maps_wait_for_ten_seconds) {
    world_open(w);
    store_expect_maps(w->account);
    trickle(w, 0, 90);
    assert_false(there_is(w, MAPS));
    trickle(w, 90, 110);
    assert_true(there_is(w, MAPS));
}

WORLD_TEST(when_no_more_messages_come_maps_wait_no_longer) {
    world_open(w);
    store_expect_maps(w->account);
    trickle(w, 0, 30);
    assert_false(there_is(w, MAPS));
    (void)fiber_sleep(200 * USEC_MS);
    assert_int_equal(kept(w), 30);
}

WORLD_TEST(a_message_that_cannot_be_read_keeps_no_other_from_its_map) {
    world_open(w);
    fill(w, 0, 1);
    expect_maps(w, STORE_INBOX, 1);
    fill(w, 1, 10);
    _cleanup_(free_p) struct snapshot *s = world_snapshot(w);
    _cleanup_(free_p) char *pack = world_path(w, TEST_PACK);
    for (size_t i = 2; i < 8; i += 2)
        file_damage(pack, world_place(w, &s->messages[i]).body, 4);
    (void)fiber_sleep(A_MOMENT);
    assert_int_equal(kept(w), 7);
}

/* ------------------------------------------------------------------ what is not kept */

WORLD_TEST(maps_of_messages_that_are_gone_go_with_compaction) {
    w->solo.compact_size = 1;
    world_open(w);
    fill(w, 0, 100);
    expect_maps(w, STORE_INBOX, 100);
    for (uint32_t uid = 1; uid <= 100; uid++)
        if (uid % 5)
            world_expunge(w, uid);
    assert_int_equal(store_compact(w->account), 0);
    expect_maps(w, STORE_INBOX, 100);
    assert_int_equal(kept(w), 20);
}

/* As long as they can be brought back, their maps are as good as their bytes. */
WORLD_TEST(maps_of_messages_that_can_be_brought_back_stay) {
    w->solo.compact_size = 1;
    w->options.undelete = 7 * USEC_DAY;
    world_open(w);
    fill(w, 0, 20);
    expect_maps(w, STORE_INBOX, 20);
    for (uint32_t uid = 2; uid <= 20; uid++)
        world_expunge(w, uid);
    assert_int_equal(store_compact(w->account), 0);
    assert_int_equal(kept(w), 20);
}

/* Pages that are free are used again; when nearly all are, the file is not worth having. */
WORLD_TEST(a_file_that_is_nearly_empty_is_removed) {
    _cleanup_(buf_done) struct buf text = {0}, maps = {0};
    struct store_piece pieces[STORE_MAPS_MAX];
    w->solo.compact_size = 1;
    world_open(w);
    buf_add_str(&text, "X: y\r\nSubject: ");
    for (unsigned i = 0; i < MESSAGE_MAP_TEXT; i++)
        buf_add_byte(&text, 'x');
    buf_add_str(&text, "\r\n\r\n");
    for (unsigned i = 0; i < 500; i++)
        (void)deliver_at(w, STORE_INBOX, buf_slice(&text), 0);
    _cleanup_(free_p) struct snapshot *s = world_snapshot(w);
    for (size_t done = 0; done < s->count;) {
        buf_clear(&maps);
        done += (size_t)store_maps(w->account, &s->messages[done], s->count - done, &maps, pieces);
    }
    _cleanup_(buf_done) struct buf uids = {0};
    for (uint32_t uid = 1; uid <= 480; uid++)
        buf_add_bytes(&uids, &uid, sizeof uid);
    size_t removed;
    assert_int_equal(store_expunge(w->account, STORE_INBOX, (const void *)uids.ptr, 480, &removed),
                     0);
    assert_int_equal(store_compact(w->account), 0);
    assert_false(there_is(w, MAPS));
    assert_false(there_is(w, MAPS_LOG));
    buf_clear(&maps);
    assert_int_equal(store_maps(w->account, &s->messages[499], 1, &maps, pieces), 1);
    expect_map(buf_slice(&text), &maps, pieces[0]);
    assert_int_equal(kept(w), 1);
}

WORLD_TEST(a_purge_takes_the_maps_along) {
    world_open(w);
    fill(w, 0, 5);
    expect_maps(w, STORE_INBOX, 5);
    store_account_close(w->account);
    w->account = NULL;
    assert_int_equal(store_purge(w->store, TEST_ACCOUNT), 0);
    assert_false(there_is(w, MAPS));
    assert_false(there_is(w, "67/4711"));
    assert_false(there_is(w, "67/4711.purged"));
}

WORLD_TEST(repair_removes_them_and_they_are_made_anew) {
    struct backend_repaired r;
    struct problem p;
    world_open(w);
    fill(w, 0, 5);
    expect_maps(w, STORE_INBOX, 5);
    world_close(w);
    assert_int_equal(solo_offline.repair(w->dir, TEST_ACCOUNT, &r, &p), 0);
    assert_false(there_is(w, MAPS));
    assert_false(there_is(w, MAPS_LOG));
    world_open(w);
    expect_maps(w, STORE_INBOX, 5);
    assert_int_equal(kept(w), 5);
}

/* ------------------------------------------------------------------ open files */

WORLD_TEST(the_file_is_closed_with_the_others_of_its_account) {
    struct store_stats stats;
    w->solo.max_handles = 1;
    world_open(w);
    fill(w, 0, 5);
    expect_maps(w, STORE_INBOX, 5);
    struct store_account *other;
    assert_int_equal(store_account_open(w->store, TEST_ACCOUNT + 1, &other), 0);
    store_stats(w->store, &stats);
    assert_int_equal(stats.handles, 1);
    assert_int_equal(ask(w, "SELECT count(*) FROM maps"), 5); /* nobody has it */
    expect_maps(w, STORE_INBOX, 5);
    (void)fiber_sleep(5 * USEC_SEC);
    store_stats(w->store, &stats);
    assert_int_equal(stats.handles, 0);
    assert_int_equal(ask(w, "SELECT count(*) FROM maps"), 5);
    expect_maps(w, STORE_INBOX, 5);
    store_account_close(other);
}

/* ------------------------------------------------------------------ all at once */

#define READERS 4U
#define MOST    400U

struct crowd {
    struct world *world;
    unsigned delivered;
    bool over;
};

static void read_maps(void *arg) {
    const struct crowd *c = arg;
    while (!c->over) {
        expect_maps(c->world, STORE_INBOX, 40);
        (void)fiber_yield();
    }
}

static void deliver_many(void *arg) {
    struct crowd *c = arg;
    for (; c->delivered < MOST; c->delivered++)
        fill(c->world, c->delivered, c->delivered + 1);
}

static void remove_some(void *arg) {
    struct crowd *c = arg;
    for (uint32_t uid = 1; uid < MOST / 2; uid += 3) {
        while (uid > c->delivered)
            (void)fiber_sleep(USEC_MS);
        (void)fiber_sleep(USEC_MS / 2);
        world_expunge(c->world, uid);
        if (uid % 30 == 1)
            (void)store_compact(c->world->account);
    }
}

/* A reader's messages may go while he asks: those before the first that is gone have their maps. */
WORLD_TEST_ON(readers_deliveries_and_removals_go_on_beside_each_other, false) {
    struct crowd c = {.world = w};
    struct fiber *readers[READERS], *others[2];
    w->options.undelete = USEC_DAY; /* so that what goes can still be read */
    w->solo.compact_size = 1;
    w->solo.pack_size = 20000;
    w->solo.max_handles = 1;
    world_open(w);
    for (unsigned i = 0; i < READERS; i++)
        assert_int_equal(fiber_start("reader", read_maps, &c, &readers[i]), 0);
    assert_int_equal(fiber_start("deliveries", deliver_many, &c, &others[0]), 0);
    assert_int_equal(fiber_start("removals", remove_some, &c, &others[1]), 0);
    fiber_join(others[0]);
    fiber_join(others[1]);
    c.over = true;
    for (unsigned i = 0; i < READERS; i++)
        fiber_join(readers[i]);
    expect_maps(w, STORE_INBOX, 256);
    assert_int_equal(lines_said(w), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        BOTH(maps_are_those_of_the_messages_however_many_are_asked_for),
        BOTH(a_copy_has_the_map_of_its_body),
        BOTH(messages_of_any_size_have_maps),
        BOTH(one_call_gives_no_more_than_twice_the_span_of_maps),
        BOTH(of_a_message_that_is_gone_nobody_is_told_a_map_that_was_never_made),
        cmocka_unit_test(a_map_is_made_once),
        cmocka_unit_test(maps_that_were_kept_outlive_a_kill),
        cmocka_unit_test(maps_of_an_earlier_version_are_made_again),
        cmocka_unit_test(rows_that_are_spoiled_are_made_again),
        cmocka_unit_test(maps_of_other_messages_with_the_same_number_are_not_believed),
        cmocka_unit_test(the_file_may_be_removed_at_any_time),
        cmocka_unit_test(a_file_that_is_spoiled_makes_way_for_another),
        cmocka_unit_test(a_file_that_cannot_be_removed_is_left_alone),
        cmocka_unit_test(a_file_of_somebody_else_makes_way_for_another),
        cmocka_unit_test(on_a_full_disk_maps_are_made_and_not_kept),
        cmocka_unit_test(maps_take_none_of_the_reserve_of_the_disk),
        cmocka_unit_test(nobody_makes_maps_where_nobody_asks_for_them),
        cmocka_unit_test(maps_of_what_comes_later_are_made_in_time),
        cmocka_unit_test(who_is_expected_to_ask_finds_them_made),
        cmocka_unit_test(many_are_made_at_once),
        cmocka_unit_test(while_messages_keep_coming_maps_wait_for_ten_seconds),
        cmocka_unit_test(when_no_more_messages_come_maps_wait_no_longer),
        cmocka_unit_test(a_message_that_cannot_be_read_keeps_no_other_from_its_map),
        cmocka_unit_test(maps_of_messages_that_are_gone_go_with_compaction),
        cmocka_unit_test(maps_of_messages_that_can_be_brought_back_stay),
        cmocka_unit_test(a_file_that_is_nearly_empty_is_removed),
        cmocka_unit_test(a_purge_takes_the_maps_along),
        cmocka_unit_test(repair_removes_them_and_they_are_made_anew),
        cmocka_unit_test(the_file_is_closed_with_the_others_of_its_account),
        cmocka_unit_test(readers_deliveries_and_removals_go_on_beside_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

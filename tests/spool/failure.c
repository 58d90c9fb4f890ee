/* SPDX-License-Identifier: ISC */
/* The spool on bad days: the disk fails, is full, or has lost bytes. */
#include "world.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "pack/badread.h"
#include "pack/readdir.h"
#include "spool/log.h"

/* ------------------------------------------------------------------ failed writes: D3 */

static void after_a_failure(struct world *w, uint64_t before, uint64_t lost_id) {
    assert_int_equal(w->notices[SPOOL_NOTICE_FAILED], 1);
    uint64_t after = send(w, "after");
    assert_int_equal(fiber_sleep(USEC_MIN), 0);
    assert_int_equal(world_files(w, "quarantine", "segment-"), 1);
    world_reopen(w);
    assert_int_equal(messages(w), 2);
    assert_null(spool_find(w->spool, lost_id));
    expect_body(w, before, "before");
    expect_state(w, before, 1, "450 busy");
    expect_body(w, after, "after");
}

WORLD_TEST(failed_sync_refuses_the_message_and_leaves_the_file) {
    uint64_t id = 0;
    world_open(w);
    uint64_t before = send(w, "before");
    set_state(w, before, 1, "450 busy");
    assert_int_equal(fiber_sleep(USEC_SEC), 0);
    disk.sync_error = EIO;
    assert_int_equal(try_send(w, S("lost"), &id), -EIO);
    disk.sync_error = 0;
    after_a_failure(w, before, spool_new_id(w->spool) - 1);
}

WORLD_TEST(failed_write_refuses_the_message_and_leaves_the_file) {
    uint64_t id = 0;
    world_open(w);
    uint64_t before = send(w, "before");
    set_state(w, before, 1, "450 busy");
    assert_int_equal(fiber_sleep(USEC_SEC), 0);
    disk.write_error = EIO;
    disk.short_write = 300;
    assert_int_equal(try_send(w, S("lost"), &id), -EIO);
    disk.write_error = 0;
    after_a_failure(w, before, spool_new_id(w->spool) - 1);
}

WORLD_TEST(message_whose_end_failed_can_be_ended_again) {
    world_open(w);
    uint64_t id = send(w, "stays");
    assert_int_equal(fiber_sleep(USEC_SEC), 0);
    disk.sync_error = EIO;
    assert_int_equal(try_settle(w, id), -EIO);
    disk.sync_error = 0;
    expect_body(w, id, "stays");
    settle(w, id);
    world_reopen(w);
    assert_int_equal(messages(w), 0);
}

WORLD_TEST(spool_recovers_from_a_disk_that_fails_for_a_while) {
    uint64_t id = 0;
    world_open(w);
    uint64_t first = send(w, "first");
    disk.sync_error = EIO;
    for (int i = 0; i < 5; i++) {
        assert_true(try_send(w, S("lost"), &id) < 0);
        assert_int_equal(fiber_sleep(USEC_MIN), 0);
    }
    disk.sync_error = 0;
    assert_int_equal(fiber_sleep(USEC_MIN), 0);
    uint64_t last = send(w, "last");
    world_reopen(w);
    assert_int_equal(messages(w), 2);
    expect_body(w, first, "first");
    expect_body(w, last, "last");
}

WORLD_TEST(opening_on_a_failing_disk_says_so) {
    disk.sync_error = EIO;
    assert_int_equal(world_try_open(w), -EIO);
    disk.sync_error = 0;
    disk.write_error = ENOSPC;
    assert_int_equal(world_try_open(w), -ENOSPC);
    disk.write_error = 0;
    world_open(w);
}

/*
 * The kernel tells of a failed sync once, and takes the bytes for written. A process that finds
 * them in memory, after the one that was told has died, builds on them only when they are on the
 * disk.
 */
WORLD_TEST(d3_what_a_failed_sync_left_in_memory_is_written_again_when_it_counts) {
    char segment[64];
    world_open(w);
    uint64_t id = send(w, "settled once");
    (void)send(w, "stays");
    assert_int_equal(fiber_sleep(USEC_SEC), 0);
    disk.sync_error = EIO;
    disk.failures = 1;
    assert_int_equal(try_settle(w, id), -EIO);
    world_close(w); /* before a further segment could seal this one */
    world_segment(w, segment);
    world_open(w);
    assert_null(spool_find(w->spool, id));
    world_close(w);
    for (uint64_t at = disk.lost.from; at < disk.lost.to; at += 50)
        world_flip(w, segment, at); /* the power fails */
    world_open(w);
    assert_null(spool_find(w->spool, id));
    assert_int_equal(w->notices[SPOOL_NOTICE_DAMAGE], 0);
}

WORLD_TEST(messages_of_a_segment_that_cannot_be_made_durable_move_out) {
    char segment[64];
    world_open(w);
    uint64_t id = send(w, "moves");
    assert_int_equal(fiber_sleep(USEC_SEC), 0);
    world_close(w);
    world_segment(w, segment);
    disk.sync_error = EIO;
    disk.failures = 1;
    world_open(w);
    assert_int_equal(w->notices[SPOOL_NOTICE_FAILED], 1);
    assert_int_equal(fiber_sleep(USEC_MIN), 0);
    assert_int_equal(world_files(w, "quarantine", segment), 1);
    expect_body(w, id, "moves");
}

/* ------------------------------------------------------------------ blocks that cannot be read */

static void cannot_read(struct world *w, const char *name, off_t from, off_t to) {
    char path[160];
    (void)snprintf(path, sizeof path, "%s/%s", w->path, name);
    bad_read_set(path, from, to);
}

/* Three blocks of text, so that the one in the middle has nothing else. */
static const char *long_text(void) {
    static char text[3 * SPOOL_BLOCK];
    memset(text, 't', sizeof text - 1);
    return text;
}

WORLD_TEST(read_error_in_the_last_message_is_no_torn_end) {
    char segment[64];
    struct spool_body body;
    world_open(w);
    uint64_t id = send(w, long_text());
    world_close(w);
    world_segment(w, segment);
    cannot_read(w, segment, 3 * SPOOL_BLOCK, 4 * SPOOL_BLOCK);
    world_open(w);
    assert_int_equal(messages(w), 1);
    assert_int_equal(spool_body_open(w->spool, id, &body), -EIO);
    bad_read.file = 0;
    expect_body(w, id, long_text());
    world_reopen(w);
    expect_body(w, id, long_text());
}

WORLD_TEST(read_error_in_the_last_commit_is_waited_for) {
    char segment[64];
    world_open(w);
    uint64_t first = send(w, "first"), last = send(w, "last");
    world_close(w);
    world_segment(w, segment);
    cannot_read(w, segment, 3 * SPOOL_BLOCK, 4 * SPOOL_BLOCK);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(world_try_open(w), -EIO);
        assert_non_null(strstr(w->problem.text, segment));
        assert_non_null(strstr(w->problem.text, "the disk does not give bytes 12288 to "));
        spool_close(TAKE_PTR(w->spool));
    }
    bad_read.file = 0;
    world_open(w);
    assert_int_equal(w->notices[SPOOL_NOTICE_DAMAGE] + w->notices[SPOOL_NOTICE_TORN], 0);
    expect_body(w, first, "first");
    expect_body(w, last, "last");
}

/* Somebody has to look: the file is not used any more, and kept. */
WORLD_TEST(segment_that_was_moved_out_of_the_way_is_done_without) {
    char segment[64];
    world_open(w);
    (void)send(w, "first");
    world_close(w);
    world_segment(w, segment);
    cannot_read(w, segment, 2 * SPOOL_BLOCK, 4 * SPOOL_BLOCK);
    assert_int_equal(world_try_open(w), -EIO);
    spool_close(TAKE_PTR(w->spool));
    char from[160], to[160];
    (void)snprintf(from, sizeof from, "%s/%s", w->path, segment);
    (void)snprintf(to, sizeof to, "%s/quarantine/%s", w->path, segment);
    assert_int_equal(rename(from, to), 0);
    world_open(w);
    assert_int_equal(messages(w), 0);
    uint64_t id = send(w, "next");
    world_reopen(w);
    expect_body(w, id, "next");
    bad_read.file = 0;
}

static int try_send_large(struct world *w, const char *text, uint64_t *ret_id) {
    static const struct recipient to = {.address = {"hanako@example.org", 18}};
    static const struct envelope envelope = {.arrival = TEST_NOW, .recipients = &to, .count = 1};
    struct spool_content content = {.head = S("Trace: here\r\n")};
    struct spool_message *message;
    uint64_t id = *ret_id = spool_new_id(w->spool);
    assert_int_equal(spool_large_begin(w->spool, id, &content.large), 0);
    ssize_t len = (ssize_t)strlen(text);
    assert_int_equal(pwrite(spool_large_fd(content.large), text, (size_t)len, 0), len);
    int error = spool_accept(w->spool, id, &envelope, &content, &message);
    if (error)
        spool_large_drop(w->spool, content.large);
    return error;
}

static uint64_t send_large(struct world *w, const char *text) {
    uint64_t id;
    assert_int_equal(try_send_large(w, text, &id), 0);
    return id;
}

/* Its record is on the disk. Without the file its sender would hear of damage, having heard 451. */
WORLD_TEST(large_message_whose_sync_failed_is_whole_after_a_start) {
    char bytes[64];
    struct spool_body body;
    uint64_t id;
    world_open(w);
    disk.sync_error = EIO;
    disk.spared = 1; /* the one of its file */
    assert_int_equal(try_send_large(w, "large", &id), -EIO);
    disk.sync_error = 0;
    assert_null(spool_find(w->spool, id));
    world_reopen(w);
    assert_false(spool_find(w->spool, id)->damaged);
    assert_int_equal(spool_body_open(w->spool, id, &body), 0);
    assert_int_equal(spool_body_read(&body, 0, bytes, sizeof bytes), 18);
    spool_body_close(&body);
    disk.sync_error = EIO; /* that of the file itself: nothing was written */
    assert_int_equal(try_send_large(w, "refused", &id), -EIO);
    disk.sync_error = 0;
    assert_int_equal(world_files(w, "large", ""), 1);
}

WORLD_TEST(large_file_that_cannot_be_looked_at_is_not_taken_for_lost) {
    char bytes[64];
    struct spool_body body;
    world_open(w);
    uint64_t id = send_large(w, "large");
    world_close(w);
    bad_stat = EIO;
    world_open(w);
    bad_stat = 0;
    assert_false(spool_find(w->spool, id)->damaged);
    assert_int_equal(spool_body_open(w->spool, id, &body), 0);
    assert_int_equal(spool_body_read(&body, 0, bytes, sizeof bytes), 18);
    assert_memory_equal(bytes, "Trace: here\r\nlarge", 18);
    spool_body_close(&body);
}

/* A message in the oldest of so many segments that it is copied forward, and not in memory. */
static uint64_t send_and_bury(struct world *w, char segment[static 64]) {
    static char text[8000];
    uint64_t ids[150];
    w->options.cache_size = 1;
    world_open(w);
    uint64_t id = send(w, long_text());
    world_segment(w, segment);
    cannot_read(w, segment, 3 * SPOOL_BLOCK, 4 * SPOOL_BLOCK);
    memset(text, 'f', sizeof text);
    for (unsigned i = 0; i < ARRAY_SIZE(ids); i++)
        assert_int_equal(try_send(w, slice_of(text, sizeof text), &ids[i]), 0);
    for (unsigned i = 0; i < ARRAY_SIZE(ids); i++)
        settle(w, ids[i]);
    assert_int_equal(fiber_sleep(USEC_MIN), 0);
    return id;
}

WORLD_TEST(message_that_cannot_be_read_for_a_while_is_not_given_up) {
    char segment[64];
    uint64_t id = send_and_bury(w, segment);
    assert_false(spool_find(w->spool, id)->damaged);
    assert_int_equal(world_files(w, ".", segment), 1);
    bad_read.file = 0;
    assert_int_equal(fiber_sleep(USEC_MIN), 0);
    assert_int_equal(world_files(w, ".", segment), 0); /* it has moved */
    expect_body(w, id, long_text());
    assert_int_equal(world_files(w, "quarantine", "segment-"), 0);
}

WORLD_TEST(message_that_stays_unreadable_lets_its_segment_go_into_quarantine) {
    char segment[64];
    uint64_t id = send_and_bury(w, segment);
    assert_int_equal(fiber_sleep(2 * USEC_HOUR), 0);
    bad_read.file = 0;
    assert_true(spool_find(w->spool, id)->damaged);
    assert_int_equal(world_files(w, "quarantine", segment), 1);
}

/* D7 */
WORLD_TEST(file_of_a_message_that_damage_hides_is_kept) {
    char segment[64], name[64];
    struct timespec old[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
    world_open(w);
    uint64_t id = send_large(w, "large");
    (void)send(w, "behind it");
    world_close(w);
    (void)snprintf(name, sizeof name, "large/%016llx", (unsigned long long)id);
    assert_int_equal(utimensat(w->dir, name, old, 0), 0);
    world_segment(w, segment);
    world_flip(w, segment, 2 * SPOOL_BLOCK + 20);
    world_open(w);
    assert_null(spool_find(w->spool, id));
    assert_int_equal(world_files(w, "large", ""), 1);
}

/* ------------------------------------------------------------------ no room: D4 */

static unsigned fill_up(struct world *w, uint64_t *ids, unsigned size) {
    static char text[8000];
    memset(text, 'f', sizeof text);
    for (unsigned n = 0; n < size; n++) {
        int error = try_send(w, slice_of(text, sizeof text), &ids[n]);
        if (error) {
            assert_int_equal(error, -ENOSPC);
            return n;
        }
    }
    return size;
}

WORLD_TEST(full_disk_refuses_messages_but_takes_changes) {
    uint64_t ids[100];
    struct spool_stat stat;
    world_open(w);
    assert_int_equal(fiber_sleep(USEC_MIN), 0);
    disk.allocate_error = ENOSPC;
    unsigned n = fill_up(w, ids, 100);
    assert_in_range(n, 18, 26); /* one segment, and nothing of the next */
    assert_true(w->notices[SPOOL_NOTICE_LOW] > 0);
    spool_stat(w->spool, &stat);
    assert_true(stat.full);
    set_state(w, ids[n - 1], 1, "452 later");
    for (unsigned i = 0; i + 1 < n; i++)
        if (i % 4 == 0)
            settle(w, ids[i]);
    disk.allocate_error = 0;
    assert_int_equal(fiber_sleep(USEC_MIN), 0);
    uint64_t later = send(w, "room again");
    world_reopen(w);
    expect_state(w, ids[n - 1], 1, "452 later");
    expect_body(w, later, "room again");
    assert_null(spool_find(w->spool, ids[0]));
    assert_non_null(spool_find(w->spool, ids[1]));
}

WORLD_TEST(full_disk_has_room_again_when_messages_are_settled) {
    uint64_t ids[100];
    world_open(w);
    assert_int_equal(fiber_sleep(USEC_MIN), 0);
    disk.allocate_error = ENOSPC;
    unsigned n = fill_up(w, ids, 100);
    for (unsigned i = 0; i < n; i += 10) {
        struct spool_change changes[10];
        unsigned m = 0;
        for (; m < 10 && i + m < n; m++)
            changes[m] = (struct spool_change){.kind = SPOOL_DONE, .id = ids[i + m]};
        assert_int_equal(spool_update(w->spool, changes, m), 0);
    }
    assert_int_equal(fiber_sleep(USEC_MIN), 0);
    uint64_t id = send(w, "in a segment that came back");
    world_reopen(w);
    expect_body(w, id, "in a segment that came back");
}

WORLD_TEST(spool_opens_on_a_full_disk) {
    uint64_t ids[100];
    world_open(w);
    assert_int_equal(fiber_sleep(USEC_MIN), 0);
    disk.allocate_error = ENOSPC;
    unsigned n = fill_up(w, ids, 100);
    for (unsigned i = 0; i < n; i++)
        settle(w, ids[i]); /* more than the reserve holds: segments come back meanwhile */
    world_reopen(w);
    assert_int_equal(messages(w), 0);
}

WORLD_TEST(write_without_room_leaves_nothing_behind) {
    uint64_t id = 0;
    world_open(w);
    uint64_t before = send(w, "before");
    assert_int_equal(fiber_sleep(USEC_SEC), 0);
    disk.write_error = ENOSPC;
    disk.short_write = 200;
    disk.failures = 1;
    assert_int_equal(try_send(w, S("does not fit"), &id), -ENOSPC);
    assert_int_equal(w->notices[SPOOL_NOTICE_FAILED], 0);
    uint64_t after = send(w, "after");
    world_reopen(w);
    assert_int_equal(messages(w), 2);
    expect_body(w, before, "before");
    expect_body(w, after, "after");
    assert_int_equal(w->notices[SPOOL_NOTICE_DAMAGE], 0);
}

WORLD_TEST(messages_are_refused_before_the_file_system_is_full) {
    uint64_t id = 0;
    world_open(w);
    uint64_t before = send(w, "before");
    world_close(w);
    w->options.reserve = 1ULL << 60;
    world_open(w);
    assert_true(spool_is_full(w->spool, 0));
    assert_int_equal(try_send(w, S("no"), &id), -ENOSPC);
    settle(w, before);
}

WORLD_TEST(another_reserve_counts_at_once) {
    uint64_t id = 0;
    world_open(w);
    spool_set_reserve(w->spool, 1ULL << 60);
    assert_true(spool_is_full(w->spool, 0));
    assert_int_equal(try_send(w, S("no"), &id), -ENOSPC);
    spool_set_reserve(w->spool, 1);
    assert_int_equal(try_send(w, S("yes"), &id), 0);
}

/* A postmaster learns of it from the log, not from each message that is refused. */
WORLD_TEST(a_disk_that_fills_up_is_told_once_and_once_that_there_is_room) {
    uint64_t id = 0;
    world_open(w);
    assert_int_equal(try_send(w, S("room"), &id), 0);
    assert_int_equal(w->notices[SPOOL_NOTICE_FULL], 0);
    spool_set_reserve(w->spool, 1ULL << 60);
    for (int i = 0; i < 3; i++)
        assert_int_equal(try_send(w, S("no"), &id), -ENOSPC);
    assert_int_equal(w->notices[SPOOL_NOTICE_FULL], 1);
    assert_int_equal(w->notices[SPOOL_NOTICE_ROOM], 0);
    spool_set_reserve(w->spool, 1);
    for (int i = 0; i < 3; i++)
        assert_int_equal(try_send(w, S("yes"), &id), 0);
    assert_int_equal(w->notices[SPOOL_NOTICE_FULL], 1);
    assert_int_equal(w->notices[SPOOL_NOTICE_ROOM], 1);
}

/* ------------------------------------------------------------------ lost bytes */

/* Messages "0" to "4", one commit each. */
static void five(struct world *w, uint64_t ids[5], char segment[static 64]) {
    static const char *const texts[] = {"0", "1", "2", "3", "4"};
    world_open(w);
    for (int i = 0; i < 5; i++)
        ids[i] = send(w, texts[i]);
    world_close(w);
    world_segment(w, segment);
}

/* The first commit has no message, each further one takes a block. */
#define COMMIT_OF(n) ((uint64_t)SPOOL_BLOCK * (2 + (uint64_t)(n)))

WORLD_TEST(damage_in_one_commit_loses_no_other) {
    uint64_t ids[5];
    char segment[64];
    five(w, ids, segment);
    world_flip(w, segment, COMMIT_OF(2) + 20);
    world_open(w);
    assert_int_equal(w->notices[SPOOL_NOTICE_DAMAGE], 1);
    assert_int_equal(messages(w), 4);
    assert_null(spool_find(w->spool, ids[2]));
    expect_body(w, ids[1], "1");
    expect_body(w, ids[3], "3");
    expect_body(w, ids[4], "4");
    for (int i = 0; i < 5; i++)
        if (i != 2)
            settle(w, ids[i]);
    assert_int_equal(fiber_sleep(USEC_MIN), 0);
    assert_int_equal(world_files(w, "quarantine", segment), 1);
}

WORLD_TEST(message_of_a_damaged_commit_is_saved) {
    uint64_t ids[5];
    char segment[64];
    five(w, ids, segment);
    world_flip(w, segment, COMMIT_OF(3) - 2); /* the COMMIT of message 2 */
    world_open(w);
    assert_int_equal(w->notices[SPOOL_NOTICE_DAMAGE], 1);
    assert_int_equal(messages(w), 5);
    expect_body(w, ids[2], "2");
}

/* D5: half of a change is not carried out. */
WORLD_TEST(end_of_a_message_in_a_damaged_commit_does_not_count) {
    char segment[64];
    world_open(w);
    uint64_t id = send(w, "0");
    settle(w, id);
    (void)send(w, "1");
    world_close(w);
    world_segment(w, segment);
    world_flip(w, segment, COMMIT_OF(2) - 2);
    world_open(w);
    assert_int_equal(messages(w), 2);
    expect_body(w, id, "0");
}

WORLD_TEST(damaged_body_is_noticed_when_it_is_read) {
    uint64_t ids[5];
    char segment[64];
    struct spool_body body;
    five(w, ids, segment);
    struct slice text = S("Trace: here\r\n");
    uint64_t at = COMMIT_OF(1);
    char bytes[SPOOL_BLOCK];
    int fd = openat(w->dir, segment, O_RDONLY | O_CLOEXEC);
    assert_int_equal(pread(fd, bytes, sizeof bytes, (off_t)at), sizeof bytes);
    close(fd);
    ssize_t place = slice_find(slice_of(bytes, sizeof bytes), text);
    assert_true(place > 0);
    world_flip(w, segment, at + (uint64_t)place + 3);
    world_open(w);
    assert_int_equal(messages(w), 5);
    assert_int_equal(spool_body_open(w->spool, ids[1], &body), -E_CORRUPT);
    assert_int_equal(w->notices[SPOOL_NOTICE_DAMAGE], 1);
    assert_true(spool_find(w->spool, ids[1])->damaged);
    assert_int_equal(spool_body_open(w->spool, ids[1], &body), -E_CORRUPT);
    expect_body(w, ids[2], "2");
    settle(w, ids[1]);
}

WORLD_TEST(damaged_head_of_a_segment_loses_no_message) {
    uint64_t ids[5];
    char segment[64];
    five(w, ids, segment);
    world_flip(w, segment, 26);
    world_open(w);
    assert_int_equal(w->notices[SPOOL_NOTICE_DAMAGE], 1);
    assert_int_equal(messages(w), 5);
    expect_body(w, ids[4], "4");
    world_reopen(w);
    assert_int_equal(messages(w), 5);
}

WORLD_TEST(segment_that_was_cut_short_is_damage) {
    uint64_t ids[5];
    char segment[64];
    five(w, ids, segment);
    world_open(w); /* seals it */
    world_close(w);
    int fd = openat(w->dir, segment, O_RDWR | O_CLOEXEC);
    assert_int_equal(ftruncate(fd, (off_t)COMMIT_OF(3)), 0);
    close(fd);
    world_open(w);
    assert_int_equal(w->notices[SPOOL_NOTICE_DAMAGE], 1);
    assert_int_equal(messages(w), 3);
}

/* Whoever is told may need fibers: the queue sends an event to the event log. */
WORLD_TEST_ON(notices_of_the_opening_are_told_by_a_fiber, false) {
    uint64_t ids[5];
    char segment[64];
    five(w, ids, segment);
    world_flip(w, segment, COMMIT_OF(2) + 20);
    world_open(w);
    assert_int_equal(w->notices[SPOOL_NOTICE_DAMAGE], 1);
    assert_false(w->told_by_thread);
    assert_int_equal(messages(w), 4);
}

/* ------------------------------------------------------------------ strange things */

/* Behind the last commit of the segment, one more with a record of this type and version. */
static void add_commit(struct world *w, const char *segment, uint8_t type, uint8_t version) {
    _cleanup_(buf_done) struct buf b = {0}, facts = {0};
    struct pack_file f;
    assert_int_equal(pack_file_open(w->dir, segment, SPOOL_KIND, &pack_io_system, &f), 0);
    pack_encode(&b, f.head.generation, type, 0, S("new"), S("kind"));
    if (version != 1) {
        b.ptr[4] = (char)version;
        put_u32(b.ptr + 32, crc32c(crc32c(0, slice_of(b.ptr, 32)), S("new")));
    }
    struct log_commit commit = {.sequence = 1000,
                                .start = COMMIT_OF(5),
                                .count = 1,
                                .sum = log_sum(0, get_u32(b.ptr + 32))};
    log_commit_encode(&commit, &facts);
    pack_encode(&b, f.head.generation, LOG_COMMIT, 0, buf_slice(&facts), S(""));
    assert_int_equal(pwrite(f.fd, b.ptr, b.len, (off_t)COMMIT_OF(5)), b.len);
    pack_file_close(&f);
}

/* D7 */
WORLD_TEST(record_of_an_unknown_kind_is_kept) {
    uint64_t ids[5];
    char segment[64];
    five(w, ids, segment);
    add_commit(w, segment, 99, 1);
    world_open(w);
    assert_int_equal(w->notices[SPOOL_NOTICE_UNKNOWN], 1);
    assert_int_equal(messages(w), 5);
    for (int i = 0; i < 5; i++)
        settle(w, ids[i]);
    assert_int_equal(fiber_sleep(USEC_MIN), 0);
    assert_int_equal(world_files(w, "quarantine", segment), 1);
}

WORLD_TEST(spool_of_a_newer_program_is_not_opened) {
    uint64_t ids[5];
    char segment[64];
    five(w, ids, segment);
    add_commit(w, segment, 99, 2);
    assert_int_equal(world_try_open(w), -E_VERSION);
    assert_int_equal(world_files(w, ".", segment), 1);
}

/* D7 */
WORLD_TEST(file_that_is_no_segment_is_left_alone) {
    world_open(w);
    uint64_t id = send(w, "x");
    world_close(w);
    int fd = openat(w->dir, "segment-00000000000000ff", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, "something else", 14), 14);
    close(fd);
    world_open(w);
    assert_int_equal(w->notices[SPOOL_NOTICE_UNKNOWN], 1);
    expect_body(w, id, "x");
    settle(w, id);
    assert_int_equal(fiber_sleep(USEC_MIN), 0);
    assert_int_equal(world_files(w, ".", "segment-00000000000000ff"), 1);
}

WORLD_TEST(spool_whose_files_cannot_be_listed_is_not_opened) {
    world_open(w);
    uint64_t id = send(w, "stays");
    assert_int_equal(fiber_sleep(USEC_SEC), 0);
    world_close(w);
    for (int given = 0; given <= 3; given++) {
        readdir_fails_after = given;
        assert_int_equal(world_try_open(w), -EIO);
    }
    readdir_fails_after = -1;
    world_open(w);
    expect_body(w, id, "stays");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failed_sync_refuses_the_message_and_leaves_the_file),
        cmocka_unit_test(failed_write_refuses_the_message_and_leaves_the_file),
        cmocka_unit_test(message_whose_end_failed_can_be_ended_again),
        cmocka_unit_test(spool_recovers_from_a_disk_that_fails_for_a_while),
        cmocka_unit_test(opening_on_a_failing_disk_says_so),
        cmocka_unit_test(d3_what_a_failed_sync_left_in_memory_is_written_again_when_it_counts),
        cmocka_unit_test(messages_of_a_segment_that_cannot_be_made_durable_move_out),
        cmocka_unit_test(read_error_in_the_last_message_is_no_torn_end),
        cmocka_unit_test(read_error_in_the_last_commit_is_waited_for),
        cmocka_unit_test(segment_that_was_moved_out_of_the_way_is_done_without),
        cmocka_unit_test(large_message_whose_sync_failed_is_whole_after_a_start),
        cmocka_unit_test(large_file_that_cannot_be_looked_at_is_not_taken_for_lost),
        cmocka_unit_test(message_that_cannot_be_read_for_a_while_is_not_given_up),
        cmocka_unit_test(message_that_stays_unreadable_lets_its_segment_go_into_quarantine),
        cmocka_unit_test(file_of_a_message_that_damage_hides_is_kept),
        cmocka_unit_test(full_disk_refuses_messages_but_takes_changes),
        cmocka_unit_test(full_disk_has_room_again_when_messages_are_settled),
        cmocka_unit_test(spool_opens_on_a_full_disk),
        cmocka_unit_test(write_without_room_leaves_nothing_behind),
        cmocka_unit_test(messages_are_refused_before_the_file_system_is_full),
        cmocka_unit_test(another_reserve_counts_at_once),
        cmocka_unit_test(a_disk_that_fills_up_is_told_once_and_once_that_there_is_room),
        cmocka_unit_test(damage_in_one_commit_loses_no_other),
        cmocka_unit_test(message_of_a_damaged_commit_is_saved),
        cmocka_unit_test(end_of_a_message_in_a_damaged_commit_does_not_count),
        cmocka_unit_test(damaged_body_is_noticed_when_it_is_read),
        cmocka_unit_test(damaged_head_of_a_segment_loses_no_message),
        cmocka_unit_test(segment_that_was_cut_short_is_damage),
        cmocka_unit_test(notices_of_the_opening_are_told_by_a_fiber),
        cmocka_unit_test(record_of_an_unknown_kind_is_kept),
        cmocka_unit_test(spool_of_a_newer_program_is_not_opened),
        cmocka_unit_test(file_that_is_no_segment_is_left_alone),
        cmocka_unit_test(spool_whose_files_cannot_be_listed_is_not_opened),
    };
    return cmocka_run_group_tests_name("spool failure", tests, NULL, NULL);
}

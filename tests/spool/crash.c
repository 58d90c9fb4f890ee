/* SPDX-License-Identifier: ISC */
/*
 * Power cuts (F2, D1, D5). What the spool wrote is recorded; then the disk is put together as it
 * may be after a cut: everything up to a sync, and of the write after it any part. The spool opened
 * on that disk must be as it was at that sync or as it would have been at the next one, and nothing
 * in between.
 */
#include "world.h"

#include <fcntl.h>
#include <stdio.h>

#include "spool/log.h"

#define SMALL    (16U * SPOOL_BLOCK) /* a segment */
#define MESSAGES 6U
#define STEPS    9U
#define SECTOR   512U
#define IN_SPOOL 1000 /* attempts of a message that is there without a state */

/* What a postmaster would see: of each message the attempts, IN_SPOOL, or 0 for none. */
struct view {
    unsigned message[MESSAGES];
};

static const char *const TEXTS[MESSAGES] = {"zero", "one", "two", "three", "four", "five"};

struct history {
    uint64_t ids[MESSAGES];
    struct view views[STEPS + 1]; /* after each commit */
    unsigned commits;
    char segment[64];
    _Alignas(8) char image[SMALL]; /* the disk before the first commit */
};

static void step(struct history *h, const struct view *now) {
    h->views[++h->commits] = *now;
    MUST(disk.writes.len / sizeof(struct written) == h->commits);
}

static void read_image(struct world *w, struct history *h) {
    world_segment(w, h->segment);
    int fd = openat(w->dir, h->segment, O_RDONLY | O_CLOEXEC);
    assert_int_equal(pread(fd, h->image, SMALL, 0), SMALL);
    close(fd);
}

/* Messages come, wait, are reported on, and go; each step is one commit. */
static void live(struct world *w, struct history *h) {
    struct view v = {0};
    w->options.segment_size = SMALL;
    world_open(w);
    assert_int_equal(fiber_sleep(USEC_MIN), 0);
    read_image(w, h);
    disk.journal = true;
    for (unsigned i = 0; i < 4; i++) {
        h->ids[i] = send(w, TEXTS[i]);
        v.message[i] = IN_SPOOL;
        step(h, &v);
    }
    set_state(w, h->ids[0], 1, "450 busy");
    v.message[0] = 1;
    step(h, &v);
    settle(w, h->ids[1]);
    v.message[1] = 0;
    step(h, &v);
    set_state(w, h->ids[0], 2, "450 still busy");
    v.message[0] = 2;
    step(h, &v);
    h->ids[4] = send(w, TEXTS[4]);
    v.message[4] = IN_SPOOL;
    step(h, &v);
    static const struct recipient to = {.address = {"tarou@example.com", 17}};
    static const struct envelope report = {.recipients = &to, .count = 1};
    h->ids[5] = spool_new_id(w->spool);
    struct spool_change bounce[] = {
        {.kind = SPOOL_DONE, .id = h->ids[0]},
        {.kind = SPOOL_DONE, .id = h->ids[2]},
        {.kind = SPOOL_MESSAGE,
         .id = h->ids[5],
         .envelope = &report,
         .content = {.head = S("Trace: here\r\n"), .bytes = S("five")}},
    };
    assert_int_equal(spool_update(w->spool, bounce, 3), 0);
    v.message[0] = v.message[2] = 0;
    v.message[5] = IN_SPOOL;
    step(h, &v);
    disk.journal = false;
    world_close(w);
}

static struct written *write_at(unsigned i) {
    return (struct written *)(void *)disk.writes.ptr + i;
}

/* The bytes after `commits` whole commits. */
static void put_commits(const struct history *h, unsigned commits, char *image) {
    memcpy(image, h->image, SMALL);
    for (unsigned i = 0; i < commits; i++) {
        const struct written *wr = write_at(i);
        memcpy(image + wr->offset, disk.bytes.ptr + wr->from, wr->len);
    }
}

static void clear_folder(struct world *w) {
    char name[64];
    for (;;) {
        world_segment(w, name);
        if (!name[0])
            return;
        assert_int_equal(unlinkat(w->dir, name, 0), 0);
    }
}

static void put_disk(struct world *w, const struct history *h, const char *image) {
    clear_folder(w);
    int fd = openat(w->dir, h->segment, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(pwrite(fd, image, SMALL, 0), SMALL);
    close(fd);
}

static struct view look(struct world *w, const struct history *h) {
    struct view v = {0};
    for (unsigned i = 0; i < MESSAGES; i++) {
        struct spool_message *message = h->ids[i] ? spool_find(w->spool, h->ids[i]) : NULL;
        _cleanup_(arena_done) struct arena a = {0};
        struct spool_state state;
        if (!message)
            continue;
        expect_body(w, h->ids[i], TEXTS[i]);
        spool_state(message, &a, &state);
        v.message[i] = message->state.len > 0 ? state.recipients[0].attempts : IN_SPOOL;
    }
    return v;
}

static bool same(const struct view *a, const struct view *b) {
    return memcmp(a, b, sizeof *a) == 0;
}

/* Opens the spool on the disk after a cut during the commit behind `commits`. */
static void check_cut(struct world *w, const struct history *h, unsigned commits, bool whole) {
    world_open(w);
    struct view v = look(w, h);
    bool before = same(&v, &h->views[commits]);
    bool after = commits < h->commits && same(&v, &h->views[commits + 1]);
    assert_true(whole ? after : before || after);
    assert_int_equal(w->notices[SPOOL_NOTICE_DAMAGE], 0);
    assert_int_equal(w->notices[SPOOL_NOTICE_UNKNOWN], 0);
    world_close(w);
}

/* The spool lives on, and the torn part never comes back. */
static void check_afterlife(struct world *w, const struct history *h) {
    world_open(w);
    struct view v = look(w, h);
    assert_int_equal(fiber_sleep(USEC_SEC), 0); /* ids that nobody was told may come again */
    uint64_t id = send(w, "later");
    world_reopen(w);
    struct view again = look(w, h);
    assert_true(same(&v, &again));
    expect_body(w, id, "later");
    world_close(w);
    assert_int_equal(w->notices[SPOOL_NOTICE_DAMAGE], 0);
}

static struct history history;

static void begin(struct world *w) {
    memset(&history, 0, sizeof history);
    live(w, &history);
    assert_int_equal(history.commits, STEPS);
}

WORLD_TEST(cut_at_each_sync_keeps_what_was_acknowledged) {
    static char image[SMALL];
    begin(w);
    for (unsigned n = 0; n < history.commits; n++) {
        put_commits(&history, n + 1, image);
        put_disk(w, &history, image);
        check_cut(w, &history, n, true);
    }
}

/* Every byte of the small records and of the edges, a sample of the padding. */
WORLD_TEST(cut_at_each_byte_of_a_commit_gives_all_or_nothing) {
    static char image[SMALL];
    begin(w);
    for (unsigned n = 0; n < history.commits; n++) {
        const struct written *wr = write_at(n);
        bool dense = n == 4 || n == 8; /* a state; a report and two ends */
        put_commits(&history, n, image);
        for (size_t len = 0; len < wr->len; len += dense && len < 1100 ? 1 : 97) {
            memcpy(image + wr->offset, disk.bytes.ptr + wr->from, len);
            put_disk(w, &history, image);
            check_cut(w, &history, n, false);
        }
    }
}

static uint64_t next_random(uint64_t *seed) {
    *seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
    return *seed >> 33;
}

/* A disk may write the sectors of one write in any order. */
WORLD_TEST(cut_that_leaves_any_sectors_gives_all_or_nothing) {
    static char image[SMALL];
    uint64_t seed = 1;
    begin(w);
    for (unsigned round = 0; round < 300; round++) {
        unsigned n = round % history.commits;
        const struct written *wr = write_at(n);
        put_commits(&history, n, image);
        for (size_t at = 0; at < wr->len; at += SECTOR)
            if (next_random(&seed) % 2)
                memcpy(image + wr->offset + at, disk.bytes.ptr + wr->from + at,
                       MIN(wr->len - at, (size_t)SECTOR));
        put_disk(w, &history, image);
        check_cut(w, &history, n, false);
        if (round % 10 == 0)
            check_afterlife(w, &history);
    }
}

/* The same on a segment that was used before: old commits instead of zeros. */
WORLD_TEST(cut_on_a_segment_used_again_gives_all_or_nothing) {
    static char image[SMALL], old[SMALL];
    uint64_t seed = 7;
    begin(w);
    put_commits(&history, history.commits, old);
    clear_folder(w);
    disk.writes.len = disk.bytes.len = 0;
    begin(w);
    memcpy(history.image + SPOOL_BLOCK * 2, old + SPOOL_BLOCK * 2, SMALL - SPOOL_BLOCK * 2);
    for (unsigned round = 0; round < 100; round++) {
        unsigned n = round % history.commits;
        const struct written *wr = write_at(n);
        put_commits(&history, n, image);
        for (size_t at = 0; at < wr->len; at += SECTOR)
            if (next_random(&seed) % 2)
                memcpy(image + wr->offset + at, disk.bytes.ptr + wr->from + at,
                       MIN(wr->len - at, (size_t)SECTOR));
        put_disk(w, &history, image);
        check_cut(w, &history, n, false);
    }
}

/* The bodies of the last commit are checked at the opening: its COMMIT may have come first. */
WORLD_TEST(cut_that_leaves_all_but_a_body_drops_the_commit) {
    static char image[SMALL];
    begin(w);
    put_commits(&history, 4, image);
    const struct written *wr = write_at(3);
    ssize_t body = slice_find(slice_of(disk.bytes.ptr + wr->from, wr->len), S("three"));
    assert_true(body > 0);
    memset(image + wr->offset + body, 0, 5);
    put_disk(w, &history, image);
    world_open(w);
    struct view v = look(w, &history);
    assert_true(same(&v, &history.views[3]));
    assert_int_equal(w->notices[SPOOL_NOTICE_TORN], 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cut_at_each_sync_keeps_what_was_acknowledged),
        cmocka_unit_test(cut_at_each_byte_of_a_commit_gives_all_or_nothing),
        cmocka_unit_test(cut_that_leaves_any_sectors_gives_all_or_nothing),
        cmocka_unit_test(cut_on_a_segment_used_again_gives_all_or_nothing),
        cmocka_unit_test(cut_that_leaves_all_but_a_body_drops_the_commit),
    };
    return cmocka_run_group_tests_name("spool crash", tests, NULL, NULL);
}

/* SPDX-License-Identifier: ISC */
#include "world.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>

#include "folder.h"

struct disk disk;

static bool fails_now(int *error) {
    if (!*error)
        return false;
    if (disk.spared > 0) {
        disk.spared--;
        return false;
    }
    errno = *error;
    if (disk.failures > 0 && --disk.failures == 0)
        *error = 0;
    return true;
}

static void note_write(const struct iovec *iov, int count, off_t offset) {
    struct written w = {.offset = (uint64_t)offset, .from = disk.bytes.len, .syncs = disk.syncs};
    for (int i = 0; i < count; i++)
        buf_add_bytes(&disk.bytes, iov[i].iov_base, iov[i].iov_len);
    w.len = disk.bytes.len - w.from;
    buf_add_bytes(&disk.writes, &w, sizeof w);
}

static ssize_t write_or_fail(int fd, const struct iovec *iov, int count, off_t offset) {
    if (disk.write_error && disk.short_write > 0) {
        struct iovec part = {iov[0].iov_base, MIN(iov[0].iov_len, disk.short_write)};
        disk.short_write -= part.iov_len;
        return pwritev(fd, &part, 1, offset);
    }
    if (fails_now(&disk.write_error))
        return -1;
    if (disk.journal)
        note_write(iov, count, offset);
    ssize_t n = pwritev(fd, iov, count, offset);
    disk.last = (struct range){(uint64_t)offset, (uint64_t)(offset + n)};
    return n;
}

static int sync_or_fail(int fd) {
    if (fails_now(&disk.sync_error)) {
        disk.lost = disk.last;
        return -1;
    }
    if (disk.last.from <= disk.lost.from && disk.last.to >= disk.lost.to)
        disk.lost = (struct range){0};
    disk.syncs++;
    return 0; /* the machine does not lose power here; journals are cut instead */
}

/* Several threads may write at a time: one after the other, since the disk takes notes. */
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

static ssize_t disk_pwritev(int fd, const struct iovec *iov, int count, off_t offset) {
    (void)pthread_mutex_lock(&turn);
    ssize_t n = write_or_fail(fd, iov, count, offset);
    (void)pthread_mutex_unlock(&turn);
    return n;
}

static int disk_fdatasync(int fd) {
    (void)pthread_mutex_lock(&turn);
    int r = sync_or_fail(fd);
    (void)pthread_mutex_unlock(&turn);
    return r;
}

static int disk_fallocate(int fd, int mode, off_t offset, off_t len) {
    if (!disk.allocate_error)
        return fallocate(fd, mode, offset, len);
    errno = disk.allocate_error;
    return -1;
}

static const struct pack_io DISK = {disk_pwritev, disk_fdatasync, disk_fallocate};

static void notice(void *arg, enum spool_notice kind, const char *text) {
    struct world *w = arg;
    w->notices[kind]++;
    w->told_by_thread |= !fiber_self();
    (void)snprintf(w->last_notice, sizeof w->last_notice, "%s", text);
}

/* ------------------------------------------------------------------ the folder */

void world_empty(int dir) {
    empty_folder(dir, ".");
}

struct run {
    struct world *world;
    void (*test)(struct world *w);
};

static void run(void *arg) {
    struct run *r = arg;
    r->test(r->world);
    if (r->world->spool)
        world_close(r->world);
}

void world_run(void (*test)(struct world *w), bool simulated) {
    struct world w = {.options = {.segment_size = TEST_SEGMENT,
                                  .reserve = 1,
                                  .compact_rate = 1ULL << 30,
                                  .io = &DISK,
                                  .notice = notice}};
    disk = (struct disk){0};
    const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"; /* sparing the disk */
    (void)snprintf(w.path, sizeof w.path, "%s/hayauma-spool-XXXXXX", base);
    assert_non_null(mkdtemp(w.path));
    w.dir = open(w.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(w.dir >= 0);
    w.options.arg = &w;
    struct fiber_config config = {.simulate_from = simulated ? TEST_NOW : 0};
    struct run r = {&w, test};
    assert_int_equal(fiber_run(&config, run, &r), 0);
    world_empty(w.dir);
    close(w.dir);
    assert_int_equal(rmdir(w.path), 0);
    buf_done(&disk.bytes);
    buf_done(&disk.writes);
}

unsigned world_files(struct world *w, const char *folder, const char *prefix) {
    int fd = openat(w->dir, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fdopendir(fd);
    struct dirent *e;
    unsigned n = 0;
    assert_non_null(d);
    while ((e = readdir(d)))
        n += e->d_name[0] != '.' && slice_starts(slice_of_str(e->d_name), slice_of_str(prefix));
    (void)closedir(d);
    return n;
}

void world_segment(struct world *w, char name[static 64]) {
    DIR *d = fdopendir(openat(w->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    struct dirent *e;
    assert_non_null(d);
    name[0] = 0;
    while ((e = readdir(d)))
        if (slice_starts(slice_of_str(e->d_name), S("segment-")) && strcmp(e->d_name, name) > 0)
            (void)snprintf(name, 64, "%.60s", e->d_name);
    (void)closedir(d);
}

void world_flip(struct world *w, const char *name, uint64_t offset) {
    int fd = openat(w->dir, name, O_RDWR | O_CLOEXEC);
    char c;
    assert_int_equal(pread(fd, &c, 1, (off_t)offset), 1);
    c = (char)(c ^ 0x10);
    assert_int_equal(pwrite(fd, &c, 1, (off_t)offset), 1);
    close(fd);
}

/* ------------------------------------------------------------------ the spool */

int world_try_open(struct world *w) {
    return spool_open(w->dir, &w->options, &w->spool, &w->problem);
}

void world_open(struct world *w) {
    assert_int_equal(world_try_open(w), 0);
}

void world_close(struct world *w) {
    spool_close(w->spool);
    w->spool = NULL;
}

void world_reopen(struct world *w) {
    world_close(w);
    world_open(w);
}

static const struct recipient TO[] = {
    {.address = {"hanako@example.org", 18}, .notify = NOTIFY_DELAY},
    {.address = {"jirou@example.org", 17}, .original = {"rfc822;j@example.org", 20}},
    {.address = {"saburo@example.net", 18}},
};
static const struct envelope ENVELOPE = {
    .arrival = TEST_NOW, .reverse_path = {"tarou@example.com", 17}, .recipients = TO, .count = 3};

int try_send(struct world *w, struct slice text, uint64_t *ret_id) {
    struct spool_content content = {.head = S("Trace: here\r\n"), .bytes = text};
    struct spool_message *message;
    uint64_t id = spool_new_id(w->spool);
    int error = spool_accept(w->spool, id, &ENVELOPE, &content, &message);
    if (!error) {
        assert_int_equal(message->id, id);
        *ret_id = id;
    }
    return error;
}

uint64_t send(struct world *w, const char *text) {
    uint64_t id = 0;
    assert_int_equal(try_send(w, slice_of_str(text), &id), 0);
    return id;
}

int try_settle(struct world *w, uint64_t id) {
    return spool_update(w->spool, &(struct spool_change){.kind = SPOOL_DONE, .id = id}, 1);
}

void settle(struct world *w, uint64_t id) {
    assert_int_equal(try_settle(w, id), 0);
}

void set_state(struct world *w, uint64_t id, uint32_t attempts, const char *reply) {
    struct spool_recipient_state left = {
        .index = 1, .attempts = attempts, .next = TEST_NOW + 1, .reply = slice_of_str(reply)};
    struct spool_state state = {.next = TEST_NOW + 1, .recipients = &left, .count = 1};
    struct spool_change change = {.kind = SPOOL_STATE, .id = id, .state = &state};
    assert_int_equal(spool_update(w->spool, &change, 1), 0);
}

void expect_body(struct world *w, uint64_t id, const char *text) {
    struct spool_body body = {0};
    assert_int_equal(spool_body_open(w->spool, id, &body), 0);
    assert_true(slice_starts(body.bytes, S("Trace: here\r\n")));
    assert_true(slice_eq(slice_from(body.bytes, 13), slice_of_str(text)));
    spool_body_close(&body);
}

void expect_state(struct world *w, uint64_t id, uint32_t attempts, const char *reply) {
    _cleanup_(arena_done) struct arena a = {0};
    struct spool_message *message = spool_find(w->spool, id);
    struct spool_state state;
    assert_non_null(message);
    spool_state(message, &a, &state);
    assert_int_equal(state.count, 1);
    assert_int_equal(message->left, 1);
    assert_int_equal(message->next, TEST_NOW + 1);
    assert_int_equal(state.recipients[0].index, 1);
    assert_int_equal(state.recipients[0].attempts, attempts);
    assert_true(slice_eq(state.recipients[0].reply, slice_of_str(reply)));
}

uint64_t messages(struct world *w) {
    struct spool_stat stat;
    spool_stat(w->spool, &stat);
    return stat.messages;
}

/* SPDX-License-Identifier: ISC */
#include "world.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>

#include "fiber/fiber.h"

struct disk disk;

/* ------------------------------------------------------------------ files */

bool file_exists(const char *path) {
    return access(path, F_OK) == 0;
}

uint64_t file_size(const char *path) {
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return (uint64_t)st.st_size;
}

void file_cut(const char *path, uint64_t size) {
    assert_int_equal(truncate(path, (off_t)size), 0);
}

void file_damage(const char *path, uint64_t at, size_t len) {
    int fd = open(path, O_WRONLY);
    assert_true(fd >= 0);
    for (size_t i = 0; i < len; i++)
        assert_int_equal(pwrite(fd, "\xa5", 1, (off_t)(at + i)), 1);
    close(fd);
}

void file_copy(const char *from, const char *to) {
    int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(in >= 0 && out >= 0);
    char bytes[8192];
    ssize_t n;
    while ((n = read(in, bytes, sizeof bytes)) > 0)
        assert_int_equal(write(out, bytes, (size_t)n), n);
    close(in);
    close(out);
}

static bool is_dots(const char *name) {
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static void remove_tree(const char *path) {
    DIR *dir = opendir(path);
    if (!dir) {
        (void)unlink(path);
        return;
    }
    struct dirent *e;
    while ((e = readdir(dir))) {
        if (is_dots(e->d_name))
            continue;
        char *below = mem_printf("%s/%s", path, e->d_name);
        remove_tree(below);
        free(below);
    }
    closedir(dir);
    (void)rmdir(path);
}

static void copy_tree(const char *from, const char *to) {
    DIR *dir = opendir(from);
    if (!dir) {
        file_copy(from, to);
        return;
    }
    assert_int_equal(mkdir(to, 0700), 0);
    struct dirent *e;
    while ((e = readdir(dir))) {
        if (is_dots(e->d_name))
            continue;
        char *a = mem_printf("%s/%s", from, e->d_name), *b = mem_printf("%s/%s", to, e->d_name);
        copy_tree(a, b);
        free(a);
        free(b);
    }
    closedir(dir);
}

char *world_path(const struct world *w, const char *name) {
    return mem_printf("%s/%s", w->dir, name);
}

/* ------------------------------------------------------------------ the disk */

static bool fails(int error) {
    if (!error)
        return false;
    if (disk.fail_after > 0) {
        disk.fail_after--;
        return false;
    }
    if (disk.fail_times > 0 && --disk.fail_times == 0)
        disk.write_error = disk.sync_error = 0;
    errno = error;
    return true;
}

/* Threads may write at the same time. */
static pthread_mutex_t noting = PTHREAD_MUTEX_INITIALIZER;

static void note_write(uint64_t from, uint64_t to) {
    (void)pthread_mutex_lock(&noting);
    disk.written.from = from;
    disk.written.to = to;
    (void)pthread_mutex_unlock(&noting);
}

static void note_sync(bool failed) {
    (void)pthread_mutex_lock(&noting);
    if (failed)
        disk.lost = disk.written;
    else if (disk.written.from <= disk.lost.from && disk.written.to >= disk.lost.to)
        disk.lost.from = disk.lost.to = 0;
    (void)pthread_mutex_unlock(&noting);
}

static ssize_t disk_pwritev(int fd, const struct iovec *iov, int count, off_t offset) {
    if (!fails(disk.write_error)) {
        ssize_t n = pwritev(fd, iov, count, offset);
        note_write((uint64_t)offset, (uint64_t)(offset + n));
        return n;
    }
    int error = errno;
    if (disk.short_write)
        assert_true(pwrite(fd, iov->iov_base, MIN(disk.short_write, iov->iov_len), offset) >= 0);
    errno = error;
    return -1;
}

static int disk_fdatasync(int fd) {
    if (disk.before_sync)
        disk.before_sync(disk.arg, fd);
    bool failed = fails(disk.sync_error);
    int error = errno;
    note_sync(failed);
    errno = error;
    return failed ? -1 : 0;
}

static const struct pack_io disk_io = {
    .pwritev = disk_pwritev, .fdatasync = disk_fdatasync, .fallocate = fallocate};

/* ------------------------------------------------------------------ the world */

struct run {
    void (*test)(struct world *w);
    struct world *world;
};

static void run_fiber(void *arg) {
    struct run *r = arg;
    r->test(r->world);
    if (r->world->store)
        world_close(r->world);
}

static void add_report(void *arg, uint64_t account, const char *text) {
    struct world *w = arg;
    buf_printf(&w->reports, "%s\n", text);
}

void world_run(void (*test)(struct world *w), bool simulated, bool in_memory) {
    struct world w = {0};
    const char *tmp = getenv("TMPDIR");
    (void)snprintf(w.dir, sizeof w.dir, "%.24s/store-test-XXXXXX", tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(w.dir));
    (void)snprintf(w.other, sizeof w.other, "%s.image", w.dir);
    w.solo = (struct solo_options){.min_free = 1, .io = &disk_io};
    w.options = (struct store_options){.report = add_report, .report_arg = &w};
    w.memory.memory = in_memory ? memory_new() : NULL;
    disk = (struct disk){0};
    struct run r = {test, &w};
    struct fiber_config config = {.simulate_from = simulated ? TEST_NOW : 0};
    assert_int_equal(fiber_run(&config, run_fiber, &r), 0);
    world_remove(&w);
    buf_done(&w.reports);
}

void world_remove(struct world *w) {
    remove_tree(w->dir);
    remove_tree(w->other);
    memory_free(w->memory.memory);
    memory_free(w->image);
}

int world_try_open(struct world *w) {
    struct problem p = {0};
    w->solo.dir = w->dir;
    bool in_memory = w->memory.memory;
    w->options.backend = in_memory ? memory_open : solo_open;
    w->options.backend_options = in_memory ? (void *)&w->memory : &w->solo;
    assert_int_equal(store_open(&w->options, &w->store, &p), 0);
    return store_account_open(w->store, TEST_ACCOUNT, &w->account);
}

void world_open(struct world *w) {
    assert_int_equal(world_try_open(w), 0);
}

void world_close(struct world *w) {
    store_account_close(w->account);
    store_close(w->store);
    w->account = NULL;
    w->store = NULL;
}

void world_reopen(struct world *w) {
    world_close(w);
    world_open(w);
}

void world_rebuild(struct world *w) {
    static const char *const names[] = {TEST_DB, TEST_DB "-wal"};
    world_close(w);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        char *path = world_path(w, names[i]);
        (void)unlink(path);
        free(path);
    }
    world_open(w);
}

void world_image(struct world *w) {
    if (w->memory.memory) {
        memory_free(w->image);
        w->image = memory_copy(w->memory.memory);
        return;
    }
    remove_tree(w->other);
    copy_tree(w->dir, w->other);
}

void world_restore(struct world *w) {
    remove_tree(w->dir);
    copy_tree(w->other, w->dir);
}

void world_use_image(struct world *w) {
    if (w->memory.memory) {
        struct memory *image = w->image;
        w->image = w->memory.memory;
        w->memory.memory = image;
        return;
    }
    char dir[sizeof w->other];
    strcpy(dir, w->dir);
    strcpy(w->dir, w->other);
    strcpy(w->other, dir);
}

void world_crash(struct world *w) {
    world_image(w);
    world_close(w);
    world_use_image(w);
    world_open(w);
}

/* ------------------------------------------------------------------ messages */

int world_try_deliver(struct world *w, const char *key, const char *text,
                      struct store_delivered *ret) {
    struct slice part = slice_of_str(text);
    struct store_delivery d = {
        .mailbox = STORE_INBOX,
        .key = slice_of_str(key),
        .return_path = S("tama@example.test"),
        .parts = &part,
        .part_count = 1,
    };
    return store_deliver(w->store, TEST_ACCOUNT, &d, ret);
}

struct store_delivered world_deliver(struct world *w, const char *key, const char *text) {
    struct store_delivered d = {0};
    assert_int_equal(world_try_deliver(w, key, text, &d), 0);
    return d;
}

struct snapshot *world_snapshot_of(struct world *w, uint32_t mailbox) {
    struct store_view *v;
    struct store_view_info info;
    assert_int_equal(store_view_open(w->account, mailbox, &v), 0);
    store_view_info(v, &info);
    struct snapshot *s = mem_alloc(sizeof *s + info.count * sizeof *s->messages);
    *s = (struct snapshot){.info = info, .count = info.count, .bytes = info.bytes};
    for (size_t i = 0; i < info.count; i++)
        store_view_at(v, i, &s->messages[i]);
    store_view_close(v);
    return s;
}

struct snapshot *world_snapshot(struct world *w) {
    return world_snapshot_of(w, STORE_INBOX);
}

struct world_place world_place(struct world *w, const struct store_message *m) {
    struct store_file f;
    char link[64], path[256];
    assert_int_equal(store_file_get(w->account, m, &f), 0);
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", f.fd);
    ssize_t len = readlink(link, path, sizeof path - 1);
    assert_true(len > 0);
    path[len] = '\0';
    struct world_place place = {.pack = strtoull(strrchr(path, '/') + 1, NULL, 10),
                                .body = f.offset};
    struct pack_reader r = {.fd = f.fd, .at = PACK_FILE_HEAD, .to = f.offset + f.len + PACK_END};
    struct pack_entry e;
    while (pack_next(&r, &e) == PACK_RECORD)
        if (e.place.body == f.offset)
            place.offset = e.place.offset;
    pack_reader_done(&r);
    store_file_release(w->account, &f);
    return place;
}

uint32_t world_mailbox_in(struct world *w, uint32_t parent, const char *name) {
    uint32_t id;
    assert_int_equal(
        store_create_mailbox(w->account, parent, slice_of_str(name), STORE_ROLE_NONE, &id), 0);
    return id;
}

uint32_t world_mailbox(struct world *w, const char *name) {
    return world_mailbox_in(w, 0, name);
}

uint64_t world_flag(struct world *w, uint32_t uid, uint64_t add, uint64_t remove) {
    struct store_flags_changed changed;
    assert_int_equal(store_set_flags(w->account, STORE_INBOX, &uid, 1,
                                     &(struct store_flags){.add = add, .remove = remove}, &changed,
                                     NULL),
                     0);
    return changed.modseq;
}

void world_expect(struct world *w, const uint32_t *uids, size_t count) {
    struct snapshot *s = world_snapshot(w);
    assert_int_equal(s->count, count);
    for (size_t i = 0; i < count; i++) {
        char bytes[64], wanted[64];
        assert_int_equal(s->messages[i].uid, uids[i]);
        int len = snprintf(wanted, sizeof wanted, "number %u\r\n", uids[i]);
        assert_int_equal(store_read(w->account, &s->messages[i], 0, bytes, sizeof bytes), len);
        assert_memory_equal(bytes, wanted, (size_t)len);
    }
    free(s);
}

void world_expunge(struct world *w, uint32_t uid) {
    size_t removed = 0;
    assert_int_equal(store_expunge(w->account, STORE_INBOX, &uid, 1, &removed), 0);
    assert_int_equal(removed, 1);
}

void world_fill(struct world *w, uint32_t count) {
    struct store_mailbox m;
    assert_int_equal(store_mailbox_get(w->account, STORE_INBOX, &m), 0);
    for (uint32_t uid = m.uidnext; uid <= count; uid++) {
        char key[64], text[64];
        (void)snprintf(key, sizeof key, "key %u", uid);
        (void)snprintf(text, sizeof text, "number %u\r\n", uid);
        struct store_delivered d = world_deliver(w, key, text);
        assert_false(d.already);
        assert_int_equal(d.uid, uid);
    }
}

/* SPDX-License-Identifier: ISC */
/* Pack files on good and on bad days. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "pack/pack.h"
#include "pack/readdir.h"

#define KIND PACK_KIND('T', 'E', 'S', 'T')

/* A disk that fails when told to. */
static struct {
    size_t short_write; /* at most so many bytes a call; 0: all */
    size_t room;        /* bytes until `write_error` */
    int write_error, sync_error;
} disk;

static ssize_t disk_pwritev(int fd, const struct iovec *iov, int count, off_t offset) {
    if (disk.write_error && disk.room == 0) {
        errno = disk.write_error;
        return -1;
    }
    struct iovec first = iov[0];
    if (disk.short_write)
        first.iov_len = MIN(first.iov_len, disk.short_write);
    if (disk.write_error) {
        first.iov_len = MIN(first.iov_len, disk.room);
        disk.room -= first.iov_len;
    }
    bool one = disk.short_write || disk.write_error;
    return one ? pwritev(fd, &first, 1, offset) : pwritev(fd, iov, count, offset);
}

static int disk_fdatasync(int fd) {
    if (!disk.sync_error)
        return fdatasync(fd);
    errno = disk.sync_error;
    return -1;
}

static const struct pack_io DISK = {disk_pwritev, disk_fdatasync, fallocate};
static const struct pack_file_head HEAD = {.kind = KIND, .generation = 99, .number = 1};

struct world {
    char path[64];
    int dir;
};

static int set_up(void **state) {
    static struct world w;
    memset(&disk, 0, sizeof disk);
    (void)snprintf(w.path, sizeof w.path, "/tmp/hayauma-pack-XXXXXX");
    if (!mkdtemp(w.path))
        return -1;
    w.dir = open(w.path, O_RDONLY | O_DIRECTORY);
    *state = &w;
    return w.dir < 0 ? -1 : 0;
}

static int tear_down(void **state) {
    struct world *w = *state;
    (void)unlinkat(w->dir, "a", 0);
    close(w->dir);
    return rmdir(w->path);
}

static off_t length(const struct pack_file *f) {
    struct stat st;
    assert_int_equal(fstat(f->fd, &st), 0);
    return st.st_size;
}

static unsigned records(const struct pack_file *f) {
    _cleanup_(pack_reader_done) struct pack_reader r = {.fd = f->fd,
                                                        .generation = f->head.generation,
                                                        .at = PACK_FILE_HEAD,
                                                        .to = (uint64_t)length(f),
                                                        .verify_body = true};
    struct pack_entry e;
    unsigned n = 0;
    while (pack_next(&r, &e) == PACK_RECORD)
        n++;
    assert_int_equal(r.at, f->end);
    return n;
}

static void appended_records_are_there_after_opening(void **state) {
    struct world *w = *state;
    struct pack_file f, g;
    struct pack_place place;
    char body[4];
    assert_int_equal(pack_file_create(w->dir, "a", &HEAD, 0, &DISK, &f), 0);
    assert_int_equal(pack_append(&f, 1, 0, S("facts"), S("body"), &place), 0);
    assert_int_equal(pack_append(&f, 2, 0, S(""), S(""), &place), 0);
    assert_int_equal(pack_sync(&f), 0);
    assert_int_equal(pack_file_open(w->dir, "a", KIND, &DISK, &g), 0);
    assert_int_equal(g.head.generation, 99);
    g.end = f.end;
    assert_int_equal(records(&g), 2);
    assert_int_equal(pack_append(&f, 1, 0, S("facts"), S("more"), &place), 0);
    assert_int_equal(pack_read_body(g.fd, &place, 0, body, 4), 0);
    assert_memory_equal(body, "more", 4);
    assert_int_equal(pack_file_open(w->dir, "a", KIND + 1, &DISK, &(struct pack_file){0}),
                     -E_UNKNOWN);
    pack_file_close(&f);
    pack_file_close(&g);
}

static void existing_file_is_not_begun_again(void **state) {
    struct world *w = *state;
    struct pack_file f, g;
    assert_int_equal(pack_file_create(w->dir, "a", &HEAD, 0, &DISK, &f), 0);
    assert_int_equal(pack_file_create(w->dir, "a", &HEAD, 0, &DISK, &g), -EEXIST);
    pack_file_close(&f);
}

static void short_writes_are_continued(void **state) {
    struct world *w = *state;
    struct pack_file f;
    struct pack_place place;
    disk.short_write = 3;
    assert_int_equal(pack_file_create(w->dir, "a", &HEAD, 0, &DISK, &f), 0);
    assert_int_equal(pack_append(&f, 1, 0, S("some facts"), S("and a body"), &place), 0);
    assert_int_equal(records(&f), 1);
    pack_file_close(&f);
}

/* D4: the answer is clean, nothing half-written stays, and later there may be room again. */
static void no_room_leaves_nothing_behind(void **state) {
    struct world *w = *state;
    struct pack_file f;
    struct pack_place place;
    assert_int_equal(pack_file_create(w->dir, "a", &HEAD, 0, &DISK, &f), 0);
    assert_int_equal(pack_append(&f, 1, 0, S("facts"), S("body"), &place), 0);
    uint64_t end = f.end;
    for (size_t room = 0; room < 60; room++) {
        disk.write_error = ENOSPC;
        disk.room = room;
        assert_int_equal(pack_append(&f, 1, 0, S("facts"), S("body"), &place), -ENOSPC);
        assert_int_equal(f.end, end);
        assert_int_equal(length(&f), end);
        disk.write_error = 0;
    }
    assert_int_equal(pack_append(&f, 1, 0, S("facts"), S("body"), &place), 0);
    assert_int_equal(records(&f), 2);
    pack_file_close(&f);
}

/* D3 */
static void failed_write_ends_the_trust(void **state) {
    struct world *w = *state;
    struct pack_file f;
    struct pack_place place;
    assert_int_equal(pack_file_create(w->dir, "a", &HEAD, 0, &DISK, &f), 0);
    disk.write_error = EIO;
    assert_int_equal(pack_append(&f, 1, 0, S("facts"), S("body"), &place), -EIO);
    disk.write_error = 0;
    assert_int_equal(pack_append(&f, 1, 0, S("facts"), S("body"), &place), -E_UNTRUSTED);
    assert_int_equal(pack_sync(&f), -E_UNTRUSTED);
    pack_file_close(&f);
}

/* D3 */
static void failed_sync_ends_the_trust(void **state) {
    struct world *w = *state;
    struct pack_file f;
    struct pack_place place;
    assert_int_equal(pack_file_create(w->dir, "a", &HEAD, 0, &DISK, &f), 0);
    assert_int_equal(pack_append(&f, 1, 0, S("facts"), S("body"), &place), 0);
    disk.sync_error = EIO;
    assert_int_equal(pack_sync(&f), -EIO);
    disk.sync_error = 0;
    assert_int_equal(pack_sync(&f), -E_UNTRUSTED);
    assert_int_equal(pack_append(&f, 1, 0, S("facts"), S("body"), &place), -E_UNTRUSTED);
    pack_file_close(&f);
}

static void reserved_file_has_its_length_from_the_start(void **state) {
    struct world *w = *state;
    struct pack_file f;
    struct pack_place place;
    assert_int_equal(pack_file_create(w->dir, "a", &HEAD, 300000, &DISK, &f), 0);
    assert_int_equal(length(&f), 300000);
    assert_int_equal(pack_append(&f, 1, 0, S("facts"), S("body"), &place), 0);
    assert_int_equal(length(&f), 300000);
    assert_int_equal(records(&f), 1);
    f.end = PACK_FILE_HEAD;
    assert_int_equal(pack_file_cut(&f), 0);
    assert_int_equal(length(&f), 300000);
    assert_int_equal(records(&f), 0);
    pack_file_close(&f);
}

static void file_that_cannot_be_begun_is_gone(void **state) {
    struct world *w = *state;
    struct pack_file f;
    disk.write_error = ENOSPC;
    disk.room = 1000;
    assert_int_equal(pack_file_create(w->dir, "a", &HEAD, 300000, &DISK, &f), -ENOSPC);
    disk.write_error = 0;
    disk.sync_error = EIO;
    assert_int_equal(pack_file_create(w->dir, "a", &HEAD, 0, &DISK, &f), -EIO);
    assert_int_equal(faccessat(w->dir, "a", F_OK, 0), -1);
}

static int count_name(void *arg, const char *name) {
    unsigned *count = arg;
    ++*count;
    return 0;
}

static int stop_at_once(void *arg, const char *name) {
    return 7;
}

static void all_names_of_a_directory_are_given(void **state) {
    struct world *w = *state;
    struct pack_file f;
    unsigned count = 0;
    assert_int_equal(pack_file_create(w->dir, "a", &HEAD, 0, &DISK, &f), 0);
    pack_file_close(&f);
    assert_int_equal(pack_each_name(w->dir, count_name, &count), 0);
    assert_int_equal(count, 3); /* with . and .. */
    assert_int_equal(pack_each_name(w->dir, stop_at_once, NULL), 7);
    assert_int_equal(pack_each_name(-1, count_name, &count), -EBADF);
}

static void names_that_cannot_be_read_are_an_error(void **state) {
    struct world *w = *state;
    for (unsigned given = 0; given <= 2; given++) { /* even where the end should be: . and .. */
        unsigned count = 0;
        readdir_fails_after = (int)given;
        assert_int_equal(pack_each_name(w->dir, count_name, &count), -EIO);
        assert_int_equal(count, given);
    }
    readdir_fails_after = -1;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(appended_records_are_there_after_opening, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(existing_file_is_not_begun_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(short_writes_are_continued, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_room_leaves_nothing_behind, set_up, tear_down),
        cmocka_unit_test_setup_teardown(failed_write_ends_the_trust, set_up, tear_down),
        cmocka_unit_test_setup_teardown(failed_sync_ends_the_trust, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reserved_file_has_its_length_from_the_start, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(file_that_cannot_be_begun_is_gone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(all_names_of_a_directory_are_given, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_that_cannot_be_read_are_an_error, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("pack file", tests, NULL, NULL);
}

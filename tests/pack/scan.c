/* SPDX-License-Identifier: ISC */
/* Walking through packs: torn tails, damage, old records, records inside bodies. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "pack/badread.h"
#include "pack/pack.h"

#define GENERATION 0x0102030405060708ULL
#define OLD        0x0807060504030201ULL

struct file {
    int fd;
    struct buf bytes;
    size_t starts[16]; /* of the records */
    size_t count;
};

static void file_done(struct file *f) {
    close_p(&f->fd);
    buf_done(&f->bytes);
}

static void add(struct file *f, uint64_t generation, struct slice facts, struct slice body) {
    f->starts[f->count++] = f->bytes.len;
    pack_encode(&f->bytes, generation, 1, 0, facts, body);
}

/* Three records of very different size. */
static void begin(struct file *f) {
    static char large[100000];
    *f = (struct file){.fd = memfd_create("pack", MFD_CLOEXEC)};
    assert_true(f->fd >= 0);
    memset(large, 'b', sizeof large);
    char head[PACK_FILE_HEAD] = {0};
    buf_add_bytes(&f->bytes, head, sizeof head);
    add(f, GENERATION, S("one"), S("body of one"));
    add(f, GENERATION, S("two"), slice_of(large, sizeof large));
    add(f, GENERATION, S("three"), S(""));
}

static void put(struct file *f) {
    assert_int_equal(ftruncate(f->fd, 0), 0);
    assert_int_equal(pwrite(f->fd, f->bytes.ptr, f->bytes.len, 0), f->bytes.len);
}

static struct pack_reader reader_of(const struct file *f) {
    return (struct pack_reader){
        .fd = f->fd, .generation = GENERATION, .at = PACK_FILE_HEAD, .to = f->bytes.len};
}

/* What a walk finds, as text: facts of records, '!' for damage. */
static void walk(const struct file *f, bool verify, struct buf *found, uint64_t *ret_tail) {
    _cleanup_(pack_reader_done) struct pack_reader r = reader_of(f);
    struct pack_entry e;
    int n;
    r.verify_body = verify;
    buf_clear(found);
    while ((n = pack_next(&r, &e)) > 0) {
        if (n == PACK_RECORD)
            buf_add(found, e.record.facts);
        buf_add_byte(found, n == PACK_RECORD ? ' ' : '!');
    }
    assert_int_equal(n, PACK_TAIL);
    *ret_tail = r.at;
}

static void expect(const struct file *f, bool verify, const char *wanted, uint64_t tail) {
    _cleanup_(buf_done) struct buf found = {0};
    uint64_t at;
    walk(f, verify, &found, &at);
    assert_string_equal(buf_str(&found), wanted);
    assert_int_equal(at, tail);
}

static void whole_file_is_walked(void **state) {
    _cleanup_(file_done) struct file f;
    begin(&f);
    put(&f);
    expect(&f, false, "one two three ", f.bytes.len);
    expect(&f, true, "one two three ", f.bytes.len);
}

static void file_torn_at_each_length_keeps_what_is_whole(void **state) {
    _cleanup_(file_done) struct file f;
    begin(&f);
    size_t whole = f.bytes.len;
    for (size_t len = PACK_FILE_HEAD; len < whole; len += len % 5000 < 200 ? 1 : 900) {
        f.bytes.len = len;
        put(&f);
        bool second = len >= f.starts[2], first = len >= f.starts[1];
        expect(&f, false,
               second  ? "one two "
               : first ? "one "
                       : "",
               second  ? f.starts[2]
               : first ? f.starts[1]
                       : f.starts[0]);
    }
}

static void damage_does_not_hide_what_follows(void **state) {
    _cleanup_(file_done) struct file f;
    begin(&f);
    static const size_t places[] = {0, 5, 9, 20, 25, 33, 37};
    for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
        f.bytes.ptr[f.starts[1] + places[i]] ^= 1;
        put(&f);
        expect(&f, false, "one !three ", f.bytes.len);
        f.bytes.ptr[f.starts[1] + places[i]] ^= 1;
    }
    f.bytes.ptr[f.starts[2] - 3] ^= 1; /* the end marker */
    put(&f);
    expect(&f, false, "one !three ", f.bytes.len);
}

/* Or what was synced long ago would count as a write that was cut short. */
static void unreadable_end_is_damage(void **state) {
    _cleanup_(file_done) struct file f;
    struct stat st;
    begin(&f);
    put(&f);
    assert_int_equal(fstat(f.fd, &st), 0);
    bad_read = (struct bad_read){st.st_ino, (off_t)f.starts[2], (off_t)f.bytes.len, EIO, 0};
    expect(&f, false, "one two !", f.bytes.len);
    bad_read.from = (off_t)f.starts[1] + 50000; /* with it what is in the same block */
    bad_read.to = (off_t)f.starts[1] + 60000;
    expect(&f, false, "one two three ", f.bytes.len);
    expect(&f, true, "one !three ", f.bytes.len);
    bad_read.file = 0;
    f.bytes.len -= 2;
    put(&f);
    expect(&f, false, "one two ", f.starts[2]);
}

static void damage_names_its_range(void **state) {
    _cleanup_(file_done) struct file f;
    begin(&f);
    f.bytes.ptr[f.starts[1]] ^= 1;
    put(&f);
    _cleanup_(pack_reader_done) struct pack_reader r = reader_of(&f);
    struct pack_entry e;
    assert_int_equal(pack_next(&r, &e), PACK_RECORD);
    assert_int_equal(pack_next(&r, &e), PACK_DAMAGE);
    assert_int_equal(e.from, f.starts[1]);
    assert_int_equal(e.to, f.starts[2]);
}

static void damaged_body_is_found_when_bodies_are_verified(void **state) {
    _cleanup_(file_done) struct file f;
    begin(&f);
    f.bytes.ptr[f.starts[1] + 50000] ^= 1;
    put(&f);
    expect(&f, false, "one two three ", f.bytes.len);
    expect(&f, true, "one !three ", f.bytes.len);
}

static void old_records_of_a_file_used_again_are_not_seen(void **state) {
    _cleanup_(file_done) struct file f;
    begin(&f);
    size_t end = f.bytes.len;
    add(&f, OLD, S("old"), S("gone"));
    add(&f, OLD, S("older"), S("gone"));
    put(&f);
    expect(&f, false, "one two three ", end);
}

static void record_inside_a_body_is_not_seen(void **state) {
    _cleanup_(file_done) struct file f;
    _cleanup_(buf_done) struct buf inner = {0};
    begin(&f);
    pack_encode(&inner, OLD, 1, 0, S("forged"), S("not a message"));
    add(&f, GENERATION, S("outer"), buf_slice(&inner));
    add(&f, GENERATION, S("last"), S(""));
    f.bytes.ptr[f.starts[3]] ^= 1;
    put(&f);
    expect(&f, false, "one two three !last ", f.bytes.len);
}

static void file_is_walked_backwards(void **state) {
    _cleanup_(file_done) struct file f;
    begin(&f);
    put(&f);
    _cleanup_(pack_reader_done) struct pack_reader r = reader_of(&f);
    struct pack_entry e;
    r.at = r.to;
    static const struct slice wanted[] = {{"three", 5}, {"two", 3}, {"one", 3}};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(pack_previous(&r, &e), PACK_RECORD);
        assert_true(slice_eq(e.record.facts, wanted[i]));
    }
    assert_int_equal(r.at, PACK_FILE_HEAD);
    assert_int_equal(pack_previous(&r, &e), PACK_TAIL);
    r.at = r.to - 1;
    assert_int_equal(pack_previous(&r, &e), PACK_TAIL);
}

static void place_of_a_record_leads_to_its_body(void **state) {
    _cleanup_(file_done) struct file f;
    begin(&f);
    put(&f);
    _cleanup_(pack_reader_done) struct pack_reader r = reader_of(&f);
    struct pack_entry e;
    char body[11];
    assert_int_equal(pack_next(&r, &e), PACK_RECORD);
    assert_int_equal(pack_read_body(f.fd, &e.place, 0, body, sizeof body), 0);
    assert_memory_equal(body, "body of one", sizeof body);
    assert_int_equal(pack_read_body(f.fd, &e.place, 8, body, 3), 0);
    assert_memory_equal(body, "one", 3);
    assert_int_equal(pack_read_body(f.fd, &e.place, 8, body, 4), -EINVAL);
    f.bytes.ptr[e.place.body] ^= 1;
    put(&f);
    assert_int_equal(pack_read_body(f.fd, &e.place, 0, body, sizeof body), -E_CORRUPT);
}

static void whole_record_is_read_for_copying(void **state) {
    _cleanup_(file_done) struct file f;
    _cleanup_(buf_done) struct buf facts = {0}, body = {0};
    struct pack_entry e;
    begin(&f);
    put(&f);
    assert_int_equal(pack_read(f.fd, GENERATION, f.starts[1], &facts, &body, &e), 0);
    assert_string_equal(buf_str(&facts), "two");
    assert_int_equal(body.len, 100000);
    assert_int_equal(pack_read(f.fd, GENERATION, f.starts[1] + 1, &facts, &body, &e), -E_CORRUPT);
    assert_int_equal(pack_read(f.fd, OLD, f.starts[1], &facts, &body, &e), -E_CORRUPT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_file_is_walked),
        cmocka_unit_test(file_torn_at_each_length_keeps_what_is_whole),
        cmocka_unit_test(damage_does_not_hide_what_follows),
        cmocka_unit_test(unreadable_end_is_damage),
        cmocka_unit_test(damage_names_its_range),
        cmocka_unit_test(damaged_body_is_found_when_bodies_are_verified),
        cmocka_unit_test(old_records_of_a_file_used_again_are_not_seen),
        cmocka_unit_test(record_inside_a_body_is_not_seen),
        cmocka_unit_test(file_is_walked_backwards),
        cmocka_unit_test(place_of_a_record_leads_to_its_body),
        cmocka_unit_test(whole_record_is_read_for_copying),
    };
    return cmocka_run_group_tests_name("pack scan", tests, NULL, NULL);
}

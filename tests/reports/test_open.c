/* SPDX-License-Identifier: ISC */
#include "reports/open.h"

#include "made.h"
#include "unit.h"

static int gather(void *arg, struct slice piece) {
    buf_add(arg, piece);
    return 0;
}

static int stop(void *arg, struct slice piece UNUSED) {
    ++*(int *)arg;
    return -E_TEMPORARY;
}

/* Opens a file and gives back how that ended; its bytes are those that were put in. */
static int opens_as(struct slice file, uint64_t most, struct slice expected, struct problem *p) {
    struct buf got = {0};
    int r = report_open(file, most, gather, &got, p);
    if (r == 0)
        assert_true(slice_eq(buf_slice(&got), expected));
    buf_done(&got);
    return r;
}

static void test_a_file_is_what_its_first_bytes_say(void **state UNUSED) {
    struct buf zip = {0}, list = {0}, gzip = {0};
    deflate_to(&gzip, S("<feedback/>"), 31);
    zip_add(&zip, &list, S("r.xml"), S("<feedback/>"), 8, 0);
    zip_end(&zip, &list, 1, S(""));
    assert_int_equal(opens_as(S("<feedback/>"), 100, S("<feedback/>"), NULL), 0);
    assert_int_equal(opens_as(buf_slice(&gzip), 100, S("<feedback/>"), NULL), 0);
    assert_int_equal(opens_as(buf_slice(&zip), 100, S("<feedback/>"), NULL), 0);
    assert_int_equal(opens_as(S(""), 100, S(""), NULL), 0);
    buf_done(&zip);
    buf_done(&gzip);
}

/* RFC 1952 §2.2: several members are one file; some pad it with zeros. */
static void test_all_members_of_gzip_are_read_rfc1952_2_2(void **state UNUSED) {
    struct buf gzip = {0};
    deflate_to(&gzip, S("<feed"), 31);
    deflate_to(&gzip, S("back/>"), 31);
    buf_add(&gzip, slice_of("\0\0\0\0", 4));
    assert_int_equal(opens_as(buf_slice(&gzip), 100, S("<feedback/>"), NULL), 0);
    buf_done(&gzip);
}

static void test_the_first_file_of_a_zip_is_read(void **state UNUSED) {
    static const struct { uint16_t method, flags; } rows[] = {{0, 0}, {8, 0}, {8, 8}, {0, 8}};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct buf zip = {0}, list = {0};
        zip_add(&zip, &list, S("dir/"), S(""), 0, 0);
        zip_add(&zip, &list, S("__MACOSX/._r.xml"), S("x"), 0, 0);
        zip_add(&zip, &list, S("r.xml"), S("<feedback/>"), rows[i].method, rows[i].flags);
        zip_add(&zip, &list, S("s.xml"), S("<other/>"), 8, 0);
        zip_end(&zip, &list, 4, S("a comment"));
        assert_int_equal(opens_as(buf_slice(&zip), 100, S("<feedback/>"), NULL), 0);
        buf_done(&zip);
    }
}

static void test_what_cannot_be_opened_says_why(void **state UNUSED) {
    static const struct {
        uint16_t method, flags;
        const char *why;
    } rows[] = {{8, 1, "the zip file is encrypted"},
                {12, 0, "the zip file is compressed in a way that is not read"}};
    struct problem p = {0};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct buf zip = {0}, list = {0};
        zip_add(&zip, &list, S("r.xml"), S("<feedback/>"), rows[i].method, rows[i].flags);
        zip_end(&zip, &list, 1, S(""));
        assert_int_equal(opens_as(buf_slice(&zip), 100, S(""), &p), -E_SYNTAX);
        assert_string_equal(p.text, rows[i].why);
        buf_done(&zip);
    }
    assert_int_equal(opens_as(S("PK\3\4and nothing else"), 100, S(""), &p), -E_SYNTAX);
    assert_string_equal(p.text, "the zip file has no list of its files");
}

/* Cut at any byte, or with any byte changed, a file ends somehow. */
static void test_damage_is_an_error_and_no_more(void **state UNUSED) {
    struct buf files[2] = {{0}}, list = {0};
    struct problem p = {0};
    deflate_to(&files[0], S("<feedback>and some text</feedback>"), 31);
    zip_add(&files[1], &list, S("r.xml"), S("<feedback>and some text</feedback>"), 8, 0);
    zip_end(&files[1], &list, 1, S(""));
    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        for (size_t len = 4; len < files[i].len; len++) {
            struct buf got = {0};
            int r = report_open(slice_first(buf_slice(&files[i]), len), 1000, gather, &got, &p);
            assert_int_equal(r, -E_SYNTAX);
            buf_done(&got);
        }
        for (size_t at = 0; at < files[i].len; at++) {
            struct buf got = {0};
            files[i].ptr[at] ^= 0x55;
            (void)report_open(buf_slice(&files[i]), 1000, gather, &got, &p);
            assert_true(got.len <= 1000);
            files[i].ptr[at] ^= 0x55;
            buf_done(&got);
        }
        buf_done(&files[i]);
    }
}

/* 64 MB of zeros in 64 KiB: no more comes out of them than is wanted. */
static void test_a_bomb_stops_at_the_limit(void **state UNUSED) {
    struct buf zeros = {0}, bomb = {0}, got = {0};
    struct problem p = {0};
    buf_reserve(&zeros, 64U << 20);
    memset(zeros.ptr, 0, 64U << 20);
    zeros.len = 64U << 20;
    deflate_to(&bomb, buf_slice(&zeros), 31);
    assert_true(bomb.len < 128U << 10);
    assert_int_equal(report_open(buf_slice(&bomb), 1U << 20, gather, &got, &p), -E_LIMIT);
    assert_string_equal(p.text, "the file is too large once it is unpacked");
    assert_true(got.len <= 1U << 20);
    buf_done(&zeros);
    buf_done(&bomb);
    buf_done(&got);
}

static void test_who_takes_it_may_stop_it(void **state UNUSED) {
    struct buf gzip = {0};
    int count = 0;
    deflate_to(&gzip, S("<feedback/>"), 31);
    assert_int_equal(report_open(buf_slice(&gzip), 100, stop, &count, NULL), -E_TEMPORARY);
    assert_int_equal(report_open(S("<feedback/>"), 100, stop, &count, NULL), -E_TEMPORARY);
    assert_int_equal(count, 2);
    buf_done(&gzip);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_file_is_what_its_first_bytes_say),
        cmocka_unit_test(test_all_members_of_gzip_are_read_rfc1952_2_2),
        cmocka_unit_test(test_the_first_file_of_a_zip_is_read),
        cmocka_unit_test(test_what_cannot_be_opened_says_why),
        cmocka_unit_test(test_damage_is_an_error_and_no_more),
        cmocka_unit_test(test_a_bomb_stops_at_the_limit),
        cmocka_unit_test(test_who_takes_it_may_stop_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

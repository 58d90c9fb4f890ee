/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "base/error.h"
#include "cli/terminal/format.h"

static void test_sizes_for_people(void **state) {
    static const struct {
        uint64_t bytes;
        const char *text;
    } rows[] = {
        {0, "0"},
        {812, "812"},
        {1023, "1023"},
        {1024, "1K"},
        {4200, "4.1K"},
        {10 * 1024, "10K"},
        {10 * 1024 + 900, "10K"},
        {50U << 20, "50M"},
        {(uint64_t)3 << 29, "1.5G"},
        {(uint64_t)2 << 40, "2T"},
        {UINT64_MAX, "15E"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_(buf_done) struct buf b = {0};
        format_size(&b, rows[i].bytes);
        assert_slice(buf_slice(&b), rows[i].text);
    }
}

static void test_sizes_as_people_write_them(void **state) {
    static const struct {
        const char *text;
        uint64_t bytes;
    } good[] = {
        {"500000", 500000}, {"64K", 65536},     {"64k", 65536},
        {"50M", 50U << 20}, {"2GiB", 2U << 30}, {"1TB", (uint64_t)1 << 40},
        {"none", 0},        {"0", 0},
    };
    static const char *const bad[] = {"",   "K",   "x",   "1.5G",
                                      "-1", "1 G", "1KK", "99999999999999999T"};
    uint64_t bytes = 1;
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        assert_int_equal(format_parse_size(slice_of_str(good[i].text), &bytes), 0);
        assert_int_equal(bytes, good[i].bytes);
    }
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_true(format_parse_size(slice_of_str(bad[i]), &bytes) < 0);
}

static void test_what_was_written_is_read_again(void **state) {
    (void)state;
    for (unsigned shift = 0; shift < 60; shift += 10) {
        _cleanup_(buf_done) struct buf b = {0};
        uint64_t bytes = 0;
        format_size(&b, (uint64_t)5 << shift);
        assert_int_equal(format_parse_size(buf_slice(&b), &bytes), 0);
        assert_int_equal(bytes, (uint64_t)5 << shift);
    }
}

static void test_cut_text_keeps_whole_characters(void **state) {
    static const struct {
        const char *text;
        size_t columns;
        const char *cut;
    } rows[] = {
        {"tama", 4, "tama"},     {"tama", 3, "ta…"},
        {"tama", 1, "…"},        {"tama", 0, ""},
        {"玉鈴木", 6, "玉鈴木"}, {"玉鈴木", 5, "玉鈴…"},
        {"玉鈴木", 4, "玉…"},    {"玉鈴木", 2, "…"},
        {"ﾀﾏさん", 5, "ﾀﾏさ…"},  {"e\xcc\x81toile", 3, "e\xcc\x81t…"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_(buf_done) struct buf b = {0};
        format_cut(&b, slice_of_str(rows[i].text), rows[i].columns);
        assert_slice(buf_slice(&b), rows[i].cut);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes_for_people),
        cmocka_unit_test(test_sizes_as_people_write_them),
        cmocka_unit_test(test_what_was_written_is_read_again),
        cmocka_unit_test(test_cut_text_keeps_whole_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: ISC */
/* Tables for people: aligned by display width, never wrapped. */
#include "unit.h"

#include "cli/table.h"

static const struct table_column three[] = {
    {"NAME", .shrinks = true}, {"SIZE", .right = true}, {"NOTE", .shrinks = true}};

static void add(struct table *t, const char *name, uint64_t size, const char *note) {
    table_text(t, slice_of_str(name));
    table_size(t, size);
    table_text(t, slice_of_str(note));
}

static void test_columns_are_aligned_by_display_width(void **state) {
    _cleanup_(table_done) struct table t = {.columns = three, .count = 3};
    _cleanup_(buf_done) struct buf b = {0};
    (void)state;
    add(&t, "tama", 5, "x");
    add(&t, "玉 鈴木", 2048, "y");
    add(&t, "ﾀﾏ", 1, "z");
    table_write(&t, &b);
    assert_slice(buf_slice(&b), "NAME     SIZE  NOTE\n"
                                "tama        5  x\n"
                                "玉 鈴木    2K  y\n"
                                "ﾀﾏ          1  z\n");
}

static void test_empty_cells_show_a_dash(void **state) {
    _cleanup_(table_done) struct table t = {.columns = three, .count = 3};
    _cleanup_(buf_done) struct buf b = {0};
    (void)state;
    add(&t, "", 0, "");
    table_write(&t, &b);
    assert_slice(buf_slice(&b), "NAME  SIZE  NOTE\n-        0  -\n");
}

static void test_text_of_strangers_cannot_leave_its_cell(void **state) {
    _cleanup_(table_done) struct table t = {.columns = three, .count = 3};
    _cleanup_(buf_done) struct buf b = {0};
    (void)state;
    add(&t, "a\nb", 0, "\x1b[2J\xff");
    table_write(&t, &b);
    assert_slice(buf_slice(&b), "NAME    SIZE  NOTE\na\\x0ab     0  \\x1b[2J\\xff\n");
}

static void test_a_narrow_terminal_cuts_what_may_shrink(void **state) {
    _cleanup_(table_done) struct table t = {.columns = three, .count = 3, .width = 30};
    _cleanup_(buf_done) struct buf b = {0};
    (void)state;
    add(&t, "abcdefghijklmnopqrstuvwxyz", 1, "0123456789");
    table_write(&t, &b);
    assert_slice(buf_slice(&b), "NAME          SIZE  NOTE\n"
                                "abcdefghijk…     1  0123456789\n");
}

static void test_what_may_not_shrink_stays_whole(void **state) {
    static const struct table_column columns[] = {{"ID"}, {"N", .right = true}};
    _cleanup_(table_done) struct table t = {.columns = columns, .count = 2, .width = 4};
    _cleanup_(buf_done) struct buf b = {0};
    (void)state;
    table_text(&t, S("0c8q2zv5k7g00"));
    table_printf(&t, "%d", 12);
    table_write(&t, &b);
    assert_slice(buf_slice(&b), "ID              N\n0c8q2zv5k7g00  12\n");
}

static void test_parts_of_a_list_share_titles_and_widths(void **state) {
    _cleanup_(table_done) struct table t = {.columns = three, .count = 3};
    _cleanup_(buf_done) struct buf b = {0};
    (void)state;
    add(&t, "a long name", 0, "x");
    table_write(&t, &b);
    add(&t, "short", 7, "y");
    table_write(&t, &b);
    assert_slice(buf_slice(&b), "NAME         SIZE  NOTE\n"
                                "a long name     0  x\n"
                                "short           7  y\n");
}

static void test_headless_and_indented(void **state) {
    static const struct table_column columns[] = {{""}, {""}};
    _cleanup_(table_done) struct table t = {
        .columns = columns, .count = 2, .headless = true, .indent = 2};
    _cleanup_(buf_done) struct buf b = {0};
    (void)state;
    table_text(&t, S("state"));
    table_text(&t, S("enabled"));
    table_write(&t, &b);
    assert_slice(buf_slice(&b), "  state  enabled\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_columns_are_aligned_by_display_width),
        cmocka_unit_test(test_empty_cells_show_a_dash),
        cmocka_unit_test(test_text_of_strangers_cannot_leave_its_cell),
        cmocka_unit_test(test_a_narrow_terminal_cuts_what_may_shrink),
        cmocka_unit_test(test_what_may_not_shrink_stays_whole),
        cmocka_unit_test(test_parts_of_a_list_share_titles_and_widths),
        cmocka_unit_test(test_headless_and_indented),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

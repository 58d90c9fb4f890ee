/* SPDX-License-Identifier: ISC */
/* Tables for people: aligned by display width, as wide as the terminal. */
#include "unit.h"

#include "cli/terminal/table.h"

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

static const struct table_column ranked[] = {
    {"ID"}, {"AGE", .rank = 1}, {"SIZE", .right = true, .rank = 2}, {"SUBJECT", .shrinks = true}};

static void add_ranked(struct table *t, const char *subject) {
    table_text(t, S("0c8q2zv5k7g00"));
    table_text(t, S("12 min"));
    table_size(t, 2048);
    table_text(t, slice_of_str(subject));
}

static void test_the_highest_rank_is_left_out_first_and_told_of_once(void **state) {
    _cleanup_(table_done) struct table t = {.columns = ranked, .count = 4, .width = 40};
    _cleanup_(buf_done) struct buf b = {0};
    (void)state;
    add_ranked(&t, "the plan for the summer");
    table_write(&t, &b);
    add_ranked(&t, "Re");
    table_write(&t, &b);
    table_end(&t, &b);
    assert_slice(buf_slice(&b), "ID             AGE     SUBJECT\n"
                                "0c8q2zv5k7g00  12 min  the plan for the…\n"
                                "0c8q2zv5k7g00  12 min  Re\n"
                                "(not shown in this width: SIZE; --wide\n"
                                "shows all)\n");
}

static void test_several_columns_are_left_out_where_it_is_narrower(void **state) {
    _cleanup_(table_done) struct table t = {.columns = ranked, .count = 4, .width = 32};
    _cleanup_(buf_done) struct buf b = {0};
    (void)state;
    add_ranked(&t, "夏の合宿の予定について");
    table_write(&t, &b);
    assert_slice(buf_slice(&b), "ID             SUBJECT\n"
                                "0c8q2zv5k7g00  夏の合宿の予定に…\n");
}

static void test_nothing_is_left_out_where_there_is_no_terminal(void **state) {
    _cleanup_(table_done) struct table t = {.columns = ranked, .count = 4};
    _cleanup_(buf_done) struct buf b = {0};
    (void)state;
    add_ranked(&t, "the plan for the summer");
    table_write(&t, &b);
    table_end(&t, &b);
    assert_slice(buf_slice(&b), "ID             AGE     SIZE  SUBJECT\n"
                                "0c8q2zv5k7g00  12 min    2K  the plan for the summer\n");
}

static void test_what_wraps_goes_on_below_itself_and_keeps_words_whole(void **state) {
    static const struct table_column columns[] = {{""}, {"", .wraps = true}};
    _cleanup_(table_done) struct table t = {
        .columns = columns, .count = 2, .width = 30, .headless = true};
    _cleanup_(buf_done) struct buf b = {0};
    (void)state;
    table_text(&t, S("reply"));
    table_text(&t, S("550 5.1.1 there is nobody of this name"));
    table_text(&t, S("address"));
    table_text(&t, S("a-very-long-name@example.test"));
    table_write(&t, &b);
    assert_slice(buf_slice(&b), "reply    550 5.1.1 there is\n"
                                "         nobody of this name\n"
                                "address\n"
                                " a-very-long-name@example.test\n");
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
        cmocka_unit_test(test_the_highest_rank_is_left_out_first_and_told_of_once),
        cmocka_unit_test(test_several_columns_are_left_out_where_it_is_narrower),
        cmocka_unit_test(test_nothing_is_left_out_where_there_is_no_terminal),
        cmocka_unit_test(test_what_wraps_goes_on_below_itself_and_keeps_words_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

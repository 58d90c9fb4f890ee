/* SPDX-License-Identifier: ISC */
/*
 * The grammar of the file (conf/syntax.h), apart from what settings there are.
 */
#include "conf/syntax.h"
#include "unit.h"

/* Reads a text and writes what was found: one line each, words in brackets, then the problems. */
static struct buf read_all(struct slice text) {
    struct conf_problems problems = {0};
    struct conf_reader r;
    conf_reader_init(&r, text, 5, &problems);
    static const char *const kinds[] = {"end", "fault", "plain", "open", "close"};
    struct buf out = {0};
    enum conf_line_kind kind;
    do {
        size_t count = 0;
        kind = conf_read_line(&r, &count);
        if (kind == CONF_LINE_END)
            break;
        buf_printf(&out, "%u %s", r.line, kinds[kind]);
        for (size_t i = 0; kind != CONF_LINE_FAULT && kind != CONF_LINE_CLOSE && i < count; i++)
            buf_printf(&out, " %u[%.*s]", r.words[i].column, SLICE_ARG(r.words[i].text));
        buf_add_byte(&out, '\n');
    } while (true);
    conf_problems_write(&problems, &out);
    conf_problems_done(&problems);
    return out;
}

static void assert_read(struct slice text, const char *expected) {
    _cleanup_(buf_done) struct buf out = read_all(text);
    assert_text(buf_slice(&out), expected);
}

static void a_line_is_a_name_and_its_values(void **state) {
    assert_read(S("a\nb  c\td \n"), "1 plain 1[a]\n2 plain 1[b] 4[c] 6[d]\n");
    assert_read(S("a b"), "1 plain 1[a] 3[b]\n");
    assert_read(S(""), "");
    assert_read(S("\n \n\t\n"), "");
}

static void blocks_open_and_close(void **state) {
    assert_read(S("a {\n  b c\n}\nd{\n}\n"),
                "1 open 1[a]\n2 plain 3[b] 5[c]\n3 close\n4 open 1[d]\n5 close\n");
}

static void a_comment_begins_where_a_word_could(void **state) {
    assert_read(S("# all\na b # c\nd#e\n f { # g\n} # h\n"),
                "2 plain 1[a] 3[b]\n3 plain 1[d#e]\n4 open 2[f]\n5 close\n");
}

static void quotes_hold_blanks_and_escapes(void **state) {
    assert_read(S("a \"b { # c\" \"\" \"d\\\"e\\\\f\"\n"),
                "1 plain 1[a] 3[b { # c] 13[] 16[d\"e\\f]\n");
    assert_read(S("a \"b\n"), "1 fault\nline 1:3: found a quote that is not closed, expected a "
                              "second \" on this line\n");
    assert_read(S("a \"\\n\"\n"),
                "1 fault\nline 1:4: found a \\, expected \\\" or \\\\ within quotes\n");
    assert_read(S("a \"\\"),
                "1 fault\nline 1:4: found a \\, expected \\\" or \\\\ within quotes\n");
    assert_read(S("a \"b\"c\n"), "1 fault\nline 1:6: found two words without a space, expected one "
                                 "between them\n");
}

static void line_ends_of_other_systems_and_a_bom_are_taken(void **state) {
    assert_read(S("\xef\xbb\xbf"
                  "a b\r\nc\r\n"),
                "1 plain 1[a] 3[b]\n2 plain 1[c]\n");
    assert_read(S("a\xef\xbb\xbf\n"), "1 plain 1[a\xef\xbb\xbf]\n");
}

static void control_characters_are_refused(void **state) {
    assert_read(S("a b\0c\nd\n"), "1 fault\n2 plain 1[d]\n"
                                  "line 1:4: found the control character 0x00, expected text\n");
    assert_read(S("a\rb\n"), "1 fault\nline 1:2: found the control character 0x0d, expected "
                             "text\n");
    assert_read(S("a\x7f\n"), "1 fault\nline 1:2: found the control character 0x7f, expected "
                              "text\n");
}

static void text_is_utf8_and_columns_are_characters(void **state) {
    assert_read(S("早馬 b\n"), "1 plain 1[早馬] 4[b]\n");
    assert_read(S("早 \xe9\x80\n"), "1 fault\nline 1:3: found bytes that are not UTF-8, expected "
                                    "text in UTF-8\n");
    /* Overlong "/" (RFC 3629 §10). */
    assert_read(S("\xc0\xaf\n"), "1 fault\nline 1:1: found bytes that are not UTF-8, expected text "
                                 "in UTF-8\n");
}

static void a_line_has_at_most_4096_bytes(void **state) {
    static char line[CONF_LINE_MAX + 2];
    memset(line, 'x', sizeof line);
    line[CONF_LINE_MAX] = '\n';
    _cleanup_(buf_done) struct buf good = read_all(slice_of(line, CONF_LINE_MAX + 1));
    assert_true(slice_starts(buf_slice(&good), S("1 plain")));
    line[CONF_LINE_MAX] = 'x';
    assert_read(slice_of(line, CONF_LINE_MAX + 1),
                "1 fault\nline 1: found a line of 4097 bytes, expected at most 4096\n");
}

static void a_line_has_so_many_words_and_no_more(void **state) {
    assert_read(S("a b c d e\n"), "1 plain 1[a] 3[b] 5[c] 7[d] 9[e]\n");
    assert_read(S("a b c d e f\n"),
                "1 fault\nline 1:11: found more than 5 words, expected fewer on one line\n");
}

static void blocks_nest_eight_deep_and_no_deeper(void **state) {
    _cleanup_(buf_done) struct buf text = {0};
    for (unsigned i = 0; i < CONF_DEPTH_MAX; i++)
        buf_add_str(&text, "a {\n");
    _cleanup_(buf_done) struct buf eight = read_all(buf_slice(&text));
    assert_has(buf_slice(&eight), "line 8: this block is not closed");
    buf_add_str(&text, "a {\n");
    _cleanup_(buf_done) struct buf nine = read_all(buf_slice(&text));
    assert_has(buf_slice(&nine), "line 9:3: found a block within 8 others, expected fewer\n");
    assert_true(slice_find(buf_slice(&nine), S("not closed")) < 0);
}

static void a_faulty_line_keeps_the_blocks_right(void **state) {
    assert_read(S("a { b c }\nd\n"),
                "1 fault\n2 plain 1[d]\n"
                "line 1:5: found something behind \"{\", expected a new line there\n");
    assert_read(S("a {\nb c }\nd\n"),
                "1 open 1[a]\n2 fault\n3 plain 1[d]\n"
                "line 2:5: found \"}\" behind other words, expected it on a line of its own\n");
    assert_read(S("a b {\nc\n}\n"), "1 open 5[]\n2 plain 1[c]\n3 close\n"
                                    "line 1:3: found \"b\", expected \"{\" behind the name of a "
                                    "block\n");
    assert_read(S("{\n}\n"), "1 open 1[]\n2 close\n"
                             "line 1:1: found \"{\", expected the name of a block before it\n");
    assert_read(S("a\n} b\n"), "1 plain 1[a]\n2 fault\n"
                               "line 2:1: found \"}\", but no block is open here\n");
    assert_read(S("a {\n} b\n"), "1 open 1[a]\n2 close\n"
                                 "line 2:3: found something behind \"}\", expected a new line "
                                 "there\n");
    assert_read(S("a {\nb\n"), "1 open 1[a]\n2 plain 1[b]\n"
                               "line 1: this block is not closed, expected a line with \"}\" for "
                               "it\n");
}

static void problems_are_kept_up_to_fifty_and_counted_beyond(void **state) {
    _cleanup_(buf_done) struct buf text = {0};
    for (unsigned i = 0; i < 60; i++)
        buf_add_str(&text, "}\n");
    _cleanup_(buf_done) struct buf out = read_all(buf_slice(&text));
    assert_has(buf_slice(&out), "line 50:1: ");
    assert_true(slice_ends(buf_slice(&out), S("and 10 more\n")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_a_name_and_its_values),
        cmocka_unit_test(blocks_open_and_close),
        cmocka_unit_test(a_comment_begins_where_a_word_could),
        cmocka_unit_test(quotes_hold_blanks_and_escapes),
        cmocka_unit_test(line_ends_of_other_systems_and_a_bom_are_taken),
        cmocka_unit_test(control_characters_are_refused),
        cmocka_unit_test(text_is_utf8_and_columns_are_characters),
        cmocka_unit_test(a_line_has_at_most_4096_bytes),
        cmocka_unit_test(a_line_has_so_many_words_and_no_more),
        cmocka_unit_test(blocks_nest_eight_deep_and_no_deeper),
        cmocka_unit_test(a_faulty_line_keeps_the_blocks_right),
        cmocka_unit_test(problems_are_kept_up_to_fifty_and_counted_beyond),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

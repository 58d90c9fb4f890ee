/* SPDX-License-Identifier: ISC */
/*
 * The script language read into steps, and what is said of scripts that are wrong.
 */
#include "dialogue/script.h"
#include "unit.h"

/* Files that a script can include. */
static int included(void *arg, struct slice name, struct slice *ret_text, const char **ret_path) {
    static const struct {
        struct slice name, text;
    } files[] = {
        {S("login.inc"), S("S: hello\nC: login\n")},
        {S("selected.inc"), S("include login.inc\nC: select")},
        {S("wrong.inc"), S("C: x\nX: y")},
        {S("endless.inc"), S("include endless.inc")},
    };
    for (size_t i = 0; i < ARRAY_SIZE(files); i++)
        if (slice_eq(name, files[i].name)) {
            *ret_text = files[i].text;
            *ret_path = files[i].name.ptr;
            return 0;
        }
    return -E_UNKNOWN;
}

static int parse(struct arena *a, struct slice text, char own, struct script *ret,
                 struct script_place *ret_bad, struct problem *problem) {
    const struct script_source source = {
        .path = "x.txt", .text = text, .own = own, .include = included};
    return script_parse(a, &source, ret, ret_bad, problem);
}

static const struct step *read_one(struct arena *a, const char *text) {
    struct script script = {0};
    struct problem problem = {0};
    struct script_place bad = {0};
    if (parse(a, slice_of_str(text), 'C', &script, &bad, &problem) < 0)
        fail_msg("%u: %s", bad.line, problem.text);
    assert_int_equal(script.count, 1);
    return script.steps;
}

static void lines_are_sent_or_expected_by_side(void **state) {
    _cleanup_(arena_done) struct arena a = {0};
    const struct step *step = read_one(&a, "C: USER tama \n");
    assert_int_equal(step->kind, STEP_SEND_LINES);
    assert_slice(step->text, "USER tama ");
    step = read_one(&a, "# comment\n\nS: +OK: *");
    assert_int_equal(step->kind, STEP_LINE);
    assert_int_equal(step->at.line, 3);
    assert_slice(step->text, "+OK: *");
    assert_slice(read_one(&a, "C:")->text, "");
}

static void the_script_may_play_the_server(void **state) {
    _cleanup_(arena_done) struct arena a = {0};
    struct script script = {0};
    struct script_place bad = {0};
    assert_int_equal(parse(&a, S("S: 220\nC: EHLO *\n"), 'S', &script, &bad, NULL), 0);
    assert_int_equal(script.count, 2);
    assert_int_equal(script.steps[0].kind, STEP_SEND_LINES);
    assert_int_equal(script.steps[1].kind, STEP_LINE);
}

static void bytes_have_escapes(void **state) {
    _cleanup_(arena_done) struct arena a = {0};
    const struct step *step = read_one(&a, "C-raw: \"a\\r\\n\" \"\\0\\x80\\\\\\\"\"");
    assert_int_equal(step->kind, STEP_SEND_BYTES);
    assert_true(slice_eq(step->text, S("a\r\n\0\x80\\\"")));
    step = read_one(&a, "S-repeat: 300 \"ab\"");
    assert_int_equal(step->kind, STEP_BYTES);
    assert_int_equal(step->count, 300);
    assert_slice(step->text, "ab");
}

static void blocks_keep_inner_empty_lines(void **state) {
    _cleanup_(arena_done) struct arena a = {0};
    const struct step *step = read_one(&a, "C-block\n  A\n\n    B\n\n");
    assert_int_equal(step->kind, STEP_SEND_LINES);
    assert_slice(step->text, "A\n\n  B");

    struct script script = {0};
    struct script_place bad = {0};
    assert_int_equal(parse(&a, S("S-block\n  A\n\n  B\n\nC: x"), 'C', &script, &bad, NULL), 0);
    assert_int_equal(script.count, 4);
    assert_slice(script.steps[1].text, "");
    assert_slice(script.steps[2].text, "B");
    assert_int_equal(script.steps[2].at.line, 4);
    assert_int_equal(script.steps[3].at.line, 6);
}

static void times_names_and_paces(void **state) {
    _cleanup_(arena_done) struct arena a = {0};
    assert_int_equal(read_one(&a, "wait 61s")->span, 61 * USEC_SEC);
    assert_int_equal(read_one(&a, "silence 10min")->span, 10 * USEC_MIN);
    const struct step *step = read_one(&a, "S-slowly: 3 per 2s");
    assert_int_equal(step->kind, STEP_READ_PACE);
    assert_int_equal(step->count, 3);
    assert_int_equal(step->span, 2 * USEC_SEC);
    assert_int_equal(read_one(&a, "C-slowly: off")->count, 0);
    step = read_one(&a, "set message hello, world ");
    assert_slice(step->name, "message");
    assert_slice(step->text, "hello, world");
    step = read_one(&a, "set message \"a\\r\\n\" \"b\"");
    assert_slice(step->text, "a\r\nb");
    assert_int_equal(step->form, FORM_BYTES);
}

static void a_side_may_have_a_number(void **state) {
    _cleanup_(arena_done) struct arena a = {0};
    struct script script = {0};
    struct script_place bad = {0};
    assert_int_equal(
        parse(&a, S("C: a\nS1: b\nC2-block\n  c\nS9-end\nwait 1s"), 'C', &script, &bad, NULL), 0);
    static const unsigned connections[] = {0, 0, 1, 8, 0};
    assert_int_equal(script.count, ARRAY_SIZE(connections));
    for (size_t i = 0; i < script.count; i++) {
        assert_int_equal(script.steps[i].connection, connections[i]);
        assert_int_equal(script.steps[i].of_side, script.steps[i].kind != STEP_WAIT);
    }
    assert_true(script.numbered);
    assert_int_equal(parse(&a, S("C: a\nS: b"), 'C', &script, &bad, NULL), 0);
    assert_false(script.numbered);
}

static void a_name_may_be_given_to_lines(void **state) {
    _cleanup_(arena_done) struct arena a = {0};
    const struct step *step = read_one(&a, "let message\n  Subject: a\n\n  Good day\n");
    assert_int_equal(step->kind, STEP_LET);
    assert_int_equal(step->form, FORM_LINES);
    assert_slice(step->name, "message");
    assert_slice(step->text, "Subject: a\n\nGood day");
    assert_int_equal(read_one(&a, "let tag a1")->form, FORM_TEXT);
    assert_int_equal(read_one(&a, "let tag \"a\"")->form, FORM_BYTES);
}

static void an_included_file_stands_where_it_is_named(void **state) {
    _cleanup_(arena_done) struct arena a = {0};
    struct script script = {0};
    struct script_place bad = {0};
    assert_int_equal(parse(&a, S("let x y\ninclude selected.inc\nS: *"), 'C', &script, &bad, NULL),
                     0);
    static const struct {
        const char *file, *text;
        unsigned line;
    } steps[] = {{"x.txt", "y", 1},
                 {"login.inc", "hello", 1},
                 {"login.inc", "login", 2},
                 {"selected.inc", "select", 2},
                 {"x.txt", "*", 3}};
    assert_int_equal(script.count, ARRAY_SIZE(steps));
    for (size_t i = 0; i < script.count; i++) {
        assert_slice(script.steps[i].text, steps[i].text);
        assert_string_equal(script.steps[i].at.file, steps[i].file);
        assert_int_equal(script.steps[i].at.line, steps[i].line);
    }
}

static void there_is_room_behind_inclusions_within_each_other(void **state) {
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(buf_done) struct buf text = {0};
    struct script script = {0};
    struct script_place bad = {0};
    buf_add_str(&text, "include selected.inc\n");
    for (unsigned i = 0; i < 1000; i++)
        buf_add_str(&text, "C: more\n");
    assert_int_equal(parse(&a, buf_slice(&text), 'C', &script, &bad, NULL), 0);
    assert_int_equal(script.count, 1003);
    assert_slice(script.steps[2].text, "select");
    assert_slice(script.steps[1002].text, "more");
}

static void a_wrong_script_is_explained(void **state) {
    static const struct {
        const char *text, *said;
        unsigned line;
    } wrong[] = {
        {"S: a\nX: b", "there is no step \"X\"", 2},
        {"C-rows: 3", "there is no step \"C-rows\"", 1},
        {"S-cut", "\"S-cut\" cannot be said of the tested side", 1},
        {"C-until: x", "\"C-until\" cannot be said of the script's own side", 1},
        {"wait soon", "a span such as 300ms, 61s or 10min is due, not \"soon\"", 1},
        {"C-raw: abc", "bytes are written as", 1},
        {"C-raw: \"abc", "bytes are written as", 1},
        {"C-raw: \"\\xg0\"", "bytes are written as", 1},
        {"C-repeat: x \"a\"", "a number is due, not \"x\"", 1},
        {"S-slowly: 3", "say \"BYTES per SPAN\" or \"off\"", 1},
        {"C-each-byte: maybe", "say on or off", 1},
        {"\n  x", "an indented line without a block", 2},
        {"C-block\nC: x", "the lines of the block", 1},
        {"S-end now", "nothing may follow", 1},
        {"set", "a name is due", 1},
        {"C0: x", "there is no step \"C0\"", 1},
        {"C10: x", "there is no step \"C10\"", 1},
        {"C2-silence: 1s", "\"C2-silence\" cannot be said of the script's own side", 1},
        {"let Message x", "a name is due: small letters", 1},
        {"let message\nC: x", "the lines of the block", 1},
        {"include", "a file is due", 1},
        {"C: x\ninclude nothing.inc", "nothing.inc: ", 2},
        {"include wrong.inc", "there is no step \"X\"", 2},
        {"include endless.inc", "at most 8 others", 1},
    };
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        _cleanup_(arena_done) struct arena a = {0};
        struct script script;
        struct problem problem = {0};
        struct script_place bad = {0};
        int r = parse(&a, slice_of_str(wrong[i].text), 'C', &script, &bad, &problem);
        assert_true(r < 0);
        assert_int_equal(bad.line, wrong[i].line);
        if (!strstr(problem.text, wrong[i].said))
            fail_msg("expected \"%s\", it says \"%s\"", wrong[i].said, problem.text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_sent_or_expected_by_side),
        cmocka_unit_test(the_script_may_play_the_server),
        cmocka_unit_test(bytes_have_escapes),
        cmocka_unit_test(blocks_keep_inner_empty_lines),
        cmocka_unit_test(times_names_and_paces),
        cmocka_unit_test(a_side_may_have_a_number),
        cmocka_unit_test(a_name_may_be_given_to_lines),
        cmocka_unit_test(an_included_file_stands_where_it_is_named),
        cmocka_unit_test(there_is_room_behind_inclusions_within_each_other),
        cmocka_unit_test(a_wrong_script_is_explained),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

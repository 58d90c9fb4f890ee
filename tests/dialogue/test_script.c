/* SPDX-License-Identifier: ISC */
/*
 * The script language read into steps, and what is said of scripts that are wrong.
 */
#include "dialogue/script.h"
#include "unit.h"

static const struct step *read_one(struct arena *a, const char *text) {
    struct script script = {0};
    struct problem problem = {0};
    unsigned line = 0;
    if (script_parse(a, slice_of_str(text), 'C', &script, &line, &problem) < 0)
        fail_msg("%u: %s", line, problem.text);
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
    assert_int_equal(step->line, 3);
    assert_slice(step->text, "+OK: *");
    assert_slice(read_one(&a, "C:")->text, "");
}

static void the_script_may_play_the_server(void **state) {
    _cleanup_(arena_done) struct arena a = {0};
    struct script script = {0};
    unsigned line = 0;
    assert_int_equal(script_parse(&a, S("S: 220\nC: EHLO *\n"), 'S', &script, &line, NULL), 0);
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
    unsigned line = 0;
    assert_int_equal(script_parse(&a, S("S-block\n  A\n\n  B\n\nC: x"), 'C', &script, &line, NULL),
                     0);
    assert_int_equal(script.count, 4);
    assert_slice(script.steps[1].text, "");
    assert_slice(script.steps[2].text, "B");
    assert_int_equal(script.steps[2].line, 4);
    assert_int_equal(script.steps[3].line, 6);
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
    assert_int_equal(step->count, 0);
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
    };
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        _cleanup_(arena_done) struct arena a = {0};
        struct script script;
        struct problem problem = {0};
        unsigned line = 0;
        int r = script_parse(&a, slice_of_str(wrong[i].text), 'C', &script, &line, &problem);
        assert_int_equal(r, -E_SYNTAX);
        assert_int_equal(line, wrong[i].line);
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
        cmocka_unit_test(a_wrong_script_is_explained),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

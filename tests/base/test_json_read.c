/* SPDX-License-Identifier: ISC */
#include "base/json_read.h"

#include "base/buf.h"
#include "unit.h"

static const struct json_limits limits = JSON_LIMITS_DEFAULT;

static int read_text(struct arena *a, const char *text, struct json_value *v) {
    size_t at;
    return json_read(slice_of_str(text), &limits, a, v, &at);
}

static void test_values_rfc8259_3(void **state UNUSED) {
    struct arena a = {0};
    struct json_value v;
    int64_t number;
    assert_int_equal(
        read_text(&a, " { \"a\" : [1, -2.5e+3, true,false , null], \"b\":{}, \"\":\"x\" } ", &v),
        0);
    assert_int_equal(v.type, JSON_OBJECT);
    assert_int_equal(v.count, 3);
    const struct json_value *list = json_member(&v, "a");
    assert_int_equal(list->type, JSON_ARRAY);
    assert_int_equal(list->count, 5);
    assert_int_equal(json_to_int(list->first, &number), 0);
    assert_int_equal(number, 1);
    assert_slice(list->first->next->text, "-2.5e+3");
    assert_int_equal(json_to_int(list->first->next, &number), -E_SYNTAX);
    assert_true(list->first->next->next->is_true);
    assert_int_equal(json_member(&v, "b")->type, JSON_OBJECT);
    assert_slice(json_member(&v, "")->text, "x");
    assert_null(json_member(&v, "c"));
    assert_null(json_member(list, "c"));
    assert_int_equal(read_text(&a, "-9007199254740991", &v), 0);
    assert_int_equal(json_to_int(&v, &number), 0);
    assert_int_equal(number, -9007199254740991);
    assert_int_equal(read_text(&a, "9007199254740992", &v), 0);
    assert_int_equal(json_to_int(&v, &number), -E_LIMIT);
    arena_done(&a);
}

static void test_strings_rfc8259_7(void **state UNUSED) {
    static const struct {
        const char *text, *value;
    } rows[] = {
        {"\"\"", ""},
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t"},
        {"\"a\\u0041\\u65e9\\uD83D\\uDE00z\"", "aA\xe6\x97\xa9\xf0\x9f\x98\x80z"},
        {"\"\xe6\x97\xa9\x7f\"", "\xe6\x97\xa9\x7f"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct arena a = {0};
        struct json_value v;
        assert_int_equal(read_text(&a, rows[i].text, &v), 0);
        assert_slice(v.text, rows[i].value);
        arena_done(&a);
    }
}

static void test_what_is_no_json(void **state UNUSED) {
    static const char *const wrong[] = {
        "",
        " ",
        "x",
        "nul",
        "truee",
        "1 2",
        "01",
        "-",
        "1.",
        ".5",
        "1e",
        "+1",
        "0x1",
        "[",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "[1 2]",
        "]",
        "{",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1",
        "{\"a\":1,}",
        "{a:1}",
        "{\"a\" 1}",
        "{1:1}",
        "{\"a\":1,\"a\":2}",
        "\"",
        "\"a",
        "\"\\\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\\ud800\"",
        "\"\\ud800\\u0041\"",
        "\"\\udc00\"",
        "\"a\nb\"",
        "\"\t\"",
        "\"\xff\"",
        "\"\xe6\x97\"",
        "'a'",
        "// x\n1",
        "[1]]",
        "\357\273\2771",
        "{\"a\":1,\"\\u0061\":2}",
        "NaN",
        "Infinity",
    };
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        struct arena a = {0};
        struct json_value v;
        if (read_text(&a, wrong[i], &v) != -E_SYNTAX)
            fail_msg("%s", wrong[i]);
        arena_done(&a);
    }
}

static void test_limits(void **state UNUSED) {
    struct arena a = {0};
    struct buf text = {0};
    struct json_value v;
    size_t at;
    for (unsigned i = 0; i < 100000; i++)
        buf_add_byte(&text, '[');
    assert_int_equal(json_read(buf_slice(&text), &limits, &a, &v, NULL), -E_LIMIT);
    assert_int_equal(json_read(S("[1,2,3]"), &(struct json_limits){1, 4}, &a, &v, &at), 0);
    assert_int_equal(json_read(S("[1,2,3]"), &(struct json_limits){1, 3}, &a, &v, &at), -E_LIMIT);
    assert_int_equal(json_read(S("[1,[]]"), &(struct json_limits){1, 9}, &a, &v, &at), -E_LIMIT);
    assert_int_equal(json_read(S("[1 2]"), &limits, &a, &v, &at), -E_SYNTAX);
    assert_int_equal(at, 3);
    buf_clear(&text);
    buf_add_str(&text, "{\"x\":0");
    for (unsigned i = 0; i < 20000; i++)
        buf_printf(&text, ",\"%u\":%u", i, i);
    buf_add_str(&text, "}");
    assert_int_equal(json_read(buf_slice(&text), &limits, &a, &v, NULL), 0);
    text.len--;
    buf_add_str(&text, ",\"7\":0}");
    assert_int_equal(json_read(buf_slice(&text), &limits, &a, &v, NULL), -E_SYNTAX);
    buf_done(&text);
    arena_done(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_rfc8259_3),
        cmocka_unit_test(test_strings_rfc8259_7),
        cmocka_unit_test(test_what_is_no_json),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

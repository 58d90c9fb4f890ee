/* SPDX-License-Identifier: ISC */
#include "message_test.h"

#include "message/header.h"

static const struct slice plain = {
    "Received: from a\r\n\tby b;\r\n  now\r\nSubject: hi\r\nEmpty:\r\nreceived :x \r\n\r\nBody: "
    "no\r\n",
    sizeof "Received: from a\r\n\tby b;\r\n  now\r\nSubject: hi\r\nEmpty:\r\nreceived :x \r\n\r\n"
           "Body: no\r\n" -
        1};

static void rfc5322_2_2_fields_are_walked_with_offsets_and_folds(void **state) {
    _cleanup_(arena_done) struct arena a = {0};
    struct header_cursor c = {.message = plain};
    struct header_field f;
    assert_true(header_next(&c, &f));
    assert_slice(f.name, "Received");
    assert_slice(f.raw, " from a\r\n\tby b;\r\n  now");
    assert_slice(header_unfold(&a, f.raw), "from a\tby b;  now");
    assert_int_equal(f.offset, 0);
    assert_int_equal(f.len, 33);
    assert_true(header_next(&c, &f));
    assert_slice(f.name, "Subject");
    assert_slice(f.raw, " hi");
    assert_int_equal(f.offset, 33);
    assert_int_equal(f.len, 13);
    assert_true(header_next(&c, &f));
    assert_slice(f.name, "Empty");
    assert_slice(f.raw, "");
    assert_true(header_next(&c, &f));
    assert_slice(f.name, "received");
    assert_slice(header_unfold(&a, f.raw), "x");
    assert_false(header_next(&c, &f));
    assert_false(header_next(&c, &f));
    assert_int_equal(c.end, HEADER_EMPTY_LINE);
    assert_slice(slice_from(plain, c.body), "Body: no\r\n");
}

static void fields_are_found_and_counted_in_any_case(void **state) {
    struct header_field f;
    assert_int_equal(header_count(plain, NULL, S("RECEIVED")), 2);
    assert_int_equal(header_count(plain, NULL, S("Body")), 0);
    assert_true(header_find(plain, NULL, S("received"), 1, &f));
    assert_slice(f.raw, "x ");
    assert_false(header_find(plain, NULL, S("received"), 2, &f));
    assert_false(header_find(plain, NULL, S("Receive"), 0, &f));
}

static void check_end(const char *message, enum header_end end, size_t fields, const char *body) {
    struct header_cursor c = {.message = slice_of_str(message)};
    struct header_field f;
    while (header_next(&c, &f))
        continue;
    assert_int_equal(c.end, end);
    assert_int_equal(c.fields, fields);
    assert_slice(slice_from(c.message, c.body), body);
}

static void a_line_that_is_no_field_begins_the_body(void **state) {
    check_end("A: 1\r\nno field\r\nB: 2\r\n", HEADER_NO_FIELD, 1, "no field\r\nB: 2\r\n");
    check_end(": x\r\n", HEADER_NO_FIELD, 0, ": x\r\n");
    check_end(" folded\r\nA: 1\r\n", HEADER_NO_FIELD, 0, " folded\r\nA: 1\r\n");
    check_end("A: 1\r\nB\x80: 2\r\n", HEADER_NO_FIELD, 1, "B\x80: 2\r\n");
    check_end("A: 1\r\nB\r: 2\r\n", HEADER_NO_FIELD, 1, "B\r: 2\r\n");
}

/* RFC 4155; programs that read mailboxes of that kind pass the line by, quoted or not. */
static void a_line_of_an_mbox_is_no_field_and_ends_nothing(void **state) {
    check_end("From tama Sun Nov 22 11:12:42 2026\r\nA: 1\r\n\r\nx", HEADER_EMPTY_LINE, 1, "x");
    check_end(">From tama Sun Nov 22 11:12:42 2026\r\n more\r\nA: 1\r\n\r\nx", HEADER_EMPTY_LINE, 1,
              "x");
    check_end("Received: x\r\nFrom tama\r\nA: 1\r\n\r\nx", HEADER_EMPTY_LINE, 2, "x");
    check_end("From tama\r\nno field\r\n", HEADER_NO_FIELD, 0, "no field\r\n");
    check_end("From \nA: 1\n\nx", HEADER_EMPTY_LINE, 1, "x");
    check_end("From : tama\r\n\r\nx", HEADER_EMPTY_LINE, 1, "x");
    check_end("from tama\r\nA: 1\r\n", HEADER_NO_FIELD, 0, "from tama\r\nA: 1\r\n");
    check_end(">>From tama\r\n", HEADER_NO_FIELD, 0, ">>From tama\r\n");
}

static void a_header_may_end_with_the_message(void **state) {
    check_end("", HEADER_NO_BODY, 0, "");
    check_end("A: 1", HEADER_NO_BODY, 1, "");
    check_end("A: 1\r\n", HEADER_NO_BODY, 1, "");
    check_end("A: 1\r\n 2", HEADER_NO_BODY, 1, "");
    check_end("\r\nbody", HEADER_EMPTY_LINE, 0, "body");
    check_end("A: 1\r\n   \r\nB: 2\r\n\r\n", HEADER_EMPTY_LINE, 2, "");
}

static void a_bare_lf_ends_a_line_too(void **state) {
    check_end("A: 1\n 2\nB: 2\n\nbody", HEADER_EMPTY_LINE, 2, "body");
}

static void limits_of_the_caller_end_the_walk(void **state) {
    struct header_limits fields = {.fields = 2};
    struct header_limits bytes = {.bytes = 46};
    struct header_field f;
    struct header_cursor c = {.message = plain, .limits = &fields};
    while (header_next(&c, &f))
        continue;
    assert_int_equal(c.end, HEADER_LIMIT);
    assert_int_equal(c.fields, 2);
    c = (struct header_cursor){.message = plain, .limits = &bytes};
    while (header_next(&c, &f))
        continue;
    assert_int_equal(c.end, HEADER_LIMIT);
    assert_int_equal(c.at, 46);
    assert_int_equal(header_body(plain, &bytes), plain.len);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc5322_2_2_fields_are_walked_with_offsets_and_folds),
        cmocka_unit_test(fields_are_found_and_counted_in_any_case),
        cmocka_unit_test(a_line_that_is_no_field_begins_the_body),
        cmocka_unit_test(a_line_of_an_mbox_is_no_field_and_ends_nothing),
        cmocka_unit_test(a_header_may_end_with_the_message),
        cmocka_unit_test(a_bare_lf_ends_a_line_too),
        cmocka_unit_test(limits_of_the_caller_end_the_walk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

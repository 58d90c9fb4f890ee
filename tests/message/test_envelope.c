/* SPDX-License-Identifier: ISC */
/* The envelope: what goes in comes out, whatever else comes in is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "message/envelope.h"

static const struct recipient TO[] = {
    {.address = {"hanako@example.org", 18},
     .original = {"rfc822;hana+2Bko@example.org", 28},
     .notify = NOTIFY_SUCCESS | NOTIFY_FAILURE},
    {.address = {"\"a b\"@example.org", 17}},
};
static const struct envelope ENVELOPE = {
    .arrival = 1800000000123456,
    .reverse_path = {"tarou@example.com", 17},
    .body_type = BODY_TYPE_8BITMIME,
    .ret = RETURN_HEADERS,
    .origin = 3,
    .envid = {"QQ314159", 8},
    .login = {"tarou", 5},
    .helo = {"[192.0.2.1]", 11},
    .peer = {"192.0.2.1", 9},
    .extra = {"\0\1\2", 3},
    .shape = SHAPE_UTF8 | SHAPE_DOT_LINES,
    .verdict = VERDICT_JUNK,
    .recipients = TO,
    .count = 2,
};

static void envelope_comes_back(void **state) {
    _cleanup_(buf_done) struct buf b = {0};
    _cleanup_(arena_done) struct arena a = {0};
    struct envelope e;
    assert_int_equal(envelope_encode(&ENVELOPE, &b), 0);
    assert_int_equal(envelope_decode(buf_slice(&b), &a, &e), 0);
    assert_int_equal(e.arrival, ENVELOPE.arrival);
    assert_true(slice_eq(e.reverse_path, ENVELOPE.reverse_path));
    assert_int_equal(e.body_type, BODY_TYPE_8BITMIME);
    assert_int_equal(e.ret, RETURN_HEADERS);
    assert_int_equal(e.shape, SHAPE_UTF8 | SHAPE_DOT_LINES);
    assert_int_equal(e.origin, 3);
    assert_int_equal(e.verdict, VERDICT_JUNK);
    assert_true(slice_eq(e.envid, ENVELOPE.envid));
    assert_true(slice_eq(e.login, ENVELOPE.login));
    assert_true(slice_eq(e.helo, ENVELOPE.helo));
    assert_true(slice_eq(e.peer, ENVELOPE.peer));
    assert_true(slice_eq(e.extra, ENVELOPE.extra));
    assert_int_equal(e.count, 2);
    assert_true(slice_eq(e.recipients[0].address, TO[0].address));
    assert_true(slice_eq(e.recipients[0].original, TO[0].original));
    assert_int_equal(e.recipients[0].notify, TO[0].notify);
    assert_true(slice_eq(e.recipients[1].address, TO[1].address));
    assert_int_equal(e.recipients[1].original.len, 0);
}

/* RFC 5321 §4.5.5 */
static void null_reverse_path_comes_back(void **state) {
    _cleanup_(buf_done) struct buf b = {0};
    _cleanup_(arena_done) struct arena a = {0};
    struct envelope e = {.recipients = TO, .count = 1};
    assert_int_equal(envelope_encode(&e, &b), 0);
    assert_int_equal(envelope_decode(buf_slice(&b), &a, &e), 0);
    assert_int_equal(e.reverse_path.len, 0);
    assert_int_equal(e.count, 1);
}

static void envelope_has_the_written_layout(void **state) {
    _cleanup_(buf_done) struct buf b = {0};
    static const struct recipient to = {.address = {"a@b", 3}};
    struct envelope e = {.reverse_path = S("c@d"), .ret = 1, .recipients = &to, .count = 1};
    static const char wanted[] = "\1"                          /* version */
                                 "\2\3\0\0\0c@d"               /* sender */
                                 "\4\10\0\0\0\1\0\0\0\0\0\0\0" /* RET=FULL */
                                 "\16\10\0\0\0\1\3\0\0\0a@b";  /* recipient: address */
    assert_int_equal(envelope_encode(&e, &b), 0);
    assert_int_equal(b.len, sizeof wanted - 1);
    assert_memory_equal(b.ptr, wanted, b.len);
}

static void unknown_fields_are_passed_over(void **state) {
    _cleanup_(buf_done) struct buf b = {0};
    _cleanup_(arena_done) struct arena a = {0};
    struct envelope e;
    assert_int_equal(envelope_encode(&ENVELOPE, &b), 0);
    buf_add_bytes(&b, "\377\4\0\0\0what", 9);
    assert_int_equal(envelope_decode(buf_slice(&b), &a, &e), 0);
    assert_int_equal(e.count, 2);
}

static void each_shorter_envelope_is_refused_or_has_fewer_fields(void **state) {
    _cleanup_(buf_done) struct buf b = {0};
    assert_int_equal(envelope_encode(&ENVELOPE, &b), 0);
    unsigned refused = 0;
    for (size_t len = 0; len < b.len; len++) {
        _cleanup_(arena_done) struct arena a = {0};
        struct envelope e;
        int error = envelope_decode(slice_first(buf_slice(&b), len), &a, &e);
        assert_true(error == -E_SYNTAX || e.count < 2);
        refused += error == -E_SYNTAX;
    }
    assert_true(refused > b.len - 20);
}

static void too_long_a_text_is_refused(void **state) {
    _cleanup_(buf_done) struct buf b = {0};
    _cleanup_(free_p) char *text = mem_zero(ENVELOPE_TEXT_MAX + 1);
    struct envelope e = {.reverse_path = slice_of(text, ENVELOPE_TEXT_MAX + 1)};
    assert_int_equal(envelope_encode(&e, &b), -E_LIMIT);
    assert_int_equal(b.len, 0);
    e.reverse_path.len--;
    assert_int_equal(envelope_encode(&e, &b), 0);
    e.count = ENVELOPE_RECIPIENTS_MAX + 1;
    assert_int_equal(envelope_encode(&e, &b), -E_LIMIT);
}

/* Of the program before the shape was part of it: SMTPUTF8, a tag of its own. */
static void the_older_form_is_read(void **state) {
    _cleanup_(arena_done) struct arena a = {0};
    static const char bytes[] = "\1"
                                "\2\3\0\0\0c@d"
                                "\5\10\0\0\0\1\0\0\0\0\0\0\0" /* SMTPUTF8 */
                                "\6\10\0\0\0\1\0\0\0\0\0\0\0" /* REQUIRETLS, never offered */
                                "\14\2\0\0\0j1";
    struct envelope e;
    assert_int_equal(envelope_decode(slice_of(bytes, sizeof bytes - 1), &a, &e), 0);
    assert_true(slice_eq(e.reverse_path, S("c@d")));
    assert_int_equal(e.shape, SHAPE_UTF8);
}

static void a_summary_is_the_envelope_without_its_recipients(void **state) {
    _cleanup_(buf_done) struct buf b = {0};
    struct envelope e;
    assert_int_equal(envelope_encode(&ENVELOPE, &b), 0);
    assert_int_equal(envelope_summary(buf_slice(&b), &e), 0);
    assert_int_equal(e.count, 2);
    assert_null(e.recipients);
    assert_true(slice_eq(e.login, S("tarou")));
}

/* RFC 3461 §4.1: NEVER stands alone. */
static void rfc3461_4_1_notify_as_it_stands_in_rcpt(void **state) {
    static const struct {
        unsigned notify;
        const char *text;
    } rows[] = {{0, ""},
                {NOTIFY_NEVER, "NEVER"},
                {NOTIFY_NEVER | NOTIFY_DELAY, "NEVER"},
                {NOTIFY_DELAY, "DELAY"},
                {NOTIFY_SUCCESS | NOTIFY_FAILURE | NOTIFY_DELAY, "SUCCESS,FAILURE,DELAY"}};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_(buf_done) struct buf text = {0};
        notify_print(&text, rows[i].notify);
        assert_true(slice_eq(buf_slice(&text), slice_of_str(rows[i].text)));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(envelope_comes_back),
        cmocka_unit_test(null_reverse_path_comes_back),
        cmocka_unit_test(envelope_has_the_written_layout),
        cmocka_unit_test(unknown_fields_are_passed_over),
        cmocka_unit_test(each_shorter_envelope_is_refused_or_has_fewer_fields),
        cmocka_unit_test(too_long_a_text_is_refused),
        cmocka_unit_test(the_older_form_is_read),
        cmocka_unit_test(a_summary_is_the_envelope_without_its_recipients),
        cmocka_unit_test(rfc3461_4_1_notify_as_it_stands_in_rcpt),
    };
    return cmocka_run_group_tests_name("envelope", tests, NULL, NULL);
}

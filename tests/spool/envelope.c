/* SPDX-License-Identifier: ISC */
/* Envelope and state: what goes in comes out, whatever else comes in is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "spool/envelope.h"

static const struct spool_recipient TO[] = {
    {.address = {"hanako@example.org", 18},
     .original = {"rfc822;hana+2Bko@example.org", 28},
     .notify = SPOOL_NOTIFY_SUCCESS | SPOOL_NOTIFY_FAILURE},
    {.address = {"\"a b\"@example.org", 17}},
};
static const struct spool_envelope ENVELOPE = {
    .arrival = 1800000000123456,
    .sender = {"tarou@example.com", 17},
    .body_type = SPOOL_8BITMIME,
    .ret = SPOOL_RET_HDRS,
    .smtputf8 = true,
    .origin = 3,
    .envid = {"QQ314159", 8},
    .login = {"tarou", 5},
    .helo = {"[192.0.2.1]", 11},
    .peer = {"192.0.2.1", 9},
    .journey = {"j1", 2},
    .extra = {"\0\1\2", 3},
    .recipients = TO,
    .count = 2,
};

static void envelope_comes_back(void **state) {
    _cleanup_(buf_done) struct buf b = {0};
    _cleanup_(arena_done) struct arena a = {0};
    struct spool_envelope e;
    assert_int_equal(spool_envelope_encode(&ENVELOPE, &b), 0);
    assert_int_equal(spool_envelope_decode(buf_slice(&b), &a, &e), 0);
    assert_int_equal(e.arrival, ENVELOPE.arrival);
    assert_true(slice_eq(e.sender, ENVELOPE.sender));
    assert_int_equal(e.body_type, SPOOL_8BITMIME);
    assert_int_equal(e.ret, SPOOL_RET_HDRS);
    assert_true(e.smtputf8);
    assert_false(e.requiretls);
    assert_int_equal(e.origin, 3);
    assert_true(slice_eq(e.envid, ENVELOPE.envid));
    assert_true(slice_eq(e.login, ENVELOPE.login));
    assert_true(slice_eq(e.helo, ENVELOPE.helo));
    assert_true(slice_eq(e.peer, ENVELOPE.peer));
    assert_true(slice_eq(e.journey, ENVELOPE.journey));
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
    struct spool_envelope e = {.recipients = TO, .count = 1};
    assert_int_equal(spool_envelope_encode(&e, &b), 0);
    assert_int_equal(spool_envelope_decode(buf_slice(&b), &a, &e), 0);
    assert_int_equal(e.sender.len, 0);
    assert_int_equal(e.count, 1);
}

static void envelope_has_the_written_layout(void **state) {
    _cleanup_(buf_done) struct buf b = {0};
    static const struct spool_recipient to = {.address = {"a@b", 3}};
    struct spool_envelope e = {.sender = S("c@d"), .ret = 1, .recipients = &to, .count = 1};
    static const char wanted[] = "\1"                          /* version */
                                 "\2\3\0\0\0c@d"               /* sender */
                                 "\4\10\0\0\0\1\0\0\0\0\0\0\0" /* RET=FULL */
                                 "\16\10\0\0\0\1\3\0\0\0a@b";  /* recipient: address */
    assert_int_equal(spool_envelope_encode(&e, &b), 0);
    assert_int_equal(b.len, sizeof wanted - 1);
    assert_memory_equal(b.ptr, wanted, b.len);
}

static void unknown_fields_are_passed_over(void **state) {
    _cleanup_(buf_done) struct buf b = {0};
    _cleanup_(arena_done) struct arena a = {0};
    struct spool_envelope e;
    assert_int_equal(spool_envelope_encode(&ENVELOPE, &b), 0);
    buf_add_bytes(&b, "\377\4\0\0\0what", 9);
    assert_int_equal(spool_envelope_decode(buf_slice(&b), &a, &e), 0);
    assert_int_equal(e.count, 2);
}

static void each_shorter_envelope_is_refused_or_has_fewer_fields(void **state) {
    _cleanup_(buf_done) struct buf b = {0};
    assert_int_equal(spool_envelope_encode(&ENVELOPE, &b), 0);
    unsigned refused = 0;
    for (size_t len = 0; len < b.len; len++) {
        _cleanup_(arena_done) struct arena a = {0};
        struct spool_envelope e;
        int error = spool_envelope_decode(slice_first(buf_slice(&b), len), &a, &e);
        assert_true(error == -E_SYNTAX || e.count < 2);
        refused += error == -E_SYNTAX;
    }
    assert_true(refused > b.len - 20);
}

static void too_long_a_text_is_refused(void **state) {
    _cleanup_(buf_done) struct buf b = {0};
    _cleanup_(free_p) char *text = mem_zero(SPOOL_TEXT_MAX + 1);
    struct spool_envelope e = {.sender = slice_of(text, SPOOL_TEXT_MAX + 1)};
    assert_int_equal(spool_envelope_encode(&e, &b), -E_LIMIT);
    assert_int_equal(b.len, 0);
    e.sender.len--;
    assert_int_equal(spool_envelope_encode(&e, &b), 0);
    e.count = SPOOL_RECIPIENTS_MAX + 1;
    assert_int_equal(spool_envelope_encode(&e, &b), -E_LIMIT);
}

static const struct spool_recipient_state LEFT[] = {
    {.index = 0, .status = 2, .attempts = 7, .next = 1800000000000001, .reply = {"450 wait", 8}},
    {.index = 4, .flags = 1, .extra = {"mx2", 3}},
};

static void state_comes_back(void **state) {
    _cleanup_(buf_done) struct buf b = {0};
    _cleanup_(arena_done) struct arena a = {0};
    struct spool_state s = {
        .hold = true, .flags = 9, .next = 1800000000000001, .recipients = LEFT, .count = 2};
    struct spool_state t;
    assert_int_equal(spool_state_encode(&s, &b), 0);
    assert_int_equal(spool_state_decode(buf_slice(&b), 5, &a, &t), 0);
    assert_true(t.hold);
    assert_int_equal(t.flags, 9);
    assert_int_equal(t.next, s.next);
    assert_int_equal(t.count, 2);
    assert_int_equal(t.recipients[0].index, 0);
    assert_int_equal(t.recipients[0].status, 2);
    assert_int_equal(t.recipients[0].attempts, 7);
    assert_int_equal(t.recipients[0].next, LEFT[0].next);
    assert_true(slice_eq(t.recipients[0].reply, LEFT[0].reply));
    assert_int_equal(t.recipients[1].index, 4);
    assert_int_equal(t.recipients[1].flags, 1);
    assert_true(slice_eq(t.recipients[1].extra, LEFT[1].extra));
}

static void state_names_only_recipients_of_the_envelope(void **state) {
    _cleanup_(buf_done) struct buf b = {0};
    struct spool_state s = {.recipients = LEFT, .count = 2}, t;
    assert_int_equal(spool_state_encode(&s, &b), 0);
    assert_int_equal(spool_state_summary(buf_slice(&b), 4, &t), -E_SYNTAX);
    assert_int_equal(spool_state_summary(buf_slice(&b), 5, &t), 0);
}

static void state_names_each_recipient_once_and_in_order(void **state) {
    _cleanup_(buf_done) struct buf b = {0};
    struct spool_recipient_state wrong[] = {LEFT[1], LEFT[0]}, twice[] = {LEFT[1], LEFT[1]};
    struct spool_state s = {.recipients = wrong, .count = 2}, t;
    assert_int_equal(spool_state_encode(&s, &b), -E_LIMIT);
    s.recipients = twice;
    assert_int_equal(spool_state_encode(&s, &b), -E_LIMIT);
    static const char bytes[] = "\1"
                                "\4\0\0\0\0"
                                "\4\0\0\0\0"; /* recipient 0, twice */
    assert_int_equal(spool_state_summary(slice_of(bytes, sizeof bytes - 1), 5, &t), -E_SYNTAX);
    assert_int_equal(spool_state_summary(slice_of(bytes, sizeof bytes - 6), 5, &t), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(envelope_comes_back),
        cmocka_unit_test(null_reverse_path_comes_back),
        cmocka_unit_test(envelope_has_the_written_layout),
        cmocka_unit_test(unknown_fields_are_passed_over),
        cmocka_unit_test(each_shorter_envelope_is_refused_or_has_fewer_fields),
        cmocka_unit_test(too_long_a_text_is_refused),
        cmocka_unit_test(state_comes_back),
        cmocka_unit_test(state_names_only_recipients_of_the_envelope),
        cmocka_unit_test(state_names_each_recipient_once_and_in_order),
    };
    return cmocka_run_group_tests_name("spool envelope", tests, NULL, NULL);
}

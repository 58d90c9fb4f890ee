/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "base/alloc.h"
#include "events/kinds.h"
#include "journey/key.h"
#include "journey/record.h"
#include "message/queue_id.h"

/* Encodes and decodes. */
static struct event through(struct arena *a, enum role role, const struct event *in) {
    _cleanup_(buf_done) struct buf record = {0};
    struct event e = {0};
    event_encode(&record, role, in);
    assert_true(record.len <= EVENT_RECORD_MAX);
    assert_int_equal(event_decode(arena_copy(a, buf_slice(&record)), a, &e), 0);
    return e;
}

static void an_event_comes_back(void **state) {
    _cleanup_(arena_done) struct arena a = {0};
    struct event_fact facts[] = {{S(FACT_TO), S("kuro@example.net\nshiro@example.com")},
                                 {S("weather"), S("fine")},
                                 {S(FACT_REASON), S("")}};
    struct event in = {
        .kind = S(KIND_DEFERRED), .text = S("Later."), .facts = facts, .fact_count = 3};
    (void)state;
    struct event e = through(&a, ROLE_RELAY, &in);
    assert_slice(e.role, "relay");
    assert_slice(e.kind, "deferred");
    assert_slice(e.text, "Later.");
    assert_int_equal(e.fact_count, 3);
    assert_slice(event_value(&e, FACT_TO), "kuro@example.net\nshiro@example.com");
    assert_slice(event_value(&e, "weather"), "fine");
    assert_non_null(event_value(&e, FACT_REASON).ptr);
    assert_null(event_value(&e, FACT_FROM).ptr);
}

static void an_unknown_kind_keeps_its_name(void **state) {
    _cleanup_(arena_done) struct arena a = {0};
    struct event in = {.kind = S("eclipse"), .text = S("It is dark.")};
    (void)state;
    struct event e = through(&a, ROLE_MASTER, &in);
    assert_slice(e.kind, "eclipse");
    assert_slice(e.role, "master");
}

static void of_one_name_the_first_fact_stays(void **state) {
    _cleanup_(arena_done) struct arena a = {0};
    struct event_fact facts[] = {{S(FACT_TO), S("a@b.c")}, {S(FACT_TO), S("d@e.f")}};
    struct event in = {.kind = S(KIND_LOOKUP), .facts = facts, .fact_count = 2};
    (void)state;
    struct event e = through(&a, ROLE_QUEUE, &in);
    assert_int_equal(e.fact_count, 1);
    assert_slice(e.facts[0].value, "a@b.c");
}

static void too_much_is_cut(void **state) {
    _cleanup_(arena_done) struct arena a = {0};
    char *long_text = mem_alloc(20000);
    struct event_fact facts[40];
    memset(long_text, 'x', 20000);
    for (size_t i = 0; i < 40; i++)
        facts[i] =
            (struct event_fact){arena_printf(&a, "a very long name of a fact, number %zu", i),
                                slice_of(long_text, 20000)};
    struct event in = {.kind = slice_of(long_text, 300),
                       .text = slice_of(long_text, 20000),
                       .facts = facts,
                       .fact_count = 40};
    (void)state;
    struct event e = through(&a, ROLE_EDGE, &in);
    assert_int_equal(e.kind.len, 48);
    assert_int_equal(e.text.len, EVENT_TEXT_MAX);
    assert_true(slice_ends(e.text, S("...")));
    assert_int_equal(e.facts[0].name.len, 32);
    assert_int_equal(e.facts[0].value.len, EVENT_VALUE_MAX);
    assert_true(slice_ends(e.facts[0].value, S("...")));
    free(long_text);
}

static void a_character_is_not_cut_in_two(void **state) {
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(buf_done) struct buf text = {0};
    buf_add_byte(&text, 'x');
    while (text.len < EVENT_TEXT_MAX + 10)
        buf_add_str(&text, "会");
    struct event in = {.kind = S(KIND_RELOAD), .text = buf_slice(&text)};
    (void)state;
    struct event e = through(&a, ROLE_EDGE, &in);
    assert_true(e.text.len <= EVENT_TEXT_MAX);
    assert_int_equal((e.text.len - 1 - 3) % 3, 0);
}

static void check_dialogue(const char *said, const char *kept) {
    _cleanup_(buf_done) struct buf clean = {0};
    event_clean_dialogue(&clean, slice_of_str(said));
    assert_slice(buf_slice(&clean), kept);
}

static void what_authenticates_is_not_kept(void **state) {
    (void)state;
    check_dialogue("C: AUTH PLAIN AHRhbWEAc2VjcmV0\nS: 235 welcome\nC: MAIL FROM:<a@b>\n",
                   "C: AUTH PLAIN ***\nS: 235 welcome\nC: MAIL FROM:<a@b>\n");
    check_dialogue("C: auth LOGIN\r\nS: 334 VXNlcm5hbWU6\r\nC: dGFtYQ==\r\nS: 334 UGFz\r\n"
                   "C: c2VjcmV0\r\nS: 535 no\r\nC: QUIT\r\n",
                   "C: auth LOGIN\nS: 334\nC: ***\nS: 334\nC: ***\nS: 535 no\nC: QUIT\n");
    check_dialogue("C: USER tama\nS: +OK\nC: PASS my secret\nS: +OK\nC: STAT\n",
                   "C: USER tama\nS: +OK\nC: PASS ***\nS: +OK\nC: STAT\n");
    check_dialogue("C: APOP tama c4c9334bac560ecc979e58001b3e22fb\nS: +OK\n",
                   "C: APOP tama ***\nS: +OK\n");
    check_dialogue("C:   AUTH   PLAIN   c2VjcmV0\n", "C: AUTH   PLAIN ***\n");
    check_dialogue("AUTH PLAIN c2VjcmV0\n...\n-- mx2\n", "...\n-- mx2\n");
    check_dialogue("c: pass c2VjcmV0\n", "C: pass ***\n");
}

static void the_message_is_not_kept(void **state) {
    (void)state;
    check_dialogue(
        "C: DATA\nS: 354 go\nC: Subject: secret\nC: Dear friend\nstill\nC: .\nS: 250 OK\n"
        "C: QUIT\n",
        "C: DATA\nS: 354 go\nC: .\nS: 250 OK\nC: QUIT\n");
    check_dialogue("C: DATA\nS: 354 go\nC: body\n-- mx2.example.net\nC: QUIT\n",
                   "C: DATA\nS: 354 go\n-- mx2.example.net\nC: QUIT\n");
}

static void facts_named_dialogue_are_cleaned(void **state) {
    _cleanup_(arena_done) struct arena a = {0};
    struct event_fact facts[] = {{S(FACT_DIALOGUE), S("C: AUTH PLAIN c2VjcmV0\n")}};
    struct event in = {.kind = S(KIND_ACCEPTED), .facts = facts, .fact_count = 1};
    (void)state;
    struct event e = through(&a, ROLE_EDGE, &in);
    assert_slice(event_value(&e, FACT_DIALOGUE), "C: AUTH PLAIN ***\n");
}

static void a_torn_record_is_corrupt(void **state) {
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(buf_done) struct buf record = {0};
    struct event_fact facts[] = {{S(FACT_TO), S("a@b.c")}, {S("weather"), S("fine")}};
    struct event in = {.kind = S("eclipse"), .text = S("Dark."), .facts = facts, .fact_count = 2};
    struct event e = {0};
    (void)state;
    event_encode(&record, ROLE_EDGE, &in);
    for (size_t len = 0; len < record.len; len++)
        assert_int_equal(event_decode(slice_first(buf_slice(&record), len), &a, &e), -E_CORRUPT);
    buf_add_byte(&record, 'x');
    assert_int_equal(event_decode(buf_slice(&record), &a, &e), -E_CORRUPT);
    record.len--;
    record.ptr[0] = 2;
    assert_int_equal(event_decode(buf_slice(&record), &a, &e), -E_VERSION);
}

static void a_record_knows_its_role(void **state) {
    _cleanup_(buf_done) struct buf record = {0};
    struct event in = {.kind = S(KIND_RELOAD)};
    (void)state;
    event_encode(&record, ROLE_QUEUE, &in);
    assert_true(event_record_is_of(buf_slice(&record), S("queue")));
    assert_false(event_record_is_of(buf_slice(&record), S("edge")));
    assert_false(event_record_is_of(S(""), S("edge")));
    for (unsigned role = 0; role < ROLE_PROCESSES; role++) { /* each has a code */
        buf_clear(&record);
        event_encode(&record, (enum role)role, &in);
        assert_true(event_record_is_of(buf_slice(&record), slice_of_str(role_processes[role])));
    }
}

/* ------------------------------------------------------------------ subjects */

static void a_subject_is_kept_readable(void **state) {
    _cleanup_(arena_done) struct arena a = {0};
    static const struct slice written[] = {{"=?ISO-2022-JP?B?GyRCMnE1RBsoQg==?=", 34},
                                           {"\x89\xef\x8b\x63", 4}}; /* raw Shift_JIS */
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(written); i++) {
        struct event_fact facts[] = {{S(FACT_SUBJECT), written[i]}};
        struct event in = {.kind = S(KIND_ACCEPTED), .facts = facts, .fact_count = 1};
        struct event e = through(&a, ROLE_EDGE, &in);
        assert_slice(event_value(&e, FACT_SUBJECT), "会議");
    }
}

/* ------------------------------------------------------------------ keys */

static void assert_fold(const char *text, const char *folded) {
    char key[KEY_MAX];
    assert_slice(key_fold(slice_of_str(text), key), folded);
}

static void keys_are_found_in_any_spelling(void **state) {
    (void)state;
    assert_fold("Tama@Example.JP", "tama@example.jp");
    assert_fold(" <Tama@Example.JP>\r\n", "tama@example.jp");
    assert_fold("<>", "");
    assert_fold("  ", "");
    assert_fold("<a", "<a");
}

static void addresses_and_message_ids_are_keys(void **state) {
    struct event_fact facts[] = {{S(FACT_FROM), S("")},
                                 {S(FACT_TO), S("a@b.c\n\nD@e.f\n")},
                                 {S(FACT_SUBJECT), S("x@y.z")},
                                 {S(FACT_MESSAGE_ID), S("<1@b.c>")}};
    struct event e = {.facts = facts, .fact_count = 4};
    static const char *const expected[] = {"a@b.c", "d@e.f", "1@b.c"};
    struct key_walk walk = {0};
    char key[KEY_MAX];
    struct slice got;
    size_t n = 0;
    (void)state;
    while (key_next(&e, &walk, key, &got)) {
        assert_true(n < ARRAY_SIZE(expected));
        assert_slice(got, expected[n++]);
    }
    assert_int_equal(n, 3);
}

static void ids_are_found_by_their_first_digits(void **state) {
    queue_id id;
    uint64_t first, last;
    (void)state;
    assert_int_equal(queue_id_parse(S("0c8q2zv5k7g00"), &id), 0);
    assert_true(key_id_range(S("0c8q2"), &first, &last));
    assert_true(first <= id && id <= last && last - first == (UINT64_C(1) << 40) - 1);
    assert_true(key_id_range(S("0c8q2zv5k7g00"), &first, &last));
    assert_true(first == id && last == id);
    assert_false(key_id_range(S("0c8q"), &first, &last));
    assert_false(key_id_range(S("0c8q2zv5k7g000"), &first, &last));
    assert_false(key_id_range(S("hello"), &first, &last) && first > last);
    assert_false(key_id_range(S("a@b.c.d"), &first, &last));
    assert_false(key_id_range(S("zzzzz"), &first, &last)); /* more than 64 bits */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_comes_back),
        cmocka_unit_test(an_unknown_kind_keeps_its_name),
        cmocka_unit_test(of_one_name_the_first_fact_stays),
        cmocka_unit_test(too_much_is_cut),
        cmocka_unit_test(a_character_is_not_cut_in_two),
        cmocka_unit_test(what_authenticates_is_not_kept),
        cmocka_unit_test(the_message_is_not_kept),
        cmocka_unit_test(facts_named_dialogue_are_cleaned),
        cmocka_unit_test(a_torn_record_is_corrupt),
        cmocka_unit_test(a_record_knows_its_role),
        cmocka_unit_test(a_subject_is_kept_readable),
        cmocka_unit_test(keys_are_found_in_any_spelling),
        cmocka_unit_test(addresses_and_message_ids_are_keys),
        cmocka_unit_test(ids_are_found_by_their_first_digits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: ISC */
/* The sentence of an event from its kind and facts alone, as who reads another language gets it. */
#include "unit.h"

#include "events/kinds.h"
#include "journey/describe.h"

#define FACTS_MAX 8U

#define FACTS(...)                                                                                 \
    (const struct event_fact[FACTS_MAX]) {                                                         \
        __VA_ARGS__                                                                                \
    }

static struct event event_of(const char *kind, const struct event_fact facts[FACTS_MAX]) {
    struct event e = {.kind = slice_of_str(kind), .text = S("as it is stored")};
    e.facts = (struct event_fact *)facts;
    while (e.fact_count < FACTS_MAX && facts[e.fact_count].name.len > 0)
        e.fact_count++;
    return e;
}

static void assert_says(const char *kind, const struct event_fact facts[FACTS_MAX],
                        const char *expected) {
    _cleanup_(buf_done) struct buf text = {0};
    struct event e = event_of(kind, facts);
    buf_add_str(&text, "> ");
    assert_int_equal(describe_from_facts(&text, &e), expected != NULL);
    assert_string_equal(buf_str(&text) + 2, expected ? expected : "");
}

static void test_the_facts_stand_in_the_sentence(void **state) {
    (void)state;
    assert_says(KIND_DELIVERED,
                FACTS({S("to"), S("info@here.test")}, {S("account"), S("tama@here.test")}),
                "info@here.test: in the mailbox of tama@here.test");
    assert_says(KIND_BOUNCED,
                FACTS({S("to"), S("a@far.test")}, {S("reply"), S("550 5.1.1 no such user\n")}),
                "a@far.test: given up (550 5.1.1 no such user)");
}

static void test_the_null_sender_is_one(void **state) {
    (void)state;
    assert_says(KIND_ACCEPTED, FACTS({S("from"), S("")}, {S("client"), S("[192.0.2.1]")}),
                "A message from [192.0.2.1], sender <>, was taken.");
}

static void test_many_addresses_are_counted(void **state) {
    (void)state;
    assert_says(KIND_QUEUED,
                FACTS({S("from"), S("a@far.test")}, {S("to"), S("b@here.test\nc@here.test")},
                      {S("size"), S("1234")}, {S("origin"), S("outside")}),
                "Message from a@far.test for 2 addresses, 1,234 bytes: on the disk");
}

static void test_the_row_that_tells_more_comes_first(void **state) {
    (void)state;
    assert_says(KIND_QUEUED,
                FACTS({S("from"), S("")}, {S("to"), S("b@here.test")}, {S("size"), S("1")},
                      {S("origin"), S("report")}),
                "Report from <> for b@here.test, 1 byte: on the disk");
    assert_says(KIND_REJECTED,
                FACTS({S("from"), S("a@far.test")}, {S("to"), S("b@here.test")},
                      {S("client"), S("[192.0.2.1]")}, {S("reply"), S("550 no")}),
                "A message from [192.0.2.1] to b@here.test was refused: 550 no");
    assert_says(KIND_REJECTED,
                FACTS({S("from"), S("a@far.test")}, {S("client"), S("[192.0.2.1]")},
                      {S("reply"), S("550 no")}),
                "A message from [192.0.2.1], sender a@far.test, was refused.");
}

static void test_a_change_says_what_was_and_what_is(void **state) {
    (void)state;
    assert_says(KIND_CHANGED,
                FACTS({S("by"), S("root")}, {S("change"), S("account.quota")},
                      {S("name"), S("tama@here.test")}, {S("before"), S("1G")},
                      {S("after"), S("2G")}),
                "root changed the quota of tama@here.test (1G, now 2G)");
    assert_says(KIND_CHANGED,
                FACTS({S("by"), S("root")}, {S("change"), S("domain.add")},
                      {S("name"), S("here.test")}, {S("before"), S("")}, {S("after"), S("")}),
                "root added the domain here.test");
    assert_says(KIND_CHANGED,
                FACTS({S("change"), S("setting")}, {S("name"), S("smtp.timeout")},
                      {S("before"), S("5min")}, {S("after"), S("4min")}),
                "The setting smtp.timeout was changed in its file (5min, now 4min)");
}

static void test_the_end_of_a_session_says_why(void **state) {
    (void)state;
    assert_says(KIND_SESSION,
                FACTS({S("login"), S("tama@here.test")}, {S("client"), S("192.0.2.1")},
                      {S("service"), S("pop3")}, {S("fetched"), S("3")}, {S("removed"), S("0")}),
                "tama@here.test fetched 3 and removed 0 messages by pop3 from 192.0.2.1.");
    assert_says(KIND_SESSION,
                FACTS({S("login"), S("tama@here.test")}, {S("client"), S("192.0.2.1")},
                      {S("service"), S("pop3")}, {S("fetched"), S("3")}, {S("removed"), S("0")},
                      {S("reason"), S("no room")}),
                "tama@here.test fetched 3 and removed 0 messages by pop3 from 192.0.2.1; then it"
                " failed: no room");
    assert_says(KIND_SESSION,
                FACTS({S("login"), S("tama@here.test")}, {S("client"), S("192.0.2.1")},
                      {S("service"), S("pop3")}, {S("reason"), S(SESSION_IN_USE)}),
                "A session of tama@here.test from 192.0.2.1 for pop3 did not begin, since another"
                " one has the mailbox open.");
    assert_says(KIND_SESSION,
                FACTS({S("login"), S("tama@here.test")}, {S("client"), S("192.0.2.1")},
                      {S("service"), S("pop3")}, {S("reason"), S("no room")}),
                "A session of tama@here.test from 192.0.2.1 for pop3 did not begin: no room");
    assert_says(KIND_SESSION,
                FACTS({S("login"), S("tama@here.test")}, {S("client"), S("192.0.2.1")},
                      {S("service"), S("imap")}, {S("fetched"), S("3")}, {S("stored"), S("1")},
                      {S("removed"), S("0")}),
                "tama@here.test fetched 3, stored 1 and removed 0 messages by imap from"
                " 192.0.2.1.");
    assert_says(KIND_SESSION,
                FACTS({S("login"), S("tama@here.test")}, {S("client"), S("192.0.2.1")},
                      {S("service"), S("imap")}, {S("reason"), S(SESSION_CROWDED)}),
                "A session of tama@here.test from 192.0.2.1 for imap was ended, since the account"
                " has too many, and it was silent.");
    assert_says(KIND_SESSION,
                FACTS({S("client"), S("192.0.2.1")}, {S("service"), S("submission")},
                      {S("reason"), S(SESSION_LOGIN_ENDED)}),
                "A session from 192.0.2.1 for submission was ended, since its login counts no"
                " more.");
    assert_says(KIND_SESSION,
                FACTS({S("client"), S("192.0.2.1")}, {S("service"), S("smtp")},
                      {S("reason"), S(SESSION_TRUST_ENDED)}),
                "A connection from 192.0.2.1 for smtp was ended, since its network is trusted no"
                " more.");
}

static void test_what_facts_do_not_tell_stays_as_it_is_stored(void **state) {
    _cleanup_(buf_done) struct buf text = {0};
    struct event e = event_of(KIND_DELIVERED, FACTS({S("to"), S("a@here.test")}));
    (void)state;
    assert_says(KIND_DELIVERED, FACTS({S("to"), S("a@here.test")}), NULL);
    assert_says(KIND_LOOKUP, FACTS({S(""), S("")}), NULL);
    assert_says("of a newer server", FACTS({S("to"), S("a@here.test")}), NULL);
    describe_event(&text, &e);
    assert_string_equal(buf_str(&text), "as it is stored");
}

static void test_who_reads_english_gets_what_is_stored(void **state) {
    _cleanup_(buf_done) struct buf text = {0};
    struct event e = event_of(KIND_SETTLED, FACTS({S(""), S("")}));
    (void)state;
    describe_event(&text, &e);
    assert_string_equal(buf_str(&text), "as it is stored");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_facts_stand_in_the_sentence),
        cmocka_unit_test(test_the_null_sender_is_one),
        cmocka_unit_test(test_many_addresses_are_counted),
        cmocka_unit_test(test_the_row_that_tells_more_comes_first),
        cmocka_unit_test(test_a_change_says_what_was_and_what_is),
        cmocka_unit_test(test_the_end_of_a_session_says_why),
        cmocka_unit_test(test_what_facts_do_not_tell_stays_as_it_is_stored),
        cmocka_unit_test(test_who_reads_english_gets_what_is_stored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

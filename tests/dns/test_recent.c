/* SPDX-License-Identifier: ISC */
#include "dns/recent.h"

#include <stdio.h>

#include "fiber/fiber.h"
#include "unit.h"

static struct {
    enum dns_code code;
    uint32_t ttl;
    size_t size; /* of the text */
    unsigned asked;
} below;

static int answer(void *arg, struct slice name, uint16_t type, struct arena *a,
                  struct dns_answer *ret) WAITS {
    (void)arg;
    below.asked++;
    *ret = (struct dns_answer){.code = below.code, .type = type, .ttl = below.ttl};
    if (below.code != DNS_OK)
        return 0;
    char *text = arena_alloc(a, below.size + 2);
    memset(text, 'x', below.size + 1);
    text[0] = (char)MIN(below.size, (size_t)255);
    ret->data = arena_array(a, 1, sizeof *ret->data);
    ret->data[0] = type == DNS_TXT ? slice_of(text, below.size + 1) : name;
    ret->count = 1;
    dns_answer_decode_records(ret, a);
    return 0;
}

static const struct dns_client server = {answer, NULL};

static unsigned ask(struct recent_answers *r, const char *name, uint16_t type) {
    _cleanup_(arena_done) struct arena a = {0};
    struct recent_client c = {r, &server};
    struct dns_client client = recent_answers_client(&c);
    struct dns_answer got;
    unsigned before = below.asked;
    assert_int_equal(client.query(client.arg, slice_of_str(name), type, &a, &got), 0);
    assert_int_equal(got.code, below.code);
    if (below.code == DNS_OK && type == DNS_TXT && below.size < 255)
        assert_int_equal(got.records[0].bytes.len, below.size);
    return below.asked - before;
}

FIBER_TEST(an_answer_counts_for_some_seconds_or_its_own_time) {
    struct recent_answers *r = recent_answers_new();
    below.code = DNS_OK, below.ttl = 300, below.size = 20;
    assert_int_equal(ask(r, "a.test", DNS_TXT), 1);
    assert_int_equal(ask(r, "A.test", DNS_TXT), 0);
    assert_int_equal(ask(r, "a.test", DNS_TLSA), 1);
    assert_int_equal(fiber_sleep(RECENT_SPAN), 0);
    assert_int_equal(ask(r, "a.test", DNS_TXT), 1);
    below.ttl = 2;
    assert_int_equal(ask(r, "b.test", DNS_TXT), 1);
    assert_int_equal(fiber_sleep(2 * USEC_SEC), 0);
    assert_int_equal(ask(r, "b.test", DNS_TXT), 1);
    recent_answers_free(r);
    recent_answers_free(NULL);
}

FIBER_TEST(that_there_is_nothing_is_an_answer_and_an_error_is_none) {
    struct recent_answers *r = recent_answers_new();
    below.ttl = 300;
    below.code = DNS_NXDOMAIN;
    assert_int_equal(ask(r, "a.test", DNS_TXT) + ask(r, "a.test", DNS_TXT), 1);
    below.code = DNS_SERVFAIL;
    assert_int_equal(ask(r, "b.test", DNS_TXT) + ask(r, "b.test", DNS_TXT), 2);
    below.code = DNS_OK, below.ttl = 0, below.size = 20;
    assert_int_equal(ask(r, "c.test", DNS_TXT) + ask(r, "c.test", DNS_TXT), 2);
    recent_answers_free(r);
}

FIBER_TEST(answers_are_bounded_in_number_and_size) {
    struct recent_answers *r = recent_answers_new();
    char name[40];
    below.code = DNS_OK, below.ttl = 300, below.size = 20;
    assert_int_equal(ask(r, "old.test", DNS_TXT), 1);
    for (unsigned i = 0; i < RECENT_ANSWERS; i++) {
        (void)snprintf(name, sizeof name, "x%u.test", i);
        assert_int_equal(ask(r, name, DNS_TXT), 1);
        assert_int_equal(ask(r, "used.test", DNS_TXT), i == 0);
    }
    assert_int_equal(ask(r, "used.test", DNS_TXT), 0);
    assert_int_equal(ask(r, "old.test", DNS_TXT), 1);
    below.size = RECENT_ANSWER_MAX;
    assert_int_equal(ask(r, "large.test", DNS_TLSA), 1);
    recent_answers_free(r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_answer_counts_for_some_seconds_or_its_own_time),
        cmocka_unit_test(test_that_there_is_nothing_is_an_answer_and_an_error_is_none),
        cmocka_unit_test(test_answers_are_bounded_in_number_and_size),
    };
    return cmocka_run_group_tests_name("recent", tests, NULL, NULL);
}

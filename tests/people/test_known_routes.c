/* SPDX-License-Identifier: ISC */
/* What is remembered of where addresses lead: whole, as long as it counts, and within its bound. */
#include "unit.h"

#include <stdio.h>

#include "people/known_routes.h"

static struct slice address_of(char *text, size_t size, int n) {
    (void)snprintf(text, size, "user%06d@example.test", n);
    return slice_of_str(text);
}

static struct route to_one(struct route_mailbox *mailbox) {
    return (struct route){.kind = ROUTE_LOCAL, .mailboxes = mailbox, .mailbox_count = 1};
}

static void test_a_route_comes_back_as_it_was_put(void **state) {
    struct known_routes *k = known_routes_new(1U << 20);
    struct arena a = {0};
    char changing[] = "tama@example.test";
    struct route_mailbox mailboxes[] = {
        {7, 1000, 10, 3, slice_of_str(changing), S("news"), 77},
        {8, 0, 20, 4, S("pochi@example.test"), S(""), 0},
    };
    struct slice forwards[] = {S("away@far.test"), S("b@far.test")}, reasons[] = {S("why")};
    struct route put = {ROUTE_LOCAL, mailboxes, 2, forwards, 2, reasons, 1}, got;
    usec_t asked = 0;
    (void)state;
    known_routes_put(k, S("all@example.test"), 5, 100, &put);
    memset(changing, 'x', sizeof changing - 1);
    assert_true(known_routes_get(k, S("all@example.test"), 5, 100, &a, &got, &asked));
    known_routes_free(k);
    assert_int_equal(asked, 100);
    assert_int_equal(got.kind, ROUTE_LOCAL);
    assert_int_equal(got.mailbox_count, 2);
    assert_int_equal(got.mailboxes[0].account_id, 7);
    assert_int_equal(got.mailboxes[0].quota, 1000);
    assert_int_equal(got.mailboxes[0].used, 10);
    assert_int_equal(got.mailboxes[0].shard, 3);
    assert_int_equal(got.mailboxes[0].replaced, 77);
    assert_slice(got.mailboxes[0].address, "tama@example.test");
    assert_slice(got.mailboxes[0].detail, "news");
    assert_slice(got.mailboxes[1].address, "pochi@example.test");
    assert_slice(got.mailboxes[1].detail, "");
    assert_int_equal(got.forward_count, 2);
    assert_slice(got.forwards[0], "away@far.test");
    assert_slice(got.forwards[1], "b@far.test");
    assert_int_equal(got.reason_count, 0);
    arena_done(&a);
}

static void test_what_was_asked_before_a_change_or_too_long_ago_is_not_known(void **state) {
    struct known_routes *k = known_routes_new(1U << 20);
    struct arena a = {0};
    struct route out = {.kind = ROUTE_NOT_OURS}, got;
    usec_t asked;
    (void)state;
    known_routes_put(k, S("x@far.test"), 5, 100, &out);
    assert_true(known_routes_get(k, S("x@far.test"), 5, 100, &a, &got, &asked));
    assert_false(known_routes_get(k, S("X@far.test"), 5, 100, &a, &got, &asked));
    assert_false(known_routes_get(k, S("x@far.test"), 6, 100, &a, &got, &asked));
    assert_false(known_routes_get(k, S("x@far.test"), 5, 100, &a, &got, &asked)); /* it is gone */
    known_routes_put(k, S("x@far.test"), 6, 100, &out);
    assert_false(known_routes_get(k, S("x@far.test"), 6, 101, &a, &got, &asked));
    assert_int_equal(known_routes_bytes(k), 0);
    known_routes_free(k);
    arena_done(&a);
}

static void test_what_leads_nowhere_is_not_kept_and_ends_what_was(void **state) {
    struct known_routes *k = known_routes_new(1U << 20);
    struct arena a = {0};
    struct route_mailbox mailbox = {.account_id = 1, .address = S("tama@example.test")};
    struct route route = to_one(&mailbox), got;
    usec_t asked;
    (void)state;
    known_routes_put(k, S("tama@example.test"), 1, 0, &route);
    assert_true(known_routes_bytes(k) > 0);
    for (int kind = ROUTE_UNKNOWN_USER; kind <= ROUTE_TEMPORARY; kind++) {
        route = (struct route){.kind = (enum route_kind)kind};
        known_routes_put(k, S("tama@example.test"), 1, 0, &route);
        assert_false(known_routes_get(k, S("tama@example.test"), 1, 0, &a, &got, &asked));
        assert_int_equal(known_routes_bytes(k), 0);
    }
    known_routes_free(k);
    arena_done(&a);
}

static void test_the_address_unused_for_longest_gives_way(void **state) {
    struct known_routes *k = known_routes_new(64U << 10);
    struct arena a = {0};
    struct route out = {.kind = ROUTE_NOT_OURS}, got;
    char text[64];
    usec_t asked;
    (void)state;
    for (int n = 0; n < 10000; n++) {
        known_routes_put(k, address_of(text, sizeof text, n), 1, 0, &out);
        assert_true(known_routes_bytes(k) <= 64U << 10);
        assert_true(known_routes_get(k, S("user000000@example.test"), 1, 0, &a, &got, &asked));
    }
    assert_true(known_routes_get(k, S("user009999@example.test"), 1, 0, &a, &got, &asked));
    assert_false(known_routes_get(k, S("user000001@example.test"), 1, 0, &a, &got, &asked));
    known_routes_free(k);
    arena_done(&a);
}

static void test_a_large_group_does_not_push_out_everybody(void **state) {
    struct known_routes *k = known_routes_new(64U << 10);
    struct arena a = {0};
    struct route_mailbox *many = arena_array(&a, ROUTE_TARGETS_MAX, sizeof *many);
    struct route out = {.kind = ROUTE_NOT_OURS}, got;
    struct route group = {
        .kind = ROUTE_LOCAL, .mailboxes = many, .mailbox_count = ROUTE_TARGETS_MAX};
    usec_t asked;
    (void)state;
    known_routes_put(k, S("x@far.test"), 1, 0, &out);
    known_routes_put(k, S("all@example.test"), 1, 0, &group);
    assert_false(known_routes_get(k, S("all@example.test"), 1, 0, &a, &got, &asked));
    assert_true(known_routes_get(k, S("x@far.test"), 1, 0, &a, &got, &asked));
    known_routes_free(k);
    arena_done(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_route_comes_back_as_it_was_put),
        cmocka_unit_test(test_what_was_asked_before_a_change_or_too_long_ago_is_not_known),
        cmocka_unit_test(test_what_leads_nowhere_is_not_kept_and_ends_what_was),
        cmocka_unit_test(test_the_address_unused_for_longest_gives_way),
        cmocka_unit_test(test_a_large_group_does_not_push_out_everybody),
    };
    return cmocka_run_group_tests_name("known_routes", tests, NULL, NULL);
}

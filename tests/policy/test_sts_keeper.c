/* SPDX-License-Identifier: ISC */
#include "policy/sts_keeper.h"

#include <errno.h>
#include <stdio.h>

#include "dns/fake.h"
#include "fiber/fiber.h"
#include "unit.h"

#define ENFORCE "version: STSv1\nmode: enforce\nmax_age: 604800\nmx: mx.example.net\n"
#define TESTING "version: STSv1\nmode: testing\nmax_age: 604800\nmx: mx.example.net\n"
#define NOTHING "version: STSv1\nmode: none\nmax_age: 604800\n"

/* What DNS and the server of example.net say now. */
struct world {
    struct fake_record zone[2];
    struct fake_dns dns;
    const char *served; /* NULL: nothing, with `error` */
    int error;
    unsigned fetches;
    usec_t takes;
};

static int fetch(void *arg, struct slice domain, struct arena *a, struct slice *ret_text,
                 struct problem *problem) WAITS {
    struct world *w = arg;
    assert_slice(domain, "example.net");
    w->fetches++;
    if (w->takes > 0 && fiber_sleep(w->takes) < 0)
        return -ECANCELED;
    if (!w->served)
        return problem_set(problem, w->error, "the server is ill");
    *ret_text = arena_copy(a, slice_of_str(w->served));
    return 0;
}

static struct sts_keeper *begin(struct world *w, const char *record, const char *served) {
    *w = (struct world){
        .zone = {{"_mta-sts.example.net", DNS_TXT, record}, {0}},
        .served = served,
        .error = -E_TEMPORARY,
    };
    w->dns.records = w->zone;
    struct sts_keeper_ops ops = {fake_dns_client(&w->dns), fetch, w, fiber_self()};
    return sts_keeper_new(&ops);
}

/* "enforce 1", "-" without a policy, and whether something failed. */
static void expect(struct sts_keeper *k, const char *wanted, bool failed) WAITS {
    _cleanup_(arena_done) struct arena a = {0};
    struct sts_found found;
    char got[64] = "-";
    assert_int_equal(sts_keeper_find(k, S("Example.NET"), &a, &found), 0);
    if (found.has_policy)
        (void)snprintf(got, sizeof got, "%s %.*s", sts_mode_name(found.policy.mode),
                       SLICE_ARG(found.id));
    assert_string_equal(got, wanted);
    assert_int_equal(found.error != 0, failed);
    assert_int_equal(found.why.len > 0, failed);
}

FIBER_TEST(found_once_and_kept) {
    struct world w;
    _cleanup_(sts_keeper_free_p) struct sts_keeper *k = begin(&w, "v=STSv1; id=1", ENFORCE);
    expect(k, "enforce 1", false);
    expect(k, "enforce 1", false);
    assert_int_equal(w.fetches, 1);
    assert_int_equal(w.dns.asked, 1);
    assert_int_equal(fiber_sleep(2 * USEC_MIN), 0);
    expect(k, "enforce 1", false);
    assert_int_equal(w.fetches, 1);
    assert_int_equal(w.dns.asked, 2);
}

FIBER_TEST(without_a_record_nothing_is_fetched) {
    struct world w;
    _cleanup_(sts_keeper_free_p) struct sts_keeper *k = begin(&w, "v=spf1 -all", ENFORCE);
    _cleanup_(arena_done) struct arena a = {0};
    struct sts_found found;
    expect(k, "-", false);
    assert_int_equal(sts_keeper_find(k, S("[192.0.2.1]"), &a, &found), 0);
    assert_false(found.has_policy);
    assert_int_equal(w.fetches, 0);
    assert_int_equal(w.dns.asked, 1);
}

FIBER_TEST(a_new_id_fetches_a_new_policy_rfc8461_3_1) {
    struct world w;
    _cleanup_(sts_keeper_free_p) struct sts_keeper *k = begin(&w, "v=STSv1; id=1", ENFORCE);
    expect(k, "enforce 1", false);
    w.zone[0].value = "v=STSv1; id=2";
    w.served = TESTING;
    assert_int_equal(fiber_sleep(2 * USEC_MIN), 0);
    expect(k, "enforce 1", false); /* it was fetched within the last five minutes */
    assert_int_equal(fiber_sleep(5 * USEC_MIN), 0);
    expect(k, "testing 2", false);
}

FIBER_TEST(what_cannot_be_fetched_leaves_the_old_policy_rfc8461_5_1) {
    struct world w;
    _cleanup_(sts_keeper_free_p) struct sts_keeper *k = begin(&w, "v=STSv1; id=1", ENFORCE);
    expect(k, "enforce 1", false);
    w.zone[0].value = "v=STSv1; id=2";
    w.served = NULL;
    assert_int_equal(fiber_sleep(6 * USEC_MIN), 0);
    expect(k, "enforce 1", true);
    w.served = "<html>not found</html>";
    assert_int_equal(fiber_sleep(6 * USEC_MIN), 0);
    expect(k, "enforce 1", true);
    assert_int_equal(w.fetches, 3);
    w.zone[0].code = DNS_SERVFAIL;
    assert_int_equal(fiber_sleep(6 * USEC_MIN), 0);
    expect(k, "enforce 1", true);
    w.zone[0] = (struct fake_record){"_mta-sts.example.net", DNS_TXT, "nothing"};
    assert_int_equal(fiber_sleep(6 * USEC_MIN), 0);
    expect(k, "enforce 1",
           true); /* a record that is gone weakens nothing before the time is over */
}

FIBER_TEST(a_failed_fetch_is_tried_again_after_five_minutes) {
    struct world w;
    _cleanup_(sts_keeper_free_p) struct sts_keeper *k = begin(&w, "v=STSv1; id=1", NULL);
    expect(k, "-", true);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(fiber_sleep(61 * USEC_SEC), 0);
        expect(k, "-", true);
    }
    assert_int_equal(w.fetches, 1);
    w.served = ENFORCE;
    assert_int_equal(fiber_sleep(USEC_MIN), 0);
    expect(k, "enforce 1", false);
}

FIBER_TEST(daily_it_is_fetched_with_the_same_id_and_nobody_waits) {
    struct world w;
    _cleanup_(sts_keeper_free_p) struct sts_keeper *k = begin(&w, "v=STSv1; id=1", ENFORCE);
    expect(k, "enforce 1", false);
    w.served = TESTING;
    w.takes = 30 * USEC_SEC;
    assert_int_equal(fiber_sleep(USEC_DAY - USEC_MIN), 0);
    expect(k, "enforce 1", false);
    assert_int_equal(w.fetches, 1);
    assert_int_equal(fiber_sleep(2 * USEC_MIN), 0);
    usec_t began = fiber_now();
    expect(k, "enforce 1", false);
    assert_int_equal(fiber_now(), began);
    assert_int_equal(fiber_sleep(USEC_MIN), 0);
    expect(k, "testing 1", false);
    assert_int_equal(w.fetches, 2);
}

FIBER_TEST(a_message_that_fails_by_it_has_it_fetched_first) {
    struct world w;
    _cleanup_(sts_keeper_free_p) struct sts_keeper *k = begin(&w, "v=STSv1; id=1", ENFORCE);
    expect(k, "enforce 1", false);
    w.served = "version: STSv1\nmode: enforce\nmax_age: 604800\nmx: new.example.net\n";
    assert_false(sts_keeper_doubt(k, S("example.net"))); /* it was fetched a moment ago */
    assert_int_equal(fiber_sleep(6 * USEC_MIN), 0);
    assert_true(sts_keeper_doubt(k, S("example.net")));
    assert_int_equal(fiber_sleep(6 * USEC_MIN), 0);
    assert_false(sts_keeper_doubt(k, S("example.net"))); /* it is the same */
    assert_false(sts_keeper_doubt(k, S("other.example")));
    assert_int_equal(w.fetches, 3);
}

FIBER_TEST(mode_none_ends_it_rfc8461_8_3) {
    struct world w;
    _cleanup_(sts_keeper_free_p) struct sts_keeper *k = begin(&w, "v=STSv1; id=1", ENFORCE);
    expect(k, "enforce 1", false);
    w.zone[0].value = "v=STSv1; id=2";
    w.served = NOTHING;
    assert_int_equal(fiber_sleep(6 * USEC_MIN), 0);
    expect(k, "-", false);
}

FIBER_TEST(it_runs_out_after_max_age_rfc8461_3_2) {
    struct world w;
    _cleanup_(sts_keeper_free_p) struct sts_keeper *k = begin(&w, "v=STSv1; id=1", ENFORCE);
    expect(k, "enforce 1", false);
    w.zone[0].value = "nothing";
    w.served = NULL;
    assert_int_equal(fiber_sleep(7 * USEC_DAY - USEC_MIN), 0);
    expect(k, "enforce 1", false);
    assert_int_equal(fiber_sleep(2 * USEC_MIN), 0);
    expect(k, "-", false);
}

static void find_one(void *arg) WAITS {
    expect(arg, "enforce 1", false);
}

FIBER_TEST(many_who_ask_at_once_fetch_it_once) {
    struct world w;
    _cleanup_(sts_keeper_free_p) struct sts_keeper *k = begin(&w, "v=STSv1; id=1", ENFORCE);
    w.takes = 10 * USEC_SEC;
    for (unsigned i = 0; i < 50; i++)
        assert_int_equal(fiber_spawn("one", find_one, k), 0);
    assert_int_equal(fiber_sleep(USEC_MIN), 0);
    assert_int_equal(fiber_children(), 0);
    assert_int_equal(w.fetches, 1);
}

FIBER_TEST(kept_over_a_restart) {
    struct world w;
    struct sts_keeper *k = begin(&w, "v=STSv1; id=1", ENFORCE);
    _cleanup_(buf_done) struct buf text = {0}, again = {0};
    expect(k, "enforce 1", false);
    assert_int_equal(sts_keeper_changes(k), 1);
    sts_keeper_save(k, &text);
    sts_keeper_free(k);
    k = begin(&w, "v=STSv1; id=1", NULL);
    sts_keeper_load(k, buf_slice(&text));
    expect(k, "enforce 1", false);
    assert_int_equal(w.fetches, 0);
    sts_keeper_save(k, &again);
    assert_slice(buf_slice(&again), buf_str(&text));
    sts_keeper_free(k);
}

FIBER_TEST(a_damaged_file_costs_what_is_damaged) {
    struct world w;
    _cleanup_(sts_keeper_free_p) struct sts_keeper *k = begin(&w, "v=STSv1; id=1", NULL);
    sts_keeper_load(k, S("\n\nx\n\nexample.org 1 1\nversion: what\n\nexample.net 1 abc\n" ENFORCE
                         "\n\nexample.net 123456789012345678901234567890123 1\n" ENFORCE
                         "\nexample.net 3"));
    assert_int_equal(sts_keeper_changes(k), 0);
    sts_keeper_load(k, S("\n\nexample.net 1 1794999999000000\n" ENFORCE "\nexample.org 3"));
    expect(k, "enforce 1", false);
}

FIBER_TEST(many_domains_are_bounded) {
    struct world w;
    struct sts_keeper *k = begin(&w, "v=STSv1; id=1", ENFORCE);
    _cleanup_(arena_done) struct arena a = {0};
    struct sts_found found;
    expect(k, "enforce 1", false);
    for (unsigned i = 0; i < STS_KEPT_MAX + 5; i++) {
        assert_int_equal(fiber_sleep(USEC_MS), 0);
        if (i % 1000 == 0)
            expect(k, "enforce 1", false); /* what is used stays */
        assert_int_equal(sts_keeper_find(k, arena_printf(&a, "d%u.example", i), &a, &found), 0);
        assert_false(found.has_policy);
    }
    expect(k, "enforce 1", false);
    assert_int_equal(w.fetches, 1);
    sts_keeper_free(k);
}

/* Each policy is as large as one may be. */
FIBER_TEST(bytes_of_policies_are_bounded) {
    struct world w;
    _cleanup_(sts_keeper_free_p) struct sts_keeper *k = begin(&w, "v=STSv1; id=1", ENFORCE);
    _cleanup_(buf_done) struct buf text = {0}, saved = {0};
    for (unsigned i = 0; i < 3000; i++) {
        assert_int_equal(fiber_sleep(USEC_MS), 0);
        buf_clear(&text);
        buf_printf(&text,
                   "d%u.example 1 1794999999000000\nversion: STSv1\nmode: enforce\n"
                   "max_age: 604800\n",
                   i);
        for (unsigned n = 0; n < STS_MX_MAX; n++)
            buf_printf(&text, "mx: %060u.%060u.%060u.%057u.x\n", n, n, n, n);
        sts_keeper_load(k, buf_slice(&text));
    }
    sts_keeper_save(k, &saved);
    assert_true(saved.len > STS_KEPT_BYTES_MAX / 4);
    assert_true(saved.len < STS_KEPT_BYTES_MAX);
    assert_true(slice_find(buf_slice(&saved), S("d2999.example 1 ")) >= 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_found_once_and_kept),
        cmocka_unit_test(test_without_a_record_nothing_is_fetched),
        cmocka_unit_test(test_a_new_id_fetches_a_new_policy_rfc8461_3_1),
        cmocka_unit_test(test_what_cannot_be_fetched_leaves_the_old_policy_rfc8461_5_1),
        cmocka_unit_test(test_a_failed_fetch_is_tried_again_after_five_minutes),
        cmocka_unit_test(test_daily_it_is_fetched_with_the_same_id_and_nobody_waits),
        cmocka_unit_test(test_a_message_that_fails_by_it_has_it_fetched_first),
        cmocka_unit_test(test_mode_none_ends_it_rfc8461_8_3),
        cmocka_unit_test(test_it_runs_out_after_max_age_rfc8461_3_2),
        cmocka_unit_test(test_many_who_ask_at_once_fetch_it_once),
        cmocka_unit_test(test_kept_over_a_restart),
        cmocka_unit_test(test_a_damaged_file_costs_what_is_damaged),
        cmocka_unit_test(test_many_domains_are_bounded),
        cmocka_unit_test(test_bytes_of_policies_are_bounded),
    };
    return cmocka_run_group_tests_name("sts_keeper", tests, NULL, NULL);
}

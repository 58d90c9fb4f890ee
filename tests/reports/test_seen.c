/* SPDX-License-Identifier: ISC */
#include "reports/seen.h"

#include "unit.h"

#define DAY 20606 /* 2026-06-02 */
#define NOW ((usec_t)DAY * USEC_DAY)

static struct kept *open_new(void) {
    struct problem p = {0};
    struct kept *k = NULL;
    if (kept_open(NULL, &k, &p) < 0)
        fail_msg("%s", p.text);
    return k;
}

static struct aggregate_auth auth[] = {
    {.domain = S("example.jp"), .selector = S("k1"), .result = S("pass")},
    {.is_spf = true, .domain = S("b.example.jp"), .result = S("softfail")}};

static struct seen_message message(const char *domain, const char *source) {
    return (struct seen_message){.domain = slice_of_str(domain),
                                 .p = S("reject"),
                                 .adkim = S("s"),
                                 .testing = S("n"),
                                 .rua = S("mailto:a@example.jp"),
                                 .source = slice_of_str(source),
                                 .header_from = S("shop.example.jp"),
                                 .envelope_from = S("b.example.jp"),
                                 .reason = S("local_policy"),
                                 .disposition = AGGREGATE_QUARANTINE,
                                 .dkim = true,
                                 .auth = auth,
                                 .auth_count = 2};
}

static void test_equal_messages_are_one_row_with_a_number(void **state UNUSED) {
    struct kept *k = open_new();
    struct arena a = {0};
    struct aggregate_report r;
    struct slice rua;
    struct seen_message list[] = {message("example.jp", "192.0.2.1"),
                                  message("example.jp", "192.0.2.1"),
                                  message("example.jp", "192.0.2.2")};
    assert_int_equal(seen_add(k, DAY, list, 3), 0);
    assert_int_equal(seen_add(k, DAY, list, 1), 0);
    assert_int_equal(seen_take(k, DAY, &a, &r, &rua), 0); /* the day is not over */
    assert_int_equal(seen_take(k, DAY + 1, &a, &r, &rua), 1);
    assert_slice(r.domain, "example.jp");
    assert_slice(rua, "mailto:a@example.jp");
    assert_int_equal(r.begin, (int64_t)DAY * 86400);
    assert_int_equal(r.end, (int64_t)DAY * 86400 + 86399);
    assert_slice(r.p, "reject");
    assert_slice(r.sp, "");
    assert_slice(r.adkim, "s");
    assert_slice(r.testing, "n");
    assert_int_equal(r.row_count, 2);
    const struct aggregate_row *row = r.rows;
    assert_slice(row->source, "192.0.2.1");
    assert_int_equal(row->count, 3);
    assert_slice(row->header_from, "shop.example.jp");
    assert_slice(row->envelope_from, "b.example.jp");
    assert_slice(row->reason, "local_policy");
    assert_int_equal(row->disposition, AGGREGATE_QUARANTINE);
    assert_true(row->dkim && !row->spf);
    assert_int_equal(row->auth_count, 2);
    assert_slice(row->auth[0].selector, "k1");
    assert_true(!row->auth[0].is_spf && row->auth[1].is_spf);
    assert_slice(row->auth[1].result, "softfail");
    assert_int_equal(row->next->count, 1);
    assert_int_equal(seen_take(k, DAY + 1, &a, &r, &rua), 0); /* taken once */
    arena_done(&a);
    kept_close(k);
}

/* RFC 9990 §3.1.4: each domain and day has its own, the policy is the last one seen. */
static void test_a_report_for_each_domain_and_day(void **state UNUSED) {
    struct kept *k = open_new();
    struct arena a = {0};
    struct aggregate_report r;
    struct slice rua;
    struct seen_message one = message("example.jp", "192.0.2.1"),
                        two = message("other.test", "192.0.2.1");
    assert_int_equal(seen_add(k, DAY, &one, 1), 0);
    one.p = S("none");
    one.rua = S("mailto:b@example.jp");
    assert_int_equal(seen_add(k, DAY, &one, 1), 0);
    assert_int_equal(seen_add(k, DAY, &two, 1), 0);
    assert_int_equal(seen_add(k, DAY + 1, &two, 1), 0);
    assert_int_equal(seen_take(k, DAY + 2, &a, &r, &rua), 1);
    assert_slice(r.domain, "example.jp");
    assert_slice(r.p, "none");
    assert_slice(rua, "mailto:b@example.jp");
    assert_int_equal(r.rows->count, 2);
    assert_int_equal(seen_take(k, DAY + 2, &a, &r, &rua), 1);
    assert_slice(r.domain, "other.test");
    assert_int_equal(seen_take(k, DAY + 2, &a, &r, &rua), 1);
    assert_int_equal(r.begin, (int64_t)(DAY + 1) * 86400);
    assert_int_equal(seen_take(k, DAY + 2, &a, &r, &rua), 0);
    arena_done(&a);
    kept_close(k);
}

static void test_old_days_are_not_reported(void **state UNUSED) {
    struct kept *k = open_new();
    struct arena a = {0};
    struct aggregate_report r;
    struct slice rua;
    struct seen_message one = message("example.jp", "192.0.2.1");
    assert_int_equal(seen_add(k, DAY, &one, 1), 0);
    assert_int_equal(seen_take(k, DAY + SEEN_DAYS + 1, &a, &r, &rua), 0);
    arena_done(&a);
    kept_close(k);
}

static void test_what_strangers_make_us_keep_is_bounded(void **state UNUSED) {
    struct kept *k = open_new();
    struct arena a = {0};
    struct aggregate_report r;
    struct slice rua;
    unsigned taken = 0;
    struct seen_message *list = arena_array(&a, SEEN_DOMAINS_MAX + 50, sizeof *list);
    for (unsigned i = 0; i < SEEN_ROWS_MAX + 50; i++)
        list[i] = message("example.jp", arena_printf(&a, "192.0.2.%u", i).ptr);
    assert_int_equal(seen_add(k, DAY, list, SEEN_ROWS_MAX + 50), 0);
    assert_int_equal(seen_take(k, DAY + 1, &a, &r, &rua), 1);
    assert_int_equal(r.row_count, SEEN_ROWS_MAX);
    for (unsigned i = 0; i < SEEN_DOMAINS_MAX + 50; i++)
        list[i] = message(arena_printf(&a, "d%u.test", i).ptr, "192.0.2.1");
    assert_int_equal(seen_add(k, DAY, list, SEEN_DOMAINS_MAX + 50), 0);
    while (seen_take(k, DAY + 1, &a, &r, &rua) == 1)
        taken++;
    assert_int_equal(taken, SEEN_DOMAINS_MAX);
    arena_done(&a);
    kept_close(k);
}

static void test_texts_that_cannot_be_kept_count_for_nothing(void **state UNUSED) {
    struct kept *k = open_new();
    struct arena a = {0};
    struct aggregate_report r;
    struct slice rua;
    static char longer[AGGREGATE_TEXT_MAX + 1];
    memset(longer, 'a', sizeof longer);
    struct seen_message list[] = {
        message("example.jp", "192.0.2.1"), message("example.jp", "192.0.2.1"),
        message("example.jp", "192.0.2.1"), message("example.jp", "192.0.2.1")};
    list[0].envelope_from = slice_of("a\0b", 3);
    list[1].header_from = slice_of(longer, sizeof longer);
    list[2].rua = slice_of(longer, sizeof longer);
    list[3].auth_count = AGGREGATE_AUTH_MAX + 1;
    assert_int_equal(seen_add(k, DAY, list, 4), 0);
    assert_int_equal(seen_take(k, DAY + 1, &a, &r, &rua), 0);
    arena_done(&a);
    kept_close(k);
}

/* A destination that refuses a report has its rest, and another one none. */
static void test_a_destination_that_fails_rests_seven_days(void **state UNUSED) {
    struct kept *k = open_new();
    assert_int_equal(seen_send(k, S("a@example.jp"), 1, NOW), 1);
    assert_int_equal(seen_send(k, S("b@example.jp"), 2, NOW), 1);
    assert_int_equal(seen_failed(k, 99, NOW), 0); /* no report of ours */
    assert_int_equal(seen_failed(k, 1, NOW), 0);
    assert_int_equal(seen_failed(k, 1, NOW), 0);
    assert_int_equal(seen_send(k, S("a@example.jp"), 3, NOW + USEC_DAY), 0);
    assert_int_equal(seen_send(k, S("b@example.jp"), 4, NOW + USEC_DAY), 1);
    assert_int_equal(seen_send(k, S("a@example.jp"), 5, NOW + 7 * USEC_DAY), 0);
    assert_int_equal(seen_send(k, S("a@example.jp"), 6, NOW + 7 * USEC_DAY + 1), 1);
    kept_close(k);
}

/* Whoever has a thousand domains cannot have an address flooded in their names. */
static void test_reports_to_one_address_are_bounded(void **state UNUSED) {
    struct kept *k = open_new();
    for (unsigned i = 0; i < SEEN_SENDS_MAX; i++)
        assert_int_equal(seen_send(k, S("a@example.jp"), 1 + i, NOW), 1);
    assert_int_equal(seen_send(k, S("a@example.jp"), 999, NOW + USEC_HOUR), 0);
    assert_int_equal(seen_send(k, S("b@example.jp"), 999, NOW + USEC_HOUR), 1);
    assert_int_equal(seen_send(k, S("a@example.jp"), 1000, NOW + USEC_DAY + 1), 1);
    kept_close(k);
}

/* What a clock that was years ahead has left behind is not true when it goes right. */
static void test_times_of_the_future_keep_nothing_back(void **state UNUSED) {
    struct kept *k = open_new();
    const usec_t ahead = NOW + 3650 * USEC_DAY;
    for (unsigned i = 0; i < SEEN_SENDS_MAX; i++)
        assert_int_equal(seen_send(k, S("a@example.jp"), 1 + i, ahead), 1);
    assert_int_equal(seen_send(k, S("b@example.jp"), 999, ahead), 1);
    assert_int_equal(seen_failed(k, 999, ahead), 0);
    assert_int_equal(seen_send(k, S("a@example.jp"), 1000, NOW), 1);
    assert_int_equal(seen_send(k, S("b@example.jp"), 1001, NOW), 1);
    kept_close(k);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_messages_are_one_row_with_a_number),
        cmocka_unit_test(test_a_report_for_each_domain_and_day),
        cmocka_unit_test(test_old_days_are_not_reported),
        cmocka_unit_test(test_what_strangers_make_us_keep_is_bounded),
        cmocka_unit_test(test_texts_that_cannot_be_kept_count_for_nothing),
        cmocka_unit_test(test_a_destination_that_fails_rests_seven_days),
        cmocka_unit_test(test_reports_to_one_address_are_bounded),
        cmocka_unit_test(test_times_of_the_future_keep_nothing_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

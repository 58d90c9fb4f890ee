/* SPDX-License-Identifier: ISC */
#include "reports/kept.h"

#include <errno.h>
#include <time.h>

#include "unit.h"

#define NOW        (1780400000 * USEC_SEC)
#define EVERYTHING ((struct kept_question){.most = 100})

static struct kept *open_new(void) {
    struct problem p = {0};
    struct kept *k = NULL;
    if (kept_open(NULL, &k, &p) < 0)
        fail_msg("%s", p.text);
    return k;
}

static int add_report(struct kept *k, const char *id, const char *domain, int64_t end,
                      const struct tally_row *rows, size_t count) {
    struct kept_report r = {.received = end * USEC_SEC + USEC_HOUR,
                            .message = 7,
                            .organization = S("Lighthouse"),
                            .id = slice_of_str(id),
                            .domain = slice_of_str(domain),
                            .policy = S("reject"),
                            .begin = end - 86399,
                            .end = end,
                            .messages = 5};
    return kept_add_report(k, &r, rows, count);
}

static void test_a_report_is_kept_once_rfc9990_3_6(void **state UNUSED) {
    struct kept *k = open_new();
    struct arena a = {0};
    struct kept_report *reports;
    struct tally_row row = {.source = S("192.0.2.1"),
                            .messages = 5,
                            .passed = 3,
                            .dkim = 2,
                            .spf = 1,
                            .quarantined = 1,
                            .rejected = 1},
                     *sources;
    struct kept_question q = EVERYTHING;
    size_t count = 0;
    assert_int_equal(add_report(k, "1", "example.jp", 1780358399, &row, 1), 0);
    assert_int_equal(add_report(k, "1", "example.jp", 1780358399, &row, 1), -EEXIST);
    assert_int_equal(add_report(k, "1", "other.test", 1780358399, &row, 1), 0);
    assert_int_equal(kept_reports(k, &q, &a, &reports, &count), 0);
    assert_int_equal(count, 2);
    assert_slice(reports[0].organization, "Lighthouse");
    assert_slice(reports[0].id, "1");
    assert_slice(reports[0].policy, "reject");
    assert_int_equal(reports[0].end, 1780358399);
    assert_int_equal(reports[0].message, 7);
    assert_int_equal(reports[0].messages, 5);
    q = EVERYTHING;
    assert_int_equal(kept_sources(k, &q, &a, &sources, &count), 0);
    assert_int_equal(count, 2);
    assert_slice(sources[0].domain, "example.jp");
    assert_slice(sources[0].source, "192.0.2.1");
    assert_int_equal(sources[0].messages, 5);
    assert_int_equal(sources[0].passed, 3);
    assert_int_equal(sources[0].dkim, 2);
    assert_int_equal(sources[0].spf, 1);
    assert_int_equal(sources[0].quarantined, 1);
    assert_int_equal(sources[0].rejected, 1);
    arena_done(&a);
    kept_close(k);
}

static void test_lists_come_in_pages(void **state UNUSED) {
    struct kept *k = open_new();
    struct arena a = {0};
    struct tally_row rows[] = {{.source = S("192.0.2.1"), .messages = 5},
                               {.source = S("192.0.2.2"), .messages = 9},
                               {.source = S(""), .messages = 1}},
                     *got;
    struct kept_report *reports;
    size_t count = 0;
    assert_int_equal(add_report(k, "1", "example.jp", 1780358399, rows, 3), 0);
    assert_int_equal(add_report(k, "2", "example.jp", 1780444799, rows, 1), 0);
    assert_int_equal(add_report(k, "3", "other.test", 1780444799, rows, 1), 0);
    struct kept_question q = {.most = 3, .domain = S("example.jp")};
    assert_int_equal(kept_sources(k, &q, &a, &got, &count), 0);
    assert_int_equal(count, 3);
    assert_slice(got[0].source, "");
    assert_slice(got[0].domain, "example.jp");
    assert_int_equal(got[1].messages, 5);
    assert_int_equal(got[2].messages, 9);
    assert_int_equal(kept_sources(k, &q, &a, &got, &count), 0);
    assert_int_equal(count, 1);
    assert_slice(got[0].source, "192.0.2.1");
    assert_int_equal(kept_sources(k, &q, &a, &got, &count), 0);
    assert_int_equal(count, 0);
    q = (struct kept_question){.most = 2};
    assert_int_equal(kept_reports(k, &q, &a, &reports, &count), 0);
    assert_int_equal(count, 2);
    assert_int_equal(kept_reports(k, &q, &a, &reports, &count), 0);
    assert_int_equal(count, 1);
    assert_slice(reports[0].id, "3");
    arena_done(&a);
    kept_close(k);
}

/* Every page added up all that there is: 80,000 rows of strangers took minutes. */
static void test_all_pages_cost_one_reading(void **state UNUSED) {
    struct kept *k = open_new();
    struct arena a = {0};
    struct timespec before, after;
    struct tally_row *got, *rows = arena_array(&a, KEPT_SOURCES_OF_ONE_MAX, sizeof *rows);
    size_t count = 0, all = 0;
    for (unsigned i = 0; i < KEPT_SOURCES_OF_ONE_MAX; i++)
        rows[i] = (struct tally_row){.source = arena_printf(&a, "192.0.2.%u", i), .messages = 1};
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(add_report(k, arena_printf(&a, "%u", i).ptr, "example.jp", 1780358399 + i,
                                    rows, KEPT_SOURCES_OF_ONE_MAX),
                         0);
    struct kept_question q = {.most = 100};
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
    do {
        assert_int_equal(kept_sources(k, &q, &a, &got, &count), 0);
        all += count;
    } while (count > 0);
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
    assert_int_equal(all, 20 * KEPT_SOURCES_OF_ONE_MAX);
    assert_true(after.tv_sec - before.tv_sec <= 3);
    arena_done(&a);
    kept_close(k);
}

static void test_a_question_has_a_time_and_a_domain(void **state UNUSED) {
    static const struct {
        usec_t since, until;
        const char *domain;
        size_t count;
    } rows[] = {{0, 0, "", 3},
                {1780444799 * USEC_SEC, 0, "", 2},
                {0, 1780444799 * USEC_SEC, "", 2},
                {1780444799 * USEC_SEC, 0, "example.jp", 1},
                {0, 0, "jp", 0}};
    struct kept *k = open_new();
    struct tally_row row = {.source = S("192.0.2.1"), .messages = 5};
    assert_int_equal(add_report(k, "1", "example.jp", 1780358399, &row, 1), 0);
    assert_int_equal(add_report(k, "2", "example.jp", 1780444799, &row, 1), 0);
    assert_int_equal(add_report(k, "3", "other.test", 0, &row, 1), 0); /* nobody says when */
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct arena a = {0};
        struct kept_report *got;
        size_t count = 0;
        struct kept_question q = {.since = rows[i].since,
                                  .until = rows[i].until,
                                  .domain = slice_of_str(rows[i].domain),
                                  .most = 100};
        assert_int_equal(kept_reports(k, &q, &a, &got, &count), 0);
        assert_int_equal(count, rows[i].count);
        arena_done(&a);
    }
    kept_close(k);
}

static void test_failures_and_bad_ones_are_kept(void **state UNUSED) {
    struct kept *k = open_new();
    struct arena a = {0};
    struct failure_report f = {.received = NOW,
                               .message = 9,
                               .failure = S("dmarc"),
                               .domain = S("example.jp"),
                               .source = S("192.0.2.1"),
                               .subject = S("hello"),
                               .arrival = NOW - 1,
                               .incidents = 4},
                          *failures;
    struct kept_bad bad = {NOW, 3, S("no report")}, *bads;
    struct kept_question q = EVERYTHING;
    size_t count = 0;
    assert_int_equal(kept_add_failure(k, &f), 0);
    assert_int_equal(kept_add_bad(k, &bad), 0);
    assert_int_equal(kept_failures(k, &q, &a, &failures, &count), 0);
    assert_int_equal(count, 1);
    assert_slice(failures[0].failure, "dmarc");
    assert_slice(failures[0].domain, "example.jp");
    assert_slice(failures[0].subject, "hello");
    assert_slice(failures[0].from, "");
    assert_int_equal(failures[0].arrival, NOW - 1);
    assert_int_equal(failures[0].incidents, 4);
    q = EVERYTHING;
    assert_int_equal(kept_bads(k, &q, &a, &bads, &count), 0);
    assert_int_equal(count, 1);
    assert_slice(bads[0].reason, "no report");
    assert_int_equal(bads[0].message, 3);
    q = (struct kept_question){.since = NOW + 1, .most = 100};
    assert_int_equal(kept_bads(k, &q, &a, &bads, &count), 0);
    assert_int_equal(count, 0);
    arena_done(&a);
    kept_close(k);
}

/* A million rows, ten thousand reports: the file does not grow for ever. */
static void test_the_oldest_go_when_there_are_too_many(void **state UNUSED) {
    struct kept *k = open_new();
    struct arena a = {0};
    struct kept_report *reports;
    struct kept_bad bad = {NOW, 1, S("no report")}, *bads;
    size_t count = 0;
    struct tally_row *rows = arena_array(&a, KEPT_SOURCES_OF_ONE_MAX, sizeof *rows);
    for (unsigned i = 0; i < KEPT_SOURCES_OF_ONE_MAX; i++)
        rows[i] = (struct tally_row){.source = arena_printf(&a, "192.0.2.%u", i), .messages = 1};
    for (unsigned i = 0; i < 110; i++)
        assert_int_equal(add_report(k, arena_printf(&a, "%u", i).ptr, "example.jp", 1780358399 + i,
                                    rows, KEPT_SOURCES_OF_ONE_MAX),
                         0);
    struct kept_question q = {.most = 200};
    assert_int_equal(kept_reports(k, &q, &a, &reports, &count), 0);
    assert_int_equal(count, 99);
    assert_slice(reports[0].id, "11");
    for (unsigned i = 0; i < KEPT_BAD_MAX + 5; i++)
        assert_int_equal(kept_add_bad(k, &bad), 0);
    q = (struct kept_question){.most = (size_t)2 * KEPT_BAD_MAX};
    assert_int_equal(kept_bads(k, &q, &a, &bads, &count), 0);
    assert_int_equal(count, KEPT_BAD_MAX);
    arena_done(&a);
    kept_close(k);
}

/* A hundred messages of somebody do not push out what all others have sent. */
static void test_who_sends_much_pushes_out_his_own(void **state UNUSED) {
    struct kept *k = open_new();
    struct arena a = {0};
    struct kept_report *reports;
    struct kept_question q = {.most = 200};
    size_t count = 0;
    struct tally_row *rows = arena_array(&a, KEPT_SOURCES_OF_ONE_MAX, sizeof *rows);
    for (unsigned i = 0; i < KEPT_SOURCES_OF_ONE_MAX; i++)
        rows[i] = (struct tally_row){.source = arena_printf(&a, "192.0.2.%u", i), .messages = 1};
    for (unsigned i = 0; i < 120; i++) {
        struct kept_report r = {.received = NOW + i,
                                .verified = i == 0 ? S("honest.test") : S("flood.test"),
                                .id = arena_printf(&a, "%u", i),
                                .domain = S("example.jp")};
        assert_int_equal(kept_add_report(k, &r, rows, KEPT_SOURCES_OF_ONE_MAX), 0);
    }
    assert_int_equal(kept_reports(k, &q, &a, &reports, &count), 0);
    assert_int_equal(count, 99);
    assert_slice(reports[0].verified, "honest.test");
    assert_slice(reports[98].id, "119");
    arena_done(&a);
    kept_close(k);
}

static void test_what_is_old_goes(void **state UNUSED) {
    struct kept *k = open_new();
    struct arena a = {0};
    struct kept_report *reports;
    struct kept_question q = EVERYTHING;
    struct tally_row row = {.source = S("192.0.2.1"), .messages = 5}, *sources;
    size_t count = 0;
    assert_int_equal(add_report(k, "1", "example.jp", 1780358399, &row, 1), 0);
    assert_int_equal(
        add_report(k, "2", "example.jp", 1780358399 + KEPT_FOR / USEC_SEC + 1, &row, 1), 0);
    assert_int_equal(kept_reports(k, &q, &a, &reports, &count), 0);
    assert_int_equal(count, 1);
    assert_slice(reports[0].id, "2");
    q = EVERYTHING;
    assert_int_equal(kept_sources(k, &q, &a, &sources, &count), 0);
    assert_int_equal(sources[0].messages, 5);
    arena_done(&a);
    kept_close(k);
}

/* While the clock is not believed nothing goes for its age. */
static void test_what_is_old_by_a_clock_that_is_ahead_stays(void **state UNUSED) {
    struct kept *k = open_new();
    struct arena a = {0};
    struct kept_report *reports;
    struct kept_question q = EVERYTHING;
    struct tally_row row = {.source = S("192.0.2.1"), .messages = 5};
    size_t count = 0;
    const time_t ahead = 1780358399 + KEPT_FOR / USEC_SEC + 1;
    assert_int_equal(add_report(k, "1", "example.jp", 1780358399, &row, 1), 0);
    kept_spare_old(k, true);
    assert_int_equal(add_report(k, "2", "example.jp", ahead, &row, 1), 0);
    assert_int_equal(kept_reports(k, &q, &a, &reports, &count), 0);
    assert_int_equal(count, 2);
    kept_spare_old(k, false);
    assert_int_equal(add_report(k, "3", "example.jp", ahead, &row, 1), 0);
    q = EVERYTHING;
    assert_int_equal(kept_reports(k, &q, &a, &reports, &count), 0);
    assert_int_equal(count, 2);
    arena_done(&a);
    kept_close(k);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_report_is_kept_once_rfc9990_3_6),
        cmocka_unit_test(test_lists_come_in_pages),
        cmocka_unit_test(test_all_pages_cost_one_reading),
        cmocka_unit_test(test_a_question_has_a_time_and_a_domain),
        cmocka_unit_test(test_failures_and_bad_ones_are_kept),
        cmocka_unit_test(test_the_oldest_go_when_there_are_too_many),
        cmocka_unit_test(test_who_sends_much_pushes_out_his_own),
        cmocka_unit_test(test_what_is_old_goes),
        cmocka_unit_test(test_what_is_old_by_a_clock_that_is_ahead_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

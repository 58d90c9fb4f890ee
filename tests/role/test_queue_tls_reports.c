/* SPDX-License-Identifier: ISC */
/* Reports of TLS: who gets one, and who gets none. The queue is a real one in a folder of its own.
 */
#include "role/queue/queue_tls_reports.h"

#include <errno.h>
#include <stdio.h>

#include "folder.h"
#include "reports/tlsrpt.h"
#include "role/lone.h"

struct world {
    struct lone *l;
    struct queue_tls_reports *reports;
    struct queue *queue;
    const char *record; /* at _smtp._tls.example.net */
    int refusal;        /* what the fetcher answers */
    unsigned given;     /* over HTTPS */
    uint64_t succeeded; /* in the latest one */
    char folder[64];
};

static int on_query(void *arg, const struct rpc_caller *caller,
                    const struct rpc_resolver_query_in *in, struct arena *a,
                    struct rpc_resolver_query_out *out, struct problem *problem) {
    struct world *w = arg;
    struct dns_record record = {.bytes = slice_of_str(w->record)};
    struct slice data = arena_printf(a, "%c%s", (int)strlen(w->record), w->record);
    struct dns_answer answer = {
        .code = DNS_OK, .type = DNS_TXT, .records = &record, .data = &data, .count = 1};
    _cleanup_(buf_done) struct buf flat = {0};
    (void)caller;
    (void)problem;
    assert_true(slice_starts(in->name, S("_smtp._tls.")));
    dns_answer_encode(&flat, &answer);
    out->answer = arena_copy(a, buf_slice(&flat));
    return 0;
}

static int on_get(void *arg, const struct rpc_caller *caller, const struct rpc_fetcher_get_in *in,
                  struct arena *a, struct rpc_fetcher_get_out *out, struct problem *problem) {
    struct world *w = arg;
    struct tlsrpt_report r;
    (void)caller;
    (void)out;
    assert_slice(in->what, "https://reports.example.net/v1");
    assert_int_equal(tlsrpt_read(in->sent, a, &r, NULL), 0);
    w->given++;
    w->succeeded = r.policies->succeeded;
    return w->refusal < 0 ? problem_set(problem, w->refusal, "no") : 0;
}

static const struct rpc_resolver_handlers resolver = {.query = on_query};
static const struct rpc_fetcher_handlers fetcher = {.get = on_get};

static void begin(struct world *w, const char *record) WAITS {
    *w = (struct world){.l = lone_new(ROLE_QUEUE), .record = record};
    (void)snprintf(w->folder, sizeof w->folder, "/tmp/hytls.XXXXXX");
    assert_non_null(mkdtemp(w->folder));
    assert_int_equal(chdir(w->folder), 0);
    lone_set(w->l, "hostname", "mx.example.test");
    lone_peer(w->l, ROLE_RESOLVER, &resolver, w);
    lone_peer(w->l, ROLE_FETCHER, &fetcher, w);
    lone_open(w->l);
    w->queue = *(struct queue **)w->l->process.state; /* its first member */
    w->reports = queue_tls_reports_new(&w->l->process, &w->queue);
}

static void end(struct world *w) WAITS {
    queue_tls_reports_free(w->reports);
    lone_end(w->l);
    empty_folder(AT_FDCWD, w->folder);
    assert_int_equal(chdir("/"), 0);
    (void)rmdir(w->folder);
}

static void add_of(struct world *w, const char *domain, const char *result) {
    struct rpc_session s = {
        .policy = S("sts"), .result = slice_of_str(result), .host = S("mx.example.net")};
    struct sts_found found = {.text = S("version: STSv1\n")};
    queue_tls_reports_add(w->reports, slice_of_str(domain), &found, &s, 1);
}

static void add(struct world *w, const char *result) {
    add_of(w, "example.net", result);
}

static uint64_t queued(const struct world *w) {
    struct queue_stats stats;
    queue_stats(w->queue, &stats);
    return stats.messages;
}

static void send_next_day(struct world *w) WAITS {
    assert_int_equal(queue_tls_reports_send(w->reports, fiber_wall() + USEC_DAY), 0);
}

REAL_FIBER_TEST(a_domain_that_asks_gets_its_report_by_mail_and_https_once) {
    struct world w;
    begin(&w,
          "v=TLSRPTv1; rua=mailto:tls@example.net,https://reports.example.net/v1,mailto:c@x.test");
    add(&w, "");
    add(&w, "");
    assert_int_equal(queue_tls_reports_send(w.reports, fiber_wall()), 0); /* today is not over */
    assert_int_equal(queued(&w) + w.given, 0);
    send_next_day(&w);
    assert_int_equal(queued(&w), 1); /* the third destination is one too many */
    assert_int_equal(w.given, 1);
    assert_int_equal(w.succeeded, 2);
    send_next_day(&w);
    assert_int_equal(queued(&w), 1);
    end(&w);
}

REAL_FIBER_TEST(a_domain_that_does_not_ask_gets_none) {
    struct world w;
    begin(&w, "v=spf1 -all");
    add(&w, "certificate-expired");
    send_next_day(&w);
    assert_int_equal(queued(&w) + w.given, 0);
    end(&w);
}

REAL_FIBER_TEST(a_destination_that_does_not_take_it_rests) {
    struct world w;
    begin(&w, "v=TLSRPTv1; rua=https://reports.example.net/v1");
    w.refusal = -E_REFUSED;
    for (unsigned i = 0; i < 3; i++) {
        add(&w, "");
        send_next_day(&w);
    }
    assert_int_equal(w.given, 1);
    assert_true(lone_has_told(w.l, "which gets none for seven days"));
    end(&w);
}

REAL_FIBER_TEST(a_destination_gets_one_a_day_whoever_names_it) {
    struct world w;
    begin(&w, "v=TLSRPTv1; rua=mailto:victim@example.org");
    add_of(&w, "one.example", "");
    add_of(&w, "two.example", "");
    add_of(&w, "three.example", "");
    send_next_day(&w);
    assert_int_equal(queued(&w), 1);
    end(&w);
}

REAL_FIBER_TEST(who_wants_none_sent_sends_none) {
    struct world w;
    begin(&w, "v=TLSRPTv1; rua=mailto:tls@example.net");
    w.l->conf->relay.tls_reports = false;
    w.l->process.conf->relay.tls_reports = false;
    add(&w, "");
    send_next_day(&w);
    assert_int_equal(queued(&w), 0);
    end(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_domain_that_asks_gets_its_report_by_mail_and_https_once),
        cmocka_unit_test(test_a_domain_that_does_not_ask_gets_none),
        cmocka_unit_test(test_a_destination_that_does_not_take_it_rests),
        cmocka_unit_test(test_a_destination_gets_one_a_day_whoever_names_it),
        cmocka_unit_test(test_who_wants_none_sent_sends_none),
    };
    return cmocka_run_group_tests_name("TLS reports", tests, NULL, NULL);
}

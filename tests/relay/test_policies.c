/* SPDX-License-Identifier: ISC */
/*
 * Messages to domains that demand something of TLS. example.net has mx1 (192.0.2.1) and behind it
 * mx2 (192.0.2.2), all of it signed; what mx1 says of its certificate is the test's.
 */
#include "unit.h"

#include <errno.h>

#include "relay/world.h"

#define OTHER "3 1 1 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static struct fake_record records[] = {
    {"example.net", DNS_MX, "10 mx1.example.net", .secure = true},
    {"example.net", DNS_MX, "20 mx2.example.net", .secure = true},
    {"mx1.example.net", DNS_A, "192.0.2.1", .secure = true},
    {"mx2.example.net", DNS_A, "192.0.2.2", .secure = true},
    {"_25._tcp.mx1.example.net", DNS_TLSA},
    {0},
};
#define OF_MX1 4

struct policy_world {
    struct world w;
    struct fake_host hosts[3];
    struct relay_job job;
};

static const struct recipient mike = {.address = {"mike@example.net", 16}};

/* NULL: the one that fits. */
static void begin_with(struct policy_world *p, const char *tlsa) {
    struct problem problem;
    *p = (struct policy_world){.hosts = {{.address = "192.0.2.1", .starttls = true},
                                         {.address = "192.0.2.2", .starttls = true}}};
    begin(&p->w, p->hosts);
    records[OF_MX1] =
        (struct fake_record){"_25._tcp.mx1.example.net", DNS_TLSA,
                             tlsa ? tlsa : network_tlsa(p->w.network), .secure = true};
    p->w.dns.records = records;
    assert_int_equal(tls_client_new(&p->w.options.tls, &problem), 0);
    assert_int_equal(tls_verifying_client_new(network_certificate(p->w.network),
                                              &p->w.options.tls_verifying, &problem),
                     0);
    open_relay(&p->w);
    p->job = job_for(&p->w, "example.net", &mike, 1);
    p->job.policies = true;
}

static const struct relay_result *send_it(struct policy_world *p) {
    p->w.told.len = 0;
    assert_int_equal(relay_transmit(p->w.relay, &p->job, &p->w.a, &p->w.outcome), 0);
    return &p->w.outcome.results[0];
}

static void finish(struct policy_world *p) {
    tls_context_free(p->w.options.tls);
    tls_context_free(p->w.options.tls_verifying);
    end(&p->w);
}

static void assert_told(struct policy_world *p, const char *sentence) {
    if (slice_find(buf_slice(&p->w.told), slice_of_str(sentence)) < 0)
        fail_msg("not told: %s\n%.*s", sentence, SLICE_ARG(buf_slice(&p->w.told)));
}

FIBER_TEST(rfc7672_3_1_1_a_certificate_that_fits_its_record_is_enough) {
    struct policy_world p;
    begin_with(&p, NULL);
    assert_int_equal(send_it(&p)->disposition, RELAY_DELIVERED);
    assert_true(p.w.outcome.tls);
    assert_int_equal(p.hosts[0].with_tls, 1);
    assert_told(&p, ", verified by DANE (3 1 1), 1 TLSA record at _25._tcp.mx1.example.net\n");
    assert_int_equal(send_it(&p)->disposition, RELAY_DELIVERED);
    assert_told(&p, "Using the open connection to mx1.example.net [192.0.2.1], message 2, TLSv1.3");
    assert_told(&p, ", verified by DANE (3 1 1), 1 TLSA record at _25._tcp.mx1.example.net\n");
    finish(&p);
}

FIBER_TEST(rfc7672_2_2_a_host_whose_certificate_does_not_fit_gets_nothing) {
    struct policy_world p;
    begin_with(&p, OTHER);
    p.hosts[1].connect_error = -ECONNREFUSED;
    const struct relay_result *result = send_it(&p);
    assert_int_equal(result->disposition, RELAY_LATER);
    assert_int_equal(p.hosts[0].connections, 1); /* not once more without TLS */
    assert_int_equal(p.hosts[0].messages, 0);
    assert_told(&p, "tls: TLS failed: the certificate cannot be verified: ");
    finish(&p);
}

FIBER_TEST(rfc7672_2_2_1_the_next_host_is_tried_by_its_own_records) {
    struct policy_world p;
    begin_with(&p, OTHER);
    assert_int_equal(send_it(&p)->disposition, RELAY_DELIVERED);
    assert_int_equal(p.hosts[0].messages, 0);
    assert_int_equal(p.hosts[1].messages, 1);
    assert_told(&p, ", as it is offered: no DANE, there are no TLSA records at "
                    "_25._tcp.mx2.example.net\n");
    finish(&p);
}

FIBER_TEST(rfc7672_2_2_a_host_with_records_that_does_not_offer_tls_gets_nothing) {
    struct policy_world p;
    begin_with(&p, NULL);
    p.hosts[0].starttls = false;
    p.hosts[1].connect_error = -ECONNREFUSED;
    const struct relay_result *result = send_it(&p);
    assert_int_equal(result->disposition, RELAY_LATER);
    assert_int_equal(p.hosts[0].messages, 0);
    assert_told(&p, "451 4.7.4 TLS with mx1.example.net [192.0.2.1] is demanded by DANE: 1 TLSA "
                    "record at _25._tcp.mx1.example.net, but it does not offer STARTTLS\n");
    finish(&p);
}

FIBER_TEST(
    rfc7672_2_2_with_records_of_which_none_can_be_used_any_certificate_does_but_no_plain_text) {
    struct policy_world p;
    begin_with(&p, "1 1 1 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
    p.hosts[1].connect_error = -ECONNREFUSED;
    assert_int_equal(send_it(&p)->disposition, RELAY_DELIVERED);
    assert_int_equal(p.hosts[0].with_tls, 1);
    assert_told(&p, ", DANE: the 1 TLSA record at _25._tcp.mx1.example.net cannot be used, so any "
                    "certificate will do\n");
    finish(&p);

    begin_with(&p, "1 1 1 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
    p.hosts[0].tls_broken = true;
    p.hosts[1].connect_error = -ECONNREFUSED;
    assert_int_equal(send_it(&p)->disposition, RELAY_LATER);
    assert_int_equal(p.hosts[0].messages, 0);
    finish(&p);
}

FIBER_TEST(rfc7672_2_1_2_a_host_whose_records_cannot_be_looked_up_is_passed_over) {
    struct policy_world p;
    begin_with(&p, NULL);
    records[OF_MX1] =
        (struct fake_record){"_25._tcp.mx1.example.net", DNS_TLSA, .code = DNS_SERVFAIL};
    assert_int_equal(send_it(&p)->disposition, RELAY_DELIVERED);
    assert_int_equal(p.hosts[0].connections, 0);
    assert_int_equal(p.hosts[1].messages, 1);
    finish(&p);

    begin_with(&p, NULL);
    records[OF_MX1] =
        (struct fake_record){"_25._tcp.mx1.example.net", DNS_TLSA, .code = DNS_TIMEOUT};
    p.hosts[1].connect_error = -ECONNREFUSED;
    assert_int_equal(send_it(&p)->disposition, RELAY_LATER);
    assert_int_equal(p.hosts[0].connections, 0);
    assert_told(&p, "unreachable: mx1.example.net is passed over, since nobody knows what DANE "
                    "demands there: TLSA look-up of _25._tcp.mx1.example.net failed: the name "
                    "servers did not answer in time\n");
    finish(&p);
}

FIBER_TEST(what_failed_without_a_policy_is_not_left_out_with_one) {
    struct policy_world p;
    begin_with(&p, NULL);
    p.hosts[0].tls_broken = true;
    p.job.policies = false;
    assert_int_equal(send_it(&p)->disposition, RELAY_DELIVERED); /* in plain text */
    assert_int_equal(p.hosts[0].with_tls, 0);
    p.hosts[0].tls_broken = false;
    p.job.policies = true;
    assert_int_equal(send_it(&p)->disposition, RELAY_DELIVERED);
    assert_int_equal(p.hosts[0].with_tls, 1);
    finish(&p);
}

FIBER_TEST(connections_are_used_again_only_for_an_equal_policy) {
    struct policy_world p;
    begin_with(&p, OTHER);
    p.hosts[1].connect_error = -ECONNREFUSED;
    p.job.policies = false;
    assert_int_equal(send_it(&p)->disposition, RELAY_DELIVERED);
    p.job.policies = true;
    assert_int_equal(send_it(&p)->disposition, RELAY_LATER);
    assert_int_equal(p.hosts[0].messages, 1);
    finish(&p);
}

FIBER_TEST(settings_come_before_policies) {
    struct policy_world p;
    begin_with(&p, OTHER);
    p.job.tls = RELAY_TLS_ENCRYPT;
    assert_int_equal(send_it(&p)->disposition, RELAY_DELIVERED);
    assert_int_equal(p.hosts[0].with_tls, 1);
    assert_told(&p, ", as the settings demand\n");
    finish(&p);
}

FIBER_TEST(a_host_that_says_nothing_of_tls_is_named_with_the_reason) {
    struct policy_world p;
    begin_with(&p, NULL);
    records[OF_MX1] = (struct fake_record){"elsewhere.example", DNS_A, "192.0.2.9"};
    p.hosts[0].starttls = false;
    assert_int_equal(send_it(&p)->disposition, RELAY_DELIVERED);
    assert_told(&p, "tls: In plain text, since it does not offer STARTTLS; no DANE, there are no "
                    "TLSA records at _25._tcp.mx1.example.net\n");
    assert_int_equal(send_it(&p)->disposition, RELAY_DELIVERED);
    assert_told(&p, ", message 2, in plain text\n");
    finish(&p);
}

/* ------------------------------------------------------------------ what the message says */

static bool said(struct policy_world *p, const char *line) {
    return slice_find(p->w.outcome.dialogue, slice_of_str(line)) >= 0;
}

FIBER_TEST(rfc8689_3_a_message_that_waives_tls_goes_past_broken_policies) {
    struct policy_world p;
    begin_with(&p, OTHER);
    p.job.message.envelope.shape = SHAPE_TLS_WAIVED;
    assert_int_equal(send_it(&p)->disposition, RELAY_DELIVERED);
    assert_int_equal(p.hosts[0].messages, 1);
    finish(&p);
}

FIBER_TEST(rfc8689_4_2_1_a_message_that_demands_tls_goes_to_a_host_that_promises_it) {
    struct policy_world p;
    begin_with(&p, NULL);
    p.hosts[0].extension = "REQUIRETLS";
    p.job.message.envelope.shape = SHAPE_REQUIRE_TLS | SHAPE_TLS_WAIVED; /* the first counts */
    assert_int_equal(send_it(&p)->disposition, RELAY_DELIVERED);
    assert_int_equal(p.hosts[0].with_tls, 1);
    assert_true(said(&p, "C: MAIL FROM:<tama@example.test> REQUIRETLS\n"));
    assert_told(&p, ", verified by DANE (3 1 1)");
    finish(&p);
}

FIBER_TEST(rfc8689_4_2_1_where_no_host_promises_it_the_message_goes_back) {
    struct policy_world p;
    begin_with(&p, NULL);
    p.hosts[1].starttls = false;
    p.job.message.envelope.shape = SHAPE_REQUIRE_TLS;
    const struct relay_result *result = send_it(&p);
    assert_int_equal(p.hosts[0].connections, 1);
    assert_int_equal(p.hosts[1].connections, 1);
    assert_int_equal(result->disposition, RELAY_LATER); /* mx2 may have TLS again in an hour */
    assert_false(said(&p, "C: MAIL"));
    p.hosts[1].starttls = true;
    p.job.ignore_rest = true;
    records[1] = records[0];
    result = send_it(&p);
    assert_int_equal(result->disposition, RELAY_NEVER);
    assert_int_equal(result->reply.status.detail, 30); /* 5.7.30 */
    records[1] = (struct fake_record){"example.net", DNS_MX, "20 mx2.example.net", .secure = true};
    finish(&p);
}

FIBER_TEST(rfc8689_4_2_1_where_nobody_vouches_for_the_host_the_message_goes_back) {
    struct policy_world p;
    begin_with(&p, NULL);
    p.hosts[0].extension = p.hosts[1].extension = "REQUIRETLS";
    records[0].secure = records[1].secure = false;
    p.job.message.envelope.shape = SHAPE_REQUIRE_TLS;
    const struct relay_result *result = send_it(&p);
    records[0].secure = records[1].secure = true;
    assert_int_equal(result->disposition, RELAY_NEVER);
    assert_int_equal(result->reply.status.detail, 30);
    assert_int_equal(p.hosts[0].connections, 0);
    assert_told(&p,
                "but nobody vouches for mx1.example.net: what names the hosts of example.net is "
                "not signed\n");
    finish(&p);
}

/* Without TLSA records an authority has to vouch for the certificate. */
FIBER_TEST(rfc8689_4_2_1_without_dane_the_certificate_has_to_be_for_the_host) {
    static const struct fake_record named[] = {
        {"example.net", DNS_MX, "10 fake.example", .secure = true},
        {"fake.example", DNS_A, "192.0.2.1", .secure = true},
        {"other.example", DNS_MX, "10 mx1.other.example", .secure = true},
        {"mx1.other.example", DNS_A, "192.0.2.1", .secure = true},
        {0},
    };
    struct policy_world p;
    begin_with(&p, NULL);
    p.w.dns.records = named;
    p.hosts[0].extension = "REQUIRETLS";
    p.job.message.envelope.shape = SHAPE_REQUIRE_TLS;
    assert_int_equal(send_it(&p)->disposition, RELAY_DELIVERED);
    assert_told(&p, ", REQUIRETLS: the message demands it\n");
    p.job.to.name = S("other.example");
    assert_int_equal(send_it(&p)->disposition, RELAY_LATER);
    assert_told(&p, "tls: TLS failed: the certificate cannot be verified: ");
    assert_int_equal(p.hosts[0].messages, 1);
    finish(&p);
}

FIBER_TEST(rfc8689_no_connection_without_the_promise_is_used_again_for_it) {
    struct policy_world p;
    begin_with(&p, NULL);
    p.hosts[0].extension = "REQUIRETLS";
    assert_int_equal(send_it(&p)->disposition, RELAY_DELIVERED);
    p.job.message.envelope.shape = SHAPE_REQUIRE_TLS;
    assert_int_equal(send_it(&p)->disposition, RELAY_DELIVERED);
    assert_int_equal(p.hosts[0].connections, 2);
    assert_int_equal(send_it(&p)->disposition, RELAY_DELIVERED);
    assert_int_equal(p.hosts[0].connections, 2);
    finish(&p);
}

/* ------------------------------------------------------------------ MTA-STS */

#define STS(mode, mx) "version: STSv1\nmode: " mode "\nmax_age: 86400\nmx: " mx "\n"

/* What is noted for reports (RFC 8460 §4.3): "tlsa -, sts certificate-expired". */
static void assert_noted(struct policy_world *p, const char *expected) {
    _cleanup_(buf_done) struct buf noted = {0};
    for (size_t i = 0; i < p->w.outcome.session_count; i++) {
        const struct relay_session *s = &p->w.outcome.sessions[i];
        buf_printf(&noted, "%s%s %s", i > 0 ? ", " : "", s->policy, s->result[0] ? s->result : "-");
    }
    assert_slice(buf_slice(&noted), expected);
}

/* Without DANE, with this policy of example.net; the hosts' certificate is for another name. */
static void begin_with_sts(struct policy_world *p, const char *text) {
    begin_with(p, NULL);
    records[OF_MX1] = (struct fake_record){"elsewhere.example", DNS_A, "192.0.2.9"};
    struct sts_policy *sts = ARENA_NEW(&p->w.a, struct sts_policy);
    p->job.sts_text = slice_of_str(text);
    assert_int_equal(sts_policy_read(p->job.sts_text, &p->w.a, sts, NULL), 0);
    p->job.sts = sts;
}

FIBER_TEST(rfc8461_4_1_hosts_that_the_policy_does_not_name_get_nothing) {
    struct policy_world p;
    begin_with_sts(&p, STS("enforce", "other.example.net"));
    assert_int_equal(send_it(&p)->disposition, RELAY_LATER);
    assert_true(p.w.outcome.sts_failed);
    assert_int_equal(p.hosts[0].connections + p.hosts[1].connections, 0);
    assert_told(&p, "unreachable: mx1.example.net is passed over: the MTA-STS policy of example.net"
                    " does not name it\n");
    assert_noted(&p, "sts validation-failure, sts validation-failure");
    finish(&p);
}

FIBER_TEST(rfc8461_4_2_without_a_certificate_that_can_be_verified_a_host_gets_nothing) {
    struct policy_world p;
    begin_with_sts(&p, STS("enforce", "*.example.net"));
    const struct relay_result *result = send_it(&p);
    assert_int_equal(result->disposition, RELAY_LATER);
    assert_true(slice_find(result->reply.text, S("failed: the certificate cannot be verified")) >
                0);
    assert_true(p.w.outcome.sts_failed);
    assert_int_equal(p.hosts[0].messages + p.hosts[1].messages, 0);
    assert_noted(&p, "sts certificate-host-mismatch, sts certificate-host-mismatch");
    finish(&p);
}

FIBER_TEST(rfc8461_5_in_mode_testing_messages_go_all_the_same) {
    struct policy_world p;
    begin_with_sts(&p, STS("testing", "other.example.net"));
    assert_int_equal(send_it(&p)->disposition, RELAY_DELIVERED);
    assert_false(p.w.outcome.sts_failed);
    assert_told(&p, "MTA-STS, in mode testing: the policy of example.net does not name"
                    " mx1.example.net\n");
    assert_noted(&p, "sts validation-failure");
    finish(&p);
}

FIBER_TEST(rfc8460_4_3_what_would_fail_in_mode_enforce_is_noted_in_mode_testing) {
    struct policy_world p;
    begin_with_sts(&p, STS("testing", "*.example.net"));
    assert_int_equal(send_it(&p)->disposition, RELAY_DELIVERED);
    assert_int_equal(p.hosts[0].with_tls, 1);
    assert_noted(&p, "sts certificate-host-mismatch");
    finish(&p);
}

FIBER_TEST(rfc8461_2_where_dane_holds_it_counts) {
    struct policy_world p;
    begin_with_sts(&p, STS("enforce", "other.example.net"));
    records[OF_MX1] = (struct fake_record){"_25._tcp.mx1.example.net", DNS_TLSA,
                                           network_tlsa(p.w.network), .secure = true};
    assert_int_equal(send_it(&p)->disposition, RELAY_DELIVERED);
    assert_int_equal(p.hosts[0].messages, 1);
    assert_noted(&p, "tlsa -");
    finish(&p);
}

FIBER_TEST(a_connection_that_was_opened_without_mta_sts_is_not_used_with_it) {
    struct policy_world p;
    begin_with_sts(&p, STS("enforce", "other.example.net"));
    const struct sts_policy *sts = p.job.sts;
    p.job.sts = NULL;
    assert_int_equal(send_it(&p)->disposition, RELAY_DELIVERED);
    assert_noted(&p, "no-policy-found -");
    p.hosts[0].starttls = false;
    p.job.sts = sts;
    assert_int_equal(send_it(&p)->disposition, RELAY_LATER);
    assert_int_equal(p.hosts[0].messages, 1);
    finish(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rfc7672_3_1_1_a_certificate_that_fits_its_record_is_enough),
        cmocka_unit_test(test_rfc7672_2_2_a_host_whose_certificate_does_not_fit_gets_nothing),
        cmocka_unit_test(test_rfc7672_2_2_1_the_next_host_is_tried_by_its_own_records),
        cmocka_unit_test(test_rfc7672_2_2_a_host_with_records_that_does_not_offer_tls_gets_nothing),
        cmocka_unit_test(
            test_rfc7672_2_2_with_records_of_which_none_can_be_used_any_certificate_does_but_no_plain_text),
        cmocka_unit_test(
            test_rfc7672_2_1_2_a_host_whose_records_cannot_be_looked_up_is_passed_over),
        cmocka_unit_test(test_what_failed_without_a_policy_is_not_left_out_with_one),
        cmocka_unit_test(test_connections_are_used_again_only_for_an_equal_policy),
        cmocka_unit_test(test_settings_come_before_policies),
        cmocka_unit_test(test_a_host_that_says_nothing_of_tls_is_named_with_the_reason),
        cmocka_unit_test(test_rfc8689_3_a_message_that_waives_tls_goes_past_broken_policies),
        cmocka_unit_test(
            test_rfc8689_4_2_1_a_message_that_demands_tls_goes_to_a_host_that_promises_it),
        cmocka_unit_test(test_rfc8689_4_2_1_where_no_host_promises_it_the_message_goes_back),
        cmocka_unit_test(
            test_rfc8689_4_2_1_where_nobody_vouches_for_the_host_the_message_goes_back),
        cmocka_unit_test(test_rfc8689_4_2_1_without_dane_the_certificate_has_to_be_for_the_host),
        cmocka_unit_test(test_rfc8689_no_connection_without_the_promise_is_used_again_for_it),
        cmocka_unit_test(test_rfc8461_4_1_hosts_that_the_policy_does_not_name_get_nothing),
        cmocka_unit_test(
            test_rfc8461_4_2_without_a_certificate_that_can_be_verified_a_host_gets_nothing),
        cmocka_unit_test(test_rfc8461_5_in_mode_testing_messages_go_all_the_same),
        cmocka_unit_test(test_rfc8460_4_3_what_would_fail_in_mode_enforce_is_noted_in_mode_testing),
        cmocka_unit_test(test_rfc8461_2_where_dane_holds_it_counts),
        cmocka_unit_test(test_a_connection_that_was_opened_without_mta_sts_is_not_used_with_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

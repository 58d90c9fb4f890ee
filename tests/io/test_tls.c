/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>

#include "base/error.h"
#include "io/tls.h"
#include "io/tls_chain.h"

static struct stream *ends[2];
static char *key_pem, *chain_pem;
static unsigned signatures;

static int make_certificate(void **state) {
    (void)state;
    return tls_self_signed(S("mail.example.test"), 30, &key_pem, &chain_pem);
}

static int drop_certificate(void **state) {
    (void)state;
    free(key_pem);
    free(chain_pem);
    return 0;
}

/* A signer that waits, as the keys process does. */
static int sign_later(void *arg, enum tls_sign_scheme scheme, struct slice input, struct arena *a,
                      struct slice *ret_signature) {
    signatures++;
    if (fiber_sleep(10 * USEC_MS) < 0)
        return -E_TEMPORARY;
    return tls_key_sign(arg, scheme, input, a, ret_signature);
}

static int refuse_to_sign(void *arg UNUSED, enum tls_sign_scheme scheme UNUSED,
                          struct slice input UNUSED, struct arena *a UNUSED,
                          struct slice *ret UNUSED) {
    return -E_TEMPORARY;
}

static int server_result;

static void serve(void *arg) {
    struct tls_context *c = arg;
    struct problem problem = {0};
    struct slice line;
    server_result = tls_accept(ends[1], c, &problem);
    if (server_result < 0)
        return;
    while (stream_read_line(ends[1], 1000, &line) == 0)
        stream_write(ends[1], line);
    (void)stream_shutdown(ends[1]);
}

static struct tls_context *server_context(struct tls_key *key,
                                          int (*sign)(void *, enum tls_sign_scheme, struct slice,
                                                      struct arena *, struct slice *)) {
    struct tls_signer signer = {sign, key};
    struct tls_context *c = NULL;
    struct problem problem = {0};
    if (tls_server_new(slice_of_str(chain_pem), &signer, &c, &problem) < 0)
        fail_msg("%s", problem.text);
    return c;
}

FIBER_TEST(lines_travel_through_tls_signed_by_a_key_that_waits) {
    struct tls_context *client = NULL;
    struct tls_key *key = NULL;
    struct problem problem = {0};
    struct tls_facts facts;
    struct fiber *f = NULL;
    struct slice line;
    assert_int_equal(tls_key_new(slice_of_str(key_pem), &key, &problem), 0);
    struct tls_context *server = server_context(key, sign_later);
    assert_int_equal(tls_client_new(&client, &problem), 0);
    signatures = 0;
    stream_pair(200000, ends); /* room for all lines: nobody reads while the client writes */
    assert_int_equal(fiber_start("server", serve, server, &f), 0);
    assert_int_equal(tls_connect(ends[0], client, S("mail.example.test"), &problem), 0);
    assert_true(tls_facts(ends[0], &facts));
    assert_string_equal(facts.version, "TLSv1.3");
    for (int i = 0; i < 1000; i++) {
        stream_printf(ends[0], "line number %d\r\n", i);
        if (i % 100 == 0)
            assert_int_equal(stream_flush(ends[0]), 0);
    }
    for (int i = 0; i < 1000; i++)
        assert_int_equal(stream_read_line(ends[0], 100, &line), 0);
    assert_slice(line, "line number 999\r\n");
    assert_int_equal(stream_shutdown(ends[0]), 0);
    assert_int_equal(stream_read_line(ends[0], 100, &line), -E_EOF);
    fiber_join(f);
    assert_int_equal(server_result, 0);
    assert_int_equal(signatures, 1);
    stream_free(ends[0]);
    stream_free(ends[1]);
    tls_context_free(client);
    tls_context_free(server);
    tls_key_free(key);
}

FIBER_TEST(a_signer_that_fails_ends_the_handshake_with_words) {
    struct tls_context *client = NULL;
    struct tls_key *key = NULL;
    struct problem problem = {0};
    struct fiber *f = NULL;
    assert_int_equal(tls_key_new(slice_of_str(key_pem), &key, &problem), 0);
    struct tls_context *server = server_context(key, refuse_to_sign);
    assert_int_equal(tls_client_new(&client, &problem), 0);
    stream_pair(2000, ends);
    assert_int_equal(fiber_start("server", serve, server, &f), 0);
    assert_int_equal(tls_connect(ends[0], client, S("x"), &problem), -E_TLS);
    assert_true(slice_starts(slice_of_str(problem.text), S("TLS handshake failed: ")));
    fiber_join(f);
    assert_int_equal(server_result, -E_TLS);
    assert_true(stream_fill(ends[0], 1) < 0);
    stream_free(ends[0]);
    stream_free(ends[1]);
    tls_context_free(client);
    tls_context_free(server);
    tls_key_free(key);
}

/* Says something, reads nothing and hangs up. */
static void refuse(void *arg) {
    struct tls_context *c = arg;
    struct problem problem = {0};
    server_result = tls_accept(ends[1], c, &problem);
    stream_str(ends[1], "552 too large\r\n");
    (void)stream_flush(ends[1]);
    stream_free(ends[1]);
}

/* OpenSSL would allow no read after the failed write. */
FIBER_TEST(what_a_peer_said_before_it_hung_up_can_be_heard_out) {
    struct tls_context *client = NULL;
    struct tls_key *key = NULL;
    struct problem problem = {0};
    struct fiber *f = NULL;
    struct slice line;
    assert_int_equal(tls_key_new(slice_of_str(key_pem), &key, &problem), 0);
    struct tls_context *server = server_context(key, sign_later);
    assert_int_equal(tls_client_new(&client, &problem), 0);
    stream_pair(2000, ends);
    assert_int_equal(fiber_start("server", refuse, server, &f), 0);
    assert_int_equal(tls_connect(ends[0], client, S("x"), &problem), 0);
    while (stream_flush(ends[0]) == 0)
        stream_str(ends[0], "more and more of a message\r\n");
    assert_int_equal(stream_error(ends[0]), -EPIPE);
    assert_int_equal(stream_read_line(ends[0], 100, &line), -EPIPE);
    stream_hear_out(ends[0]);
    assert_int_equal(stream_read_line(ends[0], 100, &line), 0);
    assert_slice(line, "552 too large\r\n");
    assert_int_equal(stream_read_line(ends[0], 100, &line), -E_EOF);
    fiber_join(f);
    stream_free(ends[0]);
    tls_context_free(client);
    tls_context_free(server);
    tls_key_free(key);
}

static void give_up_context(void *arg) {
    while (signatures == 0)
        assert_int_equal(fiber_sleep(USEC_MS), 0);
    tls_context_free(arg); /* a newer certificate has come while the signer works */
}

FIBER_TEST(a_session_keeps_the_certificate_that_it_began_with) {
    struct tls_context *client = NULL;
    struct tls_key *key = NULL;
    struct problem problem = {0};
    struct fiber *f = NULL;
    struct slice line;
    assert_int_equal(tls_key_new(slice_of_str(key_pem), &key, &problem), 0);
    assert_int_equal(tls_key_fits(key, slice_of_str(chain_pem)), 1);
    struct tls_context *server = server_context(key, sign_later);
    assert_int_equal(tls_client_new(&client, &problem), 0);
    signatures = 0;
    stream_pair(2000, ends);
    assert_int_equal(fiber_spawn("newer", give_up_context, server), 0);
    assert_int_equal(fiber_start("server", serve, server, &f), 0);
    assert_int_equal(tls_connect(ends[0], client, S("x"), &problem), 0);
    stream_str(ends[0], "still here\r\n");
    assert_int_equal(stream_read_line(ends[0], 100, &line), 0);
    assert_slice(line, "still here\r\n");
    assert_int_equal(stream_shutdown(ends[0]), 0);
    fiber_join(f);
    stream_free(ends[0]);
    stream_free(ends[1]);
    tls_context_free(client);
    tls_key_free(key);
}

static void test_another_key_does_not_fit_the_certificate(void **state) {
    char *other_pem, *other_chain;
    struct tls_key *key = NULL;
    struct problem problem = {0};
    (void)state;
    assert_int_equal(tls_self_signed(S("mail.example.test"), 30, &other_pem, &other_chain), 0);
    assert_int_equal(tls_key_new(slice_of_str(other_pem), &key, &problem), 0);
    assert_int_equal(tls_key_fits(key, slice_of_str(chain_pem)), 0);
    assert_int_equal(tls_key_fits(key, slice_of_str(other_chain)), 1);
    assert_int_equal(tls_key_fits(key, S("no certificate")), 0);
    tls_key_free(key);
    free(other_pem);
    free(other_chain);
}

FIBER_TEST(a_peer_that_speaks_no_tls_fails_the_handshake) {
    struct tls_context *client = NULL;
    struct problem problem = {0};
    assert_int_equal(tls_client_new(&client, &problem), 0);
    stream_pair(2000, ends);
    stream_str(ends[1], "220 this is no TLS\r\n");
    assert_int_equal(stream_flush(ends[1]), 0);
    assert_int_equal(tls_connect(ends[0], client, S("x"), &problem), -E_TLS);
    stream_free(ends[0]);
    stream_free(ends[1]);
    tls_context_free(client);
}

FIBER_TEST(a_silent_peer_is_given_up_after_30_seconds) {
    struct tls_context *client = NULL;
    struct problem problem = {0};
    usec_t began = fiber_now();
    assert_int_equal(tls_client_new(&client, &problem), 0);
    stream_pair(2000, ends);
    assert_int_equal(tls_connect(ends[0], client, S("x"), &problem), -110);
    assert_int_equal(fiber_now() - began, 30 * USEC_SEC);
    stream_free(ends[0]);
    stream_free(ends[1]);
    tls_context_free(client);
}

static void test_a_self_signed_certificate_names_its_host_and_end(void **state) {
    struct tls_certificate_facts facts;
    (void)state;
    assert_int_equal(tls_certificate_facts(slice_of_str(chain_pem), &facts), 0);
    assert_string_equal(facts.subject, "mail.example.test");
    assert_int_equal((facts.not_after - facts.not_before) / USEC_HOUR, 30 * 24 + 1);
    assert_int_equal(tls_certificate_facts(S("nonsense"), &facts), -E_SYNTAX);
}

static void test_soon_is_30_days_or_a_quarter_of_a_short_life(void **state) {
    static const struct {
        int life, left; /* days */
        bool soon;
    } rows[] = {{825, 29, true}, {825, 31, false}, {90, 22, true},  {90, 23, false},
                {45, 11, true},  {45, 12, false},  {8, 1, true},    {8, 3, false},
                {90, -1, true},  {120, 30, false}, {120, 29, true}, {397, 30, false}};
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct tls_certificate_facts f = {TEST_WALL, TEST_WALL + rows[i].life * USEC_DAY, ""};
        assert_int_equal(tls_certificate_ends_soon(&f, f.not_after - rows[i].left * USEC_DAY),
                         rows[i].soon);
    }
}

static void test_a_self_signed_certificate_is_judged_as_such(void **state) {
    struct tls_judgement j;
    struct problem problem = {0};
    struct tls_certificate_facts facts;
    struct tls_chain_question q = {.chain_pem = slice_of_str(chain_pem),
                                   .host_name = S("mail.example.test"),
                                   .place = "x.crt"};
    (void)state;
    assert_int_equal(tls_certificate_facts(q.chain_pem, &facts), 0);
    q.now = facts.not_before + USEC_DAY;
    assert_int_equal(tls_chain_judge(&q, &j, &problem), 0);
    assert_int_equal(j.count, 1);
    assert_false(j.list[0].bad);
    assert_non_null(strstr(j.list[0].text, "signed by itself"));
    assert_non_null(strstr(j.summary, "the certificate for mail.example.test is good until"));
    q.now = facts.not_after + USEC_SEC;
    q.host_name = S("smtp.example.test");
    assert_int_equal(tls_chain_judge(&q, &j, &problem), 0);
    assert_int_equal(j.count, 3);
    assert_true(j.list[0].bad);
    assert_non_null(strstr(j.list[0].text, "for mail.example.test has ended"));
    assert_non_null(strstr(j.list[1].text, "is for mail.example.test, and not for smtp"));
    q.chain_pem = S("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n");
    assert_int_equal(tls_chain_judge(&q, &j, &problem), -E_SYNTAX);
    assert_non_null(strstr(problem.text, "x.crt: certificate number 1 cannot be read"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_travel_through_tls_signed_by_a_key_that_waits),
        cmocka_unit_test(test_a_signer_that_fails_ends_the_handshake_with_words),
        cmocka_unit_test(test_what_a_peer_said_before_it_hung_up_can_be_heard_out),
        cmocka_unit_test(test_a_session_keeps_the_certificate_that_it_began_with),
        cmocka_unit_test(test_another_key_does_not_fit_the_certificate),
        cmocka_unit_test(test_a_peer_that_speaks_no_tls_fails_the_handshake),
        cmocka_unit_test(test_a_silent_peer_is_given_up_after_30_seconds),
        cmocka_unit_test(test_a_self_signed_certificate_names_its_host_and_end),
        cmocka_unit_test(test_soon_is_30_days_or_a_quarter_of_a_short_life),
        cmocka_unit_test(test_a_self_signed_certificate_is_judged_as_such),
    };
    return cmocka_run_group_tests_name("tls", tests, make_certificate, drop_certificate);
}

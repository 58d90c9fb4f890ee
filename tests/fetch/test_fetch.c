/* SPDX-License-Identifier: ISC */
/*
 * Fetching from a small HTTPS server on 127.0.0.1, which says what each test wants. Real time and
 * sockets.
 */
#include "fetch/fetch.h"

#include <errno.h>

#include "dns/fake.h"
#include "io/tls.h"
#include "unit.h"

#define POLICY "version: STSv1\nmode: none\nmax_age: 1\n"
#define OK     "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n"

struct server {
    struct fiber_fd listener;
    struct net_addr at;
    struct tls_context *tls; /* NULL: it speaks without */
    const char *answer;      /* then it hangs up */
    const char *again;       /* said over and over behind that, until the client has gone */
    usec_t pause;            /* before each */
    struct buf heard;        /* the latest request */
    unsigned connections;
};

/* ------------------------------------------------------------------ the server */

static void hear(struct server *s, struct stream *stream) WAITS {
    buf_clear(&s->heard);
    while (slice_find(buf_slice(&s->heard), S("\r\n\r\n")) < 0 && stream_fill(stream, 1) == 0) {
        struct slice window = stream_window(stream);
        buf_add(&s->heard, window);
        stream_consume(stream, window.len);
    }
}

static void say(struct server *s, struct stream *stream) WAITS {
    int r = 0;
    stream_write(stream, slice_of_str(s->answer));
    while (r == 0 && s->again) {
        r = fiber_sleep(s->pause);
        stream_write(stream, slice_of_str(s->again));
        if (r == 0)
            r = stream_flush(stream);
    }
    (void)stream_flush(stream);
}

static void serve(void *arg) WAITS {
    struct server *s = arg;
    struct net_addr peer;
    struct problem problem;
    struct stream *stream;
    int fd;
    while (net_accept(&s->listener, &peer, &fd) == 0) {
        s->connections++;
        if (stream_from_fd(fd, &stream) < 0)
            continue;
        if (!s->tls) {
            say(s, stream);
        } else if (tls_accept(stream, s->tls, &problem) == 0) {
            hear(s, stream);
            say(s, stream);
        }
        stream_free(stream);
    }
}

/* ------------------------------------------------------------------ around it */

struct world {
    struct server server;
    struct fake_record zone[3];
    struct fake_dns dns;
    struct net_range inside;
    char *key, *chain;
    struct tls_key *signer;
    struct fetcher *fetcher;
    struct fiber *fiber;
    struct problem problem;
    struct arena arena;
    struct slice body;
};

static void begin(struct world *w, const char *name) WAITS {
    struct problem problem;
    int fd;
    *w = (struct world){.zone = {{"mta-sts.example.test", DNS_A, "127.0.0.1"},
                                 {"reports.example.test", DNS_A, "127.0.0.1"},
                                 {0}}};
    w->dns.records = w->zone;
    assert_int_equal(tls_self_signed(slice_of_str(name), 10, &w->key, &w->chain), 0);
    assert_int_equal(tls_key_new(slice_of_str(w->key), &w->signer, &problem), 0);
    struct tls_signer signer = {tls_key_sign, w->signer};
    assert_int_equal(tls_server_new(slice_of_str(w->chain), &signer, &w->server.tls, &problem), 0);
    struct net_addr any;
    assert_int_equal(net_parse(S("127.0.0.1:0"), 0, &any), 0);
    assert_int_equal(net_listen(&any, &fd), 0);
    assert_int_equal(net_local(fd, &w->server.at), 0);
    assert_int_equal(fiber_fd_init(&w->server.listener, fd), 0);
    assert_int_equal(fiber_start("server", serve, &w->server, &w->fiber), 0);
    assert_int_equal(net_range_parse(S("127.0.0.0/8"), &w->inside), 0);
    struct fetcher_options options = FETCHER_DEFAULTS;
    options.dns = fake_dns_client(&w->dns);
    options.authorities = slice_of_str(w->chain);
    options.inside = &w->inside;
    options.inside_count = 1;
    options.port = net_port(&w->server.at);
    assert_int_equal(fetcher_new(&options, &w->fetcher, &problem), 0);
}

static void end(struct world *w) WAITS {
    fiber_cancel(w->fiber);
    fiber_join(w->fiber);
    fetcher_free(w->fetcher);
    int fd = w->server.listener.fd;
    fiber_fd_done(&w->server.listener);
    (void)close(fd);
    tls_context_free(w->server.tls);
    tls_key_free(w->signer);
    buf_done(&w->server.heard);
    free(w->key);
    free(w->chain);
    arena_done(&w->arena);
}

static int get(struct world *w, const char *answer) WAITS {
    w->server.answer = answer;
    w->problem = (struct problem){{0}};
    return fetcher_get(w->fetcher, FETCH_MTA_STS, S("example.test"), S(""), &w->arena, &w->body,
                       &w->problem);
}

static void refuses(struct world *w, const char *answer, int error, const char *words) WAITS {
    int r = get(w, answer);
    if (r != error || !strstr(w->problem.text, words))
        fail_msg("%.40s: %d, \"%s\"", answer, r, w->problem.text);
}

/* ------------------------------------------------------------------ tests */

REAL_FIBER_TEST(fetches_a_policy_rfc8461_3_3) {
    struct world w;
    begin(&w, "mta-sts.example.test");
    assert_int_equal(get(&w, OK "\r\n" POLICY), 0);
    assert_slice(w.body, POLICY);
    assert_true(slice_starts(buf_slice(&w.server.heard),
                             S("GET /.well-known/mta-sts.txt HTTP/1.1\r\nHost: mta-sts.example."
                               "test")));
    assert_int_equal(get(&w, OK "Transfer-Encoding: chunked\r\n\r\n3\r\nver\r\n0\r\n\r\n"), 0);
    assert_slice(w.body, "ver");
    assert_int_equal(w.server.connections, 2);
    end(&w);
}

REAL_FIBER_TEST(takes_no_other_answer_rfc8461_3_3) {
    struct world w;
    begin(&w, "mta-sts.example.test");
    refuses(&w, "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\n\r\n" POLICY, -E_REFUSED,
            "status 404");
    refuses(&w, "HTTP/1.1 204 Nothing\r\nContent-Type: text/plain\r\n\r\n", -E_REFUSED, "204");
    refuses(&w, "HTTP/1.1 301 Moved\r\nLocation: https://reports.example.test/\r\n\r\n", -E_REFUSED,
            "redirect");
    refuses(&w, "HTTP/1.1 302 Moved\r\nLocation: http://127.0.0.1:25/\r\n\r\n", -E_REFUSED,
            "redirect");
    assert_int_equal(w.server.connections, 4); /* none was followed */
    refuses(&w, "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" POLICY, -E_REFUSED, "type");
    refuses(&w, "HTTP/1.1 200 OK\r\n\r\n" POLICY, -E_REFUSED, "type");
    refuses(&w, OK "Content-Length: 500\r\n\r\n" POLICY, -E_REFUSED, "mta-sts.example.test");
    refuses(&w, "220 smtp.example.test ESMTP\r\n", -E_REFUSED, "mta-sts.example.test");
    refuses(&w, "", -E_REFUSED, "mta-sts.example.test");
    end(&w);
}

REAL_FIBER_TEST(an_answer_without_end_is_cut_off) {
    struct world w;
    char more[1025];
    memset(more, 'x', sizeof more - 1);
    more[sizeof more - 1] = '\0';
    begin(&w, "mta-sts.example.test");
    w.server.again = more;
    refuses(&w, OK "\r\n", -E_LIMIT, "longer than 65536 bytes");
    refuses(&w, OK "Content-Length: 67108864\r\n\r\n", -E_LIMIT, "longer");
    w.server.again = "X: y\r\n";
    refuses(&w, OK, -E_LIMIT, "longer");
    end(&w);
}

REAL_FIBER_TEST(one_that_drips_is_given_up_when_its_time_is_over) {
    struct world w;
    begin(&w, "mta-sts.example.test");
    w.server.again = "x";
    w.server.pause = 20 * USEC_MS;
    usec_t began = fiber_now();
    int r;
    {
        _cleanup_(fiber_deadline_end) UNUSED struct fiber_deadline d =
            fiber_deadline_begin(began + 300 * USEC_MS);
        r = get(&w, OK "\r\n");
    }
    assert_int_equal(r, -ETIMEDOUT);
    assert_true(fiber_now() - began < 5 * USEC_SEC);
    assert_non_null(strstr(w.problem.text, "in time"));
    assert_int_equal(fetcher_transfers(w.fetcher), 0);
    end(&w);
}

REAL_FIBER_TEST(a_certificate_of_another_name_is_refused) {
    struct world w;
    begin(&w, "other.example.test");
    refuses(&w, OK "\r\n" POLICY, -E_TLS, "TLS with mta-sts.example.test");
    assert_int_equal(w.server.heard.len, 0);
    end(&w);
}

REAL_FIBER_TEST(a_certificate_of_nobody_known_is_refused) {
    struct world w, other;
    begin(&w, "mta-sts.example.test");
    begin(&other, "mta-sts.example.test");
    uint16_t port = net_port(&w.server.at);
    fetcher_free(other.fetcher);
    struct problem problem;
    struct fetcher_options options = FETCHER_DEFAULTS;
    options.dns = fake_dns_client(&w.dns);
    options.authorities = slice_of_str(other.chain);
    options.inside = &w.inside;
    options.inside_count = 1;
    options.port = port;
    assert_int_equal(fetcher_new(&options, &other.fetcher, &problem), 0);
    w.server.answer = OK "\r\n" POLICY;
    refuses(&other, w.server.answer, -E_TLS, "TLS");
    assert_int_equal(w.server.connections, 1);
    end(&other);
    end(&w);
}

REAL_FIBER_TEST(a_server_without_tls_is_refused) {
    struct world w;
    begin(&w, "mta-sts.example.test");
    struct tls_context *tls = TAKE_PTR(w.server.tls);
    refuses(&w, OK "\r\n" POLICY, -E_TLS, "TLS");
    tls_context_free(tls);
    end(&w);
}

REAL_FIBER_TEST(nothing_is_fetched_from_the_inside) {
    static const char *const addresses[] = {"127.0.0.1", "10.0.0.1", "169.254.169.254"};
    struct world w;
    begin(&w, "mta-sts.example.test");
    assert_int_equal(net_range_parse(S("192.0.2.0/24"), &w.inside), 0); /* not this one */
    for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
        w.zone[0].value = addresses[i];
        refuses(&w, OK "\r\n" POLICY, -E_TEMPORARY, "private or reserved");
    }
    w.zone[0].type = DNS_AAAA;
    w.zone[0].value = "::1";
    refuses(&w, OK "\r\n" POLICY, -E_TEMPORARY, "private or reserved");
    assert_int_equal(w.server.connections, 0);
    end(&w);
}

REAL_FIBER_TEST(the_next_address_is_tried_when_one_cannot_be_reached) {
    struct world w;
    begin(&w, "mta-sts.example.test");
    w.zone[1] = w.zone[0];
    w.zone[0].value = "127.0.0.77"; /* nobody listens there */
    assert_int_equal(get(&w, OK "\r\n" POLICY), 0);
    w.zone[1] = (struct fake_record){"x", DNS_A, "127.0.0.1"};
    refuses(&w, OK "\r\n" POLICY, -E_TEMPORARY, "cannot be reached");
    w.zone[0].code = DNS_SERVFAIL;
    refuses(&w, OK "\r\n" POLICY, -E_TEMPORARY, "addresses of mta-sts.example.test");
    w.zone[0] = w.zone[1];
    refuses(&w, OK "\r\n" POLICY, -E_UNKNOWN, "no address");
    end(&w);
}

REAL_FIBER_TEST(hands_a_report_over_rfc8460_5_4) {
    struct world w;
    begin(&w, "reports.example.test");
    w.server.answer = "HTTP/1.1 201 Created\r\n\r\n";
    int r = fetcher_get(w.fetcher, FETCH_TLSRPT, S("https://reports.example.test/v1"), S("report"),
                        &w.arena, &w.body, &w.problem);
    assert_int_equal(r, 0);
    struct slice heard = buf_slice(&w.server.heard);
    assert_true(slice_starts(heard, S("POST /v1 HTTP/1.1\r\n")));
    assert_true(slice_find(heard, S("Content-Type: application/tlsrpt+gzip\r\n")) > 0);
    assert_true(slice_find(heard, S("Content-Length: 6\r\n")) > 0);
    end(&w);
}

struct one {
    struct world *w;
    int result;
};

static void get_one(void *arg) WAITS {
    struct one *o = arg;
    struct arena a = {0};
    struct slice body;
    o->result =
        fetcher_get(o->w->fetcher, FETCH_MTA_STS, S("example.test"), S(""), &a, &body, NULL);
    arena_done(&a);
}

REAL_FIBER_TEST(one_that_is_cancelled_leaves_nothing_behind) {
    struct world w;
    struct fiber *f;
    begin(&w, "mta-sts.example.test");
    struct one o = {&w, 0};
    w.server.again = "x";
    w.server.pause = 20 * USEC_MS;
    w.server.answer = OK "\r\n";
    assert_int_equal(fiber_start("one", get_one, &o, &f), 0);
    assert_int_equal(fiber_sleep(200 * USEC_MS), 0);
    assert_int_equal(fetcher_transfers(w.fetcher), 1);
    fiber_cancel(f);
    fiber_join(f);
    assert_int_equal(o.result, -ECANCELED);
    assert_int_equal(fetcher_transfers(w.fetcher), 0);
    end(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fetches_a_policy_rfc8461_3_3),
        cmocka_unit_test(test_takes_no_other_answer_rfc8461_3_3),
        cmocka_unit_test(test_an_answer_without_end_is_cut_off),
        cmocka_unit_test(test_one_that_drips_is_given_up_when_its_time_is_over),
        cmocka_unit_test(test_a_certificate_of_another_name_is_refused),
        cmocka_unit_test(test_a_certificate_of_nobody_known_is_refused),
        cmocka_unit_test(test_a_server_without_tls_is_refused),
        cmocka_unit_test(test_nothing_is_fetched_from_the_inside),
        cmocka_unit_test(test_the_next_address_is_tried_when_one_cannot_be_reached),
        cmocka_unit_test(test_hands_a_report_over_rfc8460_5_4),
        cmocka_unit_test(test_one_that_is_cancelled_leaves_nothing_behind),
    };
    return cmocka_run_group_tests_name("fetch", tests, NULL, NULL);
}

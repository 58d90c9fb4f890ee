/* SPDX-License-Identifier: ISC */
/*
 * Handshakes at the edge, whose certificate and signatures come from a keys role that renews them,
 * dies, comes again with another one, answers late or talks nonsense.
 */
#include "role/lone.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "io/tls.h"
#include "role/edge/edge.h"

#define CERTIFICATES 2

static struct keys_peer {
    struct tls_key *key[CERTIFICATES];
    char *chain[CERTIFICATES];
    unsigned has;    /* the number of the one that it has: 1, 2 */
    bool both;       /* it has the one before as well, to sign with */
    bool garbled;    /* what it sends is no chain */
    bool waits;      /* before it signs */
    unsigned asked;  /* for the certificate */
    unsigned signs;  /* signatures that were wanted */
    uint64_t number; /* of the certificate that the last one was wanted for */
} keys;

static int on_certificate(void *arg, const struct rpc_caller *caller,
                          const struct rpc_keys_certificate_in *in, struct arena *a,
                          struct rpc_keys_certificate_out *out, struct problem *problem) WAITS {
    (void)arg;
    (void)caller;
    (void)a;
    keys.asked++;
    if (keys.has == 0)
        return problem_set(problem, -ENOENT, "there is no certificate");
    out->number = keys.has;
    out->chain = in->have == keys.has ? S("")
                 : keys.garbled       ? S("-----BEGIN CERTIFICATE-----\nno\n")
                                      : slice_of_str(keys.chain[keys.has - 1]);
    return 0;
}

static int on_sign(void *arg, const struct rpc_caller *caller, const struct rpc_keys_sign_in *in,
                   struct arena *a, struct rpc_keys_sign_out *out, struct problem *problem) WAITS {
    (void)arg;
    (void)caller;
    (void)problem;
    keys.signs++;
    keys.number = in->number;
    while (keys.waits)
        if (fiber_sleep(5 * USEC_MS) < 0)
            return -ECANCELED;
    if (in->number != keys.has && !(keys.both && in->number < keys.has))
        return -ENOENT;
    return tls_key_sign(keys.key[in->number - 1], (enum tls_sign_scheme)in->scheme, in->input, a,
                        &out->signature);
}

static const struct rpc_keys_handlers keys_handlers = {.certificate = on_certificate,
                                                       .sign = on_sign};
static const struct rpc_directory_handlers no_facts;

/* ------------------------------------------------------------------ a handshake */

struct handshake {
    struct edge_connection connection;
    struct stream *ends[2]; /* ours, the client's */
    struct problem problem;
    struct fiber *fiber;
    int result;
};

static void accept_tls(void *arg) {
    struct handshake *h = arg;
    h->result = edge_start_tls(&h->connection, h->ends[0], &h->problem);
    if (h->result < 0)
        (void)stream_shutdown(h->ends[0]);
}

static void begin_handshake(struct lone *l, struct handshake *h) {
    *h = (struct handshake){.connection = {.edge = l->process.state}};
    h->connection.door = doors_find_port(&all_doors, S("smtp"), &h->connection.port);
    h->connection.settings = process_settings_hold(&l->process);
    process_settings_release(h->connection.settings); /* the process has them longer */
    assert_int_equal(net_parse(S("192.0.2.1"), 25, &h->connection.peer), 0);
    (void)snprintf(h->connection.peer_text, sizeof h->connection.peer_text, "192.0.2.1");
    stream_pair(1U << 20, h->ends);
    assert_int_equal(fiber_start("server", accept_tls, h, &h->fiber), 0);
}

/* The client's half: 0, or what went wrong. */
static int end_handshake(struct handshake *h) {
    _cleanup_(tls_context_free_p) struct tls_context *client = NULL;
    struct problem problem = {0};
    assert_int_equal(tls_client_new(&client, &problem), 0);
    int r = tls_connect(h->ends[1], client, S("mail.example.test"), &problem);
    if (r < 0)
        (void)stream_shutdown(h->ends[1]);
    (void)fiber_join(h->fiber);
    stream_free(h->ends[0]);
    stream_free(h->ends[1]);
    return r < 0 ? r : h->result;
}

static int handshake(struct lone *l) {
    struct handshake h;
    begin_handshake(l, &h);
    return end_handshake(&h);
}

/* ------------------------------------------------------------------ an edge */

static struct lone *begin(unsigned certificate) {
    keys.has = certificate;
    keys.both = keys.garbled = keys.waits = false;
    keys.asked = keys.signs = 0;
    struct lone *l = lone_new(ROLE_EDGE);
    lone_peer(l, ROLE_KEYS, &keys_handlers, NULL);
    lone_peer(l, ROLE_DIRECTORY, &no_facts, NULL);
    lone_open(l);
    return l;
}

static int make_certificates(void **state) {
    (void)state;
    for (size_t i = 0; i < CERTIFICATES; i++) {
        _cleanup_(free_p) char *key = NULL;
        struct problem problem = {0};
        if (tls_self_signed(S("mail.example.test"), 30, &key, &keys.chain[i]) < 0 ||
            tls_key_new(slice_of_str(key), &keys.key[i], &problem) < 0)
            return -1;
    }
    return 0;
}

static int drop_certificates(void **state) {
    (void)state;
    for (size_t i = 0; i < CERTIFICATES; i++) {
        tls_key_free(keys.key[i]);
        free(keys.chain[i]);
    }
    return 0;
}

REAL_FIBER_TEST(each_handshake_is_signed_elsewhere) {
    struct lone *l = begin(1);
    assert_int_equal(handshake(l), 0);
    assert_int_equal(keys.signs, 1);
    assert_int_equal(keys.number, 1);
    lone_end(l);
}

REAL_FIBER_TEST(without_a_certificate_there_is_no_tls_until_there_is_one) {
    struct lone *l = begin(0);
    struct edge *e = l->process.state;
    struct problem problem = {0};
    assert_false(edge_has_tls(e));
    assert_true(lone_has_told(l, "There is no TLS, since the certificate cannot be used"));
    assert_true(handshake(l) < 0);
    keys.has = 1;
    assert_int_equal(edge_renew_certificate(e, &problem), 0);
    assert_true(edge_has_tls(e));
    assert_int_equal(handshake(l), 0);
    lone_end(l);
}

/* It is shown the one with which its session was made, so that one's key has to sign. */
REAL_FIBER_TEST(a_handshake_ends_with_the_certificate_that_it_began_with) {
    struct lone *l = begin(1);
    struct handshake h;
    struct problem problem = {0};
    begin_handshake(l, &h);
    assert_int_equal(fiber_sleep(10 * USEC_MS), 0); /* the server waits for the client */
    keys.has = 2;
    keys.both = true;
    assert_int_equal(edge_renew_certificate(l->process.state, &problem), 0);
    assert_int_equal(end_handshake(&h), 0);
    assert_int_equal(keys.number, 1);
    assert_int_equal(handshake(l), 0);
    assert_int_equal(keys.number, 2);
    lone_end(l);
}

REAL_FIBER_TEST(what_is_no_certificate_leaves_the_one_before) {
    struct lone *l = begin(1);
    struct problem problem = {0};
    keys.has = 2;
    keys.both = keys.garbled = true;
    assert_true(edge_renew_certificate(l->process.state, &problem) < 0);
    assert_true(problem.text[0] != 0);
    assert_int_equal(handshake(l), 0);
    assert_int_equal(keys.number, 1);
    keys.garbled = false;
    assert_int_equal(edge_renew_certificate(l->process.state, &problem), 0);
    assert_int_equal(handshake(l), 0);
    assert_int_equal(keys.number, 2);
    lone_end(l);
}

/* It has one certificate, maybe another one: nothing is shown that it has not confirmed. */
REAL_FIBER_TEST(keys_that_was_started_again_is_asked_first) {
    struct lone *l = begin(1);
    assert_int_equal(handshake(l), 0);
    lone_kill_peer(l, ROLE_KEYS);
    l->process.role->work->peer_gone(&l->process, ROLE_KEYS, 0);
    keys.has = 2;
    lone_peer(l, ROLE_KEYS, &keys_handlers, NULL);
    unsigned asked = keys.asked;
    assert_int_equal(handshake(l), 0);
    assert_int_equal(keys.number, 2);
    assert_true(keys.asked > asked);
    asked = keys.asked;
    assert_int_equal(handshake(l), 0);
    assert_int_equal(keys.asked, asked); /* once is enough */
    lone_end(l);
}

static void kill_keys(void *arg) {
    while (keys.signs == 0 && fiber_sleep(5 * USEC_MS) == 0)
        ;
    lone_kill_peer(arg, ROLE_KEYS);
}

REAL_FIBER_TEST(keys_that_dies_under_a_handshake_ends_it_alone) {
    struct lone *l = begin(1);
    keys.waits = true;
    assert_int_equal(fiber_spawn("killer", kill_keys, l), 0);
    assert_true(handshake(l) < 0);
    assert_true(lone_has_told(l, "There is no TLS with 192.0.2.1 for smtp."));
    keys.waits = false;
    lone_peer(l, ROLE_KEYS, &keys_handlers, NULL);
    assert_int_equal(handshake(l), 0);
    lone_end(l);
}

REAL_FIBER_TEST(another_oldest_version_counts_for_new_handshakes_at_once) {
    struct lone *l = begin(1);
    struct problem problem = {0};
    const struct edge_certificate *before = ((struct edge *)l->process.state)->certificate;
    lone_set(l, "tls.min-version", "1.3");
    assert_int_equal(lone_reload(l, &problem), 0);
    assert_ptr_not_equal(((struct edge *)l->process.state)->certificate, before);
    assert_int_equal(handshake(l), 0);
    lone_end(l);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_handshake_is_signed_elsewhere),
        cmocka_unit_test(test_without_a_certificate_there_is_no_tls_until_there_is_one),
        cmocka_unit_test(test_a_handshake_ends_with_the_certificate_that_it_began_with),
        cmocka_unit_test(test_what_is_no_certificate_leaves_the_one_before),
        cmocka_unit_test(test_keys_that_was_started_again_is_asked_first),
        cmocka_unit_test(test_keys_that_dies_under_a_handshake_ends_it_alone),
        cmocka_unit_test(test_another_oldest_version_counts_for_new_handshakes_at_once),
    };
    return cmocka_run_group_tests_name("edge TLS", tests, make_certificates, drop_certificates);
}

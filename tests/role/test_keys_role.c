/* SPDX-License-Identifier: ISC */
/*
 * A handshake shows one certificate and is signed later, while pairs change and the process is
 * started again: the signature is that of the certificate's key, or there is none.
 */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "io/tls.h"
#include "proc/process_inside.h"
#include "role/roles.h"

#define HOST "mail.example.test"

static const struct rpc_keys_handlers *calls;
static const struct rpc_caller edge = {.role = ROLE_EDGE};
static struct conf conf = {.hostname = {HOST, sizeof HOST - 1}};
static struct process_links links;
static struct process process = {.conf = &conf, .handed = RPC_HANDED_NONE, .links = &links};
static void *lives[16]; /* states of processes, which free nothing at their end */
static size_t life_count;
static char folder[64];

static int make_folder(void **state) {
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/hayauma-keys-role-XXXXXX");
    return mkdtemp(folder) ? chdir(folder) : -1;
}

static int remove_folder(void **state) {
    (void)state;
    (void)unlink("default.key");
    (void)unlink("default.crt");
    (void)rmdir("dkim");
    return rmdir(folder);
}

static void write_file(const char *name, const char *text) {
    FILE *f = fopen(name, "we");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void put_new_pair(void) {
    char *key = NULL, *chain = NULL;
    assert_int_equal(tls_self_signed(S(HOST), 30, &key, &chain), 0);
    write_file("default.key", key);
    write_file("default.crt", chain);
    free(key);
    free(chain);
}

/* Also what a process does that is started again. */
static void start(void) {
    struct problem problem = {0};
    process.root = fiber_self();
    if (role_keys.open(&process, &problem) < 0)
        fail_msg("%s", problem.text);
    lives[life_count++] = process.state;
}

static void renew(void) {
    struct problem problem = {0};
    put_new_pair();
    if (role_keys.reload(&process, &conf, &problem) < 0)
        fail_msg("%s", problem.text);
    buf_done(&process.said);
}

/* ------------------------------------------------------------------ an edge */

struct shown {
    uint64_t number;
    struct tls_context *tls;
    int signed_with; /* outcome of the last signature */
};

static int sign(void *arg, enum tls_sign_scheme scheme, struct slice input, struct arena *a,
                struct slice *ret_signature) {
    struct shown *s = arg;
    struct rpc_keys_sign_in in = {
        .name = S("default"), .number = s->number, .scheme = (uint8_t)scheme, .input = input};
    struct rpc_keys_sign_out out = {0};
    struct problem problem = {0};
    s->signed_with = calls->sign(&process, &edge, &in, a, &out, &problem);
    *ret_signature = out.signature;
    return s->signed_with;
}

static void ask(struct shown *s) {
    _cleanup_(arena_done) struct arena a = {0};
    struct rpc_keys_certificate_in in = {.name = S("default")};
    struct rpc_keys_certificate_out out = {0};
    struct problem problem = {0};
    struct tls_signer signer = {sign, s};
    assert_int_equal(calls->certificate(&process, &edge, &in, &a, &out, &problem), 0);
    s->number = out.number;
    assert_int_equal(tls_server_new(out.chain, &signer, &s->tls, &problem), 0);
}

static struct stream *ends[2];

static void serve(void *arg) {
    struct shown *s = arg;
    struct problem problem = {0};
    (void)tls_accept(ends[1], s->tls, &problem);
}

/* What the client makes of it: it checks the signature against the certificate that it is shown. */
static int shake_hands(struct shown *s) {
    struct tls_context *client = NULL;
    struct problem problem = {0};
    struct fiber *f = NULL;
    assert_int_equal(tls_client_new(&client, &problem), 0);
    stream_pair(65536, ends);
    assert_int_equal(fiber_start("server", serve, s, &f), 0);
    int r = tls_connect(ends[0], client, S(HOST), &problem);
    fiber_join(f);
    stream_free(ends[0]);
    stream_free(ends[1]);
    tls_context_free(client);
    return r;
}

static void leave(struct shown *s) {
    tls_context_free(s->tls);
}

/* ------------------------------------------------------------------ what happens meanwhile */

FIBER_TEST(a_certificate_is_signed_for_after_several_newer_ones) {
    struct shown first = {0}, second = {0}, last = {0};
    put_new_pair();
    start();
    ask(&first);
    renew();
    ask(&second);
    renew();
    renew();
    ask(&last);
    assert_int_equal(shake_hands(&first), 0);
    assert_int_equal(shake_hands(&second), 0);
    assert_int_equal(shake_hands(&last), 0);
    leave(&first);
    leave(&second);
    leave(&last);
}

FIBER_TEST(a_process_started_again_knows_what_the_one_before_it_showed) {
    struct shown first = {0};
    put_new_pair();
    start();
    ask(&first);
    assert_int_equal(fiber_sleep(USEC_SEC), 0); /* what the time tells apart is the same here */
    start();
    renew();
    assert_int_equal(shake_hands(&first), 0);
    leave(&first);
}

FIBER_TEST(nothing_is_signed_with_the_key_of_another_certificate) {
    struct shown first = {0};
    put_new_pair();
    start();
    ask(&first);
    put_new_pair();
    start(); /* it has never seen the one before */
    assert_true(shake_hands(&first) < 0);
    assert_int_equal(first.signed_with, -ENOENT);
    leave(&first);
}

/* An edge asks every ten seconds, and a handshake takes no longer than thirty. */
FIBER_TEST(an_old_key_is_kept_no_longer_than_a_handshake_may_need_it) {
    struct shown first = {0}, newer = {0};
    put_new_pair();
    start();
    ask(&first);
    renew();
    (void)fiber_sleep(45 * USEC_SEC);
    assert_int_equal(shake_hands(&first), 0);
    (void)fiber_sleep(45 * USEC_SEC);
    ask(&newer);
    assert_true(shake_hands(&first) < 0);
    assert_int_equal(first.signed_with, -ENOENT);
    assert_int_equal(shake_hands(&newer), 0);
    leave(&first);
    leave(&newer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_certificate_is_signed_for_after_several_newer_ones),
        cmocka_unit_test(test_a_process_started_again_knows_what_the_one_before_it_showed),
        cmocka_unit_test(test_nothing_is_signed_with_the_key_of_another_certificate),
        cmocka_unit_test(test_an_old_key_is_kept_no_longer_than_a_handshake_may_need_it),
    };
    calls = role_keys.handlers;
    return cmocka_run_group_tests_name("keys role", tests, make_folder, remove_folder);
}

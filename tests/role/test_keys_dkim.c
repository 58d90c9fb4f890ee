/* SPDX-License-Identifier: ISC */
/* The keys role tells of DKIM keys in public, and forgets nothing over a death. */
#include "role/lone.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "io/tls.h"
#include "sender/dkim/dkim_key.h"

#define HOST "mail.example.test"

static char folder[64];
static const struct rpc_caller directory = {.role = ROLE_DIRECTORY};

static void write_file(const char *name, const char *text) {
    FILE *f = fopen(name, "we");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static int make_folder(void **state) {
    char *key = NULL, *chain = NULL;
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/hayauma-keys-dkim-XXXXXX");
    if (!mkdtemp(folder) || chdir(folder) < 0 || tls_self_signed(S(HOST), 30, &key, &chain) < 0)
        return -1;
    write_file("default.key", key);
    write_file("default.crt", chain);
    free(key);
    free(chain);
    return 0;
}

static int remove_folder(void **state) {
    char command[96];
    (void)state;
    (void)snprintf(command, sizeof command, "cd / && rm -rf %s", folder);
    return system(command); /* NOLINT(cert-env33-c): a name of our own */
}

static struct lone *begin(void) WAITS {
    struct lone *l = lone_new(ROLE_KEYS);
    lone_set(l, "hostname", HOST);
    lone_open(l);
    return l;
}

static const struct rpc_keys_handlers *calls(const struct lone *l) {
    return l->process.role->work->handlers;
}

/* The command line. Who is at its other end is not known. */
static struct rpc_caller cli_of(struct lone *l) {
    return (struct rpc_caller){.role = ROLE_CLI, .link = process_link(&l->process, ROLE_EVENTS, 0)};
}

static int keep(struct lone *l, const char *domain) WAITS {
    struct problem problem = {0};
    struct rpc_keys_dkim_keep_in in = {slice_of_str(domain)};
    struct rpc_keys_dkim_keep_out out;
    return calls(l)->dkim_keep(&l->process, &directory, &in, NULL, &out, &problem);
}

static int rotate(struct lone *l, const char *domain) WAITS {
    const struct rpc_caller cli = cli_of(l);
    _cleanup_(arena_done) struct arena a = {0};
    struct problem problem = {0};
    struct rpc_keys_dkim_rotate_in in = {.domain = slice_of_str(domain)};
    struct rpc_keys_dkim_rotate_out out;
    return calls(l)->dkim_rotate(&l->process, &cli, &in, &a, &out, &problem);
}

static void see(struct lone *l, const char *domain, struct slice selector) WAITS {
    const struct rpc_caller cli = cli_of(l);
    struct problem problem = {0};
    struct rpc_keys_dkim_seen_in in = {slice_of_str(domain), selector};
    struct rpc_keys_dkim_seen_out out;
    assert_int_equal(calls(l)->dkim_seen(&l->process, &cli, &in, NULL, &out, &problem), 0);
}

static struct rpc_keys_dkim_out ask(struct lone *l, const char *domain, struct arena *a) WAITS {
    const struct rpc_caller cli = cli_of(l);
    struct problem problem = {0};
    struct rpc_keys_dkim_in in = {slice_of_str(domain)};
    struct rpc_keys_dkim_out out = {0};
    assert_int_equal(calls(l)->dkim(&l->process, &cli, &in, a, &out, &problem), 0);
    return out;
}

FIBER_TEST(keys_are_told_of_in_public_and_are_the_same_after_a_death) {
    _cleanup_(arena_done) struct arena a = {0};
    struct lone *l = begin();
    assert_int_equal(keep(l, "example.test"), 0);
    assert_int_equal(keep(l, "example.test"), 0);
    struct rpc_keys_dkim_out before = ask(l, "example.test", &a);
    assert_int_equal(before.keys_count, 2);
    assert_true(slice_starts(before.keys[0].record, S("v=DKIM1; k=ed25519; p=")));
    assert_true(slice_starts(before.keys[1].record, S("v=DKIM1; k=rsa; p=MIIB")));
    assert_false(before.keys[1].signs);
    see(l, "example.test", before.keys[1].selector);
    assert_true(ask(l, "example.test", &a).keys[1].signs);
    assert_true(lone_has_told(l, "DNS shows a new DKIM key of example.test"));
    lone_end(l);
    l = begin();
    struct rpc_keys_dkim_out after = ask(l, "example.test", &a);
    assert_int_equal(after.keys_count, 2);
    assert_true(slice_eq(after.keys[1].record, before.keys[1].record));
    assert_true(after.keys[1].signs);
    lone_end(l);
}

FIBER_TEST(the_name_of_the_host_gets_keys_without_being_a_domain_and_keeps_them) {
    _cleanup_(arena_done) struct arena a = {0};
    struct lone *l = begin();
    struct problem problem = {0};
    struct rpc_keys_dkim_drop_in drop = {S(HOST)};
    struct rpc_keys_dkim_drop_out dropped;
    assert_int_equal(ask(l, HOST, &a).keys_count, 2);
    assert_int_equal(calls(l)->dkim_drop(&l->process, &directory, &drop, NULL, &dropped, &problem),
                     0);
    assert_int_equal(ask(l, HOST, &a).keys[0].left, 0);
    assert_int_equal(ask(l, "example.test", &a).keys_count, 0);
    lone_end(l);
}

FIBER_TEST(a_rotation_is_told_and_not_begun_twice) {
    _cleanup_(arena_done) struct arena a = {0};
    struct lone *l = begin();
    assert_int_equal(keep(l, "example.test"), 0);
    assert_int_equal(rotate(l, "example.test"), -E_REFUSED);
    see(l, "example.test", ask(l, "example.test", &a).keys[1].selector);
    assert_int_equal(rotate(l, "example.test"), 0);
    assert_true(lone_has_told(l, "New DKIM keys of example.test are there"));
    assert_int_equal(rotate(l, "example.test"), -E_REFUSED);
    assert_int_equal(ask(l, "example.test", &a).keys_count, 3);
    lone_end(l);
}

FIBER_TEST(digests_are_signed_with_the_keys_that_are_named_and_no_others) {
    _cleanup_(arena_done) struct arena a = {0};
    struct lone *l = begin();
    struct problem problem = {0};
    const struct rpc_caller scan = {.role = ROLE_SCAN};
    unsigned char digest[DIGEST_LEN];
    digest_of(S("what is signed"), digest);
    assert_int_equal(keep(l, "example.test"), 0);
    struct rpc_keys_dkim_out keys = ask(l, "example.test", &a);
    struct slice selectors[] = {keys.keys[0].selector, keys.keys[1].selector};
    struct slice digests[] = {slice_of(digest, DIGEST_LEN), slice_of(digest, DIGEST_LEN)};
    struct rpc_keys_dkim_sign_in in = {S("example.test"), selectors, 2, digests, 2};
    struct rpc_keys_dkim_sign_out out = {0};
    assert_int_equal(calls(l)->dkim_sign(&l->process, &scan, &in, &a, &out, &problem), 0);
    assert_int_equal(out.signatures_count, 2);
    for (size_t i = 0; i < 2; i++) {
        struct dkim_key key;
        bool policy;
        assert_null(dkim_key_read(keys.keys[i].record, &key, &policy));
        assert_true(dkim_key_verifies(&key, out.signatures[i], digest));
        dkim_key_done(&key);
    }
    in.domain = S("example.org");
    assert_int_equal(calls(l)->dkim_sign(&l->process, &scan, &in, &a, &out, &problem), -E_UNKNOWN);
    in.domain = S("example.test");
    digests[1].len--;
    assert_int_equal(calls(l)->dkim_sign(&l->process, &scan, &in, &a, &out, &problem), -EINVAL);
    in.digests_count = 1;
    assert_int_equal(calls(l)->dkim_sign(&l->process, &scan, &in, &a, &out, &problem), -EINVAL);
    lone_end(l);
}

FIBER_TEST(what_has_keys_is_listed_by_name) {
    _cleanup_(arena_done) struct arena a = {0};
    struct lone *l = begin();
    struct problem problem = {0};
    struct rpc_keys_dkim_domains_in in = {S("b.test")};
    struct rpc_keys_dkim_domains_out out = {0};
    for (const char *name = "dbca"; *name; name++)
        assert_int_equal(keep(l, (char[]){*name, '.', 't', 'e', 's', 't', '\0'}), 0);
    assert_int_equal(keep(l, "../x"), -E_SYNTAX);
    assert_int_equal(calls(l)->dkim_domains(&l->process, &directory, &in, &a, &out, &problem), 0);
    assert_int_equal(out.domains_count, 2);
    assert_slice(out.domains[0], "c.test");
    assert_slice(out.domains[1], "d.test");
    lone_end(l);
}

/* It may be years ahead after a start: an hour later it is believed. */
FIBER_TEST(keys_go_for_their_age_when_the_clock_has_gone_on_evenly) {
    _cleanup_(arena_done) struct arena a = {0};
    struct lone *l = begin();
    struct problem problem = {0};
    struct rpc_keys_dkim_drop_in drop = {S("example.test")};
    struct rpc_keys_dkim_drop_out dropped;
    assert_int_equal(keep(l, "example.test"), 0);
    assert_int_equal(calls(l)->dkim_drop(&l->process, &directory, &drop, NULL, &dropped, &problem),
                     0);
    struct rpc_keys_dkim_out out = ask(l, "example.test", &a);
    assert_int_equal(out.keys_count, 2);
    assert_true(out.keys[0].left > 0);
    lone_end(l);
    struct slice text =
        arena_printf(&a, "%.*s 1 1 2\n%.*s 1 1 2\n", SLICE_ARG(out.keys[0].selector),
                     SLICE_ARG(out.keys[1].selector));
    write_file("dkim/example.test/state", (const char *)text.ptr);
    l = begin();
    assert_int_equal(fiber_sleep(USEC_MIN), 0);
    assert_int_equal(ask(l, "example.test", &a).keys_count, 2);
    assert_int_equal(fiber_sleep(7 * USEC_HOUR), 0);
    assert_int_equal(ask(l, "example.test", &a).keys_count, 0);
    lone_end(l);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, make_folder, remove_folder)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(keys_are_told_of_in_public_and_are_the_same_after_a_death),
        TEST(the_name_of_the_host_gets_keys_without_being_a_domain_and_keeps_them),
        TEST(a_rotation_is_told_and_not_begun_twice),
        TEST(digests_are_signed_with_the_keys_that_are_named_and_no_others),
        TEST(what_has_keys_is_listed_by_name),
        TEST(keys_go_for_their_age_when_the_clock_has_gone_on_evenly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

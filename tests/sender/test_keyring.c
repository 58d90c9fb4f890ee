/* SPDX-License-Identifier: ISC */
/* A key signs when DNS shows it, never before; what has signed stays while its messages travel. */
#include "sender/keyring.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sender/dkim/dkim_key.h"
#include "sender/signing.h"
#include "unit.h"

#define DAY  INT64_C(86400)
#define NOW  INT64_C(1795000000) /* 2026-11-18 */
#define KEEP (8 * DAY)
#define HOME "example.test"

static char path[64];
static int folder;
static struct problem problem;

static int make_folder(void **state) {
    (void)state;
    (void)snprintf(path, sizeof path, "/tmp/hayauma-keyring-XXXXXX");
    if (!mkdtemp(path))
        return -1;
    folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return folder < 0;
}

static int remove_folder(void **state) {
    char command[96];
    (void)state;
    (void)close(folder);
    (void)snprintf(command, sizeof command, "rm -rf %s", path);
    return system(command); /* NOLINT(cert-env33-c): a name of our own */
}

static struct keyring_domain *read_home(void) {
    struct keyring_domain *d = NULL;
    if (keyring_read(folder, S(HOME), &d, &problem) < 0)
        fail_msg("%s", problem.text);
    return d;
}

static void keep(int64_t now) {
    if (keyring_keep(folder, S(HOME), now, &problem) < 0)
        fail_msg("%s", problem.text);
}

static void see(const char *selector, int64_t now) {
    assert_int_equal(keyring_seen(folder, S(HOME), slice_of_str(selector), now, &problem), 1);
}

/* The selector that signs, or "". */
static const char *signs(enum dkim_algorithm algorithm, int64_t now) {
    static char selector[KEYRING_SELECTOR];
    struct keyring_domain *d = read_home();
    const struct keyring_key *k = keyring_signs(d, algorithm, now);
    memcpy(selector, k ? k->selector : "", k ? sizeof selector : 1);
    keyring_domain_free(d);
    return selector;
}

static size_t count(void) {
    struct keyring_domain *d = read_home();
    size_t n = d->count;
    keyring_domain_free(d);
    return n;
}

/* ------------------------------------------------------------------ what is made */

static void test_a_domain_gets_a_key_of_each_kind_whose_record_verifies(void **state) {
    static const unsigned char digest[DIGEST_LEN] = "a digest that is to be signed";
    _cleanup_(arena_done) struct arena a = {0};
    (void)state;
    assert_int_equal(keyring_keep(folder, S(HOME), NOW, &problem), 1);
    struct keyring_domain *d = read_home();
    assert_int_equal(d->count, 2);
    assert_string_equal(d->list[0].selector, "e20261118");
    assert_string_equal(d->list[1].selector, "r20261118");
    assert_int_equal(d->list[0].algorithm, DKIM_ED25519_SHA256);
    assert_int_equal(d->list[1].algorithm, DKIM_RSA_SHA256);
    for (size_t i = 0; i < d->count; i++) {
        struct dkim_key published;
        struct slice signature;
        bool policy;
        assert_int_equal(d->list[i].made, NOW);
        assert_null(dkim_key_read(slice_of_str(d->list[i].record), &published, &policy));
        assert_int_equal(EVP_PKEY_eq(published.key, d->list[i].key), 1);
        assert_int_equal(signing_sign(d->list[i].key, digest, &a, &signature), 0);
        dkim_key_done(&published);
    }
    assert_int_equal(EVP_PKEY_get_bits(d->list[1].key), 2048);
    keyring_domain_free(d);
}

static void test_keys_are_for_their_owner_only_and_stay_what_they_are(void **state) {
    struct stat st;
    (void)state;
    keep(NOW);
    struct keyring_domain *before = read_home();
    assert_int_equal(fstatat(folder, HOME "/r20261118.key", &st, 0), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(fstatat(folder, HOME, &st, 0), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    assert_int_equal(keyring_keep(folder, S(HOME), NOW + DAY, &problem), 0);
    struct keyring_domain *after = read_home();
    assert_int_equal(after->count, 2);
    for (size_t i = 0; i < 2; i++)
        assert_string_equal(before->list[i].record, after->list[i].record);
    keyring_domain_free(before);
    keyring_domain_free(after);
}

static void test_a_name_that_is_no_domain_leads_nowhere(void **state) {
    (void)state;
    assert_int_equal(keyring_keep(folder, S("../x"), NOW, &problem), -E_SYNTAX);
    assert_int_equal(keyring_keep(folder, S(".."), NOW, &problem), -E_SYNTAX);
    assert_int_equal(keyring_keep(folder, S(""), NOW, &problem), -E_SYNTAX);
}

/* ------------------------------------------------------------------ which one signs */

static void test_the_first_key_signs_as_soon_as_dns_shows_it_and_not_before(void **state) {
    (void)state;
    keep(NOW);
    assert_string_equal(signs(DKIM_RSA_SHA256, NOW + 9 * DAY), "");
    see("r20261118", NOW + 10);
    assert_string_equal(signs(DKIM_RSA_SHA256, NOW + 10), "r20261118");
    assert_string_equal(signs(DKIM_ED25519_SHA256, NOW + 10), "");
}

static void test_a_newer_key_signs_a_day_after_dns_shows_it(void **state) {
    (void)state;
    keep(NOW);
    see("r20261118", NOW);
    assert_int_equal(keyring_rotate(folder, S(HOME), NOW + DAY, &problem), 0);
    assert_string_equal(signs(DKIM_RSA_SHA256, NOW + 9 * DAY), "r20261118");
    see("r20261119", NOW + 9 * DAY);
    assert_string_equal(signs(DKIM_RSA_SHA256, NOW + 10 * DAY - 1), "r20261118");
    assert_string_equal(signs(DKIM_RSA_SHA256, NOW + 10 * DAY), "r20261119");
}

static void test_a_key_that_was_seen_in_the_future_does_not_wait_for_it(void **state) {
    (void)state;
    keep(NOW);
    see("r20261118", NOW);
    assert_int_equal(keyring_rotate(folder, S(HOME), NOW + DAY, &problem), 0);
    see("r20261119", NOW + 3650 * DAY); /* by a clock that was ahead */
    assert_string_equal(signs(DKIM_RSA_SHA256, NOW + 2 * DAY), "r20261119");
}

static void test_nothing_is_made_beside_a_key_that_waits(void **state) {
    (void)state;
    keep(NOW);
    assert_int_equal(keyring_rotate(folder, S(HOME), NOW, &problem), -E_REFUSED);
    see("r20261118", NOW);
    assert_int_equal(keyring_rotate(folder, S(HOME), NOW, &problem), 0);
    assert_int_equal(count(), 3); /* of Ed25519 the first one still waits */
    assert_int_equal(keyring_rotate(folder, S(HOME), NOW, &problem), -E_REFUSED);
    see("r20261118-2", NOW);
    assert_int_equal(keyring_rotate(folder, S(HOME), NOW + DAY - 1, &problem), -E_REFUSED);
    assert_int_equal(keyring_rotate(folder, S(HOME), NOW + DAY, &problem), 0);
}

static void test_nobody_has_keys_who_was_not_given_any(void **state) {
    (void)state;
    assert_int_equal(count(), 0);
    assert_int_equal(keyring_rotate(folder, S(HOME), NOW, &problem), -E_UNKNOWN);
    assert_int_equal(keyring_seen(folder, S(HOME), S("r20261118"), NOW, &problem), -E_UNKNOWN);
    assert_int_equal(keyring_drop(folder, S(HOME), NOW, &problem), 0);
    assert_int_equal(keyring_tend(folder, S(HOME), NOW, KEEP, &problem), 0);
    assert_int_equal(faccessat(folder, HOME, F_OK, 0), -1);
}

/* ------------------------------------------------------------------ what goes */

static void test_a_key_goes_when_what_it_signed_has_arrived(void **state) {
    (void)state;
    keep(NOW);
    see("r20261118", NOW);
    assert_int_equal(keyring_rotate(folder, S(HOME), NOW + DAY, &problem), 0);
    see("r20261119", NOW + DAY);
    assert_int_equal(keyring_tend(folder, S(HOME), NOW + 2 * DAY - 1, KEEP, &problem), 0);
    assert_int_equal(keyring_tend(folder, S(HOME), NOW + 2 * DAY, KEEP, &problem), 1);
    assert_int_equal(keyring_tend(folder, S(HOME), NOW + 2 * DAY + KEEP, KEEP, &problem), 0);
    assert_int_equal(count(), 3);
    assert_int_equal(keyring_tend(folder, S(HOME), NOW + 2 * DAY + KEEP + 1, KEEP, &problem), 1);
    assert_int_equal(count(), 2);
    assert_string_equal(signs(DKIM_RSA_SHA256, NOW + 99 * DAY), "r20261119");
}

static void test_keys_of_a_removed_domain_sign_what_is_left_of_it_and_go(void **state) {
    struct slice *list;
    size_t n;
    _cleanup_(arena_done) struct arena a = {0};
    (void)state;
    keep(NOW);
    see("r20261118", NOW);
    assert_int_equal(keyring_drop(folder, S(HOME), NOW + DAY, &problem), 0);
    assert_int_equal(keyring_drop(folder, S(HOME), NOW + 9 * DAY, &problem), 0);
    assert_string_equal(signs(DKIM_RSA_SHA256, NOW + 2 * DAY), "r20261118");
    assert_int_equal(keyring_tend(folder, S(HOME), NOW + DAY + KEEP + 1, KEEP, &problem), 1);
    assert_int_equal(keyring_domains(folder, &a, &list, &n), 0);
    assert_int_equal(n, 0);
}

static void test_a_domain_that_comes_back_has_its_keys(void **state) {
    (void)state;
    keep(NOW);
    see("r20261118", NOW);
    assert_int_equal(keyring_drop(folder, S(HOME), NOW + DAY, &problem), 0);
    assert_int_equal(keyring_keep(folder, S(HOME), NOW + 2 * DAY, &problem), 1);
    assert_int_equal(keyring_tend(folder, S(HOME), NOW + 99 * DAY, KEEP, &problem), 0);
    assert_string_equal(signs(DKIM_RSA_SHA256, NOW + 99 * DAY), "r20261118");
}

/* ------------------------------------------------------------------ damage */

static void put(const char *name, const char *text) {
    int fd = openat(folder, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    (void)close(fd);
}

static void test_without_its_state_a_key_waits_for_dns_again(void **state) {
    (void)state;
    keep(NOW);
    see("r20261118", NOW);
    put(HOME "/state",
        "r20261118 x y\nr20261118\nnobody 1 2 3\n\n e20261118 -1 99999999999999999999");
    assert_string_equal(signs(DKIM_RSA_SHA256, NOW), "");
    see("r20261118", NOW + 1);
    assert_string_equal(signs(DKIM_RSA_SHA256, NOW + 1), "r20261118");
}

static void test_a_damaged_key_is_none_and_another_one_is_made(void **state) {
    (void)state;
    keep(NOW);
    put(HOME "/r20261118.key", "-----BEGIN PRIVATE KEY-----\nMIIE\n");
    struct keyring_domain *d = read_home();
    assert_int_equal(d->count, 1);
    assert_string_equal(d->damaged, "r20261118");
    keyring_domain_free(d);
    assert_int_equal(keyring_keep(folder, S(HOME), NOW + DAY, &problem), 1);
    d = read_home();
    assert_int_equal(d->count, 2);
    assert_string_equal(d->list[1].selector, "r20261119");
    keyring_domain_free(d);
}

static void test_what_a_power_cut_has_left_is_in_nobodys_way(void **state) {
    (void)state;
    assert_int_equal(mkdirat(folder, HOME, 0700), 0);
    put(HOME "/new", "-----BEGIN PRIV");
    keep(NOW);
    assert_int_equal(count(), 2);
    assert_int_equal(faccessat(folder, HOME "/new", F_OK, 0), -1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, make_folder, remove_folder)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_domain_gets_a_key_of_each_kind_whose_record_verifies),
        TEST(keys_are_for_their_owner_only_and_stay_what_they_are),
        TEST(a_name_that_is_no_domain_leads_nowhere),
        TEST(the_first_key_signs_as_soon_as_dns_shows_it_and_not_before),
        TEST(a_newer_key_signs_a_day_after_dns_shows_it),
        TEST(a_key_that_was_seen_in_the_future_does_not_wait_for_it),
        TEST(nothing_is_made_beside_a_key_that_waits),
        TEST(nobody_has_keys_who_was_not_given_any),
        TEST(a_key_goes_when_what_it_signed_has_arrived),
        TEST(keys_of_a_removed_domain_sign_what_is_left_of_it_and_go),
        TEST(a_domain_that_comes_back_has_its_keys),
        TEST(without_its_state_a_key_waits_for_dns_again),
        TEST(a_damaged_key_is_none_and_another_one_is_made),
        TEST(what_a_power_cut_has_left_is_in_nobodys_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

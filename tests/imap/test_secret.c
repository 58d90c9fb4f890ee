/* SPDX-License-Identifier: ISC */
/* Passwords are in memory no longer than they are needed. */
#include "secret.h"

#include "base/alloc.h"
#include "imap/login.h"

#define PASSWORD "himitsu-7041"
#define TAIL     "su-7041" /* what is left of it may be less than all */
/* "\0tama\0himitsu-7041" */
#define PLAIN      "AHRhbWEAaGltaXRzdS03MDQx"
#define PLAIN_TAIL "dS03MDQx"

static unsigned attempts;
static bool right;

static int check(void *host UNUSED, const char *mechanism UNUSED,
                 const struct login_request *attempt) WAITS {
    attempts++;
    if (!slice_eq(attempt->password, S(PASSWORD)))
        fail_msg("another password");
    return right ? 0 : -E_REFUSED;
}

static const struct door_host host = {.login = check};

static void assert_none_is_left(void) {
    assert_int_equal(secret_count(TAIL), 0);
    assert_int_equal(secret_count(PLAIN_TAIL), 0);
}

static void log_in(const char *says, size_t piece, bool good) WAITS {
    struct secret_client client = {.says = says, .piece = piece, .all_said = assert_none_is_left};
    struct stream *s = stream_new(&secret_ops, &client);
    struct door_config config = door_config_default;
    struct door_counts counts;
    struct buf tag = {0};
    config.hostname = S("mail.example.test");
    config.offer.tls_active = true;
    attempts = 0;
    right = good;
    (void)imap_login(s, &config, false, &host, NULL, &tag, &counts);
    assert_none_is_left();
    stream_free(s);
    assert_none_is_left();
    buf_done(&tag);
}

FIBER_TEST(a_secret_that_is_left_is_found) {
    char *left = mem_str(S("of " PASSWORD));
    assert_true(secret_count(TAIL) > 0);
    mem_wipe(left, strlen(left));
    free(left);
    assert_int_equal(secret_count(TAIL), 0);
}

static const char *const conversations[] = {
    "a LOGIN tama " PASSWORD "\r\n",
    "a LOGIN tama \"" PASSWORD "\"\r\n",
    "a LOGIN {4}\r\ntama {12+}\r\n" PASSWORD "\r\n",
    "a AUTHENTICATE PLAIN " PLAIN "\r\n",
    "a AUTHENTICATE PLAIN\r\n" PLAIN "\r\n",
    "a AUTHENTICATE LOGIN\r\ndGFtYQ==\r\naGltaXRzdS03MDQx\r\n",
};

FIBER_TEST(the_password_of_a_login_is_not_left) {
    for (size_t i = 0; i < ARRAY_SIZE(conversations); i++) {
        for (size_t piece = 1; piece <= 1000; piece = piece == 1 ? 7 : piece * 1000 / 7) {
            log_in(conversations[i], piece, true);
            assert_int_equal(attempts, 1);
        }
        log_in(conversations[i], 1000, false);
        assert_int_equal(attempts, 1);
    }
}

FIBER_TEST(nor_that_of_a_login_that_cannot_be_read) {
    log_in("a LOGIN tama " PASSWORD " more\r\nb LOGIN tama {9999999}\r\n", 1000, true);
    log_in("a LOGIN tama " PASSWORD
           " and so much more that what holds it has to grow, perhaps more "
           "than once, and to move\r\n",
           7, true);
    log_in("a LOGIN \"tama\\\" " PASSWORD "\r\nb LOGOUT\r\n", 7, true);
    assert_int_equal(attempts, 0);
}

int main(int argc UNUSED, char **argv) {
    secret_begin(argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_secret_that_is_left_is_found),
        cmocka_unit_test(test_the_password_of_a_login_is_not_left),
        cmocka_unit_test(test_nor_that_of_a_login_that_cannot_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

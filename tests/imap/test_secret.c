/* SPDX-License-Identifier: ISC */
/* Passwords are in memory no longer than they are needed. */
#include "secret_door.h"

#include "base/alloc.h"
#include "imap/login.h"

static void log_in(const char *says, size_t piece, bool good) WAITS {
    struct secret_client client = {.says = says, .piece = piece, .all_said = secret_is_gone};
    struct stream *s = stream_new(&secret_ops, &client);
    struct door_config config = door_config_default;
    struct door_counts counts;
    struct buf tag = {0};
    config.hostname = S("mail.example.test");
    config.offer.tls_active = true;
    secret_attempts = 0;
    secret_is_right = good;
    (void)imap_login(s, &config, false, &secret_host, NULL, &tag, &counts);
    secret_is_gone();
    stream_free(s);
    secret_is_gone();
    buf_done(&tag);
}

FIBER_TEST(a_secret_that_is_left_is_found) {
    char *left = mem_str(S("of " SECRET));
    assert_true(secret_count(SECRET_TAIL) > 0);
    mem_wipe(left, strlen(left));
    free(left);
    assert_int_equal(secret_count(SECRET_TAIL), 0);
}

static const char *const conversations[] = {
    "a LOGIN tama " SECRET "\r\n",
    "a LOGIN tama \"" SECRET "\"\r\n",
    "a LOGIN {4}\r\ntama {12+}\r\n" SECRET "\r\n",
    "a AUTHENTICATE PLAIN " SECRET_PLAIN "\r\n",
    "a AUTHENTICATE PLAIN\r\n" SECRET_PLAIN "\r\n",
    "a AUTHENTICATE LOGIN\r\ndGFtYQ==\r\naGltaXRzdS03MDQx\r\n",
};

FIBER_TEST(the_password_of_a_login_is_not_left) {
    for (size_t i = 0; i < ARRAY_SIZE(conversations); i++) {
        for (size_t piece = 1; piece <= 1000; piece = piece == 1 ? 7 : piece * 1000 / 7) {
            log_in(conversations[i], piece, true);
            assert_int_equal(secret_attempts, 1);
        }
        log_in(conversations[i], 1000, false);
        assert_int_equal(secret_attempts, 1);
    }
}

FIBER_TEST(nor_that_of_a_login_that_cannot_be_read) {
    log_in("a LOGIN tama " SECRET " more\r\nb LOGIN tama {9999999}\r\n", 1000, true);
    log_in("a LOGIN tama " SECRET " and so much more that what holds it has to grow, perhaps more "
           "than once, and to move\r\n",
           7, true);
    log_in("a LOGIN \"tama\\\" " SECRET "\r\nb LOGOUT\r\n", 7, true);
    assert_int_equal(secret_attempts, 0);
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

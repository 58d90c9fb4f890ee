/* SPDX-License-Identifier: ISC */
/* Passwords are in memory no longer than they are needed. */
#include "secret_door.h"

#include "pop3/login.h"

static void log_in(const char *says, size_t piece, bool good) WAITS {
    struct secret_client client = {.says = says, .piece = piece};
    struct stream *s = stream_new(&secret_ops, &client);
    struct pop3_login_config config = {.door = door_config_default};
    struct door_counts counts;
    bool japanese;
    config.door.hostname = S("mail.example.test");
    config.door.offer.tls_active = true;
    secret_attempts = 0;
    secret_is_right = good;
    (void)pop3_login(s, &config, &secret_host, NULL, &japanese, &counts);
    assert_int_equal(secret_attempts, 1);
    secret_is_gone();
    stream_free(s);
}

FIBER_TEST(the_password_of_a_login_is_not_left) {
    static const char *const conversations[] = {
        "USER tama\r\nPASS " SECRET "\r\n",
        "AUTH PLAIN " SECRET_PLAIN "\r\n",
        "AUTH PLAIN\r\n" SECRET_PLAIN "\r\n",
    };
    for (size_t i = 0; i < ARRAY_SIZE(conversations); i++) {
        log_in(conversations[i], 1, true);
        log_in(conversations[i], 7, true);
        log_in(conversations[i], 1000, true);
        log_in(conversations[i], 1000, false);
    }
}

int main(int argc UNUSED, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_password_of_a_login_is_not_left),
    };
    secret_begin(argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

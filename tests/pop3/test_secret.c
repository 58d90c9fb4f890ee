/* SPDX-License-Identifier: ISC */
/* Passwords are in memory no longer than they are needed. */
#include "secret.h"

#include "pop3/login.h"

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

static void log_in(const char *says, size_t piece, bool good) WAITS {
    struct secret_client client = {.says = says, .piece = piece};
    struct stream *s = stream_new(&secret_ops, &client);
    struct pop3_login_config config = {.door = door_config_default};
    struct door_counts counts;
    bool japanese;
    config.door.hostname = S("mail.example.test");
    config.door.offer.tls_active = true;
    attempts = 0;
    right = good;
    (void)pop3_login(s, &config, &host, NULL, &japanese, &counts);
    assert_int_equal(attempts, 1);
    assert_int_equal(secret_count(TAIL), 0);
    assert_int_equal(secret_count(PLAIN_TAIL), 0);
    stream_free(s);
}

FIBER_TEST(the_password_of_a_login_is_not_left) {
    static const char *const conversations[] = {
        "USER tama\r\nPASS " PASSWORD "\r\n",
        "AUTH PLAIN " PLAIN "\r\n",
        "AUTH PLAIN\r\n" PLAIN "\r\n",
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

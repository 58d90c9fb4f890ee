/* SPDX-License-Identifier: ISC */
/* Passwords are in memory no longer than they are needed. */
#include "secret.h"

#include "smtp/session.h"

/* name and password of LOGIN */
#define NAME "dGFtYQ=="
#define WORD "aGltaXRzdS03MDQx"

static unsigned attempts, looks;
static bool right;

static int check(void *arg UNUSED, const struct smtp_client *client UNUSED,
                 const struct smtp_login *login, struct arena *a, struct slice *ret_account) WAITS {
    attempts++;
    if (!slice_ends(login->credentials->password, S(SECRET_TAIL)))
        fail_msg("another password");
    if (!right)
        return -E_REFUSED;
    *ret_account = arena_copy(a, S("tama@example.test"));
    return 0;
}

/* The conversation goes on: nothing is wiped because it has ended. */
static void look(void) {
    looks++;
    secret_is_gone();
}

static void log_in(const char *says, size_t piece, bool good) WAITS {
    struct secret_client client = {.says = says, .piece = piece, .all_said = look};
    struct stream *s = stream_new(&secret_ops, &client);
    const struct smtp_host host = {.login = check};
    const struct net_addr peer = {0};
    struct smtp_listener listener = {
        .service = SMTP_SUBMISSION,
        .hostname = S("mail.example.test"),
        .plaintext_login = true,
        .limits = smtp_limits_default,
    };
    attempts = looks = 0;
    right = good;
    smtp_session(s, &host, &listener, &peer);
    assert_int_equal(attempts, 1);
    assert_true(looks > 0);
    stream_free(s);
}

FIBER_TEST(the_password_of_a_login_is_not_left) {
    static const char *const conversations[] = {
        "EHLO kitten.example\r\nAUTH PLAIN " SECRET_PLAIN "\r\n",
        "EHLO kitten.example\r\nAUTH PLAIN\r\n" SECRET_PLAIN "\r\n",
        "EHLO kitten.example\r\nAUTH LOGIN\r\n" NAME "\r\n" WORD "\r\n",
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

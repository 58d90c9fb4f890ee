/* SPDX-License-Identifier: ISC */
#include "directory_test.h"

#include <time.h>

#include "auth/apop.h"
#include "auth/throttle.h"

#define PEER  S("\xc0\x00\x02\x01")
#define STAMP S("<1896.697170952@dbc.mtview.ca.us>")

struct answer {
    struct login login;
    struct problem problem;
    char address[64];
};

static struct answer ask(struct directory *d, const struct login_request *request) {
    struct answer answer = {0};
    struct arena a = {0};
    assert_int_equal(directory_login(d, request, &a, &answer.login, &answer.problem), 0);
    assert_int_equal(slice_to_str(answer.login.address, answer.address, sizeof answer.address), 0);
    arena_done(&a);
    return answer;
}

static struct answer login(struct directory *d, const char *name, struct slice password) {
    struct login_request request = {.name = slice_of_str(name), .password = password};
    return ask(d, &request);
}

static enum login_outcome outcome(struct directory *d, const char *name, struct slice password) {
    return login(d, name, password).login.outcome;
}

DIRECTORY_TEST(c2_the_right_password_enters) {
    add_domain(d, "example.test");
    uint64_t id = add_account(d, "tama@example.test");
    struct answer answer = login(d, "Tama@Example.TEST", PASSWORD);
    assert_int_equal(answer.login.outcome, LOGIN_WELCOME);
    assert_int_equal(answer.login.account_id, id);
    assert_string_equal(answer.address, "tama@example.test");
    assert_int_equal(answer.login.hold, 0);
    directory_close(d);
}

DIRECTORY_TEST(c2_refusals_look_alike_outside_and_differ_in_the_log) {
    struct account_new mute = {.address = S("mute@example.test")};
    uint64_t id = 0;
    add_domain(d, "example.test");
    (void)add_account(d, "tama@example.test");
    GOOD(directory_account_add(d, &ORDER, &mute, &id, &problem));
    struct answer wrong = login(d, "tama@example.test", S("no"));
    struct answer nobody = login(d, "kobo@example.test", S("no"));
    struct answer silent = login(d, "mute@example.test", S(""));
    struct answer odd = login(d, "a b c", S("no"));
    assert_int_equal(wrong.login.outcome, LOGIN_WRONG);
    assert_memory_equal(&wrong.login, &nobody.login, sizeof wrong.login);
    assert_memory_equal(&wrong.login, &silent.login, sizeof wrong.login);
    assert_memory_equal(&wrong.login, &odd.login, sizeof wrong.login);
    assert_string_equal(wrong.problem.text, "wrong password for tama@example.test");
    assert_string_equal(nobody.problem.text, "there is no account kobo@example.test");
    assert_string_equal(silent.problem.text, "mute@example.test has no password");
    directory_close(d);
}

DIRECTORY_TEST(c2_a_bare_local_part_means_the_only_domain) {
    add_domain(d, "example.test");
    (void)add_account(d, "tama@example.test");
    assert_int_equal(outcome(d, "tama", PASSWORD), LOGIN_WELCOME);
    add_domain(d, "other.test");
    assert_int_equal(outcome(d, "tama", PASSWORD), LOGIN_WRONG);
    directory_close(d);
}

REAL_FIBER_TEST(c2_a_bare_local_part_means_the_default_domain) {
    struct place p;
    struct directory_options options = {.default_domain = "Example.test",
                                        .cost = PASSWORD_COST_MIN};
    struct directory *d = NULL;
    place_make(&p);
    GOOD(directory_open(p.file, &options, &d, &problem));
    add_domain(d, "example.test");
    add_domain(d, "other.test");
    (void)add_account(d, "tama@example.test");
    assert_int_equal(outcome(d, "tama", PASSWORD), LOGIN_WELCOME);
    directory_close(d);
    place_done(&p);
}

DIRECTORY_TEST(c2_an_alias_domain_enters_too) {
    add_domain(d, "example.test");
    GOOD(directory_domain_add(d, &ORDER, S("example.net"), S("example.test"), &problem));
    (void)add_account(d, "tama@example.test");
    struct answer answer = login(d, "tama@example.net", PASSWORD);
    assert_int_equal(answer.login.outcome, LOGIN_WELCOME);
    assert_string_equal(answer.address, "tama@example.test");
    directory_close(d);
}

DIRECTORY_TEST_AT(b4_a_disabled_account_answers_like_a_wrong_password, TEST_WALL) {
    struct login_request request = {
        .name = S("tama"), .password = PASSWORD, .peer = slice_of("\x0a\0\0\1", 4)};
    add_domain(d, "example.test");
    (void)add_account(d, "tama@example.test");
    assert_int_equal(outcome(d, "tama", PASSWORD), LOGIN_WELCOME);
    GOOD(directory_account_set_enabled(d, &ORDER, S("tama@example.test"), false, &problem));
    assert_int_equal(outcome(d, "tama", S("no")), LOGIN_WRONG);
    struct answer answer = ask(d, &request);
    assert_int_equal(answer.login.outcome, LOGIN_WRONG);
    assert_int_equal(answer.login.hold, 2 * USEC_SEC); /* and counts as one */
    assert_string_equal(answer.problem.text, "tama@example.test is disabled");
    assert_int_equal(ask(d, &request).login.hold, 2 * USEC_SEC); /* again the same */
    request.password = S("no");
    assert_int_equal(ask(d, &request).login.hold, 4 * USEC_SEC);
    directory_close(d);
}

struct changing {
    struct directory *d;
    int result;
};

static void disable_fiber(void *arg) {
    struct changing *c = arg;
    c->result = directory_account_set_enabled(c->d, &ORDER, S("tama@example.test"), false, NULL);
}

static void login_fiber(void *arg) {
    struct changing *c = arg;
    c->result = (int)outcome(c->d, "tama", PASSWORD);
}

/* The password is being checked when the account is disabled: nobody may enter behind that. */
DIRECTORY_TEST(b4_a_change_during_a_login_counts) {
    struct changing entering = {d, -1}, disabling = {d, -1};
    struct fiber *one = NULL, *other = NULL;
    add_domain(d, "example.test");
    (void)add_account(d, "tama@example.test");
    GOOD(fiber_start("login", login_fiber, &entering, &one));
    GOOD(fiber_start("disable", disable_fiber, &disabling, &other));
    fiber_join(one);
    fiber_join(other);
    assert_int_equal(disabling.result, 0);
    assert_int_equal(entering.result, LOGIN_WRONG);
    directory_close(d);
}

DIRECTORY_TEST(rfc4616_s2_nobody_acts_for_somebody_else) {
    add_domain(d, "example.test");
    (void)add_account(d, "tama@example.test");
    (void)add_account(d, "kobo@example.test");
    struct login_request request = {
        .name = S("tama"), .act_as = S("Tama@example.test"), .password = PASSWORD};
    assert_int_equal(ask(d, &request).login.outcome, LOGIN_WELCOME);
    request.act_as = S("kobo@example.test");
    assert_int_equal(ask(d, &request).login.outcome, LOGIN_WRONG);
    directory_close(d);
}

DIRECTORY_TEST(c2_a_changed_password_counts_at_once) {
    add_domain(d, "example.test");
    (void)add_account(d, "tama@example.test");
    assert_int_equal(outcome(d, "tama", PASSWORD), LOGIN_WELCOME);
    assert_int_equal(outcome(d, "tama", PASSWORD), LOGIN_WELCOME); /* remembered */
    GOOD(directory_account_set_password(d, &ORDER, S("tama@example.test"), S("Wq9!zzTnB4xe"), false,
                                        &problem));
    assert_int_equal(outcome(d, "tama", PASSWORD), LOGIN_WRONG);
    assert_int_equal(outcome(d, "tama", S("Wq9!zzTnB4xe")), LOGIN_WELCOME);
    directory_close(d);
}

DIRECTORY_TEST(c6_an_imported_hash_is_replaced_at_the_first_login) {
    struct arena a = {0};
    struct account account;
    uint64_t id = 0;
    struct account_new old = {
        .address = S("tama@example.test"),
        .imported = S("$6$kobo$PE1d9wimX/0BPsXns/XVBumymEdwK00HY4HUhzSgC0B74lER1hHYeVWWMdtCHHdW59"
                      "ysZzcDoJrPSPkmmnqSM1")};
    add_domain(d, "example.test");
    GOOD(directory_account_add(d, &ORDER, &old, &id, &problem));
    assert_int_equal(outcome(d, "tama", S("no")), LOGIN_WRONG);
    GOOD(directory_account_show(d, S("tama@example.test"), &a, &account, &problem));
    assert_slice(account.password_kind, "sha512-crypt");
    assert_int_equal(outcome(d, "tama", S("tama river 1993")), LOGIN_WELCOME);
    GOOD(directory_account_show(d, S("tama@example.test"), &a, &account, &problem));
    assert_slice(account.password_kind, "argon2id");
    assert_int_equal(outcome(d, "tama", S("tama river 1993")), LOGIN_WELCOME);
    assert_int_equal(outcome(d, "tama", S("no")), LOGIN_WRONG);
    arena_done(&a);
    directory_close(d);
}

DIRECTORY_TEST(c2_the_last_login_is_shown_and_kept) {
    struct arena a = {0};
    struct account account;
    add_domain(d, "example.test");
    (void)add_account(d, "tama@example.test");
    GOOD(directory_account_show(d, S("tama@example.test"), &a, &account, &problem));
    assert_int_equal(account.last_login, 0);
    assert_int_equal(outcome(d, "tama", PASSWORD), LOGIN_WELCOME);
    usec_t when = fiber_wall();
    directory_close(d);
    d = place_open(p);
    GOOD(directory_account_show(d, S("tama@example.test"), &a, &account, &problem));
    assert_true(account.last_login > when - USEC_MIN && account.last_login <= fiber_wall());
    arena_done(&a);
    directory_close(d);
}

static usec_t last_login(struct directory *d, const char *address) {
    _cleanup_(arena_done) struct arena a = {0};
    struct account account;
    GOOD(directory_account_show(d, slice_of_str(address), &a, &account, &problem));
    return account.last_login;
}

DIRECTORY_TEST_AT(c2_logins_that_cannot_be_written_are_written_later, TEST_WALL) {
    add_domain(d, "example.test");
    (void)add_account(d, "tama@example.test");
    (void)add_account(d, "kobo@example.test");
    usec_t first = fiber_wall();
    assert_int_equal(outcome(d, "tama", PASSWORD), LOGIN_WELCOME);
    assert_int_equal(outcome(d, "kobo", PASSWORD), LOGIN_WELCOME);
    assert_int_equal(fiber_sleep(2 * USEC_MIN), 0);
    sql(p, "CREATE TRIGGER full BEFORE INSERT ON login BEGIN SELECT RAISE(ABORT, 'full'); END;");
    usec_t second = fiber_wall();
    assert_int_equal(outcome(d, "tama", PASSWORD), LOGIN_WELCOME); /* it is time to write them */
    sql(p, "DROP TRIGGER full;");
    assert_int_equal(fiber_sleep(2 * USEC_MIN), 0);
    directory_close(d);
    d = place_open(p);
    assert_int_equal(last_login(d, "kobo@example.test"), first);
    assert_int_equal(last_login(d, "tama@example.test"), second);
    directory_close(d);
}

/* ------------------------------------------------------------------ time that it takes */

/* Of work, by all threads of this process: what else the machine does makes it no longer. */
static double worked_seconds(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

REAL_FIBER_TEST(c2_nobody_takes_as_long_as_a_wrong_password_and_a_known_one_less) {
    struct place p;
    struct directory_options options = {.cost = {16 * 1024, 1}};
    struct directory *d = NULL;
    double took[4] = {1e9, 1e9, 1e9, 1e9};
    place_make(&p);
    GOOD(directory_open(p.file, &options, &d, &problem));
    add_domain(d, "example.test");
    (void)add_account(d, "tama@example.test");
    char weak[PASSWORD_HASH_MAX]; /* as it was made when the settings asked for less */
    GOOD(password_hash(PASSWORD, (struct password_cost){64, 1}, weak));
    struct account_new quick = {.address = S("quick@example.test"), .imported = slice_of_str(weak)};
    uint64_t id = 0;
    GOOD(directory_account_add(d, &ORDER, &quick, &id, &problem));
    assert_int_equal(outcome(d, "tama", PASSWORD), LOGIN_WELCOME);
    for (int i = 0; i < 5; i++) { /* the best of five: caches may be cold */
        static const char *const names[] = {"tama", "nobody", "quick", "tama"};
        for (size_t k = 0; k < ARRAY_SIZE(names); k++) {
            double start = worked_seconds();
            (void)outcome(d, names[k], k == 3 ? PASSWORD : S("no"));
            took[k] = MIN(took[k], worked_seconds() - start);
        }
    }
    print_message("wrong %.1f ms, nobody %.1f ms, weak hash %.1f ms, remembered %.2f ms\n",
                  took[0] * 1e3, took[1] * 1e3, took[2] * 1e3, took[3] * 1e3);
    assert_true(took[1] > took[0] / 2 && took[1] < took[0] * 2);
    assert_true(took[2] > took[0] / 2 && took[2] < took[0] * 2);
    assert_true(took[3] < took[0] / 2);
    directory_close(d);
    place_done(&p);
}

/* ------------------------------------------------------------------ throttling, simulated time */

DIRECTORY_TEST_AT(e2_failures_wait_2_s_doubling, TEST_WALL) {
    struct login_request request = {.name = S("tama"), .password = S("no"), .peer = PEER};
    add_domain(d, "example.test");
    (void)add_account(d, "tama@example.test");
    usec_t start = fiber_now();
    assert_int_equal(ask(d, &request).login.hold, 2 * USEC_SEC);
    assert_int_equal(fiber_now() - start, 0);
    request.password = S("another");
    assert_int_equal(ask(d, &request).login.hold, 4 * USEC_SEC); /* came at once: waited 2 s */
    assert_int_equal(fiber_now() - start, 2 * USEC_SEC);
    request.password = PASSWORD;
    assert_int_equal(ask(d, &request).login.outcome, LOGIN_WELCOME);
    assert_int_equal(fiber_now() - start, 6 * USEC_SEC);
    assert_int_equal(ask(d, &request).login.outcome, LOGIN_WELCOME);
    assert_int_equal(fiber_now() - start, 6 * USEC_SEC);
    directory_close(d);
}

/* A program tries it by several mechanisms; then its user types the new one, and is in soon. */
DIRECTORY_TEST_AT(an_old_password_that_is_repeated_adds_up_to_no_long_wait, TEST_WALL) {
    struct login_request request = {.name = S("tama"), .password = S("the old one"), .peer = PEER};
    add_domain(d, "example.test");
    (void)add_account(d, "tama@example.test");
    for (int i = 0; i < 6; i++) {
        struct answer answer = ask(d, &request);
        assert_int_equal(answer.login.outcome, LOGIN_WRONG);
        assert_int_equal(answer.login.hold, 2 * USEC_SEC);
    }
    usec_t start = fiber_now();
    request.password = PASSWORD;
    assert_int_equal(ask(d, &request).login.outcome, LOGIN_WELCOME);
    assert_int_equal(fiber_now() - start, 2 * USEC_SEC);
    directory_close(d);
}

DIRECTORY_TEST_AT(e2_names_that_do_not_exist_are_slowed_down_too, TEST_WALL) {
    struct login_request request = {.name = S("kobo"), .password = S("no"), .peer = PEER};
    add_domain(d, "example.test");
    assert_int_equal(ask(d, &request).login.hold, 2 * USEC_SEC);
    assert_int_equal(ask(d, &request).login.hold, 2 * USEC_SEC); /* as for one who exists */
    request.password = S("another");
    assert_int_equal(ask(d, &request).login.hold, 4 * USEC_SEC);
    request.peer = S("\xc0\x00\x02\x02");
    assert_int_equal(ask(d, &request).login.hold, 2 * USEC_SEC);
    directory_close(d);
}

DIRECTORY_TEST_AT(e2_all_spellings_of_a_name_are_slowed_down_together, TEST_WALL) {
    static const char *const names[] = {
        "tama@example.test",         "tama",
        "TAMA@Example.Test.",        "\"tama\"@example.test",
        "\"t\\am\\a\"@example.test", "tama@example.net",
    };
    add_domain(d, "example.test");
    GOOD(directory_domain_add(d, &ORDER, S("example.net"), S("example.test"), &problem));
    (void)add_account(d, "tama@example.test");
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        struct login_request request = {.name = slice_of_str(names[i]),
                                        .password = slice_first(S("123456"), i + 1),
                                        .peer = PEER};
        assert_int_equal(ask(d, &request).login.hold, MIN(2 << i, 30) * USEC_SEC);
        request.password = PASSWORD;
        request.peer = S("");
        assert_int_equal(ask(d, &request).login.outcome, LOGIN_WELCOME); /* it is the account */
    }
    directory_close(d);
}

struct guesser {
    struct directory *d;
    unsigned wrong, throttled, guesses;
};

static void guess(void *arg) {
    struct guesser *g = arg;
    char text[12];
    int len = snprintf(text, sizeof text, "%u", g->guesses++);
    struct login_request request = {
        .name = S("tama"), .password = slice_of(text, (size_t)len), .peer = PEER};
    enum login_outcome o = ask(g->d, &request).login.outcome;
    g->wrong += o == LOGIN_WRONG;
    g->throttled += o == LOGIN_THROTTLED;
}

DIRECTORY_TEST_AT(e2_guessing_in_parallel_queues_up_and_is_turned_away, TEST_WALL) {
    struct guesser g = {.d = d};
    add_domain(d, "example.test");
    (void)add_account(d, "tama@example.test");
    for (int i = 0; i < 5; i++)
        guess(&g);
    usec_t start = fiber_now();
    for (int i = 0; i < 20; i++)
        assert_int_equal(fiber_spawn("guesser", guess, &g), 0);
    while (fiber_children() > 0)
        assert_int_equal(fiber_sleep(USEC_SEC), 0);
    assert_int_equal(g.wrong, 5 + 2); /* after 30 s and 60 s; all others had no hope in a minute */
    assert_int_equal(g.throttled, 18);
    assert_in_range(fiber_now() - start, 60 * USEC_SEC, 62 * USEC_SEC);
    directory_close(d);
}

/* ------------------------------------------------------------------ networks new to an account */

#define USUAL S("\xcb\x00\x71\x05")

/* Any number of networks, each asking once: what the throttle for each network does not see. */
static unsigned guesses(struct directory *d, const char *name, unsigned count, usec_t within) {
    unsigned looked_at = 0;
    usec_t end = fiber_now() + within;
    for (unsigned i = 0; i < count && fiber_now() < end; i++) {
        char peer[4] = {0x0a, (char)(i >> 16), (char)(i >> 8), (char)i};
        struct login_request request = {
            .name = slice_of_str(name), .password = S("no"), .peer = slice_of(peer, 4)};
        looked_at += ask(d, &request).login.outcome == LOGIN_WRONG;
    }
    return looked_at;
}

DIRECTORY_TEST_AT(guesses_from_ever_new_networks_are_a_hundred_then_one_in_ten_seconds, TEST_WALL) {
    add_domain(d, "example.test");
    (void)add_account(d, "tama@example.test");
    usec_t start = fiber_now();
    assert_int_equal(guesses(d, "tama", 160, USEC_HOUR), 160);
    assert_in_range(fiber_now() - start, 600 * USEC_SEC, 601 * USEC_SEC);
    start = fiber_now();
    assert_int_equal(guesses(d, "nobody", 110, USEC_HOUR), 110); /* and who exists is not told */
    assert_in_range(fiber_now() - start, 100 * USEC_SEC, 101 * USEC_SEC);
    directory_close(d);
}

/* The password that is chosen most often, for everybody. Who logs in there does not wait. */
DIRECTORY_TEST_AT(guesses_of_a_network_at_ever_new_names_become_one_in_a_second, TEST_WALL) {
    char name[32];
    struct login_request guess = {.password = S("no"), .peer = S("\x0a\x05\0\1")};
    struct login_request request = {.name = S("tama"), .password = PASSWORD, .peer = guess.peer};
    add_domain(d, "example.test");
    (void)add_account(d, "tama@example.test");
    assert_int_equal(ask(d, &request).login.outcome, LOGIN_WELCOME);
    usec_t start = fiber_now();
    for (unsigned i = 0; i < 350; i++) {
        guess.name = slice_of(name, (size_t)snprintf(name, sizeof name, "name%u", i));
        assert_int_equal(ask(d, &guess).login.outcome, LOGIN_WRONG);
    }
    assert_in_range(fiber_now() - start, 50 * USEC_SEC, 51 * USEC_SEC);
    start = fiber_now();
    assert_int_equal(ask(d, &request).login.outcome, LOGIN_WELCOME);
    assert_int_equal(fiber_now() - start, 0);
    directory_close(d);
}

DIRECTORY_TEST_AT(guesses_of_strangers_lock_nobody_out_where_he_was_before, TEST_WALL) {
    struct login_request request = {.name = S("tama"), .password = PASSWORD, .peer = USUAL};
    add_domain(d, "example.test");
    (void)add_account(d, "tama@example.test");
    assert_int_equal(ask(d, &request).login.outcome, LOGIN_WELCOME);
    (void)guesses(d, "tama", 100, USEC_HOUR);
    usec_t start = fiber_now();
    assert_int_equal(ask(d, &request).login.outcome, LOGIN_WELCOME);
    assert_int_equal(fiber_now() - start, 0);
    directory_close(d);
    d = place_open(p); /* which it remembers */
    (void)guesses(d, "tama", 100, USEC_HOUR);
    start = fiber_now();
    assert_int_equal(ask(d, &request).login.outcome, LOGIN_WELCOME);
    assert_int_equal(fiber_now() - start, 0);
    request.peer = S("\xcb\x00\x71\x06");
    assert_int_equal(ask(d, &request).login.outcome, LOGIN_WELCOME);
    assert_in_range(fiber_now() - start, 1, 10 * USEC_SEC);
    directory_close(d);
}

DIRECTORY_TEST_AT(who_moves_about_with_the_right_password_does_not_wait, TEST_WALL) {
    add_domain(d, "example.test");
    (void)add_account(d, "tama@example.test");
    usec_t start = fiber_now();
    for (unsigned i = 0; i < 300; i++) {
        char peer[4] = {0x0a, 1, (char)(i >> 8), (char)i};
        struct login_request request = {
            .name = S("tama"), .password = PASSWORD, .peer = slice_of(peer, 4)};
        assert_int_equal(ask(d, &request).login.outcome, LOGIN_WELCOME);
    }
    assert_int_equal(fiber_now() - start, 0);
    directory_close(d);
}

static void guess_from_elsewhere(void *arg) {
    struct guesser *g = arg;
    char peer[4] = {0x0a, 2, (char)g->wrong, (char)g->throttled};
    struct login_request request = {
        .name = S("tama"), .password = S("no"), .peer = slice_of(peer, 4)};
    struct answer answer = ask(g->d, &request);
    g->wrong += answer.login.outcome == LOGIN_WRONG;
    g->throttled += answer.login.outcome == LOGIN_THROTTLED;
    if (answer.login.outcome == LOGIN_THROTTLED)
        assert_string_equal(answer.problem.text,
                            "too many failed logins for \"tama\" from networks that have not "
                            "logged in as it before");
}

DIRECTORY_TEST_AT(guesses_in_parallel_from_new_networks_are_turned_away, TEST_WALL) {
    struct guesser g = {.d = d};
    add_domain(d, "example.test");
    (void)add_account(d, "tama@example.test");
    (void)guesses(d, "tama", 100, USEC_HOUR);
    for (int i = 0; i < 20; i++)
        assert_int_equal(fiber_spawn("guesser", guess_from_elsewhere, &g), 0);
    while (fiber_children() > 0)
        assert_int_equal(fiber_sleep(USEC_SEC), 0);
    assert_int_equal(g.wrong, 6); /* after 10, 20 ... 60 s */
    assert_int_equal(g.throttled, 14);
    directory_close(d);
}

struct crowd {
    struct directory *d;
    unsigned come, gone;
};

static void one_of_a_crowd(void *arg) {
    struct crowd *c = arg;
    char name[32], peer[4] = {0x0a, 3, 0, (char)c->come};
    (void)snprintf(name, sizeof name, "guess%u", c->come++);
    struct login_request request = {
        .name = slice_of_str(name), .password = S("no"), .peer = slice_of(peer, 4)};
    (void)ask(c->d, &request);
    c->gone++;
}

/* Hashes are made two at a time: whoever comes from where he always does waits for few others. */
REAL_FIBER_TEST(a_crowd_of_strangers_keeps_nobody_waiting_who_was_there_before) {
    struct place p;
    struct directory_options options = {.cost = {16 * 1024, 1}};
    struct crowd c = {0};
    struct login_request request = {.name = S("tama"), .password = PASSWORD, .peer = USUAL};
    place_make(&p);
    GOOD(directory_open(p.file, &options, &c.d, &problem));
    add_domain(c.d, "example.test");
    (void)add_account(c.d, "tama@example.test");
    assert_int_equal(ask(c.d, &request).login.outcome, LOGIN_WELCOME);
    for (int i = 0; i < 40; i++)
        assert_int_equal(fiber_spawn("stranger", one_of_a_crowd, &c), 0);
    while (c.come < 40 || c.gone < 1)
        assert_int_equal(fiber_sleep(USEC_MS), 0);
    request.password = S("no"); /* the right one would be remembered */
    assert_int_equal(ask(c.d, &request).login.outcome, LOGIN_WRONG);
    assert_in_range(c.gone, 1, 12);
    while (fiber_children() > 0)
        assert_int_equal(fiber_sleep(USEC_MS), 0);
    directory_close(c.d);
    place_done(&p);
}

/* ------------------------------------------------------------------ APOP */

static enum login_outcome apop(struct directory *d, const char *name, struct slice digest,
                               struct problem *problem) {
    struct login login;
    struct arena a = {0};
    struct login_request request = {.name = slice_of_str(name), .stamp = STAMP, .digest = digest};
    assert_int_equal(directory_login(d, &request, &a, &login, problem), 0);
    arena_done(&a);
    return login.outcome;
}

DIRECTORY_TEST(rfc1939_s7_apop) {
    struct problem said = {0};
    struct slice digest = S("c4c9334bac560ecc979e58001b3e22fb"); /* of "tanstaaf" */
    add_domain(d, "example.test");
    (void)add_account(d, "mrose@example.test");
    assert_int_equal(apop(d, "mrose", digest, &said), LOGIN_WRONG);
    assert_string_equal(said.text, "mrose@example.test has no APOP secret");
    GOOD(directory_account_set_apop(d, &ORDER, S("mrose@example.test"), S("tanstaaf"), &problem));
    assert_int_equal(apop(d, "mrose", digest, &said), LOGIN_WELCOME);
    assert_int_equal(apop(d, "mrose", S("00000000000000000000000000000000"), &said), LOGIN_WRONG);
    assert_int_equal(apop(d, "nobody", digest, &said), LOGIN_WRONG);
    GOOD(directory_account_set_apop(d, &ORDER, S("mrose@example.test"), S(""), &problem));
    assert_int_equal(apop(d, "mrose", digest, &said), LOGIN_WRONG);
    directory_close(d);
}

DIRECTORY_TEST(apop_without_its_key_is_a_temporary_failure_and_no_new_key_is_made) {
    struct problem said = {0};
    add_domain(d, "example.test");
    (void)add_account(d, "mrose@example.test");
    GOOD(directory_account_set_apop(d, &ORDER, S("mrose@example.test"), S("tanstaaf"), &problem));
    directory_close(d);
    assert_int_equal(unlink(p->key), 0);
    d = place_open(p);
    assert_int_equal(apop(d, "mrose", S("c4c9334bac560ecc979e58001b3e22fb"), &said),
                     LOGIN_TEMPORARY);
    assert_string_equal(said.text, "the key that opens APOP secrets is missing");
    BAD(directory_account_set_apop(d, &ORDER, S("mrose@example.test"), S("x"), &problem),
        -E_REFUSED, "there is no key");
    assert_int_equal(outcome(d, "mrose", PASSWORD), LOGIN_WELCOME);
    assert_int_equal(access(p->key, F_OK), -1);
    directory_close(d);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_c2_the_right_password_enters),
        cmocka_unit_test(test_c2_refusals_look_alike_outside_and_differ_in_the_log),
        cmocka_unit_test(test_c2_a_bare_local_part_means_the_only_domain),
        cmocka_unit_test(test_c2_a_bare_local_part_means_the_default_domain),
        cmocka_unit_test(test_c2_an_alias_domain_enters_too),
        cmocka_unit_test(test_b4_a_disabled_account_answers_like_a_wrong_password),
        cmocka_unit_test(test_b4_a_change_during_a_login_counts),
        cmocka_unit_test(test_rfc4616_s2_nobody_acts_for_somebody_else),
        cmocka_unit_test(test_c2_a_changed_password_counts_at_once),
        cmocka_unit_test(test_c6_an_imported_hash_is_replaced_at_the_first_login),
        cmocka_unit_test(test_c2_the_last_login_is_shown_and_kept),
        cmocka_unit_test(test_c2_logins_that_cannot_be_written_are_written_later),
        cmocka_unit_test(test_c2_nobody_takes_as_long_as_a_wrong_password_and_a_known_one_less),
        cmocka_unit_test(test_e2_failures_wait_2_s_doubling),
        cmocka_unit_test(test_an_old_password_that_is_repeated_adds_up_to_no_long_wait),
        cmocka_unit_test(test_e2_names_that_do_not_exist_are_slowed_down_too),
        cmocka_unit_test(test_e2_all_spellings_of_a_name_are_slowed_down_together),
        cmocka_unit_test(test_e2_guessing_in_parallel_queues_up_and_is_turned_away),
        cmocka_unit_test(test_guesses_from_ever_new_networks_are_a_hundred_then_one_in_ten_seconds),
        cmocka_unit_test(test_guesses_of_a_network_at_ever_new_names_become_one_in_a_second),
        cmocka_unit_test(test_guesses_of_strangers_lock_nobody_out_where_he_was_before),
        cmocka_unit_test(test_who_moves_about_with_the_right_password_does_not_wait),
        cmocka_unit_test(test_guesses_in_parallel_from_new_networks_are_turned_away),
        cmocka_unit_test(test_a_crowd_of_strangers_keeps_nobody_waiting_who_was_there_before),
        cmocka_unit_test(test_rfc1939_s7_apop),
        cmocka_unit_test(test_apop_without_its_key_is_a_temporary_failure_and_no_new_key_is_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

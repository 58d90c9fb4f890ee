/* SPDX-License-Identifier: ISC */
/* What a process that was taken over may not ask of the directory. */
#include "../directory/directory_test.h"

#include "directory/source.h"
#include "proc/process_inside.h"
#include "role/directory/directory_role.h"
#include "role/roles.h"
#include "role/ticket.h"

static const struct rpc_directory_handlers *calls;

static int log_in(struct directory *d, struct slice peer, enum login_outcome *ret_outcome) {
    static const struct rpc_caller edge = {.role = ROLE_EDGE};
    struct directory_role role = {.directory = d};
    struct process process = {.state = &role, .secret = "a secret of both"};
    _cleanup_(arena_done) struct arena a = {0};
    struct rpc_directory_login_in in = {
        .service = S("smtp"), .request = {.name = S("tama"), .password = S("no"), .peer = peer}};
    struct rpc_directory_login_out out = {0};
    struct problem problem = {0};
    int r = calls->login(&process, &edge, &in, &a, &out, &problem);
    *ret_outcome = out.login.outcome;
    return r;
}

/* An edge knows where each client is; one that does not say it would guess without any wait. */
DIRECTORY_TEST_AT(a_login_from_nowhere_is_not_looked_at, TEST_WALL) {
    static const struct slice odd[] = {{"", 0}, {"\x0a\0\0", 3}, {"\x0a\0\0\1\1", 5}};
    enum login_outcome outcome = LOGIN_WELCOME;
    add_domain(d, "example.test");
    (void)add_account(d, "tama@example.test");
    for (size_t i = 0; i < ARRAY_SIZE(odd); i++)
        assert_int_equal(log_in(d, odd[i], &outcome), -E_REFUSED);
    assert_int_equal(log_in(d, S("\x0a\0\0\1"), &outcome), 0);
    assert_int_equal(outcome, LOGIN_WRONG);
    directory_close(d);
}

/* ------------------------------------------------------------------ tickets */

static struct directory_role tickets;
static struct process_links links;
static struct process keeper = {.state = &tickets, .links = &links, .secret = "a secret of both"};

/* Renews a ticket; 0, or the error. */
static int renew_as(struct slice *ticket, const char *service, uint64_t account,
                    const char *address, struct arena *a) {
    static const struct rpc_caller edge = {.role = ROLE_EDGE};
    struct rpc_directory_renew_ticket_in in = {.service = slice_of_str(service),
                                               .account = account,
                                               .address = slice_of_str(address),
                                               .ticket = *ticket};
    struct rpc_directory_renew_ticket_out out = {0};
    struct problem problem = {0};
    int r = calls->renew_ticket(&keeper, &edge, &in, a, &out, &problem);
    if (r == 0)
        *ticket = out.ticket;
    return r;
}

static int renew(struct slice *ticket, const char *service, uint64_t account, struct arena *a) {
    return renew_as(ticket, service, account, "tama@example.test", a);
}

static struct slice make(uint64_t account, struct arena *a) {
    const struct ticket_for who = {S("imap"), account, S("tama@example.test")};
    return ticket_make(keeper.secret, &who, fiber_wall(), a);
}

static bool opens(struct slice ticket, uint64_t account) {
    const struct ticket_for who = {S("imap"), account, S("tama@example.test")};
    return ticket_check(keeper.secret, ticket, &who, fiber_wall(), TICKET_LIFE) == 0;
}

/* A conversation may last for days, and a ticket for a minute. */
FIBER_TEST(a_ticket_is_renewed_as_long_as_its_login_counts) {
    _cleanup_(arena_done) struct arena a = {0};
    ended_logins_init(&tickets.ended, TICKET_RENEWABLE);
    struct slice ticket = make(7, &a);
    struct slice other = make(8, &a);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(fiber_sleep(50 * USEC_MIN), 0);
        assert_false(opens(ticket, 7));
        assert_int_equal(renew(&ticket, "imap", 7, &a), 0);
        assert_int_equal(renew(&other, "imap", 8, &a), 0);
        assert_true(opens(ticket, 7));
    }
    assert_int_equal(fiber_sleep(USEC_SEC), 0);
    directory_end_sessions(&keeper, 7);
    assert_int_equal(renew(&ticket, "imap", 7, &a), -E_REFUSED);
    assert_int_equal(renew(&other, "imap", 8, &a), 0);
    assert_int_equal(fiber_sleep(TICKET_RENEWABLE + USEC_SEC), 0);
    assert_int_equal(renew(&ticket, "imap", 7, &a), -E_REFUSED);
    assert_int_equal(renew(&other, "imap", 8, &a), -E_REFUSED); /* nobody came for too long */
    ended_logins_done(&tickets.ended);
}

FIBER_TEST(a_ticket_of_something_else_is_not_renewed) {
    _cleanup_(arena_done) struct arena a = {0};
    ended_logins_init(&tickets.ended, TICKET_RENEWABLE);
    struct slice ticket = make(7, &a);
    struct slice nothing = S("");
    assert_int_equal(renew(&ticket, "pop3", 7, &a), -E_REFUSED);
    assert_int_equal(renew(&ticket, "imap", 8, &a), -E_REFUSED);
    assert_int_equal(renew(&nothing, "imap", 7, &a), -E_REFUSED);
    assert_int_equal(renew_as(&ticket, "imap", 7, "mike@example.test", &a), -E_REFUSED);
    assert_int_equal(renew(&ticket, "imap", 7, &a), 0);
    ended_logins_done(&tickets.ended);
}

/* What was ended before it began is not known to this process. */
FIBER_TEST(a_ticket_from_before_the_directory_process_is_not_renewed) {
    _cleanup_(arena_done) struct arena a = {0};
    struct slice ticket = make(7, &a);
    assert_int_equal(fiber_sleep(USEC_SEC), 0);
    ended_logins_init(&tickets.ended, TICKET_RENEWABLE);
    assert_int_equal(renew(&ticket, "imap", 7, &a), -E_REFUSED);
    ended_logins_done(&tickets.ended);
}

/* ------------------------------------------------------------------ usage */

/* ------------------------------------------------------------------ logins of several steps */

/* Knows everybody, and asks each for two codes. */
static int find_anybody(struct directory_source *s, struct person *person, struct arena *a,
                        struct problem *problem) {
    person->account_id = 7;
    person->enabled = true;
    return 0;
}

static int nothing_is_known(struct directory_source *s, struct slice key, struct arena *a,
                            struct facts *ret) {
    return 0;
}

static int account_of_anybody(struct directory_source *s, uint64_t id, struct slice address,
                              struct arena *a, struct account *ret, struct problem *problem) {
    *ret = (struct account){.id = 7, .address = S("anybody@example.test"), .enabled = true};
    return 0;
}

static int never_changed(struct directory_source *s, bool *ret_changed) {
    return 0;
}

static int ask_for_codes(struct directory_source *s, struct person *person,
                         const struct login_attempt *attempt, struct problem *problem) {
    struct login_talk *talk = attempt->request->talk;
    struct slice code = {0};
    int r = talk->ask(talk, S("first?"), attempt->arena, &code);
    if (r == 0 && slice_eq(code, S("1")))
        r = talk->ask(talk, S("second?"), attempt->arena, &code);
    return r < 0 ? r : slice_eq(code, S("2")) ? 0 : -E_REFUSED;
}

static const struct directory_source_ops asking_ops = {.name = "codes",
                                                       .lookup = nothing_is_known,
                                                       .refresh = never_changed,
                                                       .find = find_anybody,
                                                       .prove = ask_for_codes,
                                                       .account = account_of_anybody,
                                                       .asks = true};

struct steps {
    struct place place;
    struct directory_source source;
    struct directory_role role;
    struct process process;
    struct arena arena;
    struct login login;
    struct slice ticket;
};

static void steps_open(struct steps *s) {
    struct directory_options options = {.source = &s->source};
    *s = (struct steps){.source.ops = &asking_ops, .process.secret = "a secret of both"};
    s->process.state = &s->role;
    s->process.root = fiber_self();
    place_make(&s->place);
    assert_int_equal(directory_open(s->place.file, &options, &s->role.directory, NULL), 0);
}

static void steps_close(struct steps *s) {
    directory_close(s->role.directory);
    assert_int_equal(s->role.conversations.count, 0);
    map_done(&s->role.conversations);
    arena_done(&s->arena);
    place_done(&s->place);
}

static int begin(struct steps *s, unsigned edge) {
    struct rpc_caller caller = {.role = ROLE_EDGE, .worker = edge};
    struct rpc_directory_login_in in = {
        .service = S("submission"),
        .request = {.name = S("tama@example.test"), .peer = S("\x0a\0\0\1")}};
    struct rpc_directory_login_out out = {0};
    int r = calls->login(&s->process, &caller, &in, &s->arena, &out, NULL);
    s->login = out.login;
    s->ticket = out.ticket;
    return r;
}

static int go_on(struct steps *s, unsigned edge, const char *response) {
    struct rpc_caller caller = {.role = ROLE_EDGE, .worker = edge};
    struct rpc_directory_login_step_in in = {s->login.conversation, slice_of_str(response)};
    struct rpc_directory_login_step_out out = {0};
    int r = calls->login_step(&s->process, &caller, &in, &s->arena, &out, NULL);
    if (r == 0) {
        s->login = out.login;
        s->ticket = out.ticket;
    }
    return r;
}

FIBER_TEST(a_login_asks_on_until_its_outcome) {
    struct steps s;
    steps_open(&s);
    assert_int_equal(begin(&s, 3), 0);
    assert_int_equal(s.login.outcome, LOGIN_CHALLENGE);
    assert_slice(s.login.challenge, "first?");
    assert_int_equal(go_on(&s, 3, "1"), 0);
    assert_slice(s.login.challenge, "second?");
    assert_int_equal(go_on(&s, 3, "2"), 0);
    assert_int_equal(s.login.outcome, LOGIN_WELCOME);
    assert_int_equal(s.login.account_id, 7);
    assert_true(s.ticket.len > 0);
    assert_int_equal(begin(&s, 3), 0);
    assert_int_equal(go_on(&s, 3, "3"), 0);
    assert_int_equal(s.login.outcome, LOGIN_WRONG);
    assert_int_equal(s.ticket.len, 0);
    steps_close(&s);
}

FIBER_TEST(a_login_goes_on_from_where_it_began_only) {
    struct steps s;
    steps_open(&s);
    assert_int_equal(begin(&s, 3), 0);
    assert_int_equal(go_on(&s, 4, "1"), -E_UNKNOWN);
    assert_int_equal(go_on(&s, 3, "1"), 0);
    assert_int_equal(go_on(&s, 3, "2"), 0);
    assert_int_equal(go_on(&s, 3, "2"), -E_UNKNOWN); /* it is over */
    steps_close(&s);
}

FIBER_TEST(a_login_whose_client_does_not_answer_ends) {
    struct steps s;
    steps_open(&s);
    assert_int_equal(begin(&s, 3), 0);
    assert_int_equal(fiber_sleep(5 * USEC_MIN), 0);
    assert_int_equal(go_on(&s, 3, "1"), -E_UNKNOWN);
    steps_close(&s);
}

/* The mailbox of an account is in one mail process only, which alone says how full it is. */
static void test_a_mail_process_tells_of_its_own_mailboxes_only(void **state) {
    for (uint64_t account = 1; account < 1000; account++) {
        unsigned tellers = 0;
        for (unsigned worker = 0; worker < 7; worker++)
            tellers += directory_usage_is_of(account, worker, 7);
        assert_int_equal(tellers, 1);
        assert_true(directory_usage_is_of(account, 0, 1));
    }
    assert_true(directory_usage_is_of(241, 1, 2)); /* shard 1 of 240 */
    assert_false(directory_usage_is_of(241, 0, 2));
    assert_true(directory_usage_is_of(240, 0, 7)); /* shard 0 */
    assert_false(directory_usage_is_of(240, 2, 7));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_login_from_nowhere_is_not_looked_at),
        cmocka_unit_test(test_a_login_asks_on_until_its_outcome),
        cmocka_unit_test(test_a_login_goes_on_from_where_it_began_only),
        cmocka_unit_test(test_a_login_whose_client_does_not_answer_ends),
        cmocka_unit_test(test_a_ticket_is_renewed_as_long_as_its_login_counts),
        cmocka_unit_test(test_a_ticket_of_something_else_is_not_renewed),
        cmocka_unit_test(test_a_ticket_from_before_the_directory_process_is_not_renewed),
        cmocka_unit_test(test_a_mail_process_tells_of_its_own_mailboxes_only),
    };
    calls = role_directory.handlers;
    return cmocka_run_group_tests_name("directory role", tests, NULL, NULL);
}

/* SPDX-License-Identifier: ISC */
/*
 * A second source beside the tables of directory.db: a campus that keeps its people elsewhere and
 * asks for a code behind the password. What the rules above a source promise holds for it, too.
 */
#include "directory_test.h"

#include "directory/source.h"

#define PEER S("\xc0\x00\x02\x01")

struct campus {
    struct directory_source source;
    unsigned lookups;
    bool moved; /* hanako has another number now, and this process was not told */
    bool disabled;
};

static int lookup(struct directory_source *s, struct slice key, struct arena *a,
                  struct facts *ret) {
    struct campus *campus = (struct campus *)s;
    (void)a;
    campus->lookups++;
    *ret = (struct facts){0};
    if (slice_eq(key, S("@campus.test")))
        *ret = (struct facts){.known = true, .type = DOMAIN_LOCAL};
    if (slice_eq(key, S("hanako@campus.test")))
        *ret = (struct facts){
            .known = true, .account_id = campus->moved ? 8 : 7, .enabled = !campus->disabled};
    return 0;
}

static int refresh(struct directory_source *s, bool *ret_changed) {
    *ret_changed = ((struct campus *)s)->moved;
    return 0;
}

static int find(struct directory_source *s, struct person *person, struct arena *a,
                struct problem *problem) {
    (void)a;
    (void)problem;
    if (slice_eq(person->address, S("hanako@campus.test"))) {
        person->account_id = 7;
        person->enabled = !((struct campus *)s)->disabled;
    }
    return 0;
}

static int prove(struct directory_source *s, struct person *person,
                 const struct login_attempt *attempt, struct problem *problem) {
    const struct login_request *request = attempt->request;
    struct slice code = {0};
    (void)s;
    if (person->account_id == 0 || !slice_eq(request->password, S("sakura")))
        return problem_set(problem, -E_REFUSED, "the campus does not know this password");
    if (!request->talk)
        return problem_set(problem, -E_REFUSED, "no code can be asked for");
    int r = request->talk->ask(request->talk, S("code?"), attempt->arena, &code);
    if (r < 0)
        return r;
    return slice_eq(code, S("123456")) ? 0 : problem_set(problem, -E_REFUSED, "wrong code");
}

static int may_send_as(struct directory_source *s, uint64_t account_id, const struct name *name,
                       bool *ret_may) {
    (void)s;
    *ret_may = account_id == 7 && slice_eq(name->text, S("office@campus.test"));
    return 0;
}

static int account(struct directory_source *s, uint64_t id, struct slice address, struct arena *a,
                   struct account *ret, struct problem *problem) {
    (void)s;
    (void)a;
    if (id != 7 && !slice_eq(address, S("hanako@campus.test")))
        return problem_set(problem, -E_UNKNOWN, "the campus has no such account");
    *ret = (struct account){.id = 7, .address = S("hanako@campus.test"), .enabled = true};
    return 0;
}

static int accounts(struct directory_source *s, struct slice domain, uint64_t after_id,
                    size_t limit, struct arena *a, struct account **ret, size_t *ret_count,
                    struct problem *problem) {
    (void)domain;
    *ret_count = after_id < 7 && limit > 0 ? 1 : 0;
    *ret = ARENA_NEW(a, struct account);
    return account(s, 7, S(""), a, *ret, problem);
}

static const struct directory_source_ops ops = {
    .name = "the campus",
    .lookup = lookup,
    .refresh = refresh,
    .find = find,
    .prove = prove,
    .asks = true,
    .may_send_as = may_send_as,
    .account = account,
    .accounts = accounts,
};

static struct directory *campus_open(const struct place *p, struct campus *campus) {
    struct directory_options options = {.source = &campus->source};
    struct directory *d = NULL;
    struct problem problem = {0};
    *campus = (struct campus){.source.ops = &ops};
    if (directory_open(p->file, &options, &d, &problem) != 0)
        fail_msg("%s", problem.text);
    return d;
}

/* A test body with an open `d` of a `campus`. */
#define CAMPUS_TEST(name)                                                                          \
    static void with_##name(struct directory *d, struct campus *campus);                           \
    DEFINE_FIBER_TEST(name, TEST_WALL) {                                                           \
        struct place p;                                                                            \
        struct campus campus;                                                                      \
        place_make(&p);                                                                            \
        struct directory *d = campus_open(&p, &campus);                                            \
        with_##name(d, &campus);                                                                   \
        directory_close(d);                                                                        \
        place_done(&p);                                                                            \
    }                                                                                              \
    static void with_##name(struct directory *d UNUSED, struct campus *campus UNUSED)

/* Somebody who answers challenges. */
struct answering {
    struct login_talk talk;
    const char *answer;
    unsigned asked;
    struct campus *closing; /* it disables the account meanwhile */
};

static int answer(struct login_talk *talk, struct slice challenge, struct arena *a,
                  struct slice *ret_response) {
    struct answering *t = (struct answering *)talk;
    assert_slice(challenge, "code?");
    t->asked++;
    if (t->closing)
        t->closing->disabled = true;
    *ret_response = arena_copy(a, slice_of_str(t->answer));
    return 0;
}

static struct login log_in(struct directory *d, const char *name, const char *password,
                           struct answering *talk, struct arena *a, struct problem *problem) {
    struct login_request request = {.name = slice_of_str(name),
                                    .password = slice_of_str(password),
                                    .peer = PEER,
                                    .talk = talk ? &talk->talk : NULL};
    struct login login;
    assert_int_equal(directory_login(d, &request, a, &login, problem), 0);
    return login;
}

CAMPUS_TEST(an_address_leads_by_the_same_rules) {
    _cleanup_(arena_done) struct arena a = {0};
    struct route route = resolve(d, "Hanako+Club@Campus.test", &a);
    assert_int_equal(route.kind, ROUTE_LOCAL);
    assert_int_equal(route.mailboxes[0].account_id, 7);
    assert_slice(route.mailboxes[0].detail, "Club");
    assert_kind(d, "taro@campus.test", ROUTE_UNKNOWN_USER);
    assert_kind(d, "taro@elsewhere.test", ROUTE_NOT_OURS);
    campus->disabled = campus->moved = true;
    assert_int_equal(fiber_sleep(2 * USEC_SEC), 0);
    assert_kind(d, "hanako@campus.test", ROUTE_DISABLED);
}

CAMPUS_TEST(what_was_looked_up_is_kept_until_the_source_has_changed) {
    _cleanup_(arena_done) struct arena a = {0};
    (void)resolve(d, "hanako@campus.test", &a);
    unsigned lookups = campus->lookups;
    (void)resolve(d, "hanako@campus.test", &a);
    assert_int_equal(campus->lookups, lookups);
    campus->moved = true;
    assert_int_equal(fiber_sleep(2 * USEC_SEC), 0);
    assert_int_equal(resolve(d, "hanako@campus.test", &a).mailboxes[0].account_id, 8);
}

CAMPUS_TEST(a_login_may_take_a_second_step) {
    _cleanup_(arena_done) struct arena a = {0};
    struct problem problem = {0};
    struct answering right = {{answer}, "123456", 0, NULL}, wrong = {{answer}, "000000", 0, NULL};
    struct login login = log_in(d, "hanako@campus.test", "sakura", &right, &a, &problem);
    assert_int_equal(login.outcome, LOGIN_WELCOME);
    assert_int_equal(login.account_id, 7);
    login = log_in(d, "hanako@campus.test", "sakura", &wrong, &a, &problem);
    assert_int_equal(login.outcome, LOGIN_WRONG);
    assert_true(login.hold > 0); /* slowed down like a wrong password */
    assert_string_equal(problem.text, "wrong code");
    login = log_in(d, "hanako@campus.test", "sakura", NULL, &a, &problem);
    assert_int_equal(login.outcome, LOGIN_WRONG);
    assert_string_equal(problem.text, "no code can be asked for");
    wrong.asked = 0;
    login = log_in(d, "taro@campus.test", "sakura", &wrong, &a, &problem);
    assert_int_equal(login.outcome, LOGIN_WRONG);
    assert_int_equal(wrong.asked, 0);
}

CAMPUS_TEST(whoever_is_disabled_while_he_is_asked_does_not_enter) {
    _cleanup_(arena_done) struct arena a = {0};
    struct problem problem = {0};
    struct answering right = {{answer}, "123456", 0, campus};
    assert_int_equal(log_in(d, "hanako@campus.test", "sakura", &right, &a, &problem).outcome,
                     LOGIN_WRONG);
    assert_string_equal(problem.text, "hanako@campus.test was changed during the login");
}

CAMPUS_TEST(lists_and_rights_come_from_the_source) {
    _cleanup_(arena_done) struct arena a = {0};
    struct account one, *list = NULL;
    size_t count = 0;
    bool may = false;
    GOOD(directory_account_show(d, S("Hanako@campus.test"), &a, &one, &problem));
    assert_int_equal(one.id, 7);
    GOOD(directory_account_list(d, S(""), 0, 10, &a, &list, &count, &problem));
    assert_int_equal(count, 1);
    assert_int_equal(directory_may_send_as(d, 7, S("office@campus.test"), &may), 0);
    assert_true(may);
    assert_int_equal(directory_may_send_as(d, 9, S("office@campus.test"), &may), 0);
    assert_false(may);
    GOOD(directory_has_apop(d, &may, &problem));
    assert_false(may);
}

CAMPUS_TEST(what_comes_from_elsewhere_is_not_changed_here) {
    BAD(directory_domain_add(d, &ORDER, S("new.test"), S(""), &problem), -EROFS, "the campus");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_address_leads_by_the_same_rules),
        cmocka_unit_test(test_what_was_looked_up_is_kept_until_the_source_has_changed),
        cmocka_unit_test(test_a_login_may_take_a_second_step),
        cmocka_unit_test(test_whoever_is_disabled_while_he_is_asked_does_not_enter),
        cmocka_unit_test(test_lists_and_rights_come_from_the_source),
        cmocka_unit_test(test_what_comes_from_elsewhere_is_not_changed_here),
    };
    return cmocka_run_group_tests_name("source", tests, NULL, NULL);
}

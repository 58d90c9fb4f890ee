/* SPDX-License-Identifier: ISC */
/*
 * A second source beside the tables of directory.db: a campus that keeps its people elsewhere and
 * asks for a code behind the password. What the rules above a source promise holds for it, too.
 */
#include "directory_test.h"

#include "directory/internal.h"
#include "directory/source.h"

#define PEER S("\xc0\x00\x02\x01")

struct campus {
    struct directory_source source;
    unsigned lookups;
    bool moved;          /* hanako has another number now, and this process was not told */
    bool disabled, left; /* hanako */
    bool silent;         /* it cannot be asked for accounts */
    const char *heir;    /* hanako's number is his now */
};

static const char *owner_of_7(const struct campus *campus) {
    return campus->left ? NULL : campus->heir ? campus->heir : "hanako@campus.test";
}

static bool has_7(const struct campus *campus, struct slice address) {
    const char *owner = owner_of_7(campus);
    return owner && slice_eq(address, slice_of_str(owner));
}

static int lookup(struct directory_source *s, struct slice key, struct arena *a,
                  struct facts *ret) {
    struct campus *campus = (struct campus *)s;
    (void)a;
    campus->lookups++;
    *ret = (struct facts){0};
    if (slice_eq(key, S("@campus.test")))
        *ret = (struct facts){.known = true, .type = DOMAIN_LOCAL};
    if (has_7(campus, key) || (campus->moved && slice_eq(key, S("hanako@campus.test"))))
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
    if (has_7((struct campus *)s, person->address)) {
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
    const struct campus *campus = (struct campus *)s;
    (void)a;
    if (campus->silent)
        return problem_set(problem, -ETIME, "the campus does not answer");
    if (campus->moved && id == 8)
        *ret = (struct account){.id = 8, .address = S("hanako@campus.test"), .enabled = true};
    else if ((id == 7 && owner_of_7(campus)) || has_7(campus, address))
        *ret = (struct account){
            .id = 7, .address = slice_of_str(owner_of_7(campus)), .enabled = true, .shard = 3};
    else
        return problem_set(problem, -E_UNKNOWN, "the campus has no such account");
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

#define SHARDS 5U

static struct directory *campus_open(const struct place *p, struct campus *campus) {
    struct directory_options options = {
        .source = &campus->source, .shards = SHARDS, .removed_keep = 30 * USEC_DAY};
    struct directory *d = NULL;
    struct problem problem = {0};
    campus->source.ops = &ops;
    if (directory_open(p->file, &options, &d, &problem) != 0)
        fail_msg("%s", problem.text);
    return d;
}

/* A test body with an open `d` of a `campus`. */
#define CAMPUS_TEST(name)                                                                          \
    static void with_##name(const struct place *p, struct directory *d, struct campus *campus);    \
    DEFINE_FIBER_TEST(name, TEST_WALL) {                                                           \
        struct place p;                                                                            \
        struct campus campus = {0};                                                                \
        place_make(&p);                                                                            \
        struct directory *d = campus_open(&p, &campus);                                            \
        with_##name(&p, d, &campus);                                                               \
        place_done(&p);                                                                            \
    }                                                                                              \
    static void with_##name(const struct place *p UNUSED, struct directory *d,                     \
                            struct campus *campus UNUSED)

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
    directory_close(d);
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
    directory_close(d);
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
    directory_close(d);
}

CAMPUS_TEST(whoever_is_disabled_while_he_is_asked_does_not_enter) {
    _cleanup_(arena_done) struct arena a = {0};
    struct problem problem = {0};
    struct answering right = {{answer}, "123456", 0, campus};
    assert_int_equal(log_in(d, "hanako@campus.test", "sakura", &right, &a, &problem).outcome,
                     LOGIN_WRONG);
    assert_string_equal(problem.text, "hanako@campus.test was changed during the login");
    directory_close(d);
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
    directory_close(d);
}

/* Whatever the source says of it: the mail processes know theirs by the number alone. */
CAMPUS_TEST(the_shard_of_an_account_is_that_of_its_number) {
    _cleanup_(arena_done) struct arena a = {0};
    struct answering right = {{answer}, "123456", 0, NULL};
    struct account one;
    struct problem reason = {0};
    assert_int_equal(resolve(d, "hanako@campus.test", &a).mailboxes[0].shard, 7 % SHARDS);
    assert_int_equal(log_in(d, "hanako@campus.test", "sakura", &right, &a, &reason).shard,
                     7 % SHARDS);
    GOOD(directory_account_show(d, S("hanako@campus.test"), &a, &one, &problem));
    assert_int_equal(one.shard, 7 % SHARDS);
    directory_close(d);
}

CAMPUS_TEST(what_comes_from_elsewhere_is_not_changed_here) {
    BAD(directory_domain_add(d, &ORDER, S("new.test"), S(""), &problem), -EROFS, "the campus");
    directory_close(d);
}

/* ------------------------------------------------------------------ what is kept here */

#define HANAKO S("hanako@campus.test")

static int64_t number(const struct place *p, const char *statement) {
    sqlite3 *handle = NULL;
    sqlite3_stmt *row = NULL;
    assert_int_equal(sqlite3_open(p->file, &handle), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(handle, statement, -1, &row, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(row), SQLITE_ROW);
    int64_t found = sqlite3_column_int64(row, 0);
    (void)sqlite3_finalize(row);
    (void)sqlite3_close(handle);
    return found;
}

static void log_in_as_hanako(struct directory *d) {
    _cleanup_(arena_done) struct arena a = {0};
    struct problem problem = {0};
    struct answering right = {{answer}, "123456", 0, NULL};
    assert_int_equal(log_in(d, "hanako@campus.test", "sakura", &right, &a, &problem).outcome,
                     LOGIN_WELCOME);
}

/* Usage, a login, a message sent, a limit. */
static void live(struct directory *d) {
    struct sending_verdict verdict;
    directory_note_usage(d, 7, 3, 4096);
    directory_note_usage(d, 77, 9, 9); /* nobody has this number */
    log_in_as_hanako(d);
    assert_int_equal(directory_count_message(d, 7, (struct slice[]){S("x@far.test")}, 1, &verdict),
                     0);
    assert_int_equal(directory_count_message(d, 77, (struct slice[]){S("x@far.test")}, 1, &verdict),
                     0);
    GOOD(directory_account_set_limit(d, &ORDER, HANAKO, SENDING_MESSAGES_DAY, 40, &problem));
}

static size_t removed(struct directory *d, struct account *ret, struct arena *a) {
    struct account *list = NULL;
    size_t count = 0;
    GOOD(directory_removed_list(d, S("campus.test"), 0, 10, a, &list, &count, &problem));
    if (count > 0)
        *ret = list[0];
    return count;
}

CAMPUS_TEST(what_is_kept_of_an_account_lasts_whoever_has_the_account) {
    _cleanup_(arena_done) struct arena a = {0};
    struct account one, *list = NULL;
    struct account_limit limits[SENDING_LIMITS];
    struct known_networks networks = {0};
    size_t count = 0;
    live(d);
    directory_close(d);
    d = campus_open(p, campus);
    GOOD(directory_account_show(d, HANAKO, &a, &one, &problem));
    assert_true(one.has_usage && one.messages == 3 && one.bytes == 4096);
    assert_true(one.last_login >= TEST_WALL);
    GOOD(directory_account_list(d, S(""), 0, 10, &a, &list, &count, &problem));
    assert_true(count == 1 && list[0].messages == 3 && list[0].last_login == one.last_login);
    assert_int_equal(resolve(d, "hanako@campus.test", &a).mailboxes[0].used, 4096);
    assert_int_equal(directory_read_networks(d, 7, &networks), 0);
    assert_true(known_networks_have(&networks, PEER));
    GOOD(directory_account_limits(d, HANAKO, &a, limits, &problem));
    assert_int_equal(limits[SENDING_MESSAGES_HOUR].used, 1);
    assert_true(limits[SENDING_MESSAGES_DAY].own && limits[SENDING_MESSAGES_DAY].most == 40);
    directory_close(d);
    assert_int_equal(number(p, "SELECT (SELECT count(*) FROM usage) + (SELECT count(*) FROM login)"
                               " + (SELECT count(*) FROM sending)"),
                     3);
}

CAMPUS_TEST(usage_is_kept_until_the_source_can_say_whose_it_is) {
    _cleanup_(arena_done) struct arena a = {0};
    struct account one;
    campus->silent = true;
    directory_note_usage(d, 7, 3, 4096);
    assert_int_equal(directory_flush_usage(d), -ETIME);
    campus->silent = false;
    directory_close(d);
    d = campus_open(p, campus);
    GOOD(directory_account_show(d, HANAKO, &a, &one, &problem));
    assert_int_equal(one.messages, 3);
    directory_close(d);
}

CAMPUS_TEST(who_has_left_is_kept_as_removed_and_may_come_back) {
    _cleanup_(arena_done) struct arena a = {0};
    struct account gone = {0}, one;
    live(d);
    campus->silent = true;
    assert_int_equal(directory_look_who_left(d), -ETIME);
    assert_int_equal(removed(d, &gone, &a), 0);
    campus->silent = false;
    assert_int_equal(directory_look_who_left(d), 0);
    assert_int_equal(removed(d, &gone, &a), 0);
    campus->left = true;
    assert_int_equal(fiber_sleep(USEC_HOUR), 0);
    assert_int_equal(directory_look_who_left(d), 0);
    assert_int_equal(removed(d, &gone, &a), 1);
    assert_true(gone.id == 7 && gone.shard == 7 % SHARDS && gone.messages == 3 &&
                gone.last_login > 0);
    assert_int_equal(gone.kept_until, gone.removed + 30 * USEC_DAY);
    assert_slice(gone.address, "hanako@campus.test");
    campus->left = false;
    assert_int_equal(resolve(d, "hanako@campus.test", &a).mailboxes[0].used, 4096);
    assert_int_equal(removed(d, &gone, &a), 0);
    GOOD(directory_account_show(d, HANAKO, &a, &one, &problem));
    assert_int_equal(one.messages, 3);
    directory_close(d);
}

CAMPUS_TEST(nothing_stays_of_who_has_left_when_his_time_is_over) {
    struct account_place due[4];
    size_t count = 9;
    live(d);
    campus->left = true;
    assert_int_equal(directory_look_who_left(d), 0);
    assert_int_equal(fiber_sleep(31 * USEC_DAY), 0);
    GOOD(directory_purges(d, 0, due, 4, &count, &problem)); /* he may have come back meanwhile */
    assert_int_equal(count, 0);
    assert_int_equal(directory_look_who_left(d), 0);
    GOOD(directory_purges(d, 0, due, 4, &count, &problem));
    assert_true(count == 1 && due[0].account == 7 && due[0].shard == 7 % SHARDS);
    GOOD(directory_account_purged(d, 7, &problem));
    directory_close(d);
    assert_int_equal(number(p, "SELECT (SELECT count(*) FROM usage) + (SELECT count(*) FROM login)"
                               " + (SELECT count(*) FROM sending)"
                               " + (SELECT count(*) FROM elsewhere)"
                               " + (SELECT count(*) FROM removed)"),
                     0);
}

CAMPUS_TEST(who_is_back_when_his_time_is_over_is_not_purged) {
    struct account_place due[4];
    size_t count = 9;
    live(d);
    campus->left = true;
    assert_int_equal(directory_look_who_left(d), 0);
    assert_int_equal(fiber_sleep(31 * USEC_DAY), 0);
    campus->left = false;
    assert_int_equal(directory_look_who_left(d), 0);
    GOOD(directory_purges(d, 0, due, 4, &count, &problem));
    assert_int_equal(count, 0);
    directory_close(d);
}

/* Of a campus that gives the numbers of those who have left to others. */
CAMPUS_TEST(nobody_gets_the_mailbox_of_somebody_else_with_his_number) {
    _cleanup_(arena_done) struct arena a = {0};
    struct problem problem = {0};
    struct answering right = {{answer}, "123456", 0, NULL};
    live(d);
    campus->left = true;
    assert_int_equal(directory_look_who_left(d), 0);
    campus->left = false;
    campus->heir = "jiro@campus.test";
    struct route route = resolve(d, "jiro@campus.test", &a);
    assert_int_equal(route.kind, ROUTE_TEMPORARY);
    assert_true(says(&route, "the campus gives jiro@campus.test the number 7, which is that of"
                             " hanako@campus.test here; give the account another number there, or"
                             " purge the old one here"));
    assert_int_equal(log_in(d, "jiro@campus.test", "sakura", &right, &a, &problem).outcome,
                     LOGIN_TEMPORARY);
    directory_close(d);
}

CAMPUS_TEST(what_waits_for_the_one_before_is_not_for_the_next_with_his_address) {
    _cleanup_(arena_done) struct arena a = {0};
    struct route route = resolve(d, "hanako@campus.test", &a);
    assert_int_equal(route.mailboxes[0].replaced, 0);
    campus->moved = true;
    assert_int_equal(fiber_sleep(2 * USEC_SEC), 0);
    route = resolve(d, "hanako@campus.test", &a);
    assert_int_equal(route.mailboxes[0].account_id, 8);
    assert_int_equal(route.mailboxes[0].replaced, fiber_wall());
    directory_close(d);
}

CAMPUS_TEST(no_number_is_given_here_that_another_source_has_had) {
    (void)campus;
    log_in_as_hanako(d);
    directory_close(d);
    d = place_open(p);
    add_domain(d, "example.test");
    assert_int_equal(add_account(d, "tama@example.test"), 8);
    directory_close(d);
}

/* Who was first here, then there, and here removed while this host was asked once more. */
CAMPUS_TEST(who_was_removed_here_and_has_the_number_there_is_not_purged) {
    _cleanup_(arena_done) struct arena a = {0};
    struct account_place due[4];
    struct account gone;
    uint64_t id = 0;
    size_t count = 9;
    directory_close(d);
    d = place_open(p);
    add_domain(d, "campus.test");
    for (char name[] = "1@campus.test"; id < 6; name[0]++)
        id = add_account(d, name);
    assert_int_equal(add_account(d, "hanako@campus.test"), 7);
    directory_close(d);
    d = campus_open(p, campus);
    log_in_as_hanako(d);
    directory_close(d);
    d = place_open(p);
    GOOD(directory_account_remove(d, &ORDER, HANAKO, &id, &problem));
    assert_int_equal(id, 7);
    directory_close(d);
    d = campus_open(p, campus);
    log_in_as_hanako(d);
    assert_int_equal(removed(d, &gone, &a), 0);
    assert_int_equal(fiber_sleep(31 * USEC_DAY), 0);
    assert_int_equal(directory_look_who_left(d), 0);
    GOOD(directory_purges(d, 0, due, 4, &count, &problem));
    assert_int_equal(count, 0);
    directory_close(d);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_address_leads_by_the_same_rules),
        cmocka_unit_test(test_what_was_looked_up_is_kept_until_the_source_has_changed),
        cmocka_unit_test(test_a_login_may_take_a_second_step),
        cmocka_unit_test(test_whoever_is_disabled_while_he_is_asked_does_not_enter),
        cmocka_unit_test(test_lists_and_rights_come_from_the_source),
        cmocka_unit_test(test_the_shard_of_an_account_is_that_of_its_number),
        cmocka_unit_test(test_what_comes_from_elsewhere_is_not_changed_here),
        cmocka_unit_test(test_what_is_kept_of_an_account_lasts_whoever_has_the_account),
        cmocka_unit_test(test_usage_is_kept_until_the_source_can_say_whose_it_is),
        cmocka_unit_test(test_who_has_left_is_kept_as_removed_and_may_come_back),
        cmocka_unit_test(test_nothing_stays_of_who_has_left_when_his_time_is_over),
        cmocka_unit_test(test_who_is_back_when_his_time_is_over_is_not_purged),
        cmocka_unit_test(test_nobody_gets_the_mailbox_of_somebody_else_with_his_number),
        cmocka_unit_test(test_what_waits_for_the_one_before_is_not_for_the_next_with_his_address),
        cmocka_unit_test(test_no_number_is_given_here_that_another_source_has_had),
        cmocka_unit_test(test_who_was_removed_here_and_has_the_number_there_is_not_purged),
    };
    return cmocka_run_group_tests_name("source", tests, NULL, NULL);
}

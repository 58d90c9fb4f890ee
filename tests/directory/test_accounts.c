/* SPDX-License-Identifier: ISC */
#include "directory_test.h"

static int add(struct directory *d, const struct account_new *account, struct problem *problem) {
    uint64_t id = 0;
    return directory_account_add(d, &ORDER, account, &id, problem);
}

DIRECTORY_TEST(c2_an_account_is_shown_as_it_was_made) {
    struct arena a = {0};
    struct account account;
    uint64_t id = 0;
    struct account_new new = {.address = S("Tama.Yamada@Example.test"),
                              .name = S("山田 多摩"),
                              .password = PASSWORD,
                              .quota = 1000000,
                              .admin = true};
    add_domain(d, "example.test");
    GOOD(directory_account_add(d, &ORDER, &new, &id, &problem));
    GOOD(directory_account_show(d, S("TAMA.yamada@example.test"), &a, &account, &problem));
    assert_int_equal(account.id, id);
    assert_slice(account.address, "tama.yamada@example.test");
    assert_slice(account.spelled, "Tama.Yamada@example.test");
    assert_slice(account.name, "山田 多摩");
    assert_int_equal(account.quota, 1000000);
    assert_true(account.enabled && account.admin && account.has_password && !account.has_apop);
    assert_slice(account.password_kind, "argon2id");
    assert_true(account.created > 0);
    GOOD(directory_account_by_id(d, id, &a, &account, &problem));
    assert_slice(account.address, "tama.yamada@example.test");
    BAD(directory_account_by_id(d, 99, &a, &account, &problem), -E_UNKNOWN,
        "there is no account with the number 99");
    arena_done(&a);
    directory_close(d);
}

DIRECTORY_TEST(numbers_are_never_given_twice) {
    uint64_t removed = 0;
    add_domain(d, "example.test");
    assert_int_equal(add_account(d, "a@example.test"), 1);
    assert_int_equal(add_account(d, "b@example.test"), 2);
    GOOD(directory_account_remove(d, &ORDER, S("b@example.test"), &removed, &problem));
    assert_int_equal(removed, 2);
    assert_int_equal(add_account(d, "b@example.test"), 3);
    directory_close(d);
    d = place_open(p);
    GOOD(directory_account_remove(d, &ORDER, S("b@example.test"), &removed, &problem));
    directory_close(d);
    d = place_open(p);
    assert_int_equal(add_account(d, "b@example.test"), 4);
    directory_close(d);
}

DIRECTORY_TEST(what_cannot_be_made_is_said_in_a_sentence) {
    struct account_new new = {.address = S("tama@example.test"), .password = PASSWORD};
    BAD(add(d, &new, &problem), -E_UNKNOWN,
        "example.test is not a domain of this host; add the domain first");
    add_domain(d, "example.test");
    GOOD(directory_domain_add(d, &ORDER, S("example.net"), S("example.test"), &problem));
    GOOD(add(d, &new, &problem));
    BAD(add(d, &new, &problem), -EEXIST, "tama@example.test exists already: account 1");
    new.address = S("TAMA@example.test");
    BAD(add(d, &new, &problem), -EEXIST, "tama@example.test exists already");
    new.address = S("kobo@example.net");
    BAD(add(d, &new, &problem), -E_REFUSED, "example.net is only another name for example.test");
    new.address = S("kobo+x@example.test");
    BAD(add(d, &new, &problem), -E_REFUSED, "holds the separator \"+\"");
    new.address = S("kobo");
    BAD(add(d, &new, &problem), -E_SYNTAX, "\"kobo\"");
    new.address = S("ko..bo@example.test");
    BAD(add(d, &new, &problem), -E_SYNTAX, "ko..bo");
    new.address = S("kobo@example.test");
    new.name = S("a\nb");
    BAD(add(d, &new, &problem), -E_SYNTAX, "control characters");
    add_alias(d, "office@example.test", "tama@example.test", NULL, NULL);
    new = (struct account_new){.address = S("office@example.test")};
    BAD(add(d, &new, &problem), -EEXIST, "office@example.test is an alias");
    directory_close(d);
}

DIRECTORY_TEST(c3_weak_passwords_are_refused_unless_accepted) {
    struct account_new new = {.address = S("tama@example.test"), .password = S("password1")};
    add_domain(d, "example.test");
    BAD(add(d, &new, &problem), -E_REFUSED, "easy to guess");
    new.password = S("tamaexample");
    BAD(add(d, &new, &problem), -E_REFUSED, "own name or address");
    new.password = S("");
    BAD(add(d, &new, &problem), -E_SYNTAX, "the password is empty");
    new.password = S("password1");
    new.accept_weak = true;
    GOOD(add(d, &new, &problem));
    BAD(directory_account_set_password(d, &ORDER, new.address, S("qwertyui"), false, &problem),
        -E_REFUSED, "easy to guess");
    GOOD(directory_account_set_password(d, &ORDER, new.address, S("qwertyui"), true, &problem));
    directory_close(d);
}

DIRECTORY_TEST(c6_hashes_are_imported_if_they_can_be_read) {
    struct account_new new = {.address = S("tama@example.test"),
                              .imported = S("$1$kobo$7DZncGUkYRZB3VGfC49vV.")};
    add_domain(d, "example.test");
    GOOD(add(d, &new, &problem));
    new.address = S("kobo@example.test");
    new.imported = S("abJnggxhB/yWI");
    BAD(add(d, &new, &problem), -E_SYNTAX, "the hash is of no kind that can be read");
    new.password = PASSWORD;
    BAD(add(d, &new, &problem), -EINVAL, "not both");
    directory_close(d);
}

DIRECTORY_TEST(each_setting_changes_that_account_only) {
    struct arena a = {0};
    struct account tama;
    struct account kobo;
    struct slice name = S("tama@example.test");
    add_domain(d, "example.test");
    (void)add_account(d, "tama@example.test");
    (void)add_account(d, "kobo@example.test");
    GOOD(directory_account_set_enabled(d, &ORDER, name, false, &problem));
    GOOD(directory_account_set_quota(d, &ORDER, name, 5000, &problem));
    GOOD(directory_account_set_name(d, &ORDER, name, S("Tama"), &problem));
    GOOD(directory_account_set_admin(d, &ORDER, name, true, &problem));
    GOOD(directory_account_set_apop(d, &ORDER, name, S("tanstaaf"), &problem));
    GOOD(directory_account_show(d, name, &a, &tama, &problem));
    GOOD(directory_account_show(d, S("kobo@example.test"), &a, &kobo, &problem));
    assert_true(!tama.enabled && tama.admin && tama.has_apop && tama.quota == 5000);
    assert_slice(tama.name, "Tama");
    assert_true(kobo.enabled && !kobo.admin && !kobo.has_apop && kobo.quota == 0);
    BAD(directory_account_set_quota(d, &ORDER, S("x@example.test"), 1, &problem), -E_UNKNOWN,
        "there is no account x@example.test");
    BAD(directory_account_set_quota(d, &ORDER, name, UINT64_MAX, &problem), -E_SYNTAX, "too large");
    arena_done(&a);
    directory_close(d);
}

DIRECTORY_TEST(an_account_somebody_depends_on_is_not_removed) {
    uint64_t id = 0;
    struct arena a = {0};
    add_domain(d, "example.test");
    (void)add_account(d, "tama@example.test");
    (void)add_account(d, "kobo@example.test");
    add_alias(d, "office@example.test", "tama@example.test", NULL, NULL);
    add_alias(d, "lab@example.test", "tama@example.test", "kobo@example.test", NULL);
    BAD(directory_account_remove(d, &ORDER, S("tama@example.test"), &id, &problem), -E_REFUSED,
        "tama@example.test is the only target of the alias office@example.test");
    GOOD(directory_alias_remove(d, &ORDER, S("office@example.test"), NULL, 0, &problem));
    GOOD(directory_domain_set_catch_all(d, &ORDER, S("example.test"), S("tama@example.test"),
                                        &problem));
    BAD(directory_account_remove(d, &ORDER, S("tama@example.test"), &id, &problem), -E_REFUSED,
        "tama@example.test is the catch-all of example.test");
    GOOD(directory_domain_set_catch_all(d, &ORDER, S("example.test"), S(""), &problem));
    GOOD(directory_account_remove(d, &ORDER, S("tama@example.test"), &id, &problem));
    assert_kind(d, "tama@example.test", ROUTE_UNKNOWN_USER);
    struct route route = resolve(d, "lab@example.test", &a);
    assert_int_equal(route.mailbox_count, 1);
    BAD(directory_account_remove(d, &ORDER, S("tama@example.test"), &id, &problem), -E_UNKNOWN,
        "the account tama@example.test was removed; `hayauma account restore tama@example.test`");
    arena_done(&a);
    directory_close(d);
}

DIRECTORY_TEST(lists_come_in_pages_by_number) {
    struct arena a = {0};
    struct account *accounts = NULL;
    size_t count = 0;
    add_domain(d, "example.test");
    add_domain(d, "other.test");
    (void)add_account(d, "c@example.test");
    (void)add_account(d, "b@other.test");
    (void)add_account(d, "a@example.test");
    GOOD(directory_account_list(d, S(""), 0, 2, &a, &accounts, &count, &problem));
    assert_int_equal(count, 2);
    assert_slice(accounts[0].address, "c@example.test");
    assert_slice(accounts[1].address, "b@other.test");
    GOOD(directory_account_list(d, S(""), accounts[1].id, 2, &a, &accounts, &count, &problem));
    assert_int_equal(count, 1);
    assert_slice(accounts[0].address, "a@example.test");
    GOOD(directory_account_list(d, S("Example.TEST"), 0, 10, &a, &accounts, &count, &problem));
    assert_int_equal(count, 2);
    assert_slice(accounts[1].address, "a@example.test");
    GOOD(directory_account_list(d, S("none.test"), 0, 10, &a, &accounts, &count, &problem));
    assert_int_equal(count, 0);
    arena_done(&a);
    directory_close(d);
}

REAL_FIBER_TEST(new_accounts_are_spread_over_the_shards) {
    struct place p;
    struct directory_options options = {.shards = 3, .cost = PASSWORD_COST_MIN};
    struct directory *d = NULL;
    struct arena a = {0};
    unsigned seen = 0;
    place_make(&p);
    GOOD(directory_open(p.file, &options, &d, &problem));
    add_domain(d, "example.test");
    (void)add_account(d, "a@example.test");
    (void)add_account(d, "b@example.test");
    (void)add_account(d, "c@example.test");
    seen |= 1U << resolve(d, "a@example.test", &a).mailboxes[0].shard;
    seen |= 1U << resolve(d, "b@example.test", &a).mailboxes[0].shard;
    seen |= 1U << resolve(d, "c@example.test", &a).mailboxes[0].shard;
    assert_int_equal(seen, 7);
    arena_done(&a);
    directory_close(d);
    place_done(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_c2_an_account_is_shown_as_it_was_made),
        cmocka_unit_test(test_numbers_are_never_given_twice),
        cmocka_unit_test(test_what_cannot_be_made_is_said_in_a_sentence),
        cmocka_unit_test(test_c3_weak_passwords_are_refused_unless_accepted),
        cmocka_unit_test(test_c6_hashes_are_imported_if_they_can_be_read),
        cmocka_unit_test(test_each_setting_changes_that_account_only),
        cmocka_unit_test(test_an_account_somebody_depends_on_is_not_removed),
        cmocka_unit_test(test_lists_come_in_pages_by_number),
        cmocka_unit_test(test_new_accounts_are_spread_over_the_shards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

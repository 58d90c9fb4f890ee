/* SPDX-License-Identifier: ISC */
#include "directory_test.h"

static int set(struct directory *d, const char *address, const char *target,
               struct problem *problem) {
    struct slice targets[] = {slice_of_str(target)};
    return directory_alias_set(d, &ORDER, slice_of_str(address), targets, 1, problem);
}

static int take(struct directory *d, const char *address, const char *target,
                struct problem *problem) {
    struct slice targets[] = {slice_of_str(target)};
    return directory_alias_remove(d, &ORDER, slice_of_str(address), targets, 1, problem);
}

static void fill(struct directory *d) {
    add_domain(d, "example.test");
    (void)add_account(d, "tama@example.test");
    (void)add_account(d, "kobo@example.test");
}

DIRECTORY_TEST(a6_targets_are_added_replaced_and_taken_out) {
    struct arena a = {0};
    struct alias *aliases = NULL;
    size_t count = 0;
    struct slice more[] = {S("Kobo@example.test"), S("Guest@Example.org"), S("TAMA@example.test")};
    fill(d);
    GOOD(set(d, "Lab@example.test", "Tama@example.test", &problem));
    GOOD(directory_alias_add(d, &ORDER, S("lab@example.test"), more, 3, &problem));
    GOOD(directory_alias_list(d, S(""), 10, &a, &aliases, &count, &problem));
    assert_int_equal(count, 1);
    assert_slice(aliases[0].address, "lab@example.test");
    assert_int_equal(aliases[0].target_count, 3); /* tama is there once */
    assert_slice(aliases[0].targets[0], "tama@example.test");
    assert_slice(aliases[0].targets[1], "kobo@example.test");
    assert_slice(aliases[0].targets[2], "Guest@example.org");
    GOOD(take(d, "lab@example.test", "Guest@example.org", &problem));
    GOOD(take(d, "lab@example.test", "TAMA@example.test", &problem));
    BAD(take(d, "lab@example.test", "tama@example.test", &problem), -E_UNKNOWN,
        "tama@example.test is not a target of lab@example.test");
    GOOD(take(d, "lab@example.test", "kobo@example.test", &problem));
    GOOD(directory_alias_list(d, S(""), 10, &a, &aliases, &count, &problem));
    assert_int_equal(count, 0);
    BAD(directory_alias_remove(d, &ORDER, S("lab@example.test"), NULL, 0, &problem), -E_UNKNOWN,
        "there is no alias lab@example.test");
    arena_done(&a);
    directory_close(d);
}

DIRECTORY_TEST(a6_lists_come_in_pages_by_domain_and_name) {
    struct arena a = {0};
    struct alias *aliases = NULL;
    size_t count = 0;
    fill(d);
    add_domain(d, "another.test");
    add_alias(d, "b@example.test", "tama@example.test", "kobo@example.test", NULL);
    add_alias(d, "a@example.test", "tama@example.test", NULL, NULL);
    add_alias(d, "z@another.test", "tama@example.test", NULL, NULL);
    GOOD(directory_alias_list(d, S(""), 2, &a, &aliases, &count, &problem));
    assert_int_equal(count, 2);
    assert_slice(aliases[0].address, "z@another.test");
    assert_slice(aliases[1].address, "a@example.test");
    GOOD(directory_alias_list(d, aliases[1].address, 2, &a, &aliases, &count, &problem));
    assert_int_equal(count, 1);
    assert_slice(aliases[0].address, "b@example.test");
    assert_int_equal(aliases[0].target_count, 2);
    arena_done(&a);
    directory_close(d);
}

DIRECTORY_TEST(a6_local_targets_must_lead_somewhere) {
    fill(d);
    BAD(set(d, "lab@example.test", "nobody@example.test", &problem), -E_UNKNOWN,
        "there is no nobody@example.test, and example.test is a domain of this host");
    GOOD(set(d, "lab@example.test", "tama+lab@example.test", &problem));
    BAD(set(d, "lab@example.test", "postmaster@example.test", &problem), -E_UNKNOWN,
        "there is no postmaster");
    GOOD(directory_account_set_admin(d, &ORDER, S("tama@example.test"), true, &problem));
    GOOD(set(d, "lab@example.test", "postmaster@example.test", &problem));
    BAD(set(d, "lab@example.org", "tama@example.test", &problem), -E_UNKNOWN,
        "example.org is not a domain of this host");
    BAD(set(d, "lab", "tama@example.test", &problem), -E_SYNTAX, "\"lab\"");
    BAD(set(d, "lab@example.test", "tama", &problem), -E_SYNTAX, "\"tama\"");
    BAD(directory_alias_set(d, &ORDER, S("lab@example.test"), NULL, 0, &problem), -E_SYNTAX,
        "needs 1 to 1000 targets");
    directory_close(d);
}

DIRECTORY_TEST(a7_circles_are_refused_when_they_are_made) {
    fill(d);
    BAD(set(d, "a@example.test", "a@example.test", &problem), -E_REFUSED,
        "a@example.test cannot lead to itself");
    add_alias(d, "a@example.test", "tama@example.test", NULL, NULL);
    add_alias(d, "b@example.test", "a@example.test", NULL, NULL);
    BAD(set(d, "a@example.test", "b@example.test", &problem), -E_REFUSED,
        "a target leads back to a@example.test");
    assert_kind(d, "a@example.test", ROUTE_LOCAL); /* nothing was changed */
    BAD(set(d, "tama@example.test", "b@example.test", &problem), -E_REFUSED, "in a circle");
    GOOD(set(d, "tama@example.test", "tama@example.test", &problem)); /* keeps a copy: fine */
    struct slice more[] = {S("b@example.test")};
    GOOD(directory_alias_add(d, &ORDER, S("tama@example.test"), more, 1, &problem));
    assert_kind(d, "a@example.test", ROUTE_LOCAL);
    directory_close(d);
}

DIRECTORY_TEST(an_alias_somebody_depends_on_is_not_removed) {
    fill(d);
    add_alias(d, "a@example.test", "tama@example.test", NULL, NULL);
    add_alias(d, "b@example.test", "a@example.test", NULL, NULL);
    BAD(directory_alias_remove(d, &ORDER, S("a@example.test"), NULL, 0, &problem), -E_REFUSED,
        "a@example.test is the only target of the alias b@example.test");
    BAD(take(d, "a@example.test", "tama@example.test", &problem), -E_REFUSED,
        "a@example.test is the only target of the alias b@example.test");
    GOOD(directory_alias_remove(d, &ORDER, S("b@example.test"), NULL, 0, &problem));
    GOOD(directory_alias_remove(d, &ORDER, S("a@example.test"), NULL, 0, &problem));
    assert_kind(d, "a@example.test", ROUTE_UNKNOWN_USER);
    directory_close(d);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a6_targets_are_added_replaced_and_taken_out),
        cmocka_unit_test(test_a6_lists_come_in_pages_by_domain_and_name),
        cmocka_unit_test(test_a6_local_targets_must_lead_somewhere),
        cmocka_unit_test(test_a7_circles_are_refused_when_they_are_made),
        cmocka_unit_test(test_an_alias_somebody_depends_on_is_not_removed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

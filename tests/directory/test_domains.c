/* SPDX-License-Identifier: ISC */
#include "directory_test.h"

DIRECTORY_TEST(domains_are_listed_with_what_is_in_them) {
    struct arena a = {0};
    struct domain *domains = NULL;
    size_t count = 0;
    add_domain(d, "Example.TEST");
    GOOD(directory_domain_add(d, &ORDER, S("example.net"), S("example.test"), &problem));
    (void)add_account(d, "tama@example.test");
    (void)add_account(d, "kobo@example.test");
    add_alias(d, "lab@example.test", "tama@example.test", "kobo@example.test", NULL);
    GOOD(directory_domain_set_catch_all(d, &ORDER, S("example.test"), S("Kobo@example.test"),
                                        &problem));
    GOOD(directory_domain_list(d, S(""), 1000, &a, &domains, &count, &problem));
    assert_int_equal(count, 2);
    assert_slice(domains[0].name, "example.net");
    assert_int_equal(domains[0].type, DOMAIN_ALIAS);
    assert_slice(domains[0].target, "example.test");
    assert_slice(domains[1].name, "example.test");
    assert_int_equal(domains[1].type, DOMAIN_LOCAL);
    assert_slice(domains[1].catch_all, "kobo@example.test");
    assert_int_equal(domains[1].accounts, 2);
    assert_int_equal(domains[1].aliases, 1);
    arena_done(&a);
    directory_close(d);
}

DIRECTORY_TEST(domains_come_in_pages_by_name) {
    struct arena a = {0};
    struct domain *domains = NULL;
    size_t count = 0;
    for (int i = 0; i < 5; i++)
        add_domain(d, arena_str(&a, arena_printf(&a, "d%d.test", 4 - i)));
    GOOD(directory_domain_list(d, S(""), 2, &a, &domains, &count, &problem));
    assert_int_equal(count, 2);
    assert_slice(domains[1].name, "d1.test");
    GOOD(directory_domain_list(d, domains[1].name, 9, &a, &domains, &count, &problem));
    assert_int_equal(count, 3);
    assert_slice(domains[0].name, "d2.test");
    GOOD(directory_domain_list(d, S("d4.test"), 2, &a, &domains, &count, &problem));
    assert_int_equal(count, 0);
    arena_done(&a);
    directory_close(d);
}

DIRECTORY_TEST(what_cannot_be_added_is_said_in_a_sentence) {
    add_domain(d, "example.test");
    BAD(directory_domain_add(d, &ORDER, S("EXAMPLE.test"), S(""), &problem), -EEXIST,
        "example.test is a domain of this host already");
    BAD(directory_domain_add(d, &ORDER, S("exam ple.test"), S(""), &problem), -E_SYNTAX,
        "\"exam ple.test\" is not a domain like example.jp: a domain name is made of letters, "
        "digits,"
        " hyphens and dots (character 5)");
    BAD(directory_domain_add(d, &ORDER, S("a..test"), S(""), &problem), -E_SYNTAX,
        "a domain name has no empty labels (character 3)");
    BAD(directory_domain_add(d, &ORDER, S(""), S(""), &problem), -E_SYNTAX, "is not a domain");
    BAD(directory_domain_add(d, &ORDER, S("a.test"), S("b.test"), &problem), -E_UNKNOWN,
        "b.test is not a domain of this host");
    GOOD(directory_domain_add(d, &ORDER, S("example.net"), S("example.test"), &problem));
    BAD(directory_domain_add(d, &ORDER, S("a.test"), S("example.net"), &problem), -E_REFUSED,
        "example.net is only another name for example.test");
    directory_close(d);
}

DIRECTORY_TEST(an_internationalised_domain_is_one_domain) {
    struct arena a = {0};
    struct account *accounts = NULL;
    size_t count = 0;
    add_domain(d, "例え。jp");
    BAD(directory_domain_add(d, &ORDER, S("XN--r8jz45g.jp"), S(""), &problem), -EEXIST,
        "xn--r8jz45g.jp is a domain of this host already");
    (void)add_account(d, "Tama@例え.JP");
    GOOD(directory_account_list(d, S("ＸＮ--r8jz45g．jp"), 0, 10, &a, &accounts, &count, &problem));
    assert_int_equal(count, 1);
    assert_slice(accounts[0].address, "tama@xn--r8jz45g.jp");
    assert_kind(d, "tama@xn--R8JZ45g.jp", ROUTE_LOCAL);
    assert_kind(d, "tama@例え.jp", ROUTE_LOCAL);
    BAD(directory_domain_add(d, &ORDER, S("\u2603.jp"), S(""), &problem), -E_SYNTAX, "IDNA 2008");
    BAD(directory_domain_add(d, &ORDER, S("xn--a.jp"), S(""), &problem), -E_SYNTAX, "Punycode");
    BAD(directory_account_list(d, S("a..b"), 0, 10, &a, &accounts, &count, &problem), -E_SYNTAX,
        "is not a domain");
    arena_done(&a);
    directory_close(d);
}

DIRECTORY_TEST(a_domain_in_use_is_not_removed) {
    uint64_t id = 0;
    add_domain(d, "example.test");
    (void)add_account(d, "tama@example.test");
    BAD(directory_domain_remove(d, &ORDER, S("example.test"), &problem), -E_REFUSED,
        "example.test still has 1 accounts, 0 aliases and 0 other names");
    GOOD(directory_account_remove(d, &ORDER, S("tama@example.test"), &id, &problem));
    GOOD(directory_domain_add(d, &ORDER, S("example.net"), S("example.test"), &problem));
    BAD(directory_domain_remove(d, &ORDER, S("example.test"), &problem), -E_REFUSED,
        "1 other names");
    GOOD(directory_domain_remove(d, &ORDER, S("example.net"), &problem));
    GOOD(directory_domain_remove(d, &ORDER, S("example.test"), &problem));
    assert_kind(d, "tama@example.test", ROUTE_NOT_OURS);
    BAD(directory_domain_remove(d, &ORDER, S("example.test"), &problem), -E_UNKNOWN,
        "example.test is not a domain of this host");
    directory_close(d);
}

DIRECTORY_TEST(a_catch_all_leads_somewhere) {
    add_domain(d, "example.test");
    GOOD(directory_domain_add(d, &ORDER, S("example.net"), S("example.test"), &problem));
    BAD(directory_domain_set_catch_all(d, &ORDER, S("example.test"), S("x@example.test"), &problem),
        -E_UNKNOWN, "there is no x@example.test");
    BAD(directory_domain_set_catch_all(d, &ORDER, S("example.net"), S("x@example.org"), &problem),
        -E_REFUSED, "example.net is only another name");
    BAD(directory_domain_set_catch_all(d, &ORDER, S("none.test"), S(""), &problem), -E_UNKNOWN,
        "none.test is not a domain of this host");
    GOOD(
        directory_domain_set_catch_all(d, &ORDER, S("example.test"), S("x@example.org"), &problem));
    assert_kind(d, "any@example.test", ROUTE_LOCAL);
    BAD(directory_domain_set_catch_all(d, &ORDER, S("example.test"), S("y@example.test"), &problem),
        -E_UNKNOWN, "there is no y@example.test"); /* the catch-all does not vouch for itself */
    assert_kind(d, "any@example.test", ROUTE_LOCAL);
    directory_close(d);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_domains_are_listed_with_what_is_in_them),
        cmocka_unit_test(test_domains_come_in_pages_by_name),
        cmocka_unit_test(test_what_cannot_be_added_is_said_in_a_sentence),
        cmocka_unit_test(test_an_internationalised_domain_is_one_domain),
        cmocka_unit_test(test_a_domain_in_use_is_not_removed),
        cmocka_unit_test(test_a_catch_all_leads_somewhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

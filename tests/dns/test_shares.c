/* SPDX-License-Identifier: ISC */
#include "dns/shares.h"

#include "unit.h"

static void test_a_group_has_no_more_than_its_share(void **state UNUSED) {
    struct shares s;
    struct share_member slow[10] = {0}, other = {0};
    shares_init(&s, 3);
    for (size_t i = 0; i < ARRAY_SIZE(slow); i++)
        shares_add(&s, S("slow.test"), &slow[i]);
    shares_add(&s, S("other.test"), &other);
    for (size_t i = 0; i < 3; i++)
        assert_ptr_equal(shares_next(&s), &slow[i]);
    assert_ptr_equal(shares_next(&s), &other);
    assert_null(shares_next(&s));
    shares_remove(&s, &slow[1]);
    assert_ptr_equal(shares_next(&s), &slow[3]);
    assert_null(shares_next(&s));
    shares_remove(&s, &other);
    assert_null(shares_next(&s));
    for (size_t i = 0; i < ARRAY_SIZE(slow); i++)
        shares_remove(&s, &slow[i]);
    assert_null(shares_next(&s));
    assert_int_equal(s.groups.count, 0);
    shares_done(&s);
}

/* Whoever gives up while he waits, or is next, is passed over. */
static void test_who_gives_up_takes_no_place(void **state UNUSED) {
    struct shares s;
    struct share_member m[4] = {0};
    shares_init(&s, 1);
    for (size_t i = 0; i < ARRAY_SIZE(m); i++)
        shares_add(&s, S("a"), &m[i]);
    shares_remove(&s, &m[1]);
    shares_remove(&s, &m[0]);
    assert_ptr_equal(shares_next(&s), &m[2]);
    shares_remove(&s, &m[2]);
    shares_remove(&s, &m[2]);
    assert_ptr_equal(shares_next(&s), &m[3]);
    shares_remove(&s, &m[3]);
    assert_int_equal(s.groups.count, 0);
    shares_done(&s);
}

static void test_names_of_one_operator_are_a_group(void **state UNUSED) {
    static const struct {
        const char *name, *group;
    } rows[] = {
        {"_dmarc.mail.example.jp", "example.jp"},
        {"example.jp", "example.jp"},
        {"a.b.example.co.jp", "example.co.jp"},
        {"s._domainkey.example.ac.uk", "example.ac.uk"},
        {"example.co.jp", "example.co.jp"},
        {"jp", "jp"},
        {"", ""},
        {"4.3.2.192.in-addr.arpa", "2.192.in-addr.arpa"},
        {"2.192.in-addr.arpa", "2.192.in-addr.arpa"},
        {"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa",
         "8.b.d.0.1.0.0.2.ip6.arpa"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        assert_slice(shares_group_of(slice_of_str(rows[i].name)), rows[i].group);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_group_has_no_more_than_its_share),
        cmocka_unit_test(test_who_gives_up_takes_no_place),
        cmocka_unit_test(test_names_of_one_operator_are_a_group),
    };
    return cmocka_run_group_tests_name("shares", tests, NULL, NULL);
}

/* SPDX-License-Identifier: ISC */
#include "fetch/outside.h"

#include "fetch/rule.h"
#include "unit.h"

static bool is_outside(const char *text) {
    struct net_addr a;
    assert_int_equal(net_parse(slice_of_str(text), 443, &a), 0);
    return outside_has(&a);
}

static void test_addresses_of_the_outside(void **state) {
    static const char *const outside[] = {
        "1.1.1.1",          "9.255.255.255",   "11.0.0.0",    "100.63.255.255", "100.128.0.0",
        "126.255.255.255",  "128.0.0.0",       "169.253.0.1", "172.15.255.255", "172.32.0.0",
        "192.0.1.0",        "192.167.1.1",     "192.169.0.0", "198.17.1.1",     "198.20.0.0",
        "203.0.112.255",    "223.255.255.255", "2001:200::1", "2400:cb00::1",   "2a00:1450::1",
        "64:ff9b::808:808",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(outside); i++)
        if (!is_outside(outside[i]))
            fail_msg("%s is of the outside", outside[i]);
}

static void test_addresses_of_the_inside(void **state) {
    static const char *const inside[] = {
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "10.255.255.255",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.255",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.1",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.7",
        "203.0.113.255",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::127.0.0.1",
        "::ffff:0:127.0.0.1",
        "64:ff9b::127.0.0.1",
        "64:ff9b::10.0.0.1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1.1.1.1",
        "100::1",
        "2001::1",
        "2001:10::1",
        "2001:db8::1",
        "2002:7f00:1::1",
        "2002:101:101::1",
        "3fff::1",
        "fc00::1",
        "fdff::1",
        "fe80::1",
        "febf::1",
        "fec0::1",
        "ff02::1",
        "ff0e::1",
        "4000::1",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(inside); i++)
        if (is_outside(inside[i]))
            fail_msg("%s is of the inside", inside[i]);
}

/* Whoever made the address by hand. */
static void test_a_mapped_address_counts_as_what_it_is(void **state) {
    struct net_addr a = {.in6 = {.sin6_family = AF_INET6}};
    uint8_t *bytes = a.in6.sin6_addr.s6_addr;
    (void)state;
    bytes[10] = bytes[11] = 0xff;
    bytes[12] = 127;
    bytes[15] = 1;
    assert_false(outside_has(&a));
    bytes[12] = 8;
    assert_true(outside_has(&a));
}

/* ------------------------------------------------------------------ rules */

static void test_where_a_policy_is_rfc8461_3_3(void **state) {
    static const char *const wrong[] = {"[192.0.2.1]", "192.0.2.1", "a b",  "",    "a..b",  "x@y",
                                        "a/b",         "a.b:80",    "a.b#", "a?b", "a\r\nb"};
    _cleanup_(arena_done) struct arena a = {0};
    struct fetch_place place;
    (void)state;
    assert_int_equal(fetch_locate(FETCH_MTA_STS, S("Example.NET."), &a, &place), 0);
    assert_slice(place.host, "mta-sts.example.net");
    assert_slice(place.path, "/.well-known/mta-sts.txt");
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
        if (fetch_locate(FETCH_MTA_STS, slice_of_str(wrong[i]), &a, &place) != -E_SYNTAX)
            fail_msg("%s", wrong[i]);
}

static void test_where_a_report_goes_rfc8460_3(void **state) {
    static const struct {
        const char *uri, *host, *path;
    } rows[] = {
        {"https://reports.example/v1?x=y", "reports.example", "/v1?x=y"},
        {"HTTPS://Reports.Example:443", "reports.example", "/"},
        {"https://reports.example?x", "reports.example", "/?x"},
        {"http://reports.example/", NULL, NULL},
        {"https://reports.example:22/", NULL, NULL},
        {"https://reports.example:/", NULL, NULL},
        {"https://user@reports.example/", NULL, NULL},
        {"https://user:pw@reports.example/", NULL, NULL},
        {"https://127.0.0.1/", NULL, NULL},
        {"https://2130706433/", NULL, NULL},
        {"https://0x7f.1/", NULL, NULL},
        {"https://[::1]/", NULL, NULL},
        {"https://localhost/", NULL, NULL},
        {"https:///x", NULL, NULL},
        {"https://", NULL, NULL},
        {"https://reports.example/a b", NULL, NULL},
        {"https://reports.example/a\r\nHost: x", NULL, NULL},
        {"https://reports.example\\@evil.example/", NULL, NULL},
        {"https://reports.example/#a", NULL, NULL},
        {"file:///etc/passwd", NULL, NULL},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_(arena_done) struct arena a = {0};
        struct fetch_place place = {0};
        int r = fetch_locate(FETCH_TLSRPT, slice_of_str(rows[i].uri), &a, &place);
        if (r != (rows[i].host ? 0 : -E_SYNTAX))
            fail_msg("%s: %d, \"%.*s\"", rows[i].uri, r, SLICE_ARG(place.host));
        if (r == 0) {
            assert_slice(place.host, rows[i].host);
            assert_slice(place.path, rows[i].path);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses_of_the_outside),
        cmocka_unit_test(test_addresses_of_the_inside),
        cmocka_unit_test(test_a_mapped_address_counts_as_what_it_is),
        cmocka_unit_test(test_where_a_policy_is_rfc8461_3_3),
        cmocka_unit_test(test_where_a_report_goes_rfc8460_3),
    };
    return cmocka_run_group_tests_name("outside", tests, NULL, NULL);
}

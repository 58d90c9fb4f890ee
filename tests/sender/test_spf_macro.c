/* SPDX-License-Identifier: ISC */
#include "sender/spf/spf_macro.h"

#include <stdio.h>

#include "unit.h"

static struct net_addr v4, v6;

static struct spf_macro_values values(const struct net_addr *client) {
    return (struct spf_macro_values){
        .client = client,
        .local_part = S("strong-bad"),
        .sender_domain = S("email.example.com"),
        .domain = S("email.example.com"),
        .client_name = S("mx.example.org"),
        .helo = S("mail.example.org"),
        .host = S("receiver.test"),
        .now = 1796000000,
    };
}

static void expect(const char *text, const struct net_addr *client, const char *expected) {
    struct spf_macro_values v = values(client);
    struct buf to = {0};
    assert_true(spf_is_macro_string(slice_of_str(text), true));
    spf_expand(slice_of_str(text), &v, &to);
    assert_slice(buf_slice(&to), expected);
    buf_done(&to);
}

/* The examples of the RFC, of which the client is 192.0.2.3 or 2001:db8::cb01. */
static void test_macros_rfc7208_7_4(void **state UNUSED) {
    static const struct {
        const char *text, *expected;
    } rows[] = {
        {"%{s}", "strong-bad@email.example.com"},
        {"%{o}", "email.example.com"},
        {"%{d}", "email.example.com"},
        {"%{d4}", "email.example.com"},
        {"%{d3}", "email.example.com"},
        {"%{d2}", "example.com"},
        {"%{d1}", "com"},
        {"%{dr}", "com.example.email"},
        {"%{d2r}", "example.email"},
        {"%{l}", "strong-bad"},
        {"%{l-}", "strong.bad"},
        {"%{lr}", "strong-bad"},
        {"%{lr-}", "bad.strong"},
        {"%{l1r-}", "strong"},
        {"%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"},
        {"%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"},
        {"%{lr-}.lp.%{ir}.%{v}._spf.%{d2}", "bad.strong.lp.3.2.0.192.in-addr._spf.example.com"},
        {"%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}", "3.2.0.192.in-addr.strong.lp._spf.example.com"},
        {"%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net"},
        {"%{p} %{h} %{c} %{r} %{t}", "mx.example.org mail.example.org 192.0.2.3 receiver.test "
                                     "1796000000"},
        {"%%%_%-", "% %20"},
        {"%{S}", "strong-bad%40email.example.com"},
        {"%{d.-}", "email.example.com"},
        {"%{o99999999999}", "email.example.com"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        expect(rows[i].text, &v4, rows[i].expected);
    expect("%{ir}.%{v}._spf.%{d2}", &v6,
           "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6._spf.example.com");
    expect("%{c}", &v6, "2001:db8::cb01");
}

static void test_what_is_a_domain_rfc7208_7_1(void **state UNUSED) {
    static const char *const good[] = {"example.com", "example.com.",    "%{d}",
                                       "a.%{i}",      "%{ir}.x.example", "foo:bar/baz.example.com",
                                       "_a.b-c.x1",   "a..example"};
    static const char *const bad[] = {"",
                                      "com",
                                      "com.",
                                      "example.123",
                                      "example.-a",
                                      "example.a-",
                                      "example.c_m",
                                      "%",
                                      "%{",
                                      "%{x}.example.com",
                                      "%{d0}",
                                      "%(d).example.com",
                                      "%{d",
                                      "a b.example",
                                      "\x80.example",
                                      "%{c}.example.com",
                                      "%{d}/24",
                                      "example.com:25",
                                      "x.%{drr}"};
    for (size_t i = 0; i < ARRAY_SIZE(good); i++)
        if (!spf_is_domain_spec(slice_of_str(good[i])))
            fail_msg("%s", good[i]);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        if (spf_is_domain_spec(slice_of_str(bad[i])))
            fail_msg("%s", bad[i]);
}

static void expect_name(const char *spec, const char *local_part, const char *expected) {
    struct arena a = {0};
    struct slice name = S("");
    struct spf_macro_values v = values(&v4);
    v.local_part = slice_of_str(local_part);
    assert_int_equal(spf_expand_name(slice_of_str(spec), &v, &a, &name), expected != NULL);
    if (expected)
        assert_slice(name, expected);
    arena_done(&a);
}

/* §7.3: too long a name loses its first labels. */
static void test_names_rfc7208_7_3(void **state UNUSED) {
    char sixty[61], text[400];
    memset(sixty, 'a', 60);
    sixty[60] = 0;
    expect_name("%{l}.example.com", "tama", "tama.example.com");
    expect_name("%{l}.example.com.", "ta.ma", "ta.ma.example.com");
    expect_name("%{l}.example.com", "ta\\ma", "ta\\092ma.example.com");
    expect_name("%{l}.example.com", "ta ma", "ta\\032ma.example.com");
    expect_name("%{l}.example.com", "ta..ma", NULL);
    expect_name("%{l}.example.com", ".tama", NULL);
    (void)snprintf(text, sizeof text, "%s.%s.%s.example.com", sixty, sixty, sixty);
    expect_name("%{l}.%{l}.%{l}.example.com", sixty, text);
    expect_name("%{l}.%{l}.%{l}.%{l}.example.com", sixty, text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_macros_rfc7208_7_4),
        cmocka_unit_test(test_what_is_a_domain_rfc7208_7_1),
        cmocka_unit_test(test_names_rfc7208_7_3),
    };
    assert_int_equal(net_parse(S("192.0.2.3"), 0, &v4), 0);
    assert_int_equal(net_parse(S("2001:db8::cb01"), 0, &v6), 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

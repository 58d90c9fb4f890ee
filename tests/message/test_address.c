/* SPDX-License-Identifier: ISC */
#include "message_test.h"

#include <errno.h>

#include "message/address/address.h"

#define X10   "xxxxxxxxxx"
#define X60   X10 X10 X10 X10 X10 X10
#define LABEL X60 "xxx" /* 63 */

struct accepted {
    const char *text;
    const char *printed;
    const char *rest;
};

static void check_path(bool forward, unsigned flags, const struct accepted *c) {
    _cleanup_(arena_done) struct arena a = {0};
    struct address address;
    struct slice rest;
    struct text_fault fault = {0};
    struct slice text = slice_of_str(c->text);
    int r = forward ? address_parse_forward_path(&a, text, flags, &address, &rest, &fault)
                    : address_parse_reverse_path(&a, text, flags, &address, &rest, &fault);
    if (r < 0)
        print_error("%s: %s at %zu\n", c->text, fault.expected, fault.at);
    assert_int_equal(r, 0);
    assert_slice(address_text(&a, &address), c->printed);
    assert_slice(rest, c->rest);
}

static void check_refused(bool forward, unsigned flags, const char *text, int code, size_t at) {
    _cleanup_(arena_done) struct arena a = {0};
    struct address address = {0};
    struct slice rest;
    struct text_fault fault = {0};
    struct slice s = slice_of_str(text);
    int r = forward ? address_parse_forward_path(&a, s, flags, &address, &rest, &fault)
                    : address_parse_reverse_path(&a, s, flags, &address, &rest, &fault);
    if (r != code || fault.at != at)
        print_error("%s: %d at %zu: %s\n", text, r, fault.at, fault.expected);
    assert_int_equal(r, code);
    assert_non_null(fault.expected);
    assert_int_equal(fault.at, at);
    assert_null(address.local.ptr);
}

static void rfc5321_4_1_2_paths_are_read(void **state) {
    static const struct accepted cases[] = {
        {"<tama@example.org>", "tama@example.org", ""},
        {" <Tama@EXAMPLE.org>", "Tama@example.org", ""},
        {"<tama@example.org> SIZE=100 BODY=8BITMIME ", "tama@example.org",
         "SIZE=100 BODY=8BITMIME"},
        {"<a.b.c@x>", "a.b.c@x", ""},
        {"<!#$%&'*+-/=?^_`{|}~@x.example>", "!#$%&'*+-/=?^_`{|}~@x.example", ""},
        {"<\"tama\"@example.org>", "tama@example.org", ""},
        {"<\"ta\\ma\"@example.org>", "tama@example.org", ""},
        {"<\"ta ma\"@example.org>", "\"ta ma\"@example.org", ""},
        {"<\"a@b> c\"@example.org> X=1", "\"a@b> c\"@example.org", "X=1"},
        {"<\"q\\\"b\\\\\"@example.org>", "\"q\\\"b\\\\\"@example.org", ""},
        {"<\"\"@example.org>", "\"\"@example.org", ""},
        {"<tama@[192.0.2.1]>", "tama@[192.0.2.1]", ""},
        {"<tama@[ipv6:2001:DB8:0:0::1]>", "tama@[IPv6:2001:db8::1]", ""},
        {"<tama@3com.example>", "tama@3com.example", ""},
        {"<tama@a-b.xn--wgv71a>", "tama@a-b.xn--wgv71a", ""},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        check_path(false, 0, &cases[i]);
        check_path(true, 0, &cases[i]);
    }
}

static void rfc5321_appendix_c_source_routes_are_dropped(void **state) {
    static const struct accepted cases[] = {
        {"<@hosta.int,@jkl.org:userc@d.bar.org>", "userc@d.bar.org", ""},
        {"<@[192.0.2.1]:tama@example.org> A", "tama@example.org", "A"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        check_path(true, 0, &cases[i]);
    check_refused(true, 0, "<@hosta.int,@jkl.org>", -E_SYNTAX, 20);
    check_refused(true, 0, "<@hosta.int,jkl.org:a@b>", -E_SYNTAX, 12);
}

static void rfc5321_null_path_is_a_reverse_path_only(void **state) {
    check_path(false, 0, &(struct accepted){"<> RET=HDRS", "", "RET=HDRS"});
    check_refused(true, 0, "<>", -E_SYNTAX, 1);
}

static void rfc5321_bare_postmaster_is_a_forward_path_only(void **state) {
    check_path(true, 0, &(struct accepted){"<pOstmaster>", "pOstmaster", ""});
    check_path(true, 0, &(struct accepted){"<Postmaster@x.example>", "Postmaster@x.example", ""});
    check_refused(false, 0, "<Postmaster>", -E_SYNTAX, 11);
    check_refused(true, 0, "<root>", -E_SYNTAX, 5);
}

static void rfc5321_4_1_2_other_forms_are_refused_where_they_go_wrong(void **state) {
    static const struct {
        const char *text;
        size_t at;
    } cases[] = {
        {"", 0},
        {"tama@example.org", 0},
        {"<tama@example.org", 17},
        {"<tama@example.org>x", 18},
        {"<tama>", 5},
        {"<@>", 2},
        {"<tama@>", 6},
        {"<.tama@x>", 1},
        {"<tama.@x>", 6},
        {"<ta..ma@x>", 4},
        {"<ta ma@x>", 3},
        {"<ta,ma@x>", 3},
        {"<ta\x01ma@x>", 3},
        {"<\"tama@x>", 9},
        {"<\"ta\x01\"@x>", 4},
        {"<\"tama\"x@y>", 7},
        {"<tama@x..y>", 8},
        {"<tama@x.y.>", 10},
        {"<tama@-x.y>", 6},
        {"<tama@x-.y>", 6},
        {"<tama@x_y.z>", 7},
        {"<tama@192.0.2.1>", 14},
        {"<tama@[192.0.2]>", 6},
        {"<tama@[192.0.2.256]>", 6},
        {"<tama@[2001:db8::1]>", 6},
        {"<tama@[IPv6:2001:db8::1>", 6},
        {"<tama@[x400:foo]>", 6},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        check_refused(false, 0, cases[i].text, -E_SYNTAX, cases[i].at);
}

static void rfc5321_4_5_3_1_lengths(void **state) {
    check_path(false, 0, &(struct accepted){"<" X60 "xxxx@y>", X60 "xxxx@y", ""});
    check_refused(false, 0, "<" X60 "xxxxx@y>", -E_LIMIT, 68);
    check_path(false, 0, &(struct accepted){"<a@" LABEL ".y>", "a@" LABEL ".y", ""});
    check_refused(false, 0, "<a@x" LABEL ".y>", -E_LIMIT, 3);
    /* 1 + 1 + 1 + 3 * 64 + 60 + 1 = 256 */
    check_path(false, 0,
               &(struct accepted){"<a@" LABEL "." LABEL "." LABEL "." X60 ">",
                                  "a@" LABEL "." LABEL "." LABEL "." X60, ""});
    check_refused(false, 0, "<a@" LABEL "." LABEL "." LABEL "." X60 "x>", -E_LIMIT, 257);
    check_refused(false, 0,
                  "<a@" LABEL "." LABEL "." LABEL "." LABEL "."
                  "x>",
                  -E_LIMIT, 258);
}

static void rfc6531_3_3_utf8_needs_smtputf8(void **state) {
    check_refused(false, 0, "<珠@example.org>", -EILSEQ, 1);
    check_refused(false, 0, "<\"珠\"@example.org>", -EILSEQ, 2);
    check_refused(false, 0, "<tama@例.example>", -EILSEQ, 6);
    check_path(false, ADDRESS_UTF8,
               &(struct accepted){"<珠@例.Example>", "珠@xn--fsq.example", ""});
    check_path(false, ADDRESS_UTF8, &(struct accepted){"<\"珠 玉\"@x>", "\"珠 玉\"@x", ""});
    check_refused(false, ADDRESS_UTF8, "<\xe7\x8f@x>", -E_SYNTAX, 5);
    check_refused(false, ADDRESS_UTF8, "<a@\xc0\xaf>", -E_SYNTAX, 3);
}

static void loose_takes_what_others_send(void **state) {
    static const struct accepted cases[] = {
        {"tama@example.org SIZE=1", "tama@example.org", "SIZE=1"},
        {"<ta..ma.@docomo.example>", "\"ta..ma.\"@docomo.example", ""},
        {"<tama@my_host.example.>", "tama@my_host.example", ""},
        {"<" X60 X10 "@x>", X60 X10 "@x", ""},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        check_path(false, ADDRESS_LOOSE, &cases[i]);
    check_refused(false, ADDRESS_LOOSE, "tama", -E_SYNTAX, 4);
    check_refused(false, ADDRESS_LOOSE, "<a@b@c>", -E_SYNTAX, 4);
}

static void flags_of_an_address_say_what_it_needs(void **state) {
    _cleanup_(arena_done) struct arena a = {0};
    struct address address;
    struct slice rest;
    assert_int_equal(address_parse_reverse_path(&a, S("<>"), 0, &address, &rest, NULL), 0);
    assert_true(address_is_null(&address));
    assert_int_equal(address_parse(&a, S("\"a b\"@[192.0.2.1]"), 0, &address, NULL), 0);
    assert_true(address.literal && address.needs_quotes && !address.utf8);
    assert_slice(address.local, "a b");
    assert_slice(address.domain, "[192.0.2.1]");
    assert_int_equal(address_parse(&a, S("珠@x"), ADDRESS_UTF8, &address, NULL), 0);
    assert_true(!address.literal && !address.needs_quotes && address.utf8);
    assert_int_equal(address_parse(&a, S("PostMaster@x"), 0, &address, NULL), 0);
    assert_true(address_is_postmaster(&address));
}

static void a_plain_address_says_what_is_wrong_with_it(void **state) {
    _cleanup_(arena_done) struct arena a = {0};
    struct address address;
    struct problem p = {0};
    assert_int_equal(address_parse(&a, S("tama@Example.org"), 0, &address, &p), 0);
    assert_slice(address.domain, "example.org");
    assert_int_equal(address_parse(&a, S("tama"), 0, &address, &p), -E_SYNTAX);
    assert_non_null(strstr(p.text, "\"tama\""));
    assert_non_null(strstr(p.text, "'@'"));
    assert_int_equal(address_parse(&a, S("tama@x y"), 0, &address, &p), -E_SYNTAX);
    assert_int_equal(address_parse(&a, S("<tama@x>"), 0, &address, &p), -E_SYNTAX);
    assert_int_equal(address_parse(&a, S(""), 0, &address, &p), -E_SYNTAX);
}

static void an_address_is_made_of_its_parts(void **state) {
    _cleanup_(arena_done) struct arena a = {0};
    struct address made;
    struct address read;
    assert_int_equal(address_make(&a, S("a b"), S("X.example"), 0, &made, NULL), 0);
    assert_int_equal(address_parse(&a, S("\"a\\ b\"@x.EXAMPLE"), 0, &read, NULL), 0);
    assert_true(address_eq(&made, &read));
    struct address copy = address_copy(&a, &made);
    assert_true(address_eq(&copy, &made));
    assert_ptr_not_equal(copy.local.ptr, made.local.ptr);
    assert_int_equal(address_make(&a, S(""), S("x"), 0, &made, NULL), -E_SYNTAX);
    assert_int_equal(address_make(&a, S("a\r\nb"), S("x"), 0, &made, NULL), -E_SYNTAX);
    assert_int_equal(address_make(&a, S("a"), S(""), 0, &made, NULL), -E_SYNTAX);
}

static void a6_plus_addresses_are_split_at_the_first_separator(void **state) {
    struct slice base;
    struct slice detail;
    assert_true(address_split_detail(S("tama+shop+x"), '+', &base, &detail));
    assert_slice(base, "tama");
    assert_slice(detail, "shop+x");
    assert_true(address_split_detail(S("tama+"), '+', &base, &detail));
    assert_slice(base, "tama");
    assert_slice(detail, "");
    assert_false(address_split_detail(S("+tama"), '+', &base, &detail));
    assert_slice(base, "+tama");
    assert_false(address_split_detail(S("tama-x"), '+', &base, &detail));
    assert_false(address_split_detail(S("+"), '+', &base, &detail));
    assert_false(address_split_detail(S(""), '+', &base, &detail));
}

static void domain_names_follow_rfc1035_and_rfc3696(void **state) {
    assert_int_equal(domain_check(S("example.org"), 0, NULL), 0);
    assert_int_equal(domain_check(S("localhost"), 0, NULL), 0);
    assert_int_equal(domain_check(S("example.org."), 0, NULL), -E_SYNTAX);
    assert_int_equal(domain_check(S("example.org."), DOMAIN_TRAILING_DOT, NULL), 0);
    assert_int_equal(domain_check(S("example.org.."), DOMAIN_TRAILING_DOT, NULL), -E_SYNTAX);
    assert_int_equal(domain_check(S("."), DOMAIN_TRAILING_DOT, NULL), -E_SYNTAX);
    assert_int_equal(domain_check(S(""), DOMAIN_TRAILING_DOT, NULL), -E_SYNTAX);
    assert_int_equal(domain_check(S("example.123"), 0, NULL), -E_SYNTAX);
    assert_int_equal(domain_check(S("123.example"), 0, NULL), 0);
    assert_int_equal(domain_check(S("a_b.example"), 0, NULL), -E_SYNTAX);
    assert_int_equal(domain_check(S("a_b.example"), DOMAIN_UNDERSCORE, NULL), 0);
    assert_int_equal(domain_check(S("日本.example"), 0, NULL), -EILSEQ);
    assert_int_equal(domain_check(S("a\0b"), 0, NULL), -E_SYNTAX);
    assert_int_equal(domain_check(S(LABEL "." LABEL "." LABEL "." LABEL), 0, NULL), 0); /* 255 */
    assert_int_equal(domain_check(S(LABEL "." LABEL "." LABEL "." X60 ".xxx"), 0, NULL), -E_LIMIT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc5321_4_1_2_paths_are_read),
        cmocka_unit_test(rfc5321_appendix_c_source_routes_are_dropped),
        cmocka_unit_test(rfc5321_null_path_is_a_reverse_path_only),
        cmocka_unit_test(rfc5321_bare_postmaster_is_a_forward_path_only),
        cmocka_unit_test(rfc5321_4_1_2_other_forms_are_refused_where_they_go_wrong),
        cmocka_unit_test(rfc5321_4_5_3_1_lengths),
        cmocka_unit_test(rfc6531_3_3_utf8_needs_smtputf8),
        cmocka_unit_test(loose_takes_what_others_send),
        cmocka_unit_test(flags_of_an_address_say_what_it_needs),
        cmocka_unit_test(a_plain_address_says_what_is_wrong_with_it),
        cmocka_unit_test(an_address_is_made_of_its_parts),
        cmocka_unit_test(a6_plus_addresses_are_split_at_the_first_separator),
        cmocka_unit_test(domain_names_follow_rfc1035_and_rfc3696),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

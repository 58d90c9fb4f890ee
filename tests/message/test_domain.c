/* SPDX-License-Identifier: ISC */
#include <errno.h>

#include "base/error.h"
#include "message/address/address.h"
#include "message_test.h"

static char canonical_text[2048];

/* The canonical form as a string, or the error's name. */
static const char *canonical(struct slice text, unsigned flags) {
    _cleanup_(arena_done) struct arena a = {0};
    struct slice name = {0};
    struct text_fault fault = {0};
    int r = domain_canonical(&a, text, flags, &name, &fault);
    if (r < 0) {
        assert_non_null(fault.expected);
        return r == -E_SYNTAX ? "syntax" : r == -E_LIMIT ? "limit" : r == -EILSEQ ? "ascii" : "?";
    }
    assert_int_equal(slice_to_str(name, canonical_text, sizeof canonical_text), 0);
    return canonical_text;
}

#define IS(text, expected) assert_string_equal(canonical(S(text), DOMAIN_UTF8), expected)

static void u_and_a_labels_are_one_name(void **state) {
    IS("例え.jp", "xn--r8jz45g.jp");
    IS("xn--r8jz45g.jp", "xn--r8jz45g.jp");
    IS("XN--R8JZ45G.JP", "xn--r8jz45g.jp");
    IS("例え.テスト", "xn--r8jz45g.xn--zckzah");
    IS("例え.xn--zckzah", "xn--r8jz45g.xn--zckzah");
    IS("mail.例え.JP", "mail.xn--r8jz45g.jp");
    assert_string_equal(canonical(S("xn--R8JZ45g.jp"), 0), "xn--r8jz45g.jp");
}

static void case_width_and_composition_are_folded(void **state) {
    IS("BÜCHER.example", "xn--bcher-kva.example");
    IS("bu\xcc\x88"
       "cher.example",
       "xn--bcher-kva.example");
    IS("ﾃｽﾄ.jp", "xn--zckzah.jp");
    IS("ＥＸＡＭＰＬＥ.ｊｐ", "example.jp");
    IS("Example.ORG", "example.org");
}

/* RFC 5890 §2.3.2.1: IDNA 2008 keeps what the older one turned into "ss". */
static void sharp_s_is_a_letter_of_its_own(void **state) {
    IS("faß.de", "xn--fa-hia.de");
    IS("fass.de", "fass.de");
}

static void every_full_stop_of_idna_parts_labels(void **state) {
    IS("例え。jp", "xn--r8jz45g.jp");
    IS("例え．jp", "xn--r8jz45g.jp");
    IS("例え｡jp", "xn--r8jz45g.jp");
    IS("mail。example．jp", "mail.example.jp");
    assert_string_equal(canonical(S("例え。jp。"), DOMAIN_UTF8 | DOMAIN_TRAILING_DOT),
                        "xn--r8jz45g.jp");
    IS("例え。jp。", "syntax");
    IS("例え。。jp", "syntax");
    IS("。jp", "syntax");
}

static void what_is_not_idna_is_refused(void **state) {
    IS("☃.example", "syntax");
    IS("-例え.jp", "syntax");
    IS("例え-.jp", "syntax");
    IS("ab--例え.jp", "syntax");
    IS("xn--例え.jp", "syntax");
    IS("xn--.jp", "syntax");
    IS("xn--a.jp", "syntax");
    IS("xn--abc-.jp", "syntax");
    IS("℀.jp", "syntax"); /* maps to "a/c" */
    IS("例 え.jp", "syntax");
    IS("\xff\xfe.jp", "syntax");
    IS("例え\0.jp", "syntax");
    IS("あ\xe2\x80\x8d.jp", "syntax"); /* a joiner where none is allowed */
    IS("a\xe2\x80\xae"
       "b.jp",
       "syntax");                    /* a right-to-left override */
    IS("１９２.０.２.１", "syntax"); /* an address, not a name */
}

/* A registry may have given out what IDNA 2008 does not: its A-label is a name of the DNS. */
static void a_labels_of_older_rules_stay_names(void **state) {
    IS("xn--n3h.net", "xn--n3h.net");
    IS("xn--ls8h.la", "xn--ls8h.la");
}

static void names_of_ascii_are_left_in_peace(void **state) {
    IS("ab--cd.example", "ab--cd.example");
    IS("localhost", "localhost");
    assert_string_equal(canonical(S("_dmarc.例え.jp"), DOMAIN_UTF8 | DOMAIN_UNDERSCORE),
                        "_dmarc.xn--r8jz45g.jp");
    assert_string_equal(canonical(S("例え.jp"), 0), "ascii");
}

#define TEN "例例例例例例例例例例"
static void lengths_are_those_of_the_a_label(void **state) {
    char many[4 * DOMAIN_TEXT_MAX];
    IS("example." TEN TEN TEN TEN TEN TEN TEN ".jp", "limit");
    memset(many, 'a', sizeof many);
    assert_string_equal(canonical(slice_of(many, sizeof many), DOMAIN_UTF8), "limit");
    for (size_t i = 0; i + 3 <= sizeof many; i += 3)
        memcpy(many + i, "あ", 3);
    assert_string_equal(canonical(slice_of(many, 900), DOMAIN_UTF8), "limit");
}

static void addresses_hold_the_canonical_domain(void **state) {
    _cleanup_(arena_done) struct arena a = {0};
    struct address one, other;
    struct problem problem = {0};
    assert_int_equal(address_parse(&a, S("tama@例え。jp"), ADDRESS_UTF8, &one, &problem), 0);
    assert_int_equal(address_parse(&a, S("tama@XN--R8JZ45G.jp"), 0, &other, &problem), 0);
    assert_true(address_eq(&one, &other));
    assert_false(one.utf8);
    assert_slice(address_text(&a, &one), "tama@xn--r8jz45g.jp");
    assert_int_equal(address_parse(&a, S("たま@例え.jp"), ADDRESS_UTF8, &one, &problem), 0);
    assert_true(one.utf8);
    assert_int_equal(address_parse(&a, S("tama@☃.jp"), ADDRESS_UTF8, &one, &problem), -E_SYNTAX);
    assert_non_null(strstr(problem.text, "IDNA 2008"));
}

/* ------------------------------------------------------------------ shown */

static void shown(struct slice text, const char *expected) {
    _cleanup_(buf_done) struct buf b = {0};
    domain_shown_within(&b, text);
    assert_string_equal(buf_str(&b), expected);
}

/* The name as U-label is shown as `expected`: "" for the name as it is. */
static void shown_as(struct slice name, bool safe) {
    _cleanup_(arena_done) struct arena a = {0};
    struct slice ascii = {0};
    assert_int_equal(domain_canonical(&a, name, DOMAIN_UTF8, &ascii, NULL), 0);
    shown(ascii, safe ? arena_str(&a, name) : arena_str(&a, ascii));
}

static void people_see_what_misleads_nobody(void **state) {
    shown_as(S("例え.jp"), true);
    shown_as(S("みかん大学テスト.jp"), true);
    shown_as(S("サーバー.jp"), true);
    shown_as(S("abc大学.jp"), true);
    shown_as(S("bücher.example"), true);
    shown_as(S("한국.example"), true);
    shown_as(S("пример.example"), true);
    shown_as(S("παράδειγμα.example"), true);
    shown_as(S("example.jp"), true);
}

static void people_see_a_labels_of_what_misleads(void **state) {
    shown_as(S("аррӏе.example"), false);    /* Cyrillic throughout */
    shown_as(S("exаmple.example"), false);  /* one Cyrillic message */
    shown_as(S("例пример.example"), false); /* Han and Cyrillic */
    shown_as(S("bücher大.example"), false); /* accents and Han */
    shown_as(S("jpノabc.example"), false);  /* looks like jp/abc */
    shown_as(S("aーb.example"), false);
    shown_as(S("gıthub.example"), false);   /* dotless i */
    shown_as(S("مثال.example"), false);     /* right to left */
    shown(S("xn--n3h.net"), "xn--n3h.net"); /* a snowman does not lead back */
}

static void names_are_found_inside_text(void **state) {
    shown(S("from <tama@xn--r8jz45g.jp>, by mx.XN--R8JZ45G.jp."),
          "from <tama@例え.jp>, by mx.例え.jp.");
    shown(S("xn-- axn--r8jz45g xn--r8jz45g_ -xn--r8jz45g"),
          "xn-- axn--r8jz45g xn--r8jz45g_ -xn--r8jz45g");
    shown(S("xn--r8jz45g"), "例え");
    shown(S(""), "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(u_and_a_labels_are_one_name),
        cmocka_unit_test(case_width_and_composition_are_folded),
        cmocka_unit_test(sharp_s_is_a_letter_of_its_own),
        cmocka_unit_test(every_full_stop_of_idna_parts_labels),
        cmocka_unit_test(what_is_not_idna_is_refused),
        cmocka_unit_test(a_labels_of_older_rules_stay_names),
        cmocka_unit_test(names_of_ascii_are_left_in_peace),
        cmocka_unit_test(lengths_are_those_of_the_a_label),
        cmocka_unit_test(addresses_hold_the_canonical_domain),
        cmocka_unit_test(people_see_what_misleads_nobody),
        cmocka_unit_test(people_see_a_labels_of_what_misleads),
        cmocka_unit_test(names_are_found_inside_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: ISC */
#include <time.h>

#include "made.h"
#include "reports/aggregate.h"
#include "reports/tally.h"
#include "unit.h"

#define METADATA                                                                                   \
    "<report_metadata><org_name>Lighthouse Mail</org_name><email>dmarc@lighthouse.test</email>"    \
    "<report_id>7f.1</report_id><date_range><begin>1780272000</begin><end>1780358399</end>"        \
    "</date_range></report_metadata>"
#define POLICY "<policy_published><domain>example.jp</domain><p>reject</p></policy_published>"
#define ROW(source, count, dkim, spf)                                                              \
    "<record><row><source_ip>" source "</source_ip><count>" count "</count><policy_evaluated>"     \
    "<disposition>none</disposition><dkim>" dkim "</dkim><spf>" spf "</spf></policy_evaluated>"    \
    "</row><identifiers><header_from>example.jp</header_from></identifiers>"                       \
    "<auth_results/></record>"

static const struct aggregate_limits limits = AGGREGATE_LIMITS_DEFAULT;

static int read_text(const char *text, struct arena *a, struct aggregate_report *ret,
                     struct problem *p) {
    return aggregate_read(slice_of_str(text), &limits, a, ret, p);
}

static void assert_bad(const char *text, int error, const char *why) {
    struct arena a = {0};
    struct aggregate_report report;
    struct problem p = {0};
    assert_int_equal(read_text(text, &a, &report, &p), error);
    assert_string_equal(p.text, why);
    arena_done(&a);
}

static void test_all_elements_are_read_rfc9990_3_1_1(void **state UNUSED) {
    struct arena a = {0};
    struct aggregate_report r;
    const char *text =
        "<?xml version=\"1.0\"?>\r\n<feedback xmlns=\"urn:ietf:params:xml:ns:dmarc-2.0\" "
        "xmlns:x=\"https://x.test/\">\r\n<version>1.0</version><report_metadata>"
        "<org_name> Tom &amp; Co.\n</org_name><email>d@tom.test</email>"
        "<extra_contact_info>https://tom.test/</extra_contact_info><report_id>a@tom.test"
        "</report_id><date_range><begin>1780272000</begin><end>1780358399</end></date_range>"
        "<error>two records</error><generator>Tom 1</generator></report_metadata>"
        "<policy_published><domain>Example.JP.</domain><discovery_method>treewalk"
        "</discovery_method><p>reject</p><sp>quarantine</sp><np>none</np><fo>1:d</fo>"
        "<adkim>s</adkim><aspf>r</aspf><testing>n</testing></policy_published>"
        "<extension><x:domain>wrong.test</x:domain></extension>"
        "<record><row><source_ip>2001:DB8:0::1</source_ip><count>12</count><policy_evaluated>"
        "<disposition>quarantine</disposition><dkim>fail</dkim><spf>pass</spf>"
        "<reason><type>local_policy</type><comment>c</comment></reason>"
        "<reason><type>other</type></reason></policy_evaluated></row>"
        "<identifiers><header_from>Shop.Example.JP</header_from><envelope_from>b.example.jp"
        "</envelope_from><envelope_to>here.test</envelope_to></identifiers>"
        "<auth_results><dkim><domain>esp.test</domain><selector>s1</selector><result>Pass</result>"
        "<human_result>fine</human_result></dkim><spf><domain>b.example.jp</domain>"
        "<scope>mfrom</scope><result>pass</result></spf></auth_results><x:more/></record>"
        "</feedback>\r\n";
    assert_int_equal(read_text(text, &a, &r, NULL), 0);
    assert_slice(r.organization, "Tom & Co.");
    assert_slice(r.email, "d@tom.test");
    assert_slice(r.contact, "https://tom.test/");
    assert_slice(r.id, "a@tom.test");
    assert_slice(r.generator, "Tom 1");
    assert_int_equal(r.begin, 1780272000);
    assert_int_equal(r.end, 1780358399);
    assert_slice(r.domain, "example.jp");
    assert_slice(r.discovery, "treewalk");
    assert_slice(r.p, "reject");
    assert_slice(r.sp, "quarantine");
    assert_slice(r.np, "none");
    assert_slice(r.fo, "1:d");
    assert_slice(r.adkim, "s");
    assert_slice(r.aspf, "r");
    assert_slice(r.testing, "n");
    assert_int_equal(r.row_count, 1);
    const struct aggregate_row *row = r.rows;
    assert_slice(row->source, "2001:db8::1");
    assert_int_equal(row->count, 12);
    assert_int_equal(row->disposition, AGGREGATE_QUARANTINE);
    assert_true(!row->dkim && row->spf);
    assert_slice(row->reason, "local_policy");
    assert_slice(row->header_from, "shop.example.jp");
    assert_slice(row->envelope_from, "b.example.jp");
    assert_slice(row->envelope_to, "here.test");
    assert_int_equal(row->auth_count, 2);
    assert_slice(row->auth[0].domain, "esp.test");
    assert_slice(row->auth[0].selector, "s1");
    assert_slice(row->auth[0].result, "pass");
    assert_true(!row->auth[0].is_spf && row->auth[1].is_spf);
    assert_slice(row->auth[1].domain, "b.example.jp");
    assert_null(row->next);
    arena_done(&a);
}

/* As reporters send them. Each has one row with three messages of 192.0.2.1. */
static void test_reports_are_read_as_they_come(void **state UNUSED) {
    static const char *const texts[] = {
        /* the elder form, another character set, nothing of the envelope, SPF without a domain */
        "<?xml version=\"1.0\" encoding=\"windows-1252\"?>\n<feedback>" METADATA
        "<policy_published><domain>example.jp</domain><adkim>r</adkim><aspf>r</aspf><p>none</p>"
        "<sp>none</sp><pct>100</pct></policy_published><record><row><source_ip>192.0.2.1"
        "</source_ip><count>3</count><policy_evaluated><disposition>none</disposition><dkim>fail"
        "</dkim><spf>fail</spf></policy_evaluated></row><identifiers><header_from>example.jp"
        "</header_from></identifiers><auth_results><spf><result>none</result></spf></auth_results>"
        "</record></feedback>",
        /* a schema around it, which nobody ends */
        "<?xml version=\"1.0\"?>\n<xs:schema xmlns:xs=\"http://www.w3.org/2001/XMLSchema\">\n"
        "<feedback>" METADATA POLICY ROW("192.0.2.1", "3", "fail", "fail") "</feedback>",
        /* and one that is ended where none has begun */
        "<feedback>" METADATA POLICY ROW("192.0.2.1", "3", "fail",
                                         "fail") "</feedback></xs:schema>",
        /* empty lines and a byte order mark in front */
        "\r\n\r\n<?xml version=\"1.0\"?><feedback>" METADATA POLICY ROW("192.0.2.1", "3", "fail",
                                                                        "fail") "</feedback>",
        "\xef\xbb\xbf<?xml version=\"1.0\"?><feedback>" METADATA POLICY ROW(
            " 192.0.2.1\n", "\n3 ", "fail", "fail") "</feedback>",
        /* a prefix, capital letters, no metadata, a row in front of the policy */
        "<d:feedback xmlns:d=\"http://dmarc.org/dmarc-xml/0.1\"><d:record><d:row><d:source_ip>"
        "192.0.2.1</d:source_ip><d:count>3.0</d:count></d:row><d:identities><d:header_from>"
        "EXAMPLE.jp</d:header_from></d:identities></d:record></d:feedback>",
        /* a domain that only the row names, an address as IPv6 has it, unknown elements */
        "<feedback>" METADATA "<policy_published><p/></policy_published><record><row><source_ip>"
        "::ffff:192.0.2.1</source_ip><count>3</count><new><count>9</count></new></row>"
        "<identifiers><header_from>example.jp</header_from></identifiers></record></feedback>",
    };
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct arena a = {0};
        struct aggregate_report r;
        struct problem p = {0};
        if (read_text(texts[i], &a, &r, &p) < 0)
            fail_msg("%zu: %s", i, p.text);
        assert_slice(r.domain, "example.jp");
        assert_int_equal(r.row_count, 1);
        assert_slice(r.rows->source, "192.0.2.1");
        assert_slice(r.rows->header_from, "example.jp");
        assert_int_equal(r.rows->count, 3);
        assert_false(aggregate_passed(&r, r.rows));
        arena_done(&a);
    }
}

static void test_values_that_are_none_are_as_if_missing(void **state UNUSED) {
    struct arena a = {0};
    struct aggregate_report r;
    assert_int_equal(
        read_text("<feedback><report_metadata><date_range><begin>yesterday</begin>"
                  "<end>99999999999999999999</end></date_range></report_metadata>" POLICY ROW(
                      "unknown", "-5", "maybe", "") "</feedback>",
                  &a, &r, NULL),
        0);
    assert_int_equal(r.begin, 0);
    assert_int_equal(r.end, 0);
    assert_slice(r.rows->source, "unknown");
    assert_int_equal(r.rows->count, 1);
    assert_true(!r.rows->dkim && !r.rows->spf);
    arena_done(&a);
}

static void test_what_is_no_report_says_why(void **state UNUSED) {
    assert_bad("", -E_SYNTAX, "the XML is damaged in line 1: no element found");
    assert_bad("<html><p>hello</p></html>", -E_SYNTAX, "the XML is no report of DMARC");
    assert_bad("<feedback>\n" METADATA "\n<record>", -E_SYNTAX,
               "the XML is damaged in line 3: no element found");
    assert_bad("<feedback>" METADATA "</feedback>", -E_SYNTAX,
               "the report does not say of which domain it is");
}

/* No entity is read or multiplied: XXE, and laughs by the billion. */
static void test_a_dtd_is_refused(void **state UNUSED) {
    const char *why = "the XML has a DTD, which no report needs and nobody should read";
    assert_bad(
        "<?xml version=\"1.0\"?><!DOCTYPE feedback [<!ENTITY f SYSTEM \"file:///etc/passwd\""
        ">]><feedback><report_metadata><org_name>&f;</org_name></report_metadata></feedback>",
        -E_SYNTAX, why);
    assert_bad("<!DOCTYPE feedback SYSTEM \"http://192.0.2.1/x.dtd\"><feedback/>", -E_SYNTAX, why);
    assert_bad("<!DOCTYPE l [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]><feedback>&b;"
               "</feedback>",
               -E_SYNTAX, why);
}

static void test_depth_is_bounded(void **state UNUSED) {
    struct buf text = {0};
    for (int i = 0; i < 100000; i++)
        buf_add_str(&text, "<feedback>");
    assert_bad(buf_str(&text), -E_LIMIT, "elements of the report stand too deep");
    buf_done(&text);
}

static void test_rows_are_bounded(void **state UNUSED) {
    const struct aggregate_limits few = {.bytes = 1U << 20, .rows = 3};
    struct buf text = {0};
    struct problem p = {0};
    for (unsigned rows = 3; rows <= 4; rows++) {
        struct arena a = {0};
        struct aggregate_report r = {0};
        buf_clear(&text);
        buf_add_str(&text, "<feedback>" POLICY);
        for (unsigned i = 0; i < rows; i++)
            buf_add_str(&text, ROW("192.0.2.1", "1", "pass", "pass"));
        buf_add_str(&text, "</feedback>");
        assert_int_equal(aggregate_read(buf_slice(&text), &few, &a, &r, &p),
                         rows == 3 ? 0 : -E_LIMIT);
        assert_int_equal(r.row_count, rows == 3 ? 3 : 0);
        arena_done(&a);
    }
    assert_string_equal(p.text, "the report has more than 3 rows");
    buf_done(&text);
}

static void test_texts_and_results_are_bounded(void **state UNUSED) {
    struct arena a = {0};
    struct aggregate_report r;
    struct buf text = {0};
    buf_add_str(&text, "<feedback>" POLICY "<report_metadata><org_name>");
    for (int i = 0; i < 100000; i++)
        buf_add_str(&text, "A&amp;B\n");
    buf_add_str(&text, "</org_name></report_metadata><record><auth_results>");
    for (int i = 0; i < 1000; i++)
        buf_add_str(&text, "<dkim/>");
    buf_add_str(&text, "</auth_results></record></feedback>");
    assert_int_equal(read_text(buf_str(&text), &a, &r, NULL), 0);
    assert_int_equal(r.organization.len, AGGREGATE_TEXT_MAX - 1); /* a line end at its end goes */
    assert_int_equal(r.rows->auth_count, AGGREGATE_AUTH_MAX);
    arena_done(&a);
    buf_done(&text);
}

/* 20 MB in one tag, comment or attribute: neither time nor memory goes there. */
static void test_long_tags_are_refused_in_no_time(void **state UNUSED) {
    static const char *const begins[] = {"<feedback><", "<feedback a=\"", "<!--", "<?x ",
                                         "<feedback><![CDATA["};
    for (size_t i = 0; i < ARRAY_SIZE(begins); i++) {
        struct buf text = {0};
        struct arena a = {0};
        struct aggregate_report r;
        buf_add_str(&text, begins[i]);
        buf_reserve(&text, 20U << 20);
        memset(text.ptr + text.len, 'a', 20U << 20);
        text.len += 20U << 20;
        clock_t before = clock();
        assert_true(aggregate_read(buf_slice(&text), &limits, &a, &r, NULL) < 0);
        assert_true(clock() - before < 5 * CLOCKS_PER_SEC);
        buf_done(&text);
        arena_done(&a);
    }
}

/* Facts of reporters: a pass by a second signature that "dkim" does not tell. */
static void test_any_aligned_pass_is_a_pass(void **state UNUSED) {
    static const struct {
        const char *mode, *from, *domain, *result;
        bool passed;
    } rows[] = {
        {"r", "example.jp", "example.jp", "pass", true},
        {"r", "shop.example.jp", "example.jp", "pass", true},
        {"r", "example.jp", "shop.example.jp", "pass", true},
        {"s", "shop.example.jp", "example.jp", "pass", false},
        {"s", "example.jp", "example.jp", "pass", true},
        {"r", "example.jp", "notexample.jp", "pass", false},
        {"r", "notexample.jp", "example.jp", "pass", false},
        {"r", "example.jp", "jp", "pass", false},
        {"r", "example.jp", "example.jp", "fail", false},
        {"r", "", "", "pass", false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct aggregate_auth auth[2] = {
            {.domain = S("esp.test"), .result = S("pass")},
            {.domain = slice_of_str(rows[i].domain), .result = slice_of_str(rows[i].result)}};
        struct aggregate_report r = {.domain = S("example.jp"),
                                     .adkim = slice_of_str(rows[i].mode)};
        struct aggregate_row row = {
            .header_from = slice_of_str(rows[i].from), .auth = auth, .auth_count = 2};
        if (aggregate_passed(&r, &row) != rows[i].passed)
            fail_msg("row %zu", i);
        row.spf = true;
        assert_true(aggregate_passed(&r, &row));
    }
}

/* What is written is read again as it was, and has the order of the schema. */
static void test_a_written_report_is_read_again_rfc9990_a(void **state UNUSED) {
    struct aggregate_auth auth[] = {
        {.is_spf = true, .domain = S("example.jp"), .result = S("softfail")},
        {.domain = S("example.jp"), .selector = S("k1"), .result = S("pass")}};
    struct aggregate_row row = {.source = S("192.0.2.1"),
                                .count = 7,
                                .disposition = AGGREGATE_PASS,
                                .dkim = true,
                                .reason = S("trusted_forwarder"),
                                .header_from = S("example.jp"),
                                .envelope_from = S("example.jp"),
                                .auth = auth,
                                .auth_count = 2};
    struct aggregate_report report = {.organization = S("<Tom> & \"Co\" \x01\xff"),
                                      .email = S("d@tom.test"),
                                      .id = S("1"),
                                      .generator = S("Hayauma"),
                                      .begin = 1780272000,
                                      .end = 1780358399,
                                      .domain = S("example.jp"),
                                      .discovery = S("treewalk"),
                                      .p = S("reject"),
                                      .testing = S("n"),
                                      .rows = &row,
                                      .row_count = 1};
    struct arena a = {0};
    struct aggregate_report again;
    struct buf text = {0};
    aggregate_write(&text, &report);
    assert_int_equal(read_text(buf_str(&text), &a, &again, NULL), 0);
    assert_slice(again.organization, "<Tom> & \"Co\" \xef\xbf\xbd\xef\xbf\xbd");
    assert_slice(again.domain, "example.jp");
    assert_int_equal(again.end, 1780358399);
    assert_int_equal(again.rows->disposition, AGGREGATE_PASS);
    assert_slice(again.rows->reason, "trusted_forwarder");
    assert_int_equal(again.rows->count, 7);
    assert_true(again.rows->dkim && !again.rows->spf);
    assert_slice(again.rows->auth[0].selector, "k1"); /* DKIM first */
    assert_slice(again.rows->auth[1].result, "softfail");
    arena_done(&a);
    buf_done(&text);
}

static void test_reports_add_up_once_rfc9990_3_6(void **state UNUSED) {
    struct tally t = {0};
    struct arena a = {0};
    struct aggregate_report r;
    size_t count = 0;
    assert_int_equal(read_text("<feedback>" METADATA POLICY ROW("192.0.2.1", "3", "pass", "fail")
                                   ROW("192.0.2.1", "1", "fail", "fail")
                                       ROW("192.0.2.9", "50", "fail", "pass") "</feedback>",
                               &a, &r, NULL),
                     0);
    assert_true(tally_add(&t, &r));
    assert_false(tally_add(&t, &r));
    r.id = S("7f.2");
    assert_true(tally_add(&t, &r));
    const struct tally_row *rows = tally_sorted(&t, &count);
    assert_int_equal(count, 2);
    assert_slice(rows[0].source, "192.0.2.9");
    assert_slice(rows[1].domain, "example.jp");
    assert_slice(rows[1].source, "192.0.2.1");
    assert_int_equal(rows[1].messages, 8);
    assert_int_equal(rows[1].passed, 6);
    assert_int_equal(rows[1].dkim, 6);
    assert_int_equal(rows[1].spf, 0);
    assert_int_equal(rows[0].spf, 100);
    tally_add_row(&t, &(struct tally_row){.domain = S("example.jp"),
                                          .source = S("192.0.2.1"),
                                          .messages = 7,
                                          .dkim = 1,
                                          .rejected = 5});
    rows = tally_sorted(&t, &count);
    assert_int_equal(count, 2);
    assert_int_equal(rows[1].messages, 15);
    assert_int_equal(rows[1].passed, 6);
    assert_int_equal(rows[1].dkim, 7);
    assert_int_equal(rows[1].rejected, 5);
    tally_done(&t);
    arena_done(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_elements_are_read_rfc9990_3_1_1),
        cmocka_unit_test(test_reports_are_read_as_they_come),
        cmocka_unit_test(test_values_that_are_none_are_as_if_missing),
        cmocka_unit_test(test_what_is_no_report_says_why),
        cmocka_unit_test(test_a_dtd_is_refused),
        cmocka_unit_test(test_depth_is_bounded),
        cmocka_unit_test(test_rows_are_bounded),
        cmocka_unit_test(test_texts_and_results_are_bounded),
        cmocka_unit_test(test_long_tags_are_refused_in_no_time),
        cmocka_unit_test(test_any_aligned_pass_is_a_pass),
        cmocka_unit_test(test_a_written_report_is_read_again_rfc9990_a),
        cmocka_unit_test(test_reports_add_up_once_rfc9990_3_6),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: ISC */
/* What is found in messages, Japanese ones as they are really sent among them. */
#include "unit.h"

#include "base/alloc.h"
#include "search/confirm.h"

/* Asks one question about a message that comes in pieces; by the map, too, which must agree. */
static bool ask(struct slice message, enum search_field field, const char *name, const char *needle,
                size_t piece) {
    _cleanup_(buf_done) struct buf folded = {0};
    search_fold_needle(slice_of_str(needle), &folded);
    struct search_question q = {field, slice_of_str(name), buf_slice(&folded)};
    _cleanup_(search_confirm_free_p) struct search_confirm *c = search_confirm_new(&q, 1);
    search_confirm_begin(c, NULL);
    for (struct slice rest = message; rest.len > 0; rest = slice_from(rest, piece))
        if (!search_confirm_feed(c, slice_first(rest, piece)))
            break;
    search_confirm_end(c);
    return search_confirm_has(c, 0);
}

static int by_map(struct slice message, enum search_field field, const char *name,
                  const char *needle) {
    _cleanup_(buf_done) struct buf folded = {0}, blob = {0};
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(message_map_free_p) struct message_map_maker *maker = message_map_new();
    struct message_map map;
    search_fold_needle(slice_of_str(needle), &folded);
    message_map_feed(maker, message);
    message_map_finish(maker, &blob);
    assert_int_equal(message_map_read(&a, buf_slice(&blob), &map), 0);
    struct search_question q = {field, slice_of_str(name), buf_slice(&folded)};
    struct search_map m = {.map = &map};
    int known = search_confirm_by_map(&m, &q);
    search_map_done(&m);
    return known;
}

static bool find(const char *message, enum search_field field, const char *name,
                 const char *needle) {
    struct slice text = slice_of_str(message);
    bool whole = ask(text, field, name, needle, SIZE_MAX);
    assert_int_equal(ask(text, field, name, needle, 1), whole);
    assert_int_equal(ask(text, field, name, needle, 7), whole);
    int known = by_map(text, field, name, needle);
    assert_true(known < 0 || known == whole);
    return whole;
}

#define assert_has(message, field, needle)     assert_true(find(message, field, "", needle))
#define assert_has_not(message, field, needle) assert_false(find(message, field, "", needle))

/* ------------------------------------------------------------------ where */

static const char plain[] = "From: Tama <tama@example.test>\r\n"
                            "To: \"Kuro, Shiro\" <kuro@example.test>, mike@example.test\r\n"
                            "Cc: Friends: a@example.test, b@example.test;\r\n"
                            "Subject: About\r\n\tthe fish\r\n"
                            "Subject: another\r\n"
                            "X-Mark: one\r\nX-Mark: two\r\nX-Empty:\r\n"
                            "Message-ID: <1@example.test>\r\n"
                            "\r\n"
                            "The fish was  very\r\ngood indeed.\r\n";

static void test_keys_look_where_they_say(void **state) {
    (void)state;
    assert_has(plain, SEARCH_SUBJECT, "ABOUT THE FISH");
    assert_has_not(plain, SEARCH_SUBJECT, "another");
    assert_has(plain, SEARCH_FROM, "tama@");
    assert_has(plain, SEARCH_FROM, "Tama <tama@example.test>");
    assert_has_not(plain, SEARCH_FROM, "kuro");
    assert_has(plain, SEARCH_TO, "kuro, shiro");
    assert_has(plain, SEARCH_TO, "mike@example.test");
    assert_has(plain, SEARCH_CC, "friends");
    assert_has_not(plain, SEARCH_BCC, "tama");
    assert_has(plain, SEARCH_BODY, "fish was");
    assert_has_not(plain, SEARCH_BODY, "about");
    assert_has(plain, SEARCH_ANY, "subject: about the");
    assert_has(plain, SEARCH_ANY, "x-mark: two");
    assert_has(plain, SEARCH_ANY, "indeed");
    assert_has_not(plain, SEARCH_ANY, "cat");
}

static void test_rfc9051_6_4_4_header(void **state) {
    (void)state;
    assert_true(find(plain, SEARCH_HEADER, "x-mark", "one"));
    assert_true(find(plain, SEARCH_HEADER, "X-MARK", "two"));
    assert_true(find(plain, SEARCH_HEADER, "Subject", "another"));
    assert_true(find(plain, SEARCH_HEADER, "X-Empty", ""));
    assert_false(find(plain, SEARCH_HEADER, "X-None", ""));
    assert_false(find(plain, SEARCH_HEADER, "X-Mark", "mark"));
    assert_true(find(plain, SEARCH_HEADER, "Message-Id", "<1@example"));
    assert_false(find(plain, SEARCH_HEADER, "Message-ID", "2@example"));
}

static void test_of_fields_that_stand_once_the_first_counts(void **state) {
    (void)state;
    const char m[] = "Message-ID: <1@a>\r\nMessage-ID: <2@a>\r\nDate: x\r\nDate: y\r\n\r\n";
    assert_true(find(m, SEARCH_HEADER, "message-id", "1@a"));
    assert_false(find(m, SEARCH_HEADER, "message-id", "2@a"));
    assert_false(find(m, SEARCH_HEADER, "Date", "y"));
}

static void test_an_empty_needle_is_in_every_message(void **state) {
    (void)state;
    assert_has(plain, SEARCH_BCC, "");
    assert_has(plain, SEARCH_BODY, "");
    assert_has("", SEARCH_ANY, "");
    assert_has(plain, SEARCH_SUBJECT, "\xc2\xad"); /* what nobody sees */
}

static void test_blanks_and_line_ends_are_one_blank(void **state) {
    (void)state;
    assert_has(plain, SEARCH_BODY, "was very good");
    assert_has(plain, SEARCH_BODY, "very \t good");
    assert_has_not(plain, SEARCH_BODY, "verygood");
    assert_has("\r\n\xe3\x80\x80 a \xe3\x80\x80\r\n b", SEARCH_BODY, " a b");
}

static void test_between_kanji_or_kana_blanks_and_line_ends_are_nothing(void **state) {
    (void)state;
    const char m[] =
        "From: 山田　太郎 <yamada@example.test>\r\nSubject: 卒業\r\n 研究\r\n\r\n"
        "東海道を早馬が\r\n走る。\r\n\r\n  長い行を折り \r\n返したメール Web \r\n会議\r\n"
        "한국 \r\n어 \r\n";
    assert_has(m, SEARCH_FROM, "山田太郎");
    assert_has(m, SEARCH_FROM, "山田 太郎");
    assert_has(m, SEARCH_FROM, "太郎 <");
    assert_has(m, SEARCH_SUBJECT, "卒業研究");
    assert_has(m, SEARCH_ANY, "subject: 卒業 研究");
    assert_has(m, SEARCH_BODY, "早馬が走る。長い行");
    assert_has(m, SEARCH_BODY, "折り返した");
    assert_has(m, SEARCH_BODY, "web 会議 한국 어 ");
    assert_has_not(m, SEARCH_BODY, "web会議");
    assert_has_not(m, SEARCH_BODY, "한국어");
}

static void test_a_needle_ends_anywhere_in_a_text(void **state) {
    (void)state;
    const char m[] = "\r\n宿場 馬\r\n手紙 and words";
    assert_has(m, SEARCH_BODY, "宿場 ");
    assert_has(m, SEARCH_BODY, " 馬");
    assert_has(m, SEARCH_BODY, "馬\r\n");
    assert_has(m, SEARCH_BODY, "紙 ");
    assert_has(m, SEARCH_BODY, " and ");
    assert_has(m, SEARCH_BODY, " ");
    assert_has_not(m, SEARCH_BODY, " nd");
}

/* ------------------------------------------------------------------ Japanese */

static void test_iso_2022_jp_in_seven_bits(void **state) {
    (void)state;
    const char m[] =
        "Subject: =?ISO-2022-JP?B?GyRCMnEbKEI=?=\r\n =?ISO-2022-JP?B?GyRCNUQbKEI=?=\r\n"
        "Content-Type: text/plain; charset=ISO-2022-JP\r\n\r\n"
        "\x1b$BEl5~ET$N2q5D<<\x1b(B\r\n";
    assert_has(m, SEARCH_SUBJECT, "会議");
    assert_has(m, SEARCH_BODY, "東京都の会議");
    assert_has_not(m, SEARCH_BODY, "京東");
    assert_has_not(m, SEARCH_BODY, "B$BEl"); /* what the octets look like */
}

static void test_width_and_kana_are_alike(void **state) {
    (void)state;
    const char m[] = "Content-Type: text/plain; charset=\"Shift_JIS\"\r\n"
                     "Content-Transfer-Encoding: base64\r\n\r\n"
                     "tt6yxN4gg0uDQ4NogqKCqoJggk+CTw0K\r\n"; /* ｶﾞｲﾄﾞ ガイドいがＡ００ */
    assert_has(m, SEARCH_BODY, "ガイド");
    assert_has(m, SEARCH_BODY, "がいど がいどいが");
    assert_has(m, SEARCH_BODY, "a00");
    assert_has(m, SEARCH_BODY, "Ａ０");
    assert_has_not(m, SEARCH_BODY, "カイト");
}

static void test_text_without_a_label(void **state) {
    (void)state;
    assert_has("Subject: \xe6\x9d\xb1\xe4\xba\xac\r\n\r\n\x93\x8c\x8b\x9e\x82\xcc\x89\xef\x8b\x63"
               "\x82\xc5\x82\xb7\x81\x42\r\n",
               SEARCH_BODY, "東京の会議");
    assert_has("Subject: \xe6\x9d\xb1\xe4\xba\xac\r\n\r\n.", SEARCH_SUBJECT, "東京");
}

static void test_names_in_encoded_words(void **state) {
    (void)state;
    const char m[] = "From: =?utf-8?B?5bGx55Sw?= =?utf-8?B?5aSq6YOO?= <yamada@example.test>\r\n"
                     "To: \"=?ISO-2022-JP?B?GyRCMnE1RBsoQg==?=\" <kaigi@example.test>\r\n\r\n";
    assert_has(m, SEARCH_FROM, "山田太郎 <yamada@");
    assert_has(m, SEARCH_TO, "会議 <kaigi");
    assert_has(m, SEARCH_ANY, "山田太郎");
}

static void test_html(void **state) {
    (void)state;
    const char m[] =
        "Content-Type: text/html; charset=iso-2022-jp\r\n\r\n"
        "<html><style>p { color: blue }</style><p class=\"x\">a &amp; b &lt;\r\n"
        "<b>\x1b$B2q\x1b(B</b><i>\x1b$B5D\x1b(B</i>&nbsp;&#23460;<p>caf&eacute;</html>";
    assert_has(m, SEARCH_BODY, "a & b <");
    assert_has(m, SEARCH_BODY, "会議 室");
    assert_has(m, SEARCH_BODY, "CAFÉ");
    assert_has_not(m, SEARCH_BODY, "color");
    assert_has_not(m, SEARCH_BODY, "class");
    assert_has_not(m, SEARCH_BODY, "amp");
}

static void test_html_in_utf_16(void **state) {
    (void)state;
    static const char text[] = "Content-Type: text/html; charset=utf-16le\r\n"
                               "Content-Transfer-Encoding: base64\r\n\r\n"
                               "PABiAD4AGk9wizwALwBiAD4AJgBhAG0AcAA7AGEA";
    assert_has(text, SEARCH_BODY, "会議&a");
}

/* ------------------------------------------------------------------ parts */

static const char parts[] =
    "Subject: outer\r\n"
    "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    "This is a preamble.\r\n"
    "--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable"
    "\r\n\r\n=E6=9D=B1=\r\n=E4=BA=AC\r\n"
    "--b\r\nContent-Type: application/pdf;\r\n name*0*=iso-2022-jp''%1B%24B2q;\r\n"
    " name*1*=5D%1B%28B.pdf\r\nContent-Description: the minutes\r\n"
    "Content-Transfer-Encoding: base64\r\n\r\nc2VjcmV0\r\n"
    "--b\r\nContent-Type: application/zip; name=\"=?utf-8?B?5aCx5ZGK?=.zip\"\r\n\r\nzipped\r\n"
    "--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\nX-Inside: yes\r\n\r\nhidden "
    "text\r\n"
    "--b--\r\nThis is an epilogue.\r\n";

static void test_what_is_a_body(void **state) {
    (void)state;
    assert_has(parts, SEARCH_BODY, "東京");
    assert_has(parts, SEARCH_BODY, "会議.pdf");
    assert_has(parts, SEARCH_BODY, "報告.zip");
    assert_has(parts, SEARCH_BODY, "the minutes");
    assert_has(parts, SEARCH_BODY, "subject: inner");
    assert_has(parts, SEARCH_BODY, "hidden text");
    assert_has_not(parts, SEARCH_BODY, "outer");
    assert_has_not(parts, SEARCH_BODY, "preamble");
    assert_has_not(parts, SEARCH_BODY, "epilogue");
    assert_has_not(parts, SEARCH_BODY, "secret");
    assert_has_not(parts, SEARCH_BODY, "zipped");
    assert_has_not(parts, SEARCH_BODY, "quoted-printable");
    assert_has_not(parts, SEARCH_SUBJECT, "inner");
    assert_false(find(parts, SEARCH_HEADER, "X-Inside", ""));
}

static void test_text_is_the_headers_of_parts_too(void **state) {
    (void)state;
    assert_has(parts, SEARCH_ANY, "content-transfer-encoding: quoted-printable");
    assert_has(parts, SEARCH_ANY, "subject: outer");
    assert_has(parts, SEARCH_ANY, "東京");
}

static void test_a_multipart_without_parts_is_a_text(void **state) {
    (void)state;
    assert_has("Content-Type: multipart/mixed; boundary=b\r\n\r\nall that there is", SEARCH_BODY,
               "all that there is");
    assert_has("Content-Type: multipart/mixed\r\n\r\nall that there is", SEARCH_BODY,
               "all that there is");
}

static void test_a_needle_lies_anywhere_in_a_long_text(void **state) {
    (void)state;
    for (size_t before = 32700; before < 32800; before += 3) {
        _cleanup_(buf_done) struct buf m = {0};
        buf_add_str(&m, "\r\n");
        for (size_t i = 0; i < before; i++)
            buf_add_byte(&m, (char)('a' + i % 26));
        buf_add_str(&m, "NEEDLE in the hay");
        for (size_t i = 0; i < 100000; i++)
            buf_add_byte(&m, 'x');
        assert_true(ask(buf_slice(&m), SEARCH_BODY, "", "needle in the hay", SIZE_MAX));
        assert_true(ask(buf_slice(&m), SEARCH_BODY, "", "needle in the hay", 1000));
        assert_false(ask(buf_slice(&m), SEARCH_BODY, "", "needle in a hay", SIZE_MAX));
    }
}

static void test_a_needle_may_be_longer_than_a_window(void **state) {
    (void)state;
    _cleanup_(buf_done) struct buf m = {0};
    buf_add_str(&m, "\r\n");
    for (unsigned i = 0; i < 30000; i++)
        buf_printf(&m, "%u.", i);
    char *needle = mem_str(slice_first(slice_from(buf_slice(&m), 30002), 90000));
    assert_true(ask(buf_slice(&m), SEARCH_ANY, "", needle, 5000));
    needle[80000] = '!';
    assert_false(ask(buf_slice(&m), SEARCH_ANY, "", needle, 5000));
    free(needle);
}

/* ------------------------------------------------------------------ many questions */

static void test_each_question_is_answered_for_itself(void **state) {
    (void)state;
    const struct search_question qs[] = {
        {SEARCH_BODY, S(""), S("fish")},        {SEARCH_BODY, S(""), S("about")},
        {SEARCH_SUBJECT, S(""), S("about")},    {SEARCH_FROM, S(""), S("tama")},
        {SEARCH_HEADER, S("x-mark"), S("two")}, {SEARCH_ANY, S(""), S("nothing of it")},
    };
    const bool expected[] = {true, false, true, true, true, false};
    _cleanup_(search_confirm_free_p) struct search_confirm *c =
        search_confirm_new(qs, ARRAY_SIZE(qs));
    for (int again = 0; again < 2; again++) {
        search_confirm_begin(c, NULL);
        assert_true(search_confirm_feed(c, slice_of_str(plain)));
        search_confirm_end(c);
        for (size_t i = 0; i < ARRAY_SIZE(qs); i++)
            assert_int_equal(search_confirm_has(c, i), expected[i]);
        search_confirm_begin(c, NULL); /* one that is left in its midst */
        (void)search_confirm_feed(c, slice_first(slice_of_str(parts), 400));
    }
    bool wanted[ARRAY_SIZE(qs)] = {[4] = true};
    search_confirm_begin(c, wanted);
    search_confirm_feed(c, slice_of_str(plain));
    search_confirm_end(c);
    assert_true(search_confirm_has(c, 4));
    assert_false(search_confirm_has(c, 0));
}

static void test_no_more_is_read_than_is_needed(void **state) {
    (void)state;
    const struct search_question qs[] = {{SEARCH_HEADER, S("X-Mark"), S("three")}};
    _cleanup_(search_confirm_free_p) struct search_confirm *c = search_confirm_new(qs, 1);
    search_confirm_begin(c, NULL);
    assert_true(search_confirm_feed(c, S("Subject: x\r\n")));
    assert_false(search_confirm_feed(c, S("\r\nbody")));
    search_confirm_end(c);
    assert_false(search_confirm_has(c, 0));
}

static void test_the_map_knows_people_subject_and_ids(void **state) {
    (void)state;
    struct slice m = slice_of_str(plain);
    assert_int_equal(by_map(m, SEARCH_SUBJECT, "", "fish"), 1);
    assert_int_equal(by_map(m, SEARCH_SUBJECT, "", "cat"), 0);
    assert_int_equal(by_map(m, SEARCH_TO, "", "shiro"), 1);
    assert_int_equal(by_map(m, SEARCH_BCC, "", "shiro"), 0);
    assert_int_equal(by_map(m, SEARCH_HEADER, "message-id", "1@example"), 1);
    assert_int_equal(by_map(m, SEARCH_HEADER, "message-id", "2@example"), 0);
    assert_int_equal(by_map(m, SEARCH_HEADER, "subject", "another"), -1);
    assert_int_equal(by_map(m, SEARCH_HEADER, "x-mark", "one"), -1);
    assert_int_equal(by_map(m, SEARCH_BODY, "", "fish"), -1);
}

static void test_a_map_that_is_cut_does_not_say_no(void **state) {
    (void)state;
    _cleanup_(buf_done) struct buf m = {0};
    buf_add_str(&m, "Subject: ");
    for (unsigned i = 0; i < 3000; i++)
        buf_printf(&m, "word%u\r\n ", i);
    buf_add_str(&m, "last\r\n\r\n");
    assert_int_equal(by_map(buf_slice(&m), SEARCH_SUBJECT, "", "word5 word6"), 1);
    assert_int_equal(by_map(buf_slice(&m), SEARCH_SUBJECT, "", "last"), -1);
    assert_true(ask(buf_slice(&m), SEARCH_SUBJECT, "", "last", 4000));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_look_where_they_say),
        cmocka_unit_test(test_rfc9051_6_4_4_header),
        cmocka_unit_test(test_of_fields_that_stand_once_the_first_counts),
        cmocka_unit_test(test_an_empty_needle_is_in_every_message),
        cmocka_unit_test(test_blanks_and_line_ends_are_one_blank),
        cmocka_unit_test(test_between_kanji_or_kana_blanks_and_line_ends_are_nothing),
        cmocka_unit_test(test_a_needle_ends_anywhere_in_a_text),
        cmocka_unit_test(test_iso_2022_jp_in_seven_bits),
        cmocka_unit_test(test_width_and_kana_are_alike),
        cmocka_unit_test(test_text_without_a_label),
        cmocka_unit_test(test_names_in_encoded_words),
        cmocka_unit_test(test_html),
        cmocka_unit_test(test_html_in_utf_16),
        cmocka_unit_test(test_what_is_a_body),
        cmocka_unit_test(test_text_is_the_headers_of_parts_too),
        cmocka_unit_test(test_a_multipart_without_parts_is_a_text),
        cmocka_unit_test(test_a_needle_lies_anywhere_in_a_long_text),
        cmocka_unit_test(test_a_needle_may_be_longer_than_a_window),
        cmocka_unit_test(test_each_question_is_answered_for_itself),
        cmocka_unit_test(test_no_more_is_read_than_is_needed),
        cmocka_unit_test(test_the_map_knows_people_subject_and_ids),
        cmocka_unit_test(test_a_map_that_is_cut_does_not_say_no),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

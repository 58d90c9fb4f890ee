/* SPDX-License-Identifier: ISC */
#include "message_test.h"

#include "base/encode.h"
#include "base/random.h"
#include "message/mime/html.h"
#include "message/mime/transfer.h"
#include "message/write/encode.h"

/* In pieces of so many bytes; what is only counted has to be the same number. */
static void decode(enum mime_encoding encoding, struct slice text, size_t feed, struct buf *to) {
    struct transfer t = {.encoding = encoding}, counted = {.encoding = encoding};
    for (; text.len > 0; text = slice_from(text, feed)) {
        transfer_take(&t, slice_first(text, feed), to);
        transfer_take(&counted, slice_first(text, feed), NULL);
    }
    transfer_end(&t, to);
    transfer_end(&counted, NULL);
    assert_int_equal(t.size, to->len);
    assert_int_equal(counted.size, to->len);
}

static void check(enum mime_encoding encoding, const char *text, const char *want) {
    static const size_t feeds[] = {SIZE_MAX, 1, 2, 3};
    for (size_t i = 0; i < ARRAY_SIZE(feeds); i++) {
        _cleanup_(buf_done) struct buf got = {0};
        decode(encoding, slice_of_str(text), feeds[i], &got);
        assert_slice(buf_slice(&got), want);
    }
}

static void rfc2045_6_8_base64_is_read_leniently(void **state) {
    check(MIME_BASE64, "YWJj\r\nZGU=\r\n", "abcde");
    check(MIME_BASE64, "Y W!Jj.", "abc");
    check(MIME_BASE64, "YQ==YmM=ZGVm", "abcdef");
    check(MIME_BASE64, "YWJjZ", "abc");
    check(MIME_BASE64, "YWJjZG", "abcd");
    check(MIME_BASE64, "====", "");
}

static void rfc2045_6_7_quoted_printable_is_read_leniently(void **state) {
    check(MIME_QUOTED_PRINTABLE, "a=3D=e3=81=\r\n=82", "a=\xe3\x81\x82");
    check(MIME_QUOTED_PRINTABLE, "a \t \r\nb=20 \nc  ", "a\r\nb \nc");
    check(MIME_QUOTED_PRINTABLE, "soft= \t\r\nbreak=", "softbreak");
    check(MIME_QUOTED_PRINTABLE, "1 = 2, =zz =4\r\n=\rx =", "1 = 2, =zz =4\r\n=\rx ");
    check(MIME_QUOTED_PRINTABLE, "a =4", "a =4");
    check(MIME_QUOTED_PRINTABLE, "a  \rb", "a  \rb");
}

static void other_encodings_stay_as_they_are(void **state) {
    check(MIME_PLAIN, "a=3D  \r\n", "a=3D  \r\n");
    check(MIME_UNKNOWN, "YWJj  ", "YWJj  ");
}

static void what_was_encoded_comes_back(void **state) {
    _cleanup_(buf_done) struct buf bytes = {0}, text = {0}, got = {0};
    for (unsigned round = 0; round < 200; round++) {
        buf_clear(&bytes);
        buf_clear(&text);
        buf_clear(&got);
        for (size_t n = random_below(10000); n > 0; n--)
            buf_add_byte(&bytes, (char)random_below(256));
        encode_base64_body(&text, buf_slice(&bytes));
        decode(MIME_BASE64, buf_slice(&text), 1 + random_below(9000), &got);
        assert_true(slice_eq(buf_slice(&got), buf_slice(&bytes)));
    }
}

static void the_result_does_not_depend_on_the_pieces(void **state) {
    static const char *const pieces[] = {"=",  "==", "4",  "1",    "g",    " ",
                                         "\t", "\r", "\n", "\r\n", "text", "YWJj"};
    _cleanup_(buf_done) struct buf text = {0}, one = {0}, other = {0};
    for (unsigned round = 0; round < 5000; round++) {
        enum mime_encoding encoding = round % 2 ? MIME_BASE64 : MIME_QUOTED_PRINTABLE;
        buf_clear(&text);
        buf_clear(&one);
        buf_clear(&other);
        for (size_t n = random_below(40); n > 0; n--)
            buf_add_str(&text, pieces[random_below(ARRAY_SIZE(pieces))]);
        for (size_t n = round % 50 == 0 ? TRANSFER_BLANKS - 3 + random_below(6) : 0; n > 0; n--)
            buf_add_byte(&text, ' ');
        buf_add_str(&text, round % 3 ? "\r\n" : "x");
        decode(encoding, buf_slice(&text), SIZE_MAX, &one);
        decode(encoding, buf_slice(&text), 1 + random_below(3), &other);
        assert_true(slice_eq(buf_slice(&one), buf_slice(&other)));
    }
}

/* ------------------------------------------------------------------ HTML */

static void check_html(const char *html, bool visible, const char *want) {
    static const size_t feeds[] = {SIZE_MAX, 1, 3};
    for (size_t i = 0; i < ARRAY_SIZE(feeds); i++) {
        _cleanup_(buf_done) struct buf got = {0}, text = {0};
        struct html_text h = {.visible = visible};
        for (struct slice rest = slice_of_str(html); rest.len > 0;
             rest = slice_from(rest, feeds[i]))
            html_text_take(&h, slice_first(rest, feeds[i]), &got);
        html_unescape(&text, buf_slice(&got));
        assert_slice(slice_trim(buf_slice(&text)), want);
    }
}

static void tags_part_words_unless_they_stand_within_a_line(void **state) {
    check_html("<p>one</p><p>t<b>w</b>o<br>three", true, "one two three");
    check_html("<td>a</td><td>b</td>", true, "a b");
    check_html("a \n\t b", true, "a b");
    check_html("1 < 2 <3", true, "1 < 2 <3");
    check_html("<a title='>' href=\"x>\" b = '>'>link</a>", true, "link");
}

static void what_is_no_text_is_dropped(void **state) {
    check_html("<html><head><title>t</title><style>p {}</style></head><body>x", true, "x");
    check_html("a<script>if (a<b) '</b>' x</script>b", true, "a b");
    check_html("a<!-- <p> -- > -->b<!doctype x>c<?xml x?>d", true, "abcd");
    check_html("a<style>never ended", true, "a");
    check_html("a<p never ended", true, "a");
}

static void what_is_not_shown_is_no_preview_but_is_text(void **state) {
    const char *html = "a<div style='x:y; Display : None'>b<div>c</div>d</div>e<p hidden>f</p>g";
    check_html(html, true, "a e g");
    check_html(html, false, "a b c d e f g");
    check_html("a<img style='display:none'>b", true, "a b");
}

/* "<" and "&" stand in the characters of two bytes. */
static void escape_sequences_of_iso_2022_jp_are_obeyed(void **state) {
    check_html("<p>\x1b$B<R0w\x1b(B</p>", true, "\x1b$B<R0w\x1b(B");
    check_html("\x1b$(D<a>\x1b(J<b>x", true, "\x1b$(D<a>\x1b(Jx");
}

static void character_references_are_replaced(void **state) {
    check_html("&lt;b&gt; &amp;amp; &eacute;&hellip;&#12354;&#x3042;&#X3042;", true,
               "<b> &amp; \xc3\xa9\xe2\x80\xa6\xe3\x81\x82\xe3\x81\x82\xe3\x81\x82");
    check_html("&unknown; &; &#; &#x; & &#99999999999; &#146;", true,
               "&unknown; &; &#; &#x; & &#99999999999; \xe2\x80\x99");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc2045_6_8_base64_is_read_leniently),
        cmocka_unit_test(rfc2045_6_7_quoted_printable_is_read_leniently),
        cmocka_unit_test(other_encodings_stay_as_they_are),
        cmocka_unit_test(what_was_encoded_comes_back),
        cmocka_unit_test(the_result_does_not_depend_on_the_pieces),
        cmocka_unit_test(tags_part_words_unless_they_stand_within_a_line),
        cmocka_unit_test(what_is_no_text_is_dropped),
        cmocka_unit_test(what_is_not_shown_is_no_preview_but_is_text),
        cmocka_unit_test(escape_sequences_of_iso_2022_jp_are_obeyed),
        cmocka_unit_test(character_references_are_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

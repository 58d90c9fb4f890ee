/* SPDX-License-Identifier: ISC */
#include "map_test.h"
#include "message_test.h"

#include "message/mime/preview.h"

static void check(struct slice message, const char *want) {
    static const size_t feeds[] = {SIZE_MAX, 1, 5};
    for (size_t i = 0; i < ARRAY_SIZE(feeds); i++) {
        _cleanup_(arena_done) struct arena a = {0};
        _cleanup_(buf_done) struct buf blob = {0};
        struct message_map map;
        make_map(message, feeds[i], &blob);
        assert_int_equal(message_map_read(&a, buf_slice(&blob), &map), 0);
        assert_slice(map.preview, want);
    }
}

#define CHECK(message, want) check(S(message), want)

static void the_text_stands_on_one_line(void **state) {
    CHECK("A: 1\n\n\n  one\t two\r\nthree\n\n", "one two three");
    CHECK("A: 1\n\n\n", "");
    CHECK("Content-Transfer-Encoding: base64\n\nSGVs\nbG8=\n", "Hello");
    CHECK("Content-Transfer-Encoding: quoted-printable\n\nHel=\nlo =E3=81=82\n",
          "Hello \xe3\x81\x82");
}

static void japanese_is_read_as_it_is_sent(void **state) {
    CHECK("Content-Type: text/plain; charset=iso-2022-jp\n\n\x1b$B2q5D\x1b(B \x1b(I65\x1b(B\n",
          "\xe4\xbc\x9a\xe8\xad\xb0 \xef\xbd\xb6\xef\xbd\xb5");
    CHECK("A: 1\n\n\x1b$B2q5D\x1b(B", "\xe4\xbc\x9a\xe8\xad\xb0");
    CHECK("A: 1\n\n\x89\xef\x8b\x63\x82\xcc", "\xe4\xbc\x9a\xe8\xad\xb0\xe3\x81\xae");
    CHECK("Content-Type: text/html; charset=Shift_JIS\n\n<p>\x89\xef\x8b\x63",
          "\xe4\xbc\x9a\xe8\xad\xb0");
    CHECK("Content-Type: text/html; charset=ISO-2022-JP\n\n<p>\x1b$B<R0w\x1b(B</p>",
          "\xe7\xa4\xbe\xe5\x93\xa1");
}

/* RFC 8970 §3.1, and what people complained of: tags, styles, links in place of words. */
static void of_html_only_what_is_visible(void **state) {
    CHECK("Content-Type: text/html\n\n<html><head><title>T</title><style>p{}</style></head>"
          "<body><div style=\"display:none\">x</div><p>Tom &amp; <b>J</b>erry<br>go</p>",
          "Tom & Jerry go");
    CHECK("A: 1\n\n \n<!DOCTYPE html><html><p>one", "one");
    CHECK("Content-Type: text/html\n\n<p>a&zwnj;&nbsp;&zwnj;&nbsp;&#847; &#8203;b", "a b");
    CHECK("Content-Type: text/html\n\n<img src=x>", "");
    CHECK("Content-Type: text/html\n\n<script>a='</';b=\"it's</b>\"</script>one<title></ "
          "=\"</title>two",
          "one two");
}

static void the_first_text_with_anything_to_see_counts(void **state) {
    CHECK("Content-Type: multipart/mixed; boundary=b\n\nThis is a MIME message.\n--b\n\n \n\n--b\n"
          "Content-Type: text/html\n\n<p>html\n--b\n\nfooter\n--b--\n",
          "html");
    CHECK("Content-Type: multipart/mixed; boundary=b\n\npreamble\n--b\nContent-Disposition: "
          "attachment\n\n"
          "no\n--b\nContent-Type: image/png\n\nno\n--b\n\nyes\n--b--\nepilogue",
          "yes");
    CHECK("Content-Type: multipart/mixed; boundary=b\n\npreamble\n--b\nContent-Type: "
          "image/png\n\nx\n--b--\n",
          "");
    CHECK("Content-Type: multipart/mixed; boundary=b\n\nnever begun\n", "never begun");
    CHECK("Content-Type: multipart/mixed\n\nno boundary\n", "no boundary");
    CHECK("Content-Type: image/png\n\nno", "");
}

/* So many characters, whatever they take; none is cut in two, and blanks at the end are none. */
static void a_preview_is_bounded(void **state) {
    _cleanup_(buf_done) struct buf message = {0}, want = {0};
    buf_add_str(&message, "A: 1\n\n");
    for (unsigned i = 0; i < 3000; i++)
        buf_add_str(&message, "\xe3\x81\x82\xe3\x81\x84 \n");
    for (unsigned i = 0; i < PREVIEW_CHARACTERS / 3; i++)
        buf_add_str(&want, "\xe3\x81\x82\xe3\x81\x84 ");
    buf_add_str(&want, "\xe3\x81\x82\xe3\x81\x84");
    check(buf_slice(&message), buf_str(&want));
}

static void what_is_cut_at_its_end_shows_no_broken_character(void **state) {
    _cleanup_(buf_done) struct buf message = {0}, want = {0};
    buf_add_str(&message, "A: 1\n\n\xe3\x81\x82");
    buf_add_str(&want, "\xe3\x81\x82");
    for (unsigned i = 0; i < PREVIEW_BYTES - 5; i++)
        buf_add_byte(&message, ' ');
    buf_add_str(&message, "\xe3\x81\x84");
    check(buf_slice(&message), buf_str(&want));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_text_stands_on_one_line),
        cmocka_unit_test(japanese_is_read_as_it_is_sent),
        cmocka_unit_test(of_html_only_what_is_visible),
        cmocka_unit_test(the_first_text_with_anything_to_see_counts),
        cmocka_unit_test(a_preview_is_bounded),
        cmocka_unit_test(what_is_cut_at_its_end_shows_no_broken_character),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

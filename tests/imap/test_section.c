/* SPDX-License-Identifier: ISC */
/* What is expected was worked out by hand from RFC 9051 §6.4.5.1 and RFC 3516 §4.3. */
#include "imap/fetch/section.h"

#include "section_of.h"
#include "unit.h"

static struct arena arena;
static struct buf octets;

static int tear_down(void **state) {
    arena_done(&arena);
    arena = (struct arena){0};
    buf_done(&octets);
    return 0;
}

static struct imap_section section(const char *attribute) {
    const struct imap_text text = {.bytes = slice_of_str(attribute)};
    struct imap_cursor c;
    struct imap_attributes what = {0};
    token_begin(&c, &text, &arena);
    assert_true(imap_take_attributes(&c, &what));
    assert_int_equal(what.section_count, 1);
    return what.sections[0];
}

static int find(struct slice message, const char *attribute) {
    const struct imap_section s = section(attribute);
    struct message_map map;
    map_of(&arena, message, &map);
    buf_clear(&octets);
    return section_of(&arena, &s, &map, message, &octets);
}

static void assert_octets(const char *message, const char *attribute, const char *expected) {
    assert_int_equal(find(slice_of_str(message), attribute), 0);
    assert_slice(buf_slice(&octets), expected);
}

static void assert_nil(const char *message, const char *attribute) {
    assert_int_equal(find(slice_of_str(message), attribute), -ENOENT);
}

static const char simple[] = "Subject: one\r\nFrom: a@b\r\nX-A: 1\r\n 2\r\nfrom: c@d\r\n\r\nhi\r\n";

static void rfc9051_6_4_5_a_section_without_a_number_is_of_the_message(void **state) {
    assert_octets(simple, "BODY[]", simple);
    assert_octets(simple, "RFC822", simple);
    assert_octets(simple, "BODY[TEXT]", "hi\r\n");
    assert_octets(simple, "RFC822.TEXT", "hi\r\n");
    const char *header = "Subject: one\r\nFrom: a@b\r\nX-A: 1\r\n 2\r\nfrom: c@d\r\n\r\n";
    assert_octets(simple, "BODY[HEADER]", header);
    assert_octets(simple, "RFC822.HEADER", header);
    assert_octets("", "BODY[]", "");
    assert_octets("", "BODY[HEADER]", "");
}

static void rfc9051_6_4_5_what_is_no_multipart_has_part_1(void **state) {
    assert_octets(simple, "BODY[1]", "hi\r\n");
    assert_octets(simple, "BODY[1.MIME]",
                  "Subject: one\r\nFrom: a@b\r\nX-A: 1\r\n 2\r\nfrom: c@d\r\n\r\n");
    assert_nil(simple, "BODY[2]");
    assert_nil(simple, "BODY[1.1]");
    assert_nil(simple, "BODY[1.HEADER]");
    assert_nil(simple, "BODY[1.TEXT]");
    assert_nil(simple, "BODY[1.HEADER.FIELDS (From)]");
}

static void rfc9051_6_4_5_fields_are_named_in_any_case_and_stand_as_they_are(void **state) {
    assert_octets(simple, "BODY[HEADER.FIELDS (FROM x-a)]",
                  "From: a@b\r\nX-A: 1\r\n 2\r\nfrom: c@d\r\n\r\n");
    assert_octets(simple, "BODY[HEADER.FIELDS.NOT (from x-a none)]", "Subject: one\r\n\r\n");
    assert_octets(simple, "BODY[HEADER.FIELDS (none)]", "\r\n");
    assert_octets("From tama Sun Nov 22 11:00:00 2026\r\nSubject: x\r\nFrom: a@b\r\n\r\n",
                  "BODY[HEADER.FIELDS (From)]", "From: a@b\r\n\r\n");
}

static void rfc9051_6_4_5_no_empty_line_where_the_message_has_none(void **state) {
    assert_octets("Subject: x\r\n", "BODY[HEADER.FIELDS (Subject)]", "Subject: x\r\n");
    assert_octets("Subject: x\r\n", "BODY[HEADER.FIELDS.NOT (To)]", "Subject: x\r\n");
}

static void of_a_long_header_the_first_mebibyte_has_fields(void **state) {
    _cleanup_(buf_done) struct buf message = {0};
    buf_add_str(&message, "Subject: x\r\n");
    while (message.len < IMAP_HEADER_MAX + 1000)
        buf_add_str(&message, "X-Long: 0123456789012345678901234567890123456789\r\n");
    buf_add_str(&message, "To: y\r\n\r\nhi\r\n");
    assert_int_equal(find(buf_slice(&message), "BODY[HEADER.FIELDS (Subject To)]"), 0);
    assert_slice(buf_slice(&octets), "Subject: x\r\n\r\n");
    assert_int_equal(find(buf_slice(&message), "BODY[HEADER]"), 0);
    assert_int_equal(octets.len, message.len - 4);
}

#define INNER "Subject: inner\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n"
static const char nested[] = "Subject: outer\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
                             "before\r\n"
                             "--b\r\nContent-Type: text/html\r\n\r\n<p>one\r\n"
                             "--b\r\nContent-Type: message/rfc822\r\n\r\n" INNER
                             "--c\r\n\r\nfirst\r\n--c\r\n\r\nsecond\r\n--c--\r\n"
                             "--b\r\n\r\nlast\r\n--b--\r\n";

static void rfc9051_6_4_5_parts_are_counted_in_multiparts_and_messages(void **state) {
    assert_octets(nested, "BODY[1]", "<p>one");
    assert_octets(nested, "BODY[1.MIME]", "Content-Type: text/html\r\n\r\n");
    assert_octets(nested, "BODY[2]", INNER "--c\r\n\r\nfirst\r\n--c\r\n\r\nsecond\r\n--c--");
    assert_octets(nested, "BODY[2.MIME]", "Content-Type: message/rfc822\r\n\r\n");
    assert_octets(nested, "BODY[2.HEADER]", INNER);
    assert_octets(nested, "BODY[2.HEADER.FIELDS (Subject)]", "Subject: inner\r\n\r\n");
    assert_octets(nested, "BODY[2.TEXT]", "--c\r\n\r\nfirst\r\n--c\r\n\r\nsecond\r\n--c--");
    assert_octets(nested, "BODY[2.1]", "first");
    assert_octets(nested, "BODY[2.1.MIME]", "\r\n");
    assert_octets(nested, "BODY[2.2]", "second");
    assert_octets(nested, "BODY[3]", "last");
    assert_nil(nested, "BODY[2.3]");
    assert_nil(nested, "BODY[4]");
    assert_nil(nested, "BODY[3.1]");
    assert_nil(nested, "BODY[3.TEXT]");
    assert_nil(nested, "BODY[4294967295.1.1.1]");
}

static void rfc9051_6_4_5_a_message_that_is_nothing_but_a_message(void **state) {
    const char *message = "Content-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\nhi\r\n";
    assert_octets(message, "BODY[1]", "Subject: in\r\n\r\nhi\r\n");
    assert_octets(message, "BODY[1.HEADER]", "Subject: in\r\n\r\n");
    assert_octets(message, "BODY[1.TEXT]", "hi\r\n");
    assert_octets(message, "BODY[1.1]", "hi\r\n");
    assert_octets(message, "BODY[1.1.MIME]", "Subject: in\r\n\r\n");
    assert_nil(message, "BODY[1.1.HEADER]");
    assert_nil(message, "BODY[1.1.1]");
}

static void rfc9051_6_4_5_behind_the_end_a_part_of_it_is_empty(void **state) {
    assert_octets(simple, "BODY[TEXT]<0.3>", "hi\r");
    assert_octets(simple, "BODY[TEXT]<1.100>", "i\r\n");
    assert_octets(simple, "BODY[TEXT]<4.1>", "");
    assert_octets(simple, "BODY[]<4294967295.4294967295>", "");
    assert_octets(simple, "BODY[HEADER.FIELDS (From)]<3.4>", "m: a");
}

static const char encoded[] =
    "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    "--b\r\nContent-Transfer-Encoding: base64\r\n\r\naGVsbG8A\r\n"
    "--b\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\na=3Db =\r\nc\r\n"
    "--b\r\nContent-Transfer-Encoding: x-uuencode\r\n\r\nbegin 644\r\n"
    "--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\nx\r\n--c--\r\n--b--\r\n";

static void rfc3516_4_3_binary_is_without_the_transfer_encoding(void **state) {
    assert_int_equal(find(slice_of_str(encoded), "BINARY[1]"), 0);
    assert_true(slice_eq(buf_slice(&octets), S("hello\0")));
    assert_octets(encoded, "BINARY.PEEK[2]", "a=b c");
    assert_octets(encoded, "BINARY[2]<1.2>", "=b");
    assert_octets(encoded, "BINARY[4]", "--c\r\n\r\nx\r\n--c--");
    assert_octets(encoded, "BINARY[4.1]", "x");
    assert_octets(encoded, "BINARY[]", encoded);
    assert_octets(encoded, "BODY[1]", "aGVsbG8A");
    assert_nil(encoded, "BINARY[5]");
}

static void rfc3516_4_3_an_encoding_that_nobody_knows_is_refused(void **state) {
    assert_int_equal(find(slice_of_str(encoded), "BINARY[3]"), -ENOTSUP);
    assert_int_equal(find(slice_of_str(encoded), "BINARY.SIZE[3]"), -ENOTSUP);
    assert_octets(encoded, "BODY[3]", "begin 644");
}

static void only_sections_within_parts_need_a_whole_map(void **state) {
    struct imap_section s = section("BODY[]<1.2>");
    assert_int_equal(imap_section_need(&s), IMAP_NEEDS_NOTHING);
    s = section("BINARY[]");
    assert_int_equal(imap_section_need(&s), IMAP_NEEDS_NOTHING);
    s = section("RFC822.HEADER");
    assert_int_equal(imap_section_need(&s), IMAP_NEEDS_HEADER);
    s = section("BODY[HEADER.FIELDS (a)]");
    assert_int_equal(imap_section_need(&s), IMAP_NEEDS_HEADER);
    s = section("BODY[1]");
    assert_int_equal(imap_section_need(&s), IMAP_NEEDS_MAP);
}

int main(void) {
#define TEST(name) cmocka_unit_test_teardown(name, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(rfc9051_6_4_5_a_section_without_a_number_is_of_the_message),
        TEST(rfc9051_6_4_5_what_is_no_multipart_has_part_1),
        TEST(rfc9051_6_4_5_fields_are_named_in_any_case_and_stand_as_they_are),
        TEST(rfc9051_6_4_5_no_empty_line_where_the_message_has_none),
        TEST(of_a_long_header_the_first_mebibyte_has_fields),
        TEST(rfc9051_6_4_5_parts_are_counted_in_multiparts_and_messages),
        TEST(rfc9051_6_4_5_a_message_that_is_nothing_but_a_message),
        TEST(rfc9051_6_4_5_behind_the_end_a_part_of_it_is_empty),
        TEST(rfc3516_4_3_binary_is_without_the_transfer_encoding),
        TEST(rfc3516_4_3_an_encoding_that_nobody_knows_is_refused),
        TEST(only_sections_within_parts_need_a_whole_map),
    };
    return cmocka_run_group_tests_name("imap section", tests, NULL, NULL);
}

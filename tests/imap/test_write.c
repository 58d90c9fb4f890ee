/* SPDX-License-Identifier: ISC */
/*
 * Writing responses; each of them is held to the grammar, too.
 */
#include "imap/syntax/write.h"

#include <stdio.h>

#include "imap/syntax/fetch.h"
#include "response_check.h"
#include "unit.h"

static struct buf sent;
static struct imap_writer w;

static int set_up(void **state) {
    buf_clear(&sent);
    w = (struct imap_writer){.to = &sent};
    return 0;
}

static int tear_down(void **state) {
    buf_done(&sent);
    return 0;
}

static void assert_sent(const char *text) {
    struct slice rest = buf_slice(&sent);
    struct response_fault fault;
    while (rest.len > 0)
        if (!response_check(&rest, w.utf8, &fault))
            fail_msg("%.*s: expected %s at %zu", SLICE_ARG(rest), fault.expected, fault.at);
    assert_slice(buf_slice(&sent), text);
    buf_clear(&sent);
}

static void status(const char *state_word, const char *text) {
    imap_write_begin(&w, S("a1"));
    imap_write_word(&w, state_word);
    imap_write_text(&w, slice_of_str(text));
    imap_write_end(&w);
}

static void rfc9051_7_1_a_status_response_has_a_text(void **state) {
    status("OK", "done");
    assert_sent("a1 OK done\r\n");
    status("NO", "[x]\r\nb OK \x01 会");
    assert_sent("a1 NO (x]  b OK   ???\r\n");
    w.utf8 = true;
    status("NO", "会議");
    assert_sent("a1 NO 会議\r\n");
    status("NO", "\xff");
    assert_sent("a1 NO ?\r\n");
}

static void rfc9051_7_1_a_code_stands_before_the_text(void **state) {
    struct imap_range ranges[] = {{3, 3}, {5, 9}};
    struct imap_set set = {.ranges = ranges, .count = 2};
    imap_write_begin(&w, S("a1"));
    imap_write_word(&w, "OK");
    imap_write_code(&w, "COPYUID");
    imap_write_number(&w, 38505);
    imap_write_set(&w, &set);
    imap_write_set(&w, &set);
    imap_write_code_end(&w);
    imap_write_text(&w, S("done"));
    imap_write_end(&w);
    assert_sent("a1 OK [COPYUID 38505 3,5:9 3,5:9] done\r\n");
    imap_write_begin(&w, S("*"));
    imap_write_word(&w, "OK");
    imap_write_code(&w, "PERMANENTFLAGS");
    struct slice keywords[] = {S("x"), S("\\*")};
    imap_write_flags(&w, IMAP_FLAG_SEEN, keywords, 2);
    imap_write_code_end(&w);
    imap_write_text(&w, S("y"));
    imap_write_end(&w);
    assert_sent("* OK [PERMANENTFLAGS (\\Seen x \\*)] y\r\n");
}

static void fetch(void) {
    imap_write_begin(&w, S("*"));
    imap_write_number(&w, 12);
    imap_write_word(&w, "FETCH");
    imap_write_open(&w);
}
static void fetched(void) {
    imap_write_close(&w);
    imap_write_end(&w);
}

static void rfc9051_7_5_2_spaces_stand_between_values_only(void **state) {
    struct slice keywords[] = {S("$x")};
    fetch();
    imap_write_word(&w, "FLAGS");
    imap_write_flags(&w, IMAP_FLAG_SEEN | IMAP_FLAG_RECENT, keywords, 1);
    imap_write_word(&w, "UID");
    imap_write_number(&w, UINT32_MAX);
    imap_write_word(&w, "INTERNALDATE");
    imap_write_date_time(&w, (struct imap_date_time){0, 540});
    fetched();
    assert_sent("* 12 FETCH (FLAGS (\\Seen \\Recent $x) UID 4294967295 INTERNALDATE "
                "\" 1-Jan-1970 09:00:00 +0900\")\r\n");
    fetch();
    imap_write_word(&w, "FLAGS");
    imap_write_flags(&w, 0, NULL, 0);
    fetched();
    assert_sent("* 12 FETCH (FLAGS ())\r\n");
}

static void address_list(void) {
    imap_write_open(&w);
    for (int i = 0; i < 2; i++) {
        if (i > 0)
            imap_write_join(&w);
        imap_write_open(&w);
        imap_write_nil(&w);
        imap_write_nil(&w);
        imap_write_string(&w, S("tama"));
        imap_write_string(&w, S("example.org"));
        imap_write_close(&w);
    }
    imap_write_close(&w);
}

static void rfc9051_9_addresses_have_no_space_between_them(void **state) {
    fetch();
    imap_write_word(&w, "ENVELOPE");
    imap_write_open(&w);
    imap_write_nil(&w);
    imap_write_string(&w, S("x"));
    address_list();
    for (int i = 0; i < 5; i++)
        imap_write_nil(&w);
    imap_write_nil(&w);
    imap_write_string(&w, S("<a@b>"));
    imap_write_close(&w);
    fetched();
    assert_sent("* 12 FETCH (ENVELOPE (NIL \"x\" ((NIL NIL \"tama\" \"example.org\")(NIL NIL "
                "\"tama\" \"example.org\")) NIL NIL NIL NIL NIL NIL \"<a@b>\"))\r\n");
}

static void preview(struct slice text) {
    fetch();
    imap_write_word(&w, "PREVIEW");
    imap_write_nstring(&w, text);
    fetched();
}

static void rfc9051_4_3_any_octets_can_be_written_as_a_string(void **state) {
    preview(S("a \"b\\"));
    assert_sent("* 12 FETCH (PREVIEW \"a \\\"b\\\\\")\r\n");
    preview(S(""));
    assert_sent("* 12 FETCH (PREVIEW \"\")\r\n");
    preview((struct slice){0});
    assert_sent("* 12 FETCH (PREVIEW NIL)\r\n");
    preview(S("a\r\nb"));
    assert_sent("* 12 FETCH (PREVIEW {4}\r\na\r\nb)\r\n");
    preview(S("a\0b"));
    assert_sent("* 12 FETCH (PREVIEW {3}\r\na?b)\r\n");
}

/* Wherever it stands among others. */
static void rfc9051_9_each_octet_decides_how_its_string_is_written(void **state) {
    for (unsigned octet = 0; octet < 256; octet++) {
        const bool literal = octet == 0 || octet == '\r' || octet == '\n' || octet > 127;
        const bool escaped = octet == '"' || octet == '\\';
        for (size_t i = 0; i < (size_t)20 * 20; i++) {
            const size_t len = 1 + i / 20, at = i % 20;
            char text[] = "aaaaaaaaaaaaaaaaaaaa", value[32] = "";
            _cleanup_(buf_done) struct buf expected = {0};
            if (at >= len)
                continue;
            text[at] = (char)octet;
            preview(slice_of(text, len));
            (void)snprintf(value, sizeof value, "{%zu}\r\n", len);
            buf_printf(&expected, "* 12 FETCH (PREVIEW %s", literal ? value : "\"");
            buf_add(&expected, slice_of(text, at));
            if (escaped)
                buf_add_byte(&expected, '\\');
            buf_add_byte(&expected, octet ? (char)octet : '?');
            buf_add(&expected, slice_of(text + at + 1, len - at - 1));
            buf_add_str(&expected, literal ? ")\r\n" : "\")\r\n");
            assert_sent(buf_str(&expected));
        }
    }
}

static void rfc6855_3_eight_bits_stand_in_quotes_only_when_utf8_was_enabled(void **state) {
    preview(S("会議"));
    assert_sent("* 12 FETCH (PREVIEW {6}\r\n会議)\r\n");
    w.utf8 = true;
    preview(S("会議"));
    assert_sent("* 12 FETCH (PREVIEW \"会議\")\r\n");
    preview(S("\xff"));
    assert_sent("* 12 FETCH (PREVIEW {1}\r\n\xff)\r\n");
}

static void a_literal_comes_in_parts(void **state) {
    struct slice fields[] = {S("From"), S("a b")};
    uint32_t parts[] = {1, 20};
    struct imap_section section = {
        .form = IMAP_BODY,
        .text = IMAP_SECTION_HEADER_FIELDS,
        .parts = parts,
        .part_count = 2,
        .fields = fields,
        .field_count = 2,
        .partial = true,
        .offset = 5,
        .length = 9,
    };
    fetch();
    imap_write_section(&w, &section);
    imap_write_literal(&w, 5, false);
    imap_write_octets(&w, S("ab"));
    imap_write_octets(&w, S("cde"));
    imap_write_word(&w, "UID");
    imap_write_number(&w, 7);
    fetched();
    assert_sent("* 12 FETCH (BODY[1.20.HEADER.FIELDS (From \"a b\")]<5> {5}\r\nabcde UID 7)\r\n");
    imap_write_begin(&w, S("*"));
    imap_write_number(&w, 1);
    imap_write_word(&w, "FETCH");
    imap_write_open(&w);
    imap_write_section(
        &w, &(struct imap_section){.form = IMAP_BINARY, .parts = parts, .part_count = 1});
    imap_write_nstring8(&w, S("a\0b"));
    imap_write_section(&w, &(struct imap_section){.form = IMAP_RFC822_HEADER});
    imap_write_string(&w, S("x"));
    imap_write_section(&w, &(struct imap_section){.form = IMAP_BODY});
    imap_write_nil(&w);
    fetched();
    struct slice rest = buf_slice(&sent);
    struct response_fault fault;
    assert_true(response_check(&rest, false, &fault));
    assert_true(slice_starts(
        buf_slice(&sent), S("* 1 FETCH (BINARY[1] ~{3}\r\na\0b RFC822.HEADER \"x\" BODY[] NIL)")));
}

static void list(const char *name) {
    imap_write_begin(&w, S("*"));
    imap_write_word(&w, "LIST");
    imap_write_open(&w);
    imap_write_close(&w);
    imap_write_string(&w, S("/"));
    imap_write_mailbox(&w, slice_of_str(name));
    imap_write_end(&w);
}

static void rfc3501_5_1_3_names_are_modified_utf7_unless_utf8_was_enabled(void **state) {
    list("会議");
    assert_sent("* LIST () \"/\" &TxqLcA-\r\n");
    list("R&D x");
    assert_sent("* LIST () \"/\" \"R&-D x\"\r\n");
    list("NIL");
    assert_sent("* LIST () \"/\" \"NIL\"\r\n");
    list("a]b%");
    assert_sent("* LIST () \"/\" \"a]b%\"\r\n");
    w.utf8 = w.utf8_names = true;
    list("会議&x");
    assert_sent("* LIST () \"/\" \"会議&x\"\r\n");
}

static void numbers_of_any_size(void **state) {
    imap_write_begin(&w, S("*"));
    imap_write_word(&w, "ESEARCH");
    imap_write_word(&w, "COUNT");
    imap_write_number(&w, 0);
    imap_write_word(&w, "MODSEQ");
    imap_write_number(&w, INT64_MAX);
    imap_write_word(&w, "MIN");
    imap_write_signed(&w, 10);
    imap_write_end(&w);
    assert_sent("* ESEARCH COUNT 0 MODSEQ 9223372036854775807 MIN 10\r\n");
    imap_write_begin(&w, S("*"));
    imap_write_signed(&w, INT64_MIN);
    imap_write_end(&w);
    assert_slice(buf_slice(&sent), "* -9223372036854775808\r\n");
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup(name, set_up)
    const struct CMUnitTest tests[] = {
        TEST(rfc9051_7_1_a_status_response_has_a_text),
        TEST(rfc9051_7_1_a_code_stands_before_the_text),
        TEST(rfc9051_7_5_2_spaces_stand_between_values_only),
        TEST(rfc9051_9_addresses_have_no_space_between_them),
        TEST(rfc9051_4_3_any_octets_can_be_written_as_a_string),
        TEST(rfc9051_9_each_octet_decides_how_its_string_is_written),
        TEST(rfc6855_3_eight_bits_stand_in_quotes_only_when_utf8_was_enabled),
        TEST(a_literal_comes_in_parts),
        TEST(rfc3501_5_1_3_names_are_modified_utf7_unless_utf8_was_enabled),
        TEST(numbers_of_any_size),
    };
    return cmocka_run_group_tests_name("imap write", tests, NULL, tear_down);
}

/* SPDX-License-Identifier: ISC */
/*
 * Modified UTF-7.
 */
#include "imap/syntax/utf7.h"
#include "unit.h"

static struct buf text;

static struct slice encoded(const char *utf8) {
    buf_clear(&text);
    utf7_encode(&text, slice_of_str(utf8));
    return buf_slice(&text);
}
static struct slice decoded(struct slice name) {
    buf_clear(&text);
    utf7_decode(&text, name);
    return buf_slice(&text);
}

static const struct {
    const char *utf8, *name;
} pairs[] = {
    {"INBOX", "INBOX"},
    {"~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"}, /* RFC 3501 §5.1.3 */
    {"R&D", "R&-D"},
    {"&", "&-"},
    {"会議", "&TxqLcA-"},
    {"été", "&AOk-t&AOk-"},
    {"🐎", "&2D3cDg-"},
    {"a🐎馬b", "a&2D3cDpms-b"},
    {"\t", "&AAk-"},
    {"\x7f", "&AH8-"},
};

static void rfc3501_5_1_3_a_name_has_one_form(void **state) {
    for (size_t i = 0; i < ARRAY_SIZE(pairs); i++)
        assert_slice(encoded(pairs[i].utf8), pairs[i].name);
}

static void rfc3501_5_1_3_the_form_is_read_back(void **state) {
    for (size_t i = 0; i < ARRAY_SIZE(pairs); i++)
        assert_slice(decoded(slice_of_str(pairs[i].name)), pairs[i].utf8);
}

static void raw_utf8_stays_as_it_is(void **state) {
    assert_slice(decoded(S("会議&TxqLcA-")), "会議会議");
}

static void printable_ascii_may_be_encoded(void **state) {
    assert_slice(decoded(S("&AGE-")), "a");
    assert_slice(decoded(S("&AC8-")), "/");
}

static void what_is_no_shift_stands_for_itself(void **state) {
    const char *const odd[] = {
        "R&D",   "a&",    "&TxqLcA",  "&TxqLcA x", "&Tx-", "&TxqL/A-",  "&AAA-",
        "&2D0-", "&3A4-", "&2D0AYQ-", "&TxqLcB-",  "&A-",  "&TxqLcAA-", "& -",
    };
    for (size_t i = 0; i < ARRAY_SIZE(odd); i++)
        assert_slice(decoded(slice_of_str(odd[i])), odd[i]);
    assert_slice(decoded(S("&AGEAAABi-x")), "&AGEAAABi-x"); /* a NUL behind a good letter */
    assert_slice(decoded(S("&&-&TxqLcA-")), "&&会議");
}

static int tear_down(void **state) {
    buf_done(&text);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc3501_5_1_3_a_name_has_one_form),
        cmocka_unit_test(rfc3501_5_1_3_the_form_is_read_back),
        cmocka_unit_test(raw_utf8_stays_as_it_is),
        cmocka_unit_test(printable_ascii_may_be_encoded),
        cmocka_unit_test(what_is_no_shift_stands_for_itself),
    };
    return cmocka_run_group_tests_name("imap utf7", tests, NULL, tear_down);
}

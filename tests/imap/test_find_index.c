/* SPDX-License-Identifier: ISC */
/*
 * SEARCH finds the same with an index as without one: two sessions with the same mailbox, of which
 * one may ask it, search mailboxes made by lot. What is said there is Japanese and English, in the
 * character sets in which it is sent, at times under the name of another one; and what is looked
 * for is part of it, or nearly.
 */
#include <iconv.h>
#include <stdio.h>

#include "asker.h"
#include "base/encode.h"
#include "base/random.h"
#include "search/indexes.h"
#include "store/bodies.h"

#define MESSAGES 300U
#define SEARCHES 150U

static void begin(struct asker *c, struct world *w, struct search_indexes *indexes) WAITS {
    struct imap_session_config config = imap_session_defaults;
    config.indexes = indexes;
    asker_begin(c, w->store, &config);
}

/* ------------------------------------------------------------------ what is said */

static const char *const words[] = {
    "会議",
    "会議室",
    "東京都",
    "の",
    "は",
    "を",
    "カタカナ",
    "ひらがな",
    "メール",
    "サーバー",
    "株式会社",
    "ﾊﾝｶｸ",
    "ｶﾞｷﾞｸﾞ",
    "ＡＢＣ",
    "１２３",
    "、",
    "。",
    "meeting",
    "Meet",
    "greetings",
    "invoice",
    "example",
    "the",
    "a",
    "2026",
    "tama",
    "kuro",
    "x1y2z3",
    "deadbeefdeadbeef",
    "Müller",
    "ſtraße",
    "Ünïcödé",
    "Ωmega",
    "данные",
    "㈱",
    "①",
    "髙橋",
    "ぱぴぷ",
    "パピプ",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "猫",
    "a-b",
    "c_d",
    "co.jp",
    "&amp;",
    "<b>",
    "don't",
    "100%",
    "☃",
    "é",
};

static void add_words(struct buf *to, unsigned count) {
    static const char *const between[] = {"", "", " ", " ", "  ", "\r\n ", "-", "、"};
    for (unsigned i = 0; i < count; i++) {
        buf_add_str(to, words[random_below(ARRAY_SIZE(words))]);
        buf_add_str(to, between[random_below(ARRAY_SIZE(between))]);
    }
}

static const char *const charsets[] = {"UTF-8",  "ISO-2022-JP",  "Shift_JIS",
                                       "EUC-JP", "windows-1252", "KOI8-R"};
static const char *const encoders[] = {"UTF-8",     "ISO-2022-JP-3", "CP932",
                                       "EUC-JP-MS", "CP1252",        "KOI8-R"};

/* What the character set lacks is left out. */
static void encode(struct buf *to, size_t charset, struct slice utf8) {
    iconv_t with = iconv_open(encoders[charset], "UTF-8");
    assert_true(with != (iconv_t)-1);
    buf_reserve(to, 4 * utf8.len + 64);
    char *in = (char *)(uintptr_t)utf8.ptr, *out = to->ptr + to->len;
    size_t in_left = utf8.len, out_left = 4 * utf8.len + 64;
    while (in_left > 0 && iconv(with, &in, &in_left, &out, &out_left) == (size_t)-1) {
        do {
            in++;
            in_left--;
        } while (in_left > 0 && ((uint8_t)*in & 0xc0) == 0x80);
    }
    (void)iconv(with, NULL, NULL, &out, &out_left);
    to->len = (size_t)(out - to->ptr);
    iconv_close(with);
}

/* Mostly the right one. */
static const char *label(size_t charset) {
    return charsets[random_below(6) ? charset : random_below(ARRAY_SIZE(charsets))];
}

static void add_encoded_word(struct buf *to, unsigned count) {
    _cleanup_(buf_done) struct buf text = {0}, octets = {0};
    size_t charset = random_below(ARRAY_SIZE(charsets));
    add_words(&text, count);
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] == '\r' || text.ptr[i] == '\n')
            text.ptr[i] = ' ';
    if (random_below(5) == 0) {
        buf_add(to, buf_slice(&text)); /* as it is */
        return;
    }
    encode(&octets, charset, buf_slice(&text));
    buf_printf(to, "=?%s?B?", label(charset));
    base64_encode(to, buf_slice(&octets));
    buf_add_str(to, "?=");
}

/* ------------------------------------------------------------------ messages */

static void add_text_part(struct buf *to) {
    _cleanup_(buf_done) struct buf text = {0}, octets = {0};
    size_t charset = random_below(ARRAY_SIZE(charsets));
    bool html = random_below(3) == 0, in_base64 = random_below(3) == 0;
    add_words(&text, 1 + (unsigned)random_below(20));
    if (html)
        buf_add_str(&text, "<p>&#20250;&#x8b70; <script>hidden</script>end</p>");
    encode(&octets, charset, buf_slice(&text));
    buf_printf(to, "Content-Type: text/%s", html ? "html" : "plain");
    if (random_below(5))
        buf_printf(to, "; charset=%s", label(charset));
    buf_printf(to, "\r\nContent-Transfer-Encoding: %s\r\n\r\n", in_base64 ? "base64" : "8bit");
    if (in_base64)
        base64_encode(to, buf_slice(&octets));
    else
        buf_add(to, buf_slice(&octets));
    buf_add_str(to, "\r\n");
}

static void add_attachment(struct buf *to) {
    buf_add_str(to, "--b\r\nContent-Type: application/octet-stream; name=\"");
    add_encoded_word(to, 2);
    buf_add_str(to, "\"\r\nContent-Disposition: attachment; filename*=utf-8''");
    struct slice word = slice_of_str(words[random_below(ARRAY_SIZE(words))]);
    for (size_t i = 0; i < word.len; i++)
        buf_printf(to, "%%%02X", (unsigned)(uint8_t)word.ptr[i]);
    buf_add_str(to, "\r\n\r\n0123\r\n");
}

static void make_message(struct buf *to) {
    static const char *const people[] = {"From", "To", "Cc", "Bcc"};
    bool multipart = random_below(3) == 0;
    buf_add_str(to, "Subject: ");
    add_encoded_word(to, 3);
    for (size_t i = 0; i < ARRAY_SIZE(people); i++) {
        if (random_below(2) == 0)
            continue;
        buf_printf(to, "\r\n%s: ", people[i]);
        add_encoded_word(to, 1);
        buf_printf(to, " <%s%u@example.test>", i % 2 ? "kuro" : "tama", (unsigned)random_below(9));
    }
    buf_printf(to, "\r\nMessage-ID: <%u@example.test>\r\nX-Mark: ", (unsigned)random_below(99));
    add_encoded_word(to, 1);
    buf_add_str(to, "\r\nMIME-Version: 1.0\r\n");
    if (!multipart) {
        add_text_part(to);
        return;
    }
    buf_add_str(to, "Content-Type: multipart/mixed; boundary=b\r\n\r\npreamble\r\n");
    for (unsigned i = 0; i < 2; i++) {
        buf_add_str(to, "--b\r\n");
        add_text_part(to);
    }
    add_attachment(to);
    buf_add_str(to, "--b--\r\nepilogue\r\n");
}

static void deliver_some(struct world *w, unsigned count) WAITS {
    for (unsigned i = 0; i < count; i++) {
        _cleanup_(buf_done) struct buf text = {0};
        struct store_delivered d;
        make_message(&text);
        struct slice part = buf_slice(&text);
        struct store_delivery delivery = {.mailbox = STORE_INBOX, .parts = &part, .part_count = 1};
        assert_int_equal(store_deliver(w->store, TEST_ACCOUNT, &delivery, &d), 0);
    }
}

/* ------------------------------------------------------------------ searches */

/* Part of what is said: from a character on, some characters. */
static void make_needle(struct buf *to) {
    _cleanup_(buf_done) struct buf text = {0};
    add_words(&text, 1 + (unsigned)random_below(2));
    size_t from = random_below(text.len), len = 1 + random_below(random_below(4) ? 8 : 40);
    while (from > 0 && ((uint8_t)text.ptr[from] & 0xc0) == 0x80)
        from--;
    struct slice needle = slice_first(slice_from(buf_slice(&text), from), len);
    while (needle.len > 0 && from + needle.len < text.len &&
           ((uint8_t)text.ptr[from + needle.len] & 0xc0) == 0x80)
        needle.len--;
    if (needle.len == 0)
        needle = S("会");
    buf_printf(to, "{%zu+}\r\n", needle.len);
    buf_add(to, needle);
}

static void make_key(struct buf *to, unsigned depth) {
    static const char *const keys[] = {
        "TEXT ",          "BODY ",           "SUBJECT ",           "FROM ", "TO ",  "CC ", "BCC ",
        "HEADER X-Mark ", "HEADER Subject ", "HEADER Message-ID ", "TEXT ", "BODY "};
    unsigned kind = depth > 0 ? (unsigned)random_below(6) : 0;
    if (kind == 1) {
        buf_add_str(to, "NOT ");
        make_key(to, depth - 1);
    } else if (kind == 2) {
        buf_add_str(to, "OR ");
        make_key(to, depth - 1);
        buf_add_byte(to, ' ');
        make_key(to, depth - 1);
    } else if (kind == 3) {
        buf_add_str(to, "FUZZY ");
        make_key(to, depth - 1);
    } else {
        buf_add_str(to, keys[random_below(ARRAY_SIZE(keys))]);
        make_needle(to);
    }
}

static void compare(struct asker *with, struct asker *without, unsigned searches) WAITS {
    for (unsigned i = 0; i < searches; i++) {
        _cleanup_(buf_done) struct buf command = {0};
        buf_add_str(&command, "UID SEARCH ");
        make_key(&command, 3);
        struct slice expected = ask(without, buf_slice(&command));
        struct slice found = ask(with, buf_slice(&command));
        if (!slice_eq(found, expected))
            fail_msg("%.*s\n%.*s\nexpected %.*s", SLICE_ARG(buf_slice(&command)), SLICE_ARG(found),
                     SLICE_ARG(expected));
    }
}

/* What is compared is not twice the same. */
static void expect_narrowing(struct world *w, struct search_indexes *indexes) WAITS {
    struct search_asked asked = {.field = SEARCH_ANY, .needle = S("invoice")};
    search_indexes_ask(indexes, w->account, &asked, 1);
    assert_true(asked.hits.narrows);
    assert_int_equal(asked.hits.up_to, MESSAGES);
    assert_in_range(asked.hits.count, 1, MESSAGES - 1);
    search_hits_done(&asked.hits);
}

WORLD_TEST(searches_find_the_same_with_an_index_and_without) {
    struct search_indexes_options options = {0};
    struct search_indexes *indexes = search_indexes_new(&options);
    struct asker with, without;
    w->options.arrived = search_indexes_arrived;
    w->options.arrived_arg = indexes;
    const char *seed = getenv("SEED");
    random_fix(seed ? strtoull(seed, NULL, 10) : 20261130);
    world_open(w);
    assert_int_equal(search_indexes_start(indexes, w->store), 0);
    deliver_some(w, MESSAGES);
    begin(&with, w, indexes);
    begin(&without, w, NULL);
    compare(&with, &without, 1);
    (void)fiber_sleep(USEC_MIN);
    assert_true(store_has_index(w->account));
    expect_narrowing(w, indexes);
    compare(&with, &without, SEARCHES);
    deliver_some(w, 50); /* some that are not in it yet, some that are gone, some again */
    (void)ask(&without, S("STORE 10:20 +FLAGS (\\Deleted)"));
    (void)ask(&without, S("EXPUNGE"));
    (void)ask(&without, S("COPY 1:50 INBOX"));
    (void)ask(&with, S("NOOP"));
    compare(&with, &without, SEARCHES / 2);
    asker_end(&with);
    asker_end(&without);
    search_indexes_stop(indexes);
    world_close(w);
    search_indexes_free(indexes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(searches_find_the_same_with_an_index_and_without)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

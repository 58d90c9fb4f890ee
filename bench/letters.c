/* SPDX-License-Identifier: ISC */
#include "letters.h"

#include <openssl/evp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_SIZE  4600U /* what is left of 6 KiB beside header and HTML */
#define LINE_WIDTH 70U

struct sheet {
    char *to;
    size_t len;
    uint64_t state; /* of the words that are drawn */
};

static unsigned draw(struct sheet *s, unsigned below) {
    s->state = s->state * 6364136223846793005U + 1442695040888963407U;
    return (unsigned)(s->state >> 33) % below;
}

static void add(struct sheet *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(struct sheet *s, const char *format, ...) {
    va_list list;
    va_start(list, format);
    int n = vsnprintf(s->to + s->len, LETTER_MAX - s->len, format, list);
    va_end(list);
    if (n < 0 || (size_t)n >= LETTER_MAX - s->len)
        abort();
    s->len += (size_t)n;
}

/* ------------------------------------------------------------------ header */

static void add_header(struct sheet *s, unsigned number) {
    unsigned first = number - number % 10;
    unsigned person = draw(s, 500);
    add(s,
        "Received: from mail%u.far.test (mail%u.far.test [192.0.2.%u])\r\n"
        "\tby mail.bench.test with ESMTPS id %08x; Sun, 22 Nov 2026 11:00:00 +0000\r\n",
        person % 9, person % 9, person % 250, number * 2654435761U);
    add(s,
        "From: \"Person %u\" <person%u@far.test>\r\n"
        "To: <reader@bench.test>, \"Person %u\" <person%u@far.test>\r\n",
        person, person, draw(s, 500), draw(s, 500));
    add(s, "Subject: %sabout matter %u\r\n", number == first ? "" : "Re: ", number / 10);
    add(s, "Date: %u Nov 2026 %02u:%02u:%02u +0900\r\nMessage-ID: <letter.%u@far.test>\r\n",
        1 + number % 28, draw(s, 24), draw(s, 60), number % 60, number);
    if (number != first)
        add(s, "In-Reply-To: <letter.%u@far.test>\r\nReferences: <letter.%u@far.test>\r\n", first,
            first);
    add(s, "X-Mailer: letters of the bench\r\nMIME-Version: 1.0\r\n");
}

/* ------------------------------------------------------------------ text */

static void add_marks(struct sheet *s, unsigned number) {
    if (number % 2 == 1)
        add(s, "halfway\r\n");
    if (number % 1000 == 8)
        add(s, "zyxneedle\r\n早馬便りが藤沢に着いた。\r\n");
}

static void add_english(struct sheet *s, size_t size) {
    static const char *const words[] = {"message", "horse",   "town",   "road", "rider",   "river",
                                        "bridge",  "evening", "the",    "and",  "under",   "over",
                                        "along",   "before",  "after",  "with", "station", "letter",
                                        "carry",   "write",   "answer", "wait", "sudden",  "quiet"};
    size_t end = s->len + size;
    size_t line = s->len;
    while (s->len < end) {
        unsigned word = draw(s, sizeof words / sizeof *words);
        add(s, "%s%u%s", words[word], draw(s, 40), s->len - line > LINE_WIDTH ? "\r\n" : " ");
        if (s->to[s->len - 1] == '\n')
            line = s->len;
    }
    add(s, "\r\n");
}

static void add_japanese(struct sheet *s, size_t size) {
    static const char *const words[] = {
        "手紙", "返事", "宿場", "街道", "明日",     "会議",     "資料", "を",   "は", "に",
        "が",   "送る", "届く", "待つ", "カタカナ", "ひらがな", "午後", "三時", "。", "、"};
    size_t end = s->len + size;
    for (unsigned i = 1; s->len < end; i++)
        add(s, "%s%s", words[draw(s, sizeof words / sizeof *words)], i % 12 ? "" : "\r\n");
    add(s, "\r\n");
}

/* ------------------------------------------------------------------ parts */

static void add_base64(struct sheet *s, const char *text, size_t len) {
    for (; len > 0; s->len += 2) {
        size_t some = len < 57 ? len : 57;
        if (s->len + 80 > LETTER_MAX)
            abort();
        s->len += (size_t)EVP_EncodeBlock((unsigned char *)s->to + s->len,
                                          (const unsigned char *)text, (int)some);
        memcpy(s->to + s->len, "\r\n", 2);
        text += some;
        len -= some;
    }
}

static void add_japanese_part(struct sheet *s, unsigned number) {
    char text[LETTER_MAX];
    struct sheet inside = {.to = text, .state = s->state};
    add_marks(&inside, number);
    add_japanese(&inside, TEXT_SIZE * 3 / 4);
    add(s, "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n");
    add_base64(s, text, inside.len);
}

static void add_english_part(struct sheet *s, unsigned number, size_t size) {
    add(s, "Content-Type: text/plain; charset=us-ascii\r\n\r\n");
    add_marks(s, number);
    add_english(s, size);
}

static void add_multipart(struct sheet *s, unsigned number) {
    add(s, "Content-Type: multipart/alternative; boundary=\"=_%u\"\r\n\r\n--=_%u\r\n", number,
        number);
    add_english_part(s, number, TEXT_SIZE / 2);
    add(s, "--=_%u\r\nContent-Type: text/html; charset=us-ascii\r\n\r\n<html><body><p>\r\n",
        number);
    add_english(s, TEXT_SIZE / 2);
    add(s, "</p></body></html>\r\n--=_%u--\r\n", number);
}

size_t letter_write(char *to, unsigned number) {
    struct sheet s = {.to = to, .state = number + 1};
    *to = '\0';
    add_header(&s, number);
    if (number % 4 == 0)
        add_japanese_part(&s, number);
    else if (number % 5 == 0)
        add_multipart(&s, number);
    else
        add_english_part(&s, number, TEXT_SIZE);
    return s.len;
}

/* SPDX-License-Identifier: ISC */
/* A server's replies, line by line; what was read is composed and read again. */
#include "smtp/reply.h"

static void compose_again(const struct smtp_reply *reply) {
    struct buf text = {0};
    struct arena a = {0};
    struct smtp_reply_reader reader = {0};
    smtp_reply_compose(&text, reply);
    struct slice rest = buf_slice(&text);
    int r = 0;
    while (r == 0 && rest.len) {
        size_t line = (size_t)slice_find_byte(rest, '\n') + 1;
        MUST(line <= SMTP_REPLY_LINE);
        r = smtp_reply_add(&reader, &a, slice_first(rest, line));
        rest = slice_from(rest, line);
    }
    MUST((r == 1 && !rest.len && reader.reply.code == reply->code) || r == -E_LIMIT);
    (void)smtp_reply_text(&a, reply);
    arena_done(&a);
    buf_done(&text);
}

static void check(const struct smtp_reply *reply) {
    MUST(reply->code >= 200 && reply->code <= 599);
    MUST(reply->status.class == 0 || reply->status.class == reply->code / 100);
    for (size_t i = 0; i < reply->text.len; i++) {
        unsigned char c = (unsigned char)reply->text.ptr[i];
        MUST(c >= ' ' ? c != 0x7f : c == '\n');
    }
    compose_again(reply);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
    struct arena a = {0};
    struct smtp_reply_reader reader = {0};
    struct slice rest = slice_of(bytes, len);
    int r = 0;
    while (r == 0 && rest.len) {
        ssize_t lf = slice_find_byte(rest, '\n');
        size_t line = lf < 0 ? rest.len : (size_t)lf + 1;
        r = smtp_reply_add(&reader, &a, slice_first(rest, line));
        rest = slice_from(rest, line);
    }
    if (r != -E_SYNTAX && (r == 1 || smtp_reply_conclude(&reader, &a)))
        check(&reader.reply);
    arena_done(&a);
    return 0;
}

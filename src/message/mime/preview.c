/* SPDX-License-Identifier: ISC */
#include "message/mime/preview.h"

#include "base/encode.h"
#include "message/charset/charset.h"

#define PREVIEW_FIRST 640U /* mostly enough, and decoding takes time */

void preview_done(struct preview *p) {
    buf_done(&p->text);
    buf_done(&p->decoded);
}

void preview_begin(struct preview *p, const struct mime_part *part, bool is_attachment) {
    bool multipart = part->kind == MIME_MULTIPART;
    bool text = !is_attachment && slice_eq_nocase(part->type.major, S("text"));
    bool html = text && slice_eq_nocase(part->type.minor, S("html"));
    bool counts = multipart || html || (text && slice_eq_nocase(part->type.minor, S("plain")));
    struct slice charset = mime_parameter(&part->type, S("charset"));
    if (p->preamble && part->header != p->body) /* not the part that is made of it */
        buf_clear(&p->text);
    p->taking = p->preamble = false;
    if (!counts || slice_trim_lines(buf_slice(&p->text)).len > 0)
        return;
    p->taking = true;
    p->preamble = multipart;
    p->part = part->number;
    p->body = part->body;
    p->is_html = html;
    p->transfer = (struct transfer){.encoding = multipart ? MIME_PLAIN : part->encoding};
    p->html = (struct html_text){.visible = true};
    buf_clear(&p->text);
    p->charset_len = MIN(charset.len, sizeof p->charset);
    if (charset.len > 0)
        memcpy(p->charset, charset.ptr, p->charset_len);
}

void preview_body(struct preview *p, const struct mime_part *part, struct slice bytes) {
    if (!p->taking || part->number != p->part)
        return;
    while (bytes.len > 0 && p->text.len < PREVIEW_BYTES) {
        struct slice piece = slice_first(bytes, PREVIEW_BYTES);
        bytes = slice_from(bytes, piece.len);
        buf_clear(&p->decoded);
        transfer_take(&p->transfer, piece, &p->decoded);
        if (p->is_html)
            html_text_take(&p->html, buf_slice(&p->decoded), &p->text);
        else
            buf_add(&p->text, buf_slice(&p->decoded));
    }
}

static bool is_gap(uint32_t c) {
    return c == ' ' || c == 0xa0 || c == 0x3000 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 ||
           c == 0x2029 || c == 0x202f || c == 0x205f || ascii_is_space((char)MIN(c, 0x7fU));
}

/* What hides or fills: newsletters fill with U+034F. */
static bool is_nothing(uint32_t c) {
    return (c < ' ' || c >= 0x7f) && (utf8_is_hidden(c) || c == 0x34f);
}

/* A line while it is made. */
struct line {
    char text[4 * PREVIEW_CHARACTERS];
    size_t len, characters;
    bool gap; /* blanks stand before the next character */
};

/* False when there is no room. */
static bool add_character(struct line *line, struct slice character) {
    if (line->characters + line->gap + 1 > PREVIEW_CHARACTERS)
        return false;
    if (line->gap)
        line->text[line->len++] = ' ';
    for (size_t i = 0; i < character.len; i++)
        line->text[line->len++] = character.ptr[i];
    line->characters += 1 + line->gap;
    line->gap = false;
    return true;
}

/*
 * UTF-8, which may be broken, on one line. With `cut`, a character that is broken at its end is not
 * there. False when there was not enough of it.
 */
static bool make_line(struct line *line, struct slice text, bool cut) {
    while (cut && slice_ends(text, S("\xef\xbf\xbd")))
        text.len -= 3;
    while (text.len > 0) {
        uint32_t c = (uint8_t)text.ptr[0];
        size_t len = c < 0x80 ? 1 : utf8_decode(text, &c);
        struct slice character = len > 0 ? slice_first(text, len) : S("\xef\xbf\xbd");
        if (cut && len == 0 && text.len < 4)
            return false;
        text = slice_from(text, MAX(len, (size_t)1));
        if (len > 0 && is_gap(c))
            line->gap = line->len > 0;
        else if ((len == 0 || !is_nothing(c)) && !add_character(line, character))
            return true;
    }
    return !cut;
}

/* The line of the first bytes of the text; false when that was not enough. */
static bool line_of(const struct preview *p, struct slice bytes, bool html, bool cut,
                    struct line *line) {
    _cleanup_(buf_done) struct buf decoded = {0}, unescaped = {0};
    int charset = charset_find(slice_of(p->charset, p->charset_len));
    bool maybe_utf8 = charset <= CHARSET_UNLABELLED || charset == charset_find(S("utf-8"));
    struct slice text = bytes, whole = bytes; /* without a character that is cut at the end */
    while (cut && bytes.len - whole.len < MIN(bytes.len, (size_t)3) && !utf8_valid(whole))
        whole.len--;
    if (!maybe_utf8 || !utf8_valid(whole) || slice_find_byte(bytes, '\x1b') >= 0) {
        charset_decode(&decoded, MAX(charset, CHARSET_UNLABELLED), bytes);
        text = buf_slice(&decoded);
    }
    if (html) {
        html_unescape(&unescaped, text);
        text = buf_slice(&unescaped);
    }
    return make_line(line, text, cut);
}

void preview_finish(const struct preview *p, struct buf *to) {
    _cleanup_(buf_done) struct buf visible = {0};
    struct slice bytes = slice_first(buf_slice(&p->text), PREVIEW_BYTES);
    struct slice text = slice_trim_lines(bytes);
    bool cut = bytes.len == PREVIEW_BYTES;
    bool html = p->is_html || slice_starts_nocase(text, S("<html")) || /* text/plain that is none */
                slice_starts_nocase(text, S("<!doctype html"));
    if (html && !p->is_html) {
        html_text_take(&(struct html_text){.visible = true}, bytes, &visible);
        bytes = buf_slice(&visible);
    }
    struct slice first = slice_first(bytes, PREVIEW_FIRST);
    struct line line = {.len = 0};
    if (!line_of(p, first, html, cut || first.len < bytes.len, &line) && first.len < bytes.len) {
        line = (struct line){.len = 0};
        (void)line_of(p, bytes, html, cut, &line);
    }
    buf_add_bytes(to, line.text, line.len);
}

/* SPDX-License-Identifier: ISC */
#include "imap/syntax/url.h"

#include "base/encode.h"
#include "message/unicode/nfc.h"

static int hex(char c) {
    c = ascii_lower(c);
    return ascii_is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool imap_url_decode(struct slice text, struct arena *a, struct slice *ret) {
    char *to = arena_array(a, text.len, 1);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '%') {
            int high = i + 2 < text.len ? hex(text.ptr[i + 1]) : -1;
            int low = i + 2 < text.len ? hex(text.ptr[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            c = (char)(high << 4 | low);
            i += 2;
        }
        if ((unsigned char)c < ' ' || c == 127)
            return false;
        to[len++] = c;
    }
    *ret = slice_of(to, len);
    return utf8_valid(*ret);
}

/* Takes "NAME=" off the front, in any case. */
static bool take_name(struct slice *rest, struct slice name) {
    if (!slice_starts_nocase(*rest, name))
        return false;
    *rest = slice_from(*rest, name.len);
    return true;
}

/* The digits at the front. */
static bool take_number(struct slice *rest, uint32_t least, uint32_t *ret) {
    size_t len = 0;
    uint64_t number;
    while (len < rest->len && ascii_is_digit(rest->ptr[len]))
        len++;
    if (slice_to_u64(slice_first(*rest, len), UINT32_MAX, &number) < 0 || number < least)
        return false;
    *rest = slice_from(*rest, len);
    *ret = (uint32_t)number;
    return true;
}

/* "/mailbox;UIDVALIDITY=1", and "/" behind it; or nothing. */
static bool take_mailbox(struct slice *rest, struct arena *a, struct imap_url *ret) {
    size_t len = 0;
    if (!slice_starts(*rest, S("/")))
        return true;
    *rest = slice_from(*rest, 1);
    while (len < rest->len && rest->ptr[len] != ';')
        len++;
    struct slice name = slice_first(*rest, len);
    *rest = slice_from(*rest, len);
    if (take_name(rest, S(";UIDVALIDITY="))) {
        if (!take_number(rest, 1, &ret->uidvalidity) || !take_name(rest, S("/")))
            return false;
    } else if (slice_ends(name, S("/"))) {
        name.len--;
    } else {
        return false;
    }
    _cleanup_(buf_done) struct buf form = {0};
    if (name.len == 0 || !imap_url_decode(name, a, &ret->mailbox))
        return false;
    nfc_add(&form, ret->mailbox);
    ret->mailbox = arena_copy(a, buf_slice(&form));
    return true;
}

static bool take_section(struct slice *rest, struct arena *a, struct imap_section *ret) {
    size_t len = 0;
    struct slice name;
    struct imap_cursor c;
    while (len < rest->len && rest->ptr[len] != '/')
        len++;
    if (!imap_url_decode(slice_first(*rest, len), a, &name))
        return false;
    *rest = slice_from(*rest, len);
    const struct imap_text text = {.bytes = arena_printf(a, "[%.*s]", SLICE_ARG(name))};
    token_begin(&c, &text, a);
    return name.len > 0 && imap_take_section(&c, ret) && c.rest.len == 0;
}

/* RFC 5550 §3.1: from an offset on, up to a length or to the end. */
static bool take_range(struct slice *rest, struct imap_section *ret) {
    ret->partial = true;
    ret->length = UINT32_MAX;
    return take_number(rest, 0, &ret->offset) &&
           (!take_name(rest, S(".")) || take_number(rest, 1, &ret->length));
}

int imap_url_parse(struct slice url, struct arena *a, struct imap_url *ret) {
    struct slice rest = url;
    *ret = (struct imap_url){.section = {.form = IMAP_BODY, .peek = true}};
    if (!take_mailbox(&rest, a, ret) || !take_name(&rest, S(";UID=")) ||
        !take_number(&rest, 1, &ret->uid))
        return -E_SYNTAX;
    if (take_name(&rest, S("/;SECTION=")) && !take_section(&rest, a, &ret->section))
        return -E_SYNTAX;
    if (take_name(&rest, S("/;PARTIAL=")) && !take_range(&rest, &ret->section))
        return -E_SYNTAX;
    return rest.len == 0 ? 0 : -E_SYNTAX;
}

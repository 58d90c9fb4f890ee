/* SPDX-License-Identifier: ISC */
#include "imap/visit/others.h"

#include "base/error.h"

static const char HEX[] = "0123456789abcdef";

static bool read_hex(struct slice text, unsigned *ret) {
    *ret = 0;
    for (size_t i = 0; i < text.len; i++) {
        const char *digit = text.ptr[i] ? strchr(HEX, text.ptr[i]) : NULL;
        if (!digit)
            return false;
        *ret = *ret * 16 + (unsigned)(digit - HEX);
    }
    return true;
}

void imap_terms_write(const struct imap_terms *t, struct buf *to) {
    char line[IMAP_MARK_LEN];
    imap_mark(t, t->japanese, line); /* nothing is selected yet */
    buf_add_bytes(to, line, sizeof line);
}

int imap_terms_read(struct slice text, struct imap_terms *ret) {
    struct imap_terms t = {0};
    unsigned digit;
    if (text.len != IMAP_MARK_LEN || !read_hex(slice_first(text, IMAP_MARK_HEX), &digit))
        return -E_SYNTAX;
    memcpy(t.mark, text.ptr, sizeof t.mark);
    if (!imap_mark_read(&t, text, &t.japanese, &t.enabled))
        return -E_SYNTAX;
    *ret = t;
    return 0;
}

void imap_mark(const struct imap_terms *t, bool selected, char ret[static IMAP_MARK_LEN]) {
    memcpy(ret, t->mark, IMAP_MARK_HEX);
    const char rest[] = {
        ' ', selected ? '1' : '0', ' ', HEX[t->enabled >> 4 & 15], HEX[t->enabled & 15], '\r',
        '\n'};
    memcpy(ret + IMAP_MARK_HEX, rest, sizeof rest);
}

bool imap_mark_read(const struct imap_terms *t, struct slice line, bool *ret_selected,
                    unsigned *ret_enabled) {
    struct slice mark = slice_of(t->mark, IMAP_MARK_HEX);
    if (line.len != IMAP_MARK_LEN || !slice_starts(line, mark) || !slice_ends(line, S("\r\n")))
        return false;
    const char *rest = line.ptr + IMAP_MARK_HEX;
    *ret_selected = rest[1] == '1';
    return rest[0] == ' ' && (rest[1] == '0' || rest[1] == '1') && rest[2] == ' ' &&
           read_hex(slice_of(rest + 3, 2), ret_enabled);
}

/* A local part may have "/" in it, a domain not. */
bool imap_owner_of_path(struct slice path, struct slice *ret_owner, struct slice *ret_rest) {
    if (!slice_starts(path, S(IMAP_OTHERS "/")))
        return false;
    struct slice owner = slice_from(path, strlen(IMAP_OTHERS "/"));
    ssize_t at = slice_find_byte(owner, '@');
    ssize_t end = at < 0 ? -1 : slice_find_byte(slice_from(owner, (size_t)at), '/');
    if (end < 0)
        return false;
    *ret_owner = slice_first(owner, (size_t)(at + end));
    *ret_rest = slice_from(owner, (size_t)(at + end) + 1);
    return ret_owner->len > 0 && ret_rest->len > 0;
}

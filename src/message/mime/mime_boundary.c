/* SPDX-License-Identifier: ISC */
#include "message/mime/mime_boundary.h"

/* FNV-1a. Who finds two boundaries of one hash makes us compare them. */
static uint32_t hash_of(struct slice s) {
    uint32_t h = 2166136261U;
    for (size_t i = 0; i < s.len; i++)
        h = (h ^ (uint8_t)s.ptr[i]) * 16777619U;
    return h;
}

static struct slice trim_end(struct slice s) {
    while (s.len > 0 && ascii_is_space(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

bool mime_boundary_set(struct mime_boundary *b, struct slice text) {
    text = trim_end(text);
    b->len = 0;
    if (text.len == 0 || text.len > sizeof b->text)
        return false;
    memcpy(b->text, text.ptr, text.len);
    b->len = text.len;
    b->hash = hash_of(text);
    return true;
}

bool mime_delimiter_read(struct mime_delimiter *d, struct slice line) {
    if (line.len >= MIME_DELIMITER_MAX || !slice_starts(line, S("--")))
        return false;
    d->whole = slice_from(trim_end(line), 2);
    d->cut = slice_ends(d->whole, S("--")) ? slice_first(d->whole, d->whole.len - 2) : S("");
    d->whole_hash = hash_of(d->whole);
    d->cut_hash = hash_of(d->cut);
    return true;
}

bool mime_delimiter_is(const struct mime_delimiter *d, const struct mime_boundary *b,
                       bool *ret_last) {
    struct slice text = slice_of(b->text, b->len);
    if (b->len == 0 || (b->hash != d->whole_hash && b->hash != d->cut_hash))
        return false;
    *ret_last = !slice_eq(text, d->whole);
    return !*ret_last || slice_eq(text, d->cut);
}

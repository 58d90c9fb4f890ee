/* SPDX-License-Identifier: ISC */
#include "role/mail/mail_shown.h"

#include "message/header.h"
#include "message/words.h"

#define FIELD_MAX 512U
#define KEYWORDS  1024U

struct slice mail_shown_field(struct slice header, struct slice name, struct arena *a) {
    _cleanup_(buf_done) struct buf text = {0};
    struct header_field field;
    if (!header_find(header, NULL, name, 0, &field))
        return S("");
    words_decode(&text, header_unfold(a, slice_first(field.raw, MAIL_HEADER_MAX)));
    size_t len = MIN(text.len, (size_t)FIELD_MAX);
    while (len < text.len && len > 0 && ((unsigned char)text.ptr[len] & 0xc0) == 0x80)
        len--;
    return arena_copy(a, slice_of(text.ptr, len));
}

struct slice mail_shown_keywords(struct slice all, uint32_t *ret_left) {
    struct slice keyword, rest = all;
    size_t fit = 0;
    *ret_left = 0;
    while (rest.len > 0 && slice_next(&rest, ' ', &keyword)) {
        size_t end = (size_t)(keyword.ptr - all.ptr) + keyword.len;
        if (end <= KEYWORDS)
            fit = end;
        else
            ++*ret_left;
    }
    return slice_first(all, fit);
}

/* SPDX-License-Identifier: ISC */
#include "message/mime/mime_header.h"

#include "message/header.h"

void mime_header_begin(struct mime_header *h) {
    h->has_field = h->keep = h->is_cut = false;
    buf_clear(&h->fields);
}

void mime_header_done(struct mime_header *h) {
    buf_done(&h->fields);
}

/* So much as has room; then the field ends with its line. */
void mime_header_more(struct mime_header *h, struct slice bytes) {
    if (!h->keep)
        return;
    size_t room =
        MIN(MIME_FIELD_MAX - h->field_len, MIME_HEADER_MAX - MIN(h->fields.len, MIME_HEADER_MAX));
    struct slice part = slice_first(bytes, room);
    buf_add(&h->fields, part);
    h->field_len += part.len;
    if (part.len == bytes.len)
        return;
    h->keep = false;
    h->is_cut = true;
    if (!slice_ends(buf_slice(&h->fields), S("\n")))
        buf_add_str(&h->fields, "\r\n");
}

bool mime_header_line(struct mime_header *h, struct slice line, mime_wants_fn *wants, void *arg) {
    if (!h->has_field || !ascii_is_blank(line.ptr[0])) {
        size_t colon;
        struct slice start = slice_first(line, MIME_FIELD_MAX);
        struct slice name = slice_first(start, header_name_length(start, &colon));
        bool mbox = slice_starts(line, S("From ")) || slice_starts(line, S(">From "));
        h->has_field = name.len > 0 || mbox;
        h->keep = name.len > 0 &&
                  (slice_starts_nocase(name, S("Content-")) || (wants && wants(arg, name)));
        h->field_len = 0;
    }
    mime_header_more(h, line);
    return h->has_field;
}

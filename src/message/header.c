/* SPDX-License-Identifier: ISC */
#include "message/header.h"

/* Length of the line at `at` with its line end, and without. */
static size_t line_at(struct slice message, size_t at, size_t *ret_text) {
    struct slice rest = slice_from(message, at);
    ssize_t end = slice_find_byte(rest, '\n');
    if (end < 0) {
        *ret_text = rest.len;
        return rest.len;
    }
    size_t text = (size_t)end;
    if (text > 0 && rest.ptr[text - 1] == '\r')
        text--;
    *ret_text = text;
    return (size_t)end + 1;
}

size_t header_name_length(struct slice line, size_t *ret_colon) {
    size_t n = 0;
    while (n < line.len && line.ptr[n] > 32 && line.ptr[n] < 127 && line.ptr[n] != ':')
        n++;
    size_t colon = n;
    while (colon < line.len && ascii_is_blank(line.ptr[colon]))
        colon++;
    if (colon == line.len || line.ptr[colon] != ':')
        return 0;
    *ret_colon = colon;
    return n;
}

static bool ended(struct header_cursor *c, enum header_end end, size_t body) {
    c->end = end;
    c->body = body;
    return false;
}

bool header_next(struct header_cursor *c, struct header_field *ret) {
    size_t from, end, value_end, colon = 0, name = 0;
    if (c->end != HEADER_OPEN)
        return false;
    do {
        from = c->at;
        if (from >= c->message.len)
            return ended(c, HEADER_NO_BODY, c->message.len);
        size_t text = 0;
        size_t len = line_at(c->message, from, &text);
        struct slice line = slice_first(slice_from(c->message, from), text);
        if (text == 0)
            return ended(c, HEADER_EMPTY_LINE, from + len);
        name = header_name_length(line, &colon);
        /* "From tama Sun ..." parts the messages of an mbox file, perhaps quoted (RFC 4155). */
        bool parts_mbox = slice_starts(line, S("From ")) || slice_starts(line, S(">From "));
        if (name == 0 && !parts_mbox)
            return ended(c, HEADER_NO_FIELD, from);
        value_end = from + text;
        end = from + len;
        while (end < c->message.len &&
               ascii_is_blank(c->message.ptr[end])) { /* continuation lines */
            len = line_at(c->message, end, &text);
            value_end = end + text;
            end += len;
        }
        const struct header_limits *limits = c->limits;
        if (limits && ((limits->bytes > 0 && end > limits->bytes) ||
                       (limits->fields > 0 && c->fields >= limits->fields)))
            return ended(c, HEADER_LIMIT, c->message.len);
        c->at = end;
    } while (name == 0);
    c->fields++;
    size_t value = from + colon + 1;
    *ret = (struct header_field){
        .name = slice_first(slice_from(c->message, from), name),
        .raw = slice_first(slice_from(c->message, value), value_end - value),
        .offset = from,
        .len = end - from,
    };
    return true;
}

struct slice header_unfold(struct arena *a, struct slice raw) {
    if (slice_find_byte(raw, '\n') < 0)
        return slice_trim(raw);
    char *text = arena_alloc(a, raw.len + 1);
    size_t len = 0;
    for (struct slice piece; slice_next(&raw, '\n', &piece);) {
        if (raw.ptr && slice_ends(piece, S("\r")))
            piece.len--;
        if (piece.len > 0)
            memcpy(text + len, piece.ptr, piece.len);
        len += piece.len;
    }
    return slice_trim(slice_of(text, len));
}

bool header_find(struct slice message, const struct header_limits *limits, struct slice name,
                 size_t nth, struct header_field *ret) {
    struct header_cursor c = {.message = message, .limits = limits};
    for (struct header_field field; header_next(&c, &field);) {
        if (header_is(&field, name) && nth-- == 0) {
            *ret = field;
            return true;
        }
    }
    return false;
}

size_t header_count(struct slice message, const struct header_limits *limits, struct slice name) {
    struct header_cursor c = {.message = message, .limits = limits};
    size_t count = 0;
    for (struct header_field field; header_next(&c, &field);)
        count += header_is(&field, name);
    return count;
}

size_t header_body(struct slice message, const struct header_limits *limits) {
    struct header_cursor c = {.message = message, .limits = limits};
    for (struct header_field field; header_next(&c, &field);)
        continue;
    return c.body;
}

void header_copy(struct buf *to, struct slice message,
                 bool (*leave_out)(const struct header_field *field, const void *arg),
                 const void *arg) {
    struct header_cursor c = {.message = message};
    size_t copied = 0;
    for (struct header_field field; header_next(&c, &field);) {
        if (!leave_out(&field, arg))
            continue;
        buf_add(to, slice_first(slice_from(message, copied), field.offset - copied));
        copied = field.offset + field.len;
    }
    buf_add(to, slice_first(slice_from(message, copied), c.body - copied));
}

/* SPDX-License-Identifier: ISC */
/*
 * A reply's text may come from a remote server, a policy file or a person, so composing never
 * trusts it: whatever could end the line early, or start a second reply, is replaced. Reading is
 * the other way round: a server's line that could be read in two ways is refused, since taking one
 * reply for another means a letter lost or sent twice.
 */
#include "smtp/reply.h"

/* ------------------------------------------------------------------ composing */

static void add_prefix(struct buf *to, const struct smtp_reply *r, bool more) {
    buf_printf(to, "%03u%c", r->code, more ? '-' : ' ');
    if (r->status.class)
        buf_printf(to, "%u.%u.%u ", r->status.class, r->status.subject, r->status.detail);
}

static size_t prefix_size(const struct smtp_reply *r) {
    return r->status.class ? sizeof "250 2.999.999 " - 1 : sizeof "250 " - 1;
}

static void add_text(struct buf *to, struct slice text) {
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        buf_add_byte(to, (c >= 0x20 && c < 0x7f) || c == '\t' ? (char)c : '?');
    }
}

/* How much of the text fits on one line: up to the last space within `room`, or all of `room`. */
static size_t line_cut(struct slice text, size_t room) {
    if (text.len <= room)
        return text.len;
    ssize_t space = slice_rfind_byte(slice_first(text, room), ' ');
    return space > 0 ? (size_t)space + 1 : room;
}

void smtp_reply_compose(struct buf *to, const struct smtp_reply *r) {
    size_t room = SMTP_REPLY_LINE - prefix_size(r) - 2;
    struct slice rest = r->text;
    bool more = true;
    while (more) {
        ssize_t line_end = slice_find_byte(rest, '\n');
        struct slice line = line_end < 0 ? rest : slice_first(rest, (size_t)line_end);
        size_t cut = line_cut(line, room);
        bool broken = cut < line.len;
        more = broken || line_end >= 0;
        add_prefix(to, r, more);
        add_text(to, slice_first(line, cut));
        buf_add(to, S("\r\n"));
        rest = slice_from(rest, broken ? cut : line.len + 1);
    }
}

struct slice smtp_status_text(struct arena *a, struct smtp_status status) {
    if (!status.class)
        return S("");
    return arena_printf(a, "%u.%u.%u", status.class, status.subject, status.detail);
}

struct slice smtp_reply_text(struct arena *a, const struct smtp_reply *r) {
    _cleanup_(buf_done) struct buf text = {0};
    add_prefix(&text, r, false);
    add_text(&text, r->text);
    for (size_t i = 0; i < r->text.len; i++)
        if (r->text.ptr[i] == '\n')
            text.ptr[text.len - r->text.len + i] = ' ';
    return arena_copy(a, slice_trim(buf_slice(&text)));
}

/* ------------------------------------------------------------------ reading */

/* One to three digits without a leading zero, dropped from `*text`. */
static bool read_number(struct slice *text, uint16_t *ret) {
    size_t digits = 0;
    unsigned number = 0;
    while (digits < text->len && digits < 4 && ascii_is_digit(text->ptr[digits]))
        number = number * 10 + (unsigned)(text->ptr[digits++] - '0');
    if (digits == 0 || digits > 3 || (digits > 1 && text->ptr[0] == '0'))
        return false;
    *text = slice_from(*text, digits);
    *ret = (uint16_t)number;
    return true;
}

static bool drop_byte(struct slice *text, char c) {
    if (text->len == 0 || text->ptr[0] != c)
        return false;
    *text = slice_from(*text, 1);
    return true;
}

bool smtp_status_parse(struct slice *text, struct smtp_status *ret) {
    struct slice rest = *text;
    uint16_t class, subject, detail;
    if (!read_number(&rest, &class) || !drop_byte(&rest, '.') || !read_number(&rest, &subject) ||
        !drop_byte(&rest, '.') || !read_number(&rest, &detail))
        return false;
    if (class != 2 && class != 4 && class != 5)
        return false;
    if (rest.len && !drop_byte(&rest, ' '))
        return false;
    *ret = (struct smtp_status){(uint8_t) class, subject, detail};
    *text = rest;
    return true;
}

static bool text_valid(struct slice text) {
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

int smtp_reply_line_parse(struct slice line, struct smtp_reply_line *ret) {
    if (!slice_ends(line, S("\r\n")) || line.len < 5)
        return -E_SYNTAX;
    line.len -= 2;
    if (line.ptr[0] < '2' || line.ptr[0] > '5' || line.ptr[1] < '0' || line.ptr[1] > '5' ||
        !ascii_is_digit(line.ptr[2]))
        return -E_SYNTAX;
    char mark = line.len > 3 ? line.ptr[3] : ' ';
    struct slice text = slice_from(line, 4);
    if ((mark != ' ' && mark != '-') || !text_valid(text))
        return -E_SYNTAX;
    *ret = (struct smtp_reply_line){
        .code = (unsigned)(line.ptr[0] - '0') * 100 + (unsigned)(line.ptr[1] - '0') * 10 +
                (unsigned)(line.ptr[2] - '0'),
        .more = mark == '-',
        .text = text,
    };
    return 0;
}

/* The status code counts when its class fits the reply code (RFC 2034 §4). */
static struct smtp_status take_status(const struct smtp_reply_line *line, struct slice *text) {
    struct slice rest = line->text;
    struct smtp_status status = {0};
    if (smtp_status_parse(&rest, &status) && status.class == line->code / 100) {
        *text = rest;
        return status;
    }
    return (struct smtp_status){0};
}

struct smtp_reply_part {
    struct smtp_reply_part *next;
    struct slice text;
};

static void add_part(struct smtp_reply_reader *reader, struct arena *a, struct slice text) {
    struct smtp_reply_part *part = ARENA_NEW(a, struct smtp_reply_part);
    part->text = arena_copy(a, text);
    if (reader->last)
        reader->last->next = part;
    else
        reader->first = part;
    reader->last = part;
    reader->lines++;
}

static struct slice join_parts(const struct smtp_reply_reader *reader, struct arena *a) {
    _cleanup_(buf_done) struct buf text = {0};
    for (const struct smtp_reply_part *part = reader->first; part; part = part->next) {
        if (part != reader->first)
            buf_add_byte(&text, '\n');
        buf_add(&text, part->text);
    }
    return arena_copy(a, buf_slice(&text));
}

int smtp_reply_add(struct smtp_reply_reader *reader, struct arena *a, struct slice line) {
    struct smtp_reply_line parsed;
    int r = smtp_reply_line_parse(line, &parsed);
    if (r < 0)
        return r;
    if (reader->lines && parsed.code != reader->reply.code)
        return -E_SYNTAX;
    if (reader->lines == SMTP_REPLY_LINES_IN || reader->size + line.len > SMTP_REPLY_TEXT_IN)
        return -E_LIMIT;

    struct slice text = parsed.text;
    struct smtp_status status = take_status(&parsed, &text);
    if (reader->lines == 0)
        reader->reply = (struct smtp_reply){parsed.code, status, {NULL, 0}};
    add_part(reader, a, text);
    reader->size += line.len;
    if (parsed.more)
        return 0;
    reader->reply.text = join_parts(reader, a);
    return 1;
}

/* SPDX-License-Identifier: ISC */
/*
 * A reply's text may come from a remote server, a policy file or a person, so composing never
 * trusts it: whatever could end the line early, or start a second reply, is replaced.
 *
 * Reading goes by the code at the beginning of the last line and takes all else for text, as
 * RFC 5321 §4.2 asks of clients: to take a clear yes for something else means a message sent twice,
 * to take a clear no for something else means days of useless attempts.
 */
#include "smtp/reply.h"

/* ------------------------------------------------------------------ composing */

static void add_prefix(struct buf *to, const struct smtp_reply *r, bool more) {
    buf_printf(to, "%03u%c", r->code, more ? '-' : ' ');
    if (r->status.class)
        buf_printf(to, "%u.%u.%u ", r->status.class, r->status.subject, r->status.detail);
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
    size_t prefix = r->status.class ? sizeof "250 2.999.999 " - 1 : sizeof "250 " - 1;
    size_t room = SMTP_REPLY_LINE - prefix - 2;
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

static bool is_blank_or_control(char c) {
    return (unsigned char)c <= ' ' || c == 0x7f;
}

int smtp_reply_line_parse(struct slice line, struct smtp_reply_line *ret) {
    while (line.len && is_blank_or_control(line.ptr[0]))
        line = slice_from(line, 1);
    while (line.len && is_blank_or_control(line.ptr[line.len - 1]))
        line.len--;
    if (line.len < 3 || !ascii_is_digit(line.ptr[0]) || !ascii_is_digit(line.ptr[1]) ||
        !ascii_is_digit(line.ptr[2]))
        return -E_SYNTAX;
    struct slice text = slice_from(line, 3);
    bool more = text.len && text.ptr[0] == '-';
    if (more || (text.len && is_blank_or_control(text.ptr[0])))
        text = slice_from(text, 1);
    *ret = (struct smtp_reply_line){
        .code = (unsigned)(line.ptr[0] - '0') * 100 + (unsigned)(line.ptr[1] - '0') * 10 +
                (unsigned)(line.ptr[2] - '0'),
        .more = more,
        .text = text,
    };
    return 0;
}

struct smtp_reply_part {
    struct smtp_reply_part *next;
    struct slice text;
};

static void add_part(struct smtp_reply_reader *reader, struct arena *a, struct slice text) {
    struct smtp_reply_part *part = ARENA_NEW(a, struct smtp_reply_part);
    char *copy = arena_alloc(a, text.len);
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        copy[i] = c == '\t' ? ' ' : is_blank_or_control(c) && c != ' ' ? '?' : c;
    }
    part->text = slice_of(copy, text.len);
    if (reader->last)
        reader->last->next = part;
    else
        reader->first = part;
    reader->last = part;
    reader->size += text.len + 1;
}

/* Text of one line is there already; of several, LF stands between them. */
static struct slice join_parts(const struct smtp_reply_reader *reader, struct arena *a) {
    if (reader->first == reader->last)
        return reader->first->text;
    char *joined = arena_alloc(a, reader->size), *at = joined;
    for (const struct smtp_reply_part *part = reader->first; part; part = part->next) {
        if (part->text.len)
            memcpy(at, part->text.ptr, part->text.len);
        at += part->text.len;
        *at++ = '\n';
    }
    return slice_of(joined, reader->size - 1);
}

/* The status code counts when its class fits the reply code (RFC 2034 §4). */
static void take_code(struct smtp_reply_reader *reader, struct smtp_reply_line *line) {
    struct smtp_status status = {0}, *kept = &reader->reply.status;
    struct slice rest = line->text;
    unsigned class = line->code / 100;
    bool counts = smtp_status_parse(&rest, &status) && status.class == class;
    reader->reply.code = line->code;
    if (counts)
        line->text = rest;
    if (counts || kept->class != class)
        *kept = counts ? status : (struct smtp_status){0};
}

static bool has_known_class(const struct smtp_reply_line *line) {
    return line->code >= 200 && line->code <= 599;
}

int smtp_reply_add(struct smtp_reply_reader *reader, struct arena *a, struct slice line) {
    struct smtp_reply_line parsed;
    bool coded = smtp_reply_line_parse(line, &parsed) == 0;
    if (coded && !has_known_class(&parsed) && !parsed.more)
        return -E_SYNTAX;
    coded = coded && has_known_class(&parsed);
    if (!coded)
        parsed = (struct smtp_reply_line){.more = true, .text = slice_trim_lines(line)};
    if (reader->lines == SMTP_REPLY_LINES_IN || reader->size + line.len > SMTP_REPLY_TEXT_IN)
        return -E_LIMIT;
    reader->lines++;
    if (coded)
        take_code(reader, &parsed);
    if (coded || parsed.text.len)
        add_part(reader, a, parsed.text);
    return parsed.more ? 0 : smtp_reply_conclude(reader, a);
}

bool smtp_reply_conclude(struct smtp_reply_reader *reader, struct arena *a) {
    if (reader->reply.code == 0)
        return false;
    reader->reply.text = join_parts(reader, a);
    return true;
}

/* SPDX-License-Identifier: ISC */
#include "message/write/submission.h"

#include "message/results.h"

/* Fields that stand at most once (RFC 5322 §3.6). */
static const struct slice single_fields[] = {
    {"Date", 4}, {"From", 4},        {"Sender", 6},       {"Reply-To", 8},    {"To", 2},
    {"Cc", 2},   {"Message-ID", 10}, {"In-Reply-To", 11}, {"References", 10}, {"Subject", 7},
};

static void note_values(struct arena *a, struct submission *sub, const struct header_field *field) {
    if (header_is(field, S("Date"))) {
        sub->has_date = true;
    } else if (header_is(field, S("Message-ID"))) {
        sub->has_message_id = true;
        sub->message_id = message_id_read(a, header_unfold(a, field->raw));
    } else if (header_is(field, S("From"))) {
        sub->has_from = true;
        sub->from = header_unfold(a, field->raw);
    } else if (header_is(field, S("Sender"))) {
        sub->has_sender = true;
        sub->sender = header_unfold(a, field->raw);
    } else if (header_is(field, S("Subject"))) {
        sub->subject = header_unfold(a, field->raw);
    }
}

int submission_inspect(struct arena *a, struct slice message, const struct header_limits *limits,
                       struct submission *ret) {
    struct submission sub = {0};
    struct header_cursor c = {.message = message, .limits = limits};
    unsigned seen = 0;
    for (struct header_field field; header_next(&c, &field);) {
        for (unsigned i = 0; i < ARRAY_SIZE(single_fields); i++) {
            if (!header_is(&field, single_fields[i]))
                continue;
            if (seen & 1U << i)
                sub.repeated = single_fields[i].ptr;
            seen |= 1U << i;
        }
        note_values(a, &sub, &field);
    }
    if (c.end == HEADER_LIMIT)
        return -E_LIMIT;
    sub.body = c.body;
    sub.has_empty_line = c.end == HEADER_EMPTY_LINE;
    *ret = sub;
    return 0;
}

int submission_problem(const struct submission *sub, struct problem *p) {
    if (sub->repeated)
        return problem_set(p, -E_SYNTAX, "the message has more than one %s field", sub->repeated);
    return 0;
}

static void add_missing_fields(struct buf *to, const struct submission *sub,
                               const struct submission_by *by) {
    char text[QUEUE_ID_SIZE];
    char date[40];
    if (!sub->has_date)
        buf_printf(to, "Date: %.*s\r\n", SLICE_ARG(time_format_rfc5322(by->now, date)));
    if (!sub->has_from)
        buf_printf(to, "From: %.*s\r\n", SLICE_ARG(by->login));
    if (!sub->has_message_id)
        buf_printf(to, "Message-ID: <%.*s@%.*s>\r\n", SLICE_ARG(queue_id_format(by->id, text)),
                   SLICE_ARG(by->host));
}

static bool is_left_out(const struct header_field *field, const void *arg) {
    const struct submission_by *by = arg;
    return header_is(field, S("Bcc")) || header_is(field, S("Resent-Bcc")) ||
           header_is(field, S("Return-Path")) || results_are_of(field, by->host);
}

void submission_header(struct buf *to, struct slice message, const struct submission *sub,
                       const struct submission_by *by) {
    add_missing_fields(to, sub, by);
    header_copy(to, slice_first(message, sub->body), is_left_out, by);
    if (to->len > 0 && to->ptr[to->len - 1] != '\n')
        buf_add_str(to, "\r\n");
    if (!sub->has_empty_line)
        buf_add_str(to, "\r\n");
}

struct slice message_id_make(struct arena *a, queue_id id, struct slice host) {
    char text[QUEUE_ID_SIZE];
    return arena_printf(a, "<%.*s@%.*s>", SLICE_ARG(queue_id_format(id, text)), SLICE_ARG(host));
}

struct slice message_id_find(struct slice value) {
    ssize_t open = slice_find_byte(value, '<');
    if (open < 0)
        return slice_of(NULL, 0);
    value = slice_from(value, (size_t)open);
    ssize_t close = slice_find_byte(value, '>');
    if (close < 2 || close >= MESSAGE_ID_MAX)
        return slice_of(NULL, 0);
    struct slice id = slice_first(value, (size_t)close + 1);
    for (size_t i = 0; i < id.len; i++) {
        if ((unsigned char)id.ptr[i] <= ' ' || id.ptr[i] == 0x7f || (i > 0 && id.ptr[i] == '<'))
            return slice_of(NULL, 0);
    }
    return id;
}

struct slice message_id_read(struct arena *a, struct slice value) {
    struct slice found = message_id_find(value);
    if (found.len > 0)
        return found;
    ssize_t open = slice_find_byte(value, '<');
    value = slice_from(value, open < 0 ? 0 : (size_t)open + 1);
    ssize_t end = slice_find_byte(value, open < 0 ? '(' : '>');
    value = slice_first(value, end < 0 ? value.len : (size_t)end);
    char *id = arena_alloc(a, MESSAGE_ID_MAX);
    size_t len = 0;
    id[len++] = '<';
    for (size_t i = 0; i < value.len && len < MESSAGE_ID_MAX - 1; i++) {
        char c = value.ptr[i];
        if ((unsigned char)c > ' ' && c != 0x7f && c != '<' && c != '>')
            id[len++] = c;
    }
    id[len++] = '>';
    return slice_of(id, len > 2 ? len : 0);
}

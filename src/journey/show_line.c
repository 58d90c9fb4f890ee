/* SPDX-License-Identifier: ISC */
/*
 * Events as lines of the log and as JSON. Only what goes to a person at a terminal is in his
 * language: files, syslog and JSON have the sentence that is stored.
 */
#include "base/words.h"
#include "events/kinds.h"
#include "journey/describe.h"
#include "journey/record.h"
#include "journey/show.h"
#include "journey/value.h"
#include "message/text.h"

/* What the other side said, or else the reason, when the sentence leaves it out. */
static void add_why(struct buf *to, const struct event *e, struct slice sentence) {
    struct slice why = event_value(e, FACT_REPLY);
    if (why.len == 0)
        why = event_value(e, FACT_REASON);
    if (why.len == 0 || value_mentioned(sentence, why))
        return;
    buf_add_str(to, _(" ("));
    text_add_names(to, why);
    buf_add_str(to, _(")"));
}

#define COLUMN_FURTHER 24U /* of lines that go on, behind the time */

static void add_time(struct buf *to, const struct event *e) {
    char time[TIME_TEXT_SIZE];
    buf_add(to, time_format_log(e->wall, time));
    buf_printf(to, " %-7s ", level_name(kind_level(e->kind)));
}

/* What stands before the sentence. */
static void add_names(struct buf *to, const struct event *e) {
    char id[QUEUE_ID_SIZE] = "-";
    if (e->message != 0)
        (void)queue_id_format(e->message, id);
    size_t role = to->len;
    text_add(to, e->role);
    text_column(to, role, 10);
    buf_printf(to, "%-13s ", id);
    text_add(to, e->kind);
    buf_add_str(to, ": ");
}

void show_line(struct buf *to, const struct event *e) {
    add_time(to, e);
    show_message(to, e);
}

void show_message(struct buf *to, const struct event *e) {
    add_names(to, e);
    text_add_names(to, e->text);
    add_why(to, e, e->text);
    buf_add_byte(to, '\n');
}

void show_line_within(struct buf *to, const struct event *e, size_t width) {
    _cleanup_(buf_done) struct buf sentence = {0}, text = {0};
    size_t line = to->len;
    describe_event(&sentence, e);
    add_time(to, e);
    add_names(to, e);
    text_add_names(&text, buf_slice(&sentence));
    add_why(&text, e, buf_slice(&sentence));
    if (width == 0)
        buf_add(to, buf_slice(&text));
    else
        text_wrap_names_from(to, buf_slice(&text), text_columns(slice_from(buf_slice(to), line)),
                             COLUMN_FURTHER, width);
    buf_add_byte(to, '\n');
}

/* ------------------------------------------------------------------ JSON */

static void add_value(struct json *j, const struct fact *fact, struct slice value) {
    char time[TIME_TEXT_SIZE];
    enum fact_type type = fact ? fact->type : FACT_IS_TEXT;
    uint64_t number = 0;
    bool is_number = slice_to_u64(value, INT64_MAX, &number) == 0;
    struct slice piece;
    if (type == FACT_IS_ADDRESSES || type == FACT_IS_DIALOGUE || type == FACT_IS_FINDING) {
        json_array(j);
        while (event_next_address(&value, &piece))
            json_slice(j, piece);
        json_end(j);
    } else if (type == FACT_IS_TIME && is_number) {
        json_slice(j, time_format_rfc3339((usec_t)number, time));
    } else if ((type == FACT_IS_NUMBER || type == FACT_IS_SIZE) && is_number) {
        json_int(j, (int64_t)number);
    } else {
        json_slice(j, value);
    }
}

static void add_facts(struct json *j, const struct event *e) {
    json_key(j, "facts");
    json_object(j);
    for (size_t i = 0; i < e->fact_count; i++) {
        char name[64];
        const struct fact *fact = fact_find(e->facts[i].name);
        struct slice value = e->facts[i].value;
        /* An empty list says something: the null sender. An empty text says nothing. */
        bool missing = value.len == 0 && !(fact && fact->type == FACT_IS_ADDRESSES);
        if (missing || slice_to_str(e->facts[i].name, name, sizeof name) < 0)
            continue;
        json_key(j, name);
        add_value(j, fact, value);
    }
    json_end(j);
}

void show_event_json(struct json *j, const struct event *e) {
    char time[TIME_TEXT_SIZE], id[QUEUE_ID_SIZE];
    json_object(j);
    json_key(j, "sequence");
    json_int(j, (int64_t)e->sequence);
    json_key(j, "time");
    json_slice(j, time_format_rfc3339(e->wall, time));
    json_key(j, "level");
    json_str(j, level_name(kind_level(e->kind)));
    json_key(j, "role");
    json_slice(j, e->role);
    json_key(j, "message");
    if (e->message != 0)
        json_slice(j, queue_id_format(e->message, id));
    else
        json_null(j);
    json_key(j, "kind");
    json_slice(j, e->kind);
    json_key(j, "text");
    json_slice(j, e->text);
    add_facts(j, e);
    json_end(j);
}

void show_journey_json(struct json *j, queue_id message, queue_id family,
                       const struct event *events, size_t count) {
    char id[QUEUE_ID_SIZE];
    json_object(j);
    json_key(j, "message");
    json_slice(j, queue_id_format(message, id));
    json_key(j, "family");
    json_slice(j, queue_id_format(family, id));
    json_key(j, "events");
    json_array(j);
    for (size_t i = 0; i < count; i++) {
        if (events[i].message == message)
            show_event_json(j, &events[i]);
    }
    json_end(j);
    json_end(j);
}

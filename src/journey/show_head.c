/* SPDX-License-Identifier: ISC */
/*
 * The head: the message's envelope from the event with which it came, and the disposition of each
 * recipient (told.h). A report is another message for somebody else, and has a line.
 */
#include "base/alloc.h"
#include "base/words.h"
#include "journey/record.h"
#include "journey/told.h"
#include "journey/value.h"
#include "message/text.h"

#define COLUMN_LABEL    2U
#define COLUMN_VALUE    14U  /* more where a label is wider */
#define RECIPIENTS_MAX  100U /* shown one by one */
#define ADDRESS_COLUMNS 34U

/* ------------------------------------------------------------------ recipients */

static size_t address_columns(const struct recipients *all) {
    size_t widest = 0;
    for (size_t i = 0; i < MIN(all->count, (size_t)RECIPIENTS_MAX); i++) {
        _cleanup_(buf_done) struct buf shown = {0};
        text_add_names(&shown, all->list[i]->address);
        size_t columns = text_columns(buf_slice(&shown));
        if (columns <= ADDRESS_COLUMNS)
            widest = MAX(widest, columns);
    }
    return COLUMN_LABEL + widest + 2;
}

static void show_recipient(struct buf *to, const struct addressee *r, size_t column, usec_t arrival,
                           bool held, const struct show_options *options) {
    _cleanup_(buf_done) struct buf disposition = {0};
    size_t line = to->len;
    text_blanks(to, COLUMN_LABEL);
    text_add_names(to, r->address);
    if (text_columns(slice_from(buf_slice(to), line)) > column - 2) {
        buf_add_byte(to, '\n');
        line = to->len;
    }
    text_column(to, line, column);
    unsigned colour = value_colour(r->kind ? r->kind->disposition : DISPOSITION_WAITING);
    told_add_disposition(&disposition, r, arrival, held);
    value_paint(to, options->colour && colour > 0, colour);
    text_wrap_names(to, buf_slice(&disposition), column, options->width > 0 ? options->width : 80);
    value_paint(to, options->colour && colour > 0, 0);
    buf_add_byte(to, '\n');
}

static void show_recipients(struct buf *to, const struct messages *messages,
                            const struct event *events, size_t count, usec_t arrival,
                            const struct show_options *options) {
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(told_recipients_done) struct recipients all = {.arena = &a};
    told_gather(&all, messages, events, count);
    size_t column = address_columns(&all), shown = MIN(all.count, (size_t)RECIPIENTS_MAX);
    if (shown > 0)
        buf_add_byte(to, '\n');
    for (size_t i = 0; i < shown; i++)
        show_recipient(to, all.list[i], column, arrival,
                       told_is_held(all.list[i]->event->message, events, count), options);
    if (shown < all.count) {
        text_blanks(to, COLUMN_LABEL);
        buf_printf(to, P_("and %zu more\n", "and %zu more\n", all.count - shown),
                   all.count - shown);
    }
}

/* ------------------------------------------------------------------ the message */

static const char *const origin_facts[] = {FACT_FROM,   FACT_SUBJECT, FACT_MESSAGE_ID, FACT_SIZE,
                                           FACT_CLIENT, FACT_LOGIN,   FACT_ORIGINAL};

/* Values begin two blanks behind the widest label in the language of the user. */
static void show_label(struct buf *to, const char *label, struct slice value,
                       const struct show_options *options) {
    size_t line = to->len, column = COLUMN_VALUE;
    for (size_t i = 0; i < ARRAY_SIZE(origin_facts); i++) {
        const char *other = translated(fact_find(slice_of_str(origin_facts[i]))->label);
        column = MAX(column, COLUMN_LABEL + text_columns(slice_of_str(other)) + 2);
    }
    text_blanks(to, COLUMN_LABEL);
    buf_add_str(to, label);
    text_column(to, line, column);
    text_wrap_names(to, value, column, options->width > 0 ? options->width : 80);
    buf_add_byte(to, '\n');
}

static void show_origin(struct buf *to, const struct event *origin,
                        const struct show_options *options) {
    for (size_t i = 0; i < ARRAY_SIZE(origin_facts); i++) {
        const struct fact *fact = fact_find(slice_of_str(origin_facts[i]));
        struct slice value = event_value(origin, origin_facts[i]);
        _cleanup_(buf_done) struct buf text = {0};
        value_words(&text, fact, value, origin->wall);
        if (i == 0 && value.len == 0)
            buf_add_str(&text,
                        _("<> (a report or automatic answer: nobody is told when it fails)"));
        if (text.len > 0)
            show_label(to, translated(fact->label), buf_slice(&text), options);
    }
}

size_t show_relatives(const struct event *events, size_t count, queue_id *ret, size_t max) {
    static const char *const names[] = {FACT_ORIGINAL, FACT_CHILD, FACT_REPORT};
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < ARRAY_SIZE(names); k++) {
            queue_id id = 0;
            if (queue_id_parse(event_value(&events[i], names[k]), &id) < 0 ||
                id == events[i].message)
                continue;
            size_t at = 0;
            while (at < found && ret[at] != id)
                at++;
            if (at == found && found < max)
                ret[found++] = id;
        }
    }
    return found;
}

/* "0c8q2zv5kbg10 to tama@example.jp: Delivered after 3 ms" */
static void show_report(struct buf *to, queue_id report, const struct event *events, size_t count,
                        const struct show_options *options) {
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(buf_done) struct buf text = {0};
    _cleanup_(told_recipients_done) struct recipients all = {.arena = &a};
    const struct event *origin = told_origin(report, events, count);
    char id[QUEUE_ID_SIZE];
    told_gather(&all, &(struct messages){{report}, 1}, events, count);
    buf_add(&text, queue_id_format(report, id));
    for (size_t i = 0; i < MIN(all.count, (size_t)RECIPIENTS_MAX); i++) {
        buf_printf(&text, i > 0 ? _("; to %.*s: ") : _(" to %.*s: "),
                   SLICE_ARG(all.list[i]->address));
        told_add_disposition(&text, all.list[i], origin ? origin->wall : 0,
                             told_is_held(report, events, count));
    }
    show_label(to, translated(fact_find(S(FACT_REPORT))->label), buf_slice(&text), options);
}

/* In what else the message goes on, and who is told of it. */
static void show_others(struct buf *to, const struct messages *messages, const struct event *events,
                        size_t count, const struct show_options *options) {
    struct messages all = *messages;
    char id[QUEUE_ID_SIZE];
    for (size_t i = 1; i < messages->count; i++)
        show_label(to, translated(fact_find(S(FACT_CHILD))->label),
                   queue_id_format(messages->list[i], id), options);
    told_add_named(&all, FACT_REPORT, events, count);
    for (size_t i = messages->count; i < all.count; i++)
        show_report(to, all.list[i], events, count, options);
}

void show_head(struct buf *to, queue_id message, const struct event *events, size_t count,
               const struct show_options *options) {
    char id[QUEUE_ID_SIZE], date[40];
    struct messages messages = {{message}, 1};
    const struct event *origin = told_origin(message, events, count);
    usec_t arrival = origin ? origin->wall : count > 0 ? events[0].wall : 0;
    value_paint(to, options->colour, 1);
    buf_printf(to, _("Message %.*s"), SLICE_ARG(queue_id_format(message, id)));
    value_paint(to, options->colour, 0);
    if (count == 0)
        buf_add_str(to, _(": nothing is known of it, or no longer"));
    buf_add_byte(to, '\n');
    if (origin)
        show_origin(to, origin, options);
    if (count > 0)
        show_label(to, _("Arrived"), time_format_rfc5322(arrival, date), options);
    told_add_named(&messages, FACT_CHILD, events, count);
    show_others(to, &messages, events, count, options);
    show_recipients(to, &messages, events, count, arrival, options);
}

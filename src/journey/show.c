/* SPDX-License-Identifier: ISC */
/*
 * The steps: time, span since the step before, what happened in a word, the sentence; below them
 * the facts that the sentence does not hold, and the dialogue. Three columns, so that the eye finds
 * times, words and details each at its own edge.
 *
 * Events of several processes may reach the event log out of order by some milliseconds; they have
 * one clock, so they are shown by their times. So the steps of messages that belong together are
 * mixed as they happened; a line says whose turn it is.
 */
#include "journey/show.h"

#include "base/alloc.h"
#include "base/words.h"
#include "events/kinds.h"
#include "journey/describe.h"
#include "journey/record.h"
#include "journey/value.h"
#include "message/text.h"

#define COLUMN_SPAN  22U /* where the span ends */
#define COLUMN_TITLE 24U
#define COLUMN_TEXT  38U
#define COLUMN_VALUE 38U

#define PAINT_BOLD 1U
#define PAINT_DIM  2U
#define PAINT_OFF  0U

static size_t width_of(const struct show_options *options) {
    return options->width > 0 ? options->width : 80;
}

/* ------------------------------------------------------------------ details */

static void show_dialogue_line(struct buf *to, struct slice line,
                               const struct show_options *options) {
    bool spoken = slice_starts(line, S("C: ")) || slice_starts(line, S("S: "));
    size_t column = COLUMN_TITLE + (spoken ? 3 : 0);
    text_blanks(to, COLUMN_TITLE);
    value_paint(to, options->colour, spoken ? PAINT_DIM : PAINT_BOLD);
    if (spoken)
        buf_add(to, slice_first(line, 3));
    text_wrap(to, slice_from(line, spoken ? 3 : 0), column, width_of(options));
    value_paint(to, options->colour, PAINT_OFF);
    buf_add_byte(to, '\n');
}

/* What stands in the head, or in the sentence itself, is not said again. */
static bool is_said(const struct event *e, struct slice sentence, const struct event_fact *f,
                    const struct fact *fact) {
    static const char *const in_head[] = {FACT_FROM, FACT_MESSAGE_ID, FACT_SUBJECT, FACT_SIZE,
                                          FACT_TO,   FACT_CLIENT,     FACT_LOGIN};
    size_t count = ARRAY_SIZE(in_head);
    const struct kind *kind = kind_find(e->kind);
    if (f->value.len == 0)
        return true;
    if (slice_eq(f->name, S(FACT_VERDICT)))
        return true;
    if (slice_eq(e->kind, S(KIND_DEFERRED)) &&
        (slice_eq(f->name, S(FACT_NEXT)) || slice_eq(f->name, S(FACT_ATTEMPTS))))
        return true;
    if (!slice_eq(e->kind, S(KIND_ACCEPTED)) && !slice_eq(e->kind, S(KIND_QUEUED)))
        count = kind && kind->disposition != DISPOSITION_NONE ? 4 : 0;
    for (size_t i = 0; i < count; i++) {
        if (slice_eq(f->name, slice_of_str(in_head[i])))
            return true;
    }
    bool plain = !fact || fact->type == FACT_IS_TEXT || fact->type == FACT_IS_ADDRESSES ||
                 fact->type == FACT_IS_MESSAGE;
    return plain && value_mentioned(sentence, slice_trim_lines(f->value));
}

static void show_fact(struct buf *to, const struct event *e, struct slice sentence,
                      const struct event_fact *f, const struct show_options *options) {
    const struct fact *fact = fact_find(f->name);
    if (fact && fact->type == FACT_IS_DIALOGUE) {
        struct slice dialogue = f->value, said;
        while (event_next_address(&dialogue, &said))
            show_dialogue_line(to, said, options);
        return;
    }
    if (is_said(e, sentence, f, fact))
        return;
    _cleanup_(buf_done) struct buf words = {0};
    size_t line = to->len;
    text_blanks(to, COLUMN_TITLE);
    text_add(to, fact ? slice_of_str(translated(fact->label)) : f->name);
    text_column(to, line, COLUMN_VALUE);
    value_words(&words, fact, f->value, e->wall);
    text_wrap_names(to, buf_slice(&words), COLUMN_VALUE, width_of(options));
    buf_add_byte(to, '\n');
}

static bool is_dialogue(const struct event_fact *f) {
    return slice_eq(f->name, S(FACT_DIALOGUE));
}

static void show_facts(struct buf *to, const struct event *e, struct slice sentence,
                       const struct show_options *options) {
    for (size_t i = 0; i < e->fact_count; i++) {
        if (!is_dialogue(&e->facts[i]))
            show_fact(to, e, sentence, &e->facts[i], options);
    }
    for (size_t i = 0; i < e->fact_count; i++) {
        if (is_dialogue(&e->facts[i]))
            show_fact(to, e, sentence, &e->facts[i], options);
    }
}

/* ------------------------------------------------------------------ steps */

/* "20:12:42.125    +2 ms  "; a line with the date where a day begins. */
static void show_time(struct buf *to, usec_t wall, usec_t before,
                      const struct show_options *options) {
    _cleanup_(buf_done) struct buf span = {0};
    struct value_clock now, then;
    value_clock(&now, wall);
    value_clock(&then, before);
    if (before == 0 || !slice_eq(now.date, then.date)) {
        value_paint(to, options->colour, PAINT_BOLD);
        buf_add(to, now.date);
        value_paint(to, options->colour, PAINT_OFF);
        buf_add_byte(to, '\n');
    }
    buf_add(to, now.time);
    if (before > 0 && wall >= before) {
        buf_add_byte(&span, '+');
        value_span_short(&span, wall - before);
    }
    size_t used = now.time.len + span.len;
    text_blanks(to, used < COLUMN_SPAN ? COLUMN_SPAN - used : 1);
    buf_add(to, buf_slice(&span));
    text_blanks(to, COLUMN_TITLE - COLUMN_SPAN);
}

static void show_step(struct buf *to, const struct event *e, usec_t before,
                      const struct show_options *options) {
    const struct kind *kind = kind_find(e->kind);
    _cleanup_(buf_done) struct buf title = {0}, sentence = {0};
    describe_event(&sentence, e);
    text_add(&title, kind ? slice_of_str(translated(kind->title)) : e->kind);
    size_t columns = text_columns(buf_slice(&title));
    enum conf_log_level level = kind_level(e->kind);
    unsigned colour = kind ? value_colour(kind->disposition) : 0;
    if (colour == 0)
        colour = level == CONF_LOG_ERROR     ? value_colour(DISPOSITION_FAILED)
                 : level == CONF_LOG_WARNING ? value_colour(DISPOSITION_WAITING)
                                             : PAINT_BOLD;
    show_time(to, e->wall, before, options);
    value_paint(to, options->colour, colour);
    buf_add(to, buf_slice(&title));
    value_paint(to, options->colour, PAINT_OFF);
    text_blanks(to,
                columns < COLUMN_TEXT - COLUMN_TITLE ? COLUMN_TEXT - COLUMN_TITLE - columns : 1);
    text_wrap_names(to, buf_slice(&sentence), COLUMN_TEXT, width_of(options));
    buf_add_byte(to, '\n');
    show_facts(to, e, buf_slice(&sentence), options);
}

static int by_time(const void *a, const void *b) {
    const struct event *const *x = a, *const *y = b;
    if ((*x)->wall != (*y)->wall)
        return (*x)->wall < (*y)->wall ? -1 : 1;
    return (*x)->sequence < (*y)->sequence ? -1 : (*x)->sequence > (*y)->sequence;
}

/* "Message 0c8q2zv5kbg10, a report": whose steps follow. What it is, its first event knows. */
static void show_turn(struct buf *to, const struct event *e, const struct show_options *options) {
    char id[QUEUE_ID_SIZE];
    struct slice origin = event_value(e, FACT_ORIGIN);
    value_paint(to, options->colour, PAINT_BOLD);
    buf_printf(to, _("Message %.*s"), SLICE_ARG(queue_id_format(e->message, id)));
    value_paint(to, options->colour, PAINT_OFF);
    if (slice_eq(origin, S("report")))
        buf_add_str(to, _(", a report to the sender"));
    else if (slice_eq(origin, S("expansion")))
        buf_add_str(to, _(", to the targets of an alias"));
    buf_add_byte(to, '\n');
}

void show_steps(struct buf *to, const struct event *events, size_t count, struct show_place *place,
                const struct show_options *options) {
    _cleanup_(free_p) const struct event **order = mem_array(count, sizeof(void *));
    for (size_t i = 0; i < count; i++)
        order[i] = &events[i];
    if (count > 1)
        qsort(order, count, sizeof(void *), by_time);
    for (size_t i = 0; i < count; i++) {
        if (order[i]->message != place->message)
            show_turn(to, order[i], options);
        show_step(to, order[i], place->before, options);
        *place = (struct show_place){order[i]->wall, order[i]->message};
    }
}

void show_journey(struct buf *to, queue_id message, const struct event *events, size_t count,
                  struct show_place *place, const struct show_options *options) {
    *place = (struct show_place){.message = message};
    show_head(to, message, events, count, options);
    buf_add_byte(to, '\n');
    show_steps(to, events, count, place, options);
}

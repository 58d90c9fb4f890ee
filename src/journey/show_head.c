/* SPDX-License-Identifier: ISC */
/*
 * The head: the message's envelope from the event with which it came, and the disposition of each
 * recipient from the last event that tells of it. A message that an alias made of it carries the
 * same content on: its events tell what became of the targets. A report is another message for
 * somebody else.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/map.h"
#include "base/words.h"
#include "events/kinds.h"
#include "journey/record.h"
#include "journey/show.h"
#include "journey/value.h"
#include "message/text.h"

#define COLUMN_LABEL    2U
#define COLUMN_VALUE    14U  /* more where a label is wider */
#define RECIPIENTS_MAX  100U /* shown one by one */
#define ADDRESS_COLUMNS 34U

/* ------------------------------------------------------------------ messages */

struct messages {
    queue_id list[SHOW_FAMILY_MAX];
    size_t count;
};

static bool messages_have(const struct messages *l, queue_id id) {
    for (size_t i = 0; i < l->count; i++) {
        if (l->list[i] == id)
            return true;
    }
    return false;
}

/* Adds the messages that a fact names in the events of those that are there, and in theirs. */
static void add_named(struct messages *to, const char *fact, const struct event *events,
                      size_t count) {
    size_t before;
    do {
        before = to->count;
        for (size_t i = 0; i < count && to->count < SHOW_FAMILY_MAX; i++) {
            queue_id id = 0;
            if (messages_have(to, events[i].message) &&
                queue_id_parse(event_value(&events[i], fact), &id) == 0 && !messages_have(to, id))
                to->list[to->count++] = id;
        }
    } while (to->count > before);
}

/* ------------------------------------------------------------------ recipients */

struct addressee {
    struct slice address;
    const struct event *event; /* the last one that tells of it */
    const struct kind *kind;   /* of that event; NULL: it came in place of another address */
};

struct recipients {
    struct arena *arena;
    struct map by_address;
    struct addressee **list;
    size_t count, size;
};

/*
 * Events with which the waiting begins. They say nothing new of a recipient that has a disposition
 * already: a quick delivery may be told before the client has its reply.
 */
static bool begins(const struct kind *kind) {
    return slice_eq(kind->name, S(KIND_ACCEPTED)) || slice_eq(kind->name, S(KIND_QUEUED));
}

static void note(struct recipients *all, struct slice address, const struct event *event,
                 const struct kind *kind) {
    struct addressee *r = map_get(&all->by_address, address);
    if (!r) {
        r = ARENA_NEW(all->arena, struct addressee);
        r->address = address;
        if (all->count == all->size) {
            all->size = all->size > 0 ? 2 * all->size : 16;
            all->list = mem_grow(all->list, all->size * sizeof(void *));
        }
        all->list[all->count++] = r;
        (void)map_put(&all->by_address, r->address, r);
    }
    if (r->event && (!kind || (begins(kind) && r->kind)))
        return;
    r->event = event;
    r->kind = kind;
}

static void gather(struct recipients *all, const struct messages *messages,
                   const struct event *events, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const struct kind *kind = kind_find(events[i].kind);
        if (!kind || kind->disposition == DISPOSITION_NONE ||
            !messages_have(messages, events[i].message))
            continue;
        struct slice to = event_value(&events[i], FACT_TO);
        struct slice targets = event_value(&events[i], FACT_TARGETS);
        struct slice address;
        while (event_next_address(&to, &address))
            note(all, address, &events[i], kind);
        while (kind->disposition == DISPOSITION_PASSED_ON && event_next_address(&targets, &address))
            note(all, address, &events[i], NULL);
    }
}

/* In a few words why, or where to. */
static struct slice gist(const struct addressee *r) {
    static const char *const for_arrived[] = {FACT_REPLY, FACT_HOST, FACT_ACCOUNT, NULL};
    static const char *const for_passed_on[] = {FACT_TARGETS, FACT_REASON, NULL};
    static const char *const for_others[] = {FACT_REPLY, FACT_REASON, NULL};
    const char *const *names = for_others;
    if (r->kind && r->kind->disposition == DISPOSITION_ARRIVED)
        names = for_arrived;
    else if (r->kind && r->kind->disposition == DISPOSITION_PASSED_ON)
        names = for_passed_on;
    for (; r->kind && *names; names++) {
        struct slice value = event_value(r->event, *names);
        if (value.len > 0 && !slice_eq(value, r->address))
            return value;
    }
    return S("");
}

/* Nothing final has been told of him yet. */
static bool is_waiting(const struct addressee *r) {
    return !r->kind || begins(r->kind) || r->kind->disposition == DISPOSITION_WAITING;
}

/* Where a message's own events end: on hold or not. */
static bool is_held(queue_id message, const struct event *events, size_t count) {
    bool held = false;
    for (size_t i = 0; i < count; i++) {
        if (events[i].message != message)
            continue;
        if (slice_eq(events[i].kind, S(KIND_HELD)))
            held = true;
        else if (slice_eq(events[i].kind, S(KIND_RELEASED)))
            held = false;
    }
    return held;
}

/* A next attempt that was named before counts no more while the message is on hold. */
static void add_disposition(struct buf *to, const struct addressee *r, usec_t arrival, bool held) {
    bool waits = !r->kind || begins(r->kind);
    struct slice next = event_value(r->event, FACT_NEXT), why = gist(r);
    const char *disposition = waits ? _("Waits") : translated(r->kind->title);
    _cleanup_(buf_done) struct buf when = {0};
    if (held && is_waiting(r)) {
        buf_add_str(to, _("Held"));
    } else if (!waits && next.len > 0) {
        value_words(&when, fact_find(S(FACT_NEXT)), next, r->event->wall);
        buf_printf(to, _("%s, next attempt %s"), disposition, buf_str(&when));
    } else if (!waits && r->event->wall > arrival) {
        value_span(&when, r->event->wall - arrival);
        buf_printf(to, _("%s after %s"), disposition, buf_str(&when));
    } else {
        buf_add_str(to, disposition);
    }
    if (why.len == 0 || waits)
        return;
    buf_add_str(to, ": ");
    value_words(to, fact_find(S(FACT_TO)), why, 0);
}

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
    add_disposition(&disposition, r, arrival, held);
    value_paint(to, options->colour && colour > 0, colour);
    text_wrap_names(to, buf_slice(&disposition), column, options->width > 0 ? options->width : 80);
    value_paint(to, options->colour && colour > 0, 0);
    buf_add_byte(to, '\n');
}

static void recipients_done(struct recipients *all) {
    map_done(&all->by_address);
    free(all->list);
}

static void show_recipients(struct buf *to, const struct messages *messages,
                            const struct event *events, size_t count, usec_t arrival,
                            const struct show_options *options) {
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(recipients_done) struct recipients all = {.arena = &a};
    gather(&all, messages, events, count);
    size_t column = address_columns(&all), shown = MIN(all.count, (size_t)RECIPIENTS_MAX);
    if (shown > 0)
        buf_add_byte(to, '\n');
    for (size_t i = 0; i < shown; i++)
        show_recipient(to, all.list[i], column, arrival,
                       is_held(all.list[i]->event->message, events, count), options);
    if (shown < all.count) {
        text_blanks(to, COLUMN_LABEL);
        buf_printf(to, P_("and %zu more\n", "and %zu more\n", all.count - shown),
                   all.count - shown);
    }
}

/* ------------------------------------------------------------------ the message */

static const char *const origin_facts[] = {FACT_FROM,   FACT_SUBJECT, FACT_MESSAGE_ID, FACT_SIZE,
                                           FACT_CLIENT, FACT_LOGIN,   FACT_ORIGINAL};

/* Where values begin, two blanks behind the widest label in the language of the user. */
static size_t value_column(void) {
    size_t column = COLUMN_VALUE;
    for (size_t i = 0; i < ARRAY_SIZE(origin_facts); i++) {
        const char *label = translated(fact_find(slice_of_str(origin_facts[i]))->label);
        column = MAX(column, COLUMN_LABEL + text_columns(slice_of_str(label)) + 2);
    }
    return column;
}

static void show_label(struct buf *to, const char *label, struct slice value,
                       const struct show_options *options) {
    size_t line = to->len, column = value_column();
    text_blanks(to, COLUMN_LABEL);
    buf_add_str(to, label);
    text_column(to, line, column);
    text_wrap_names(to, value, column, options->width > 0 ? options->width : 80);
    buf_add_byte(to, '\n');
}

/* The event with which the message came, or failed to: the first that knows a sender. */
static const struct event *find_origin(queue_id message, const struct event *events, size_t count) {
    const struct event *first = NULL;
    for (size_t i = 0; i < count; i++) {
        if (events[i].message != message || !event_value(&events[i], FACT_FROM).ptr)
            continue;
        if (slice_eq(events[i].kind, S(KIND_ACCEPTED)))
            return &events[i];
        if (!first)
            first = &events[i];
    }
    return first;
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

static void add_once(queue_id id, queue_id *list, size_t *count, size_t max) {
    for (size_t i = 0; i < *count; i++) {
        if (list[i] == id)
            return;
    }
    if (*count < max)
        list[(*count)++] = id;
}

size_t show_relatives(const struct event *events, size_t count, queue_id *ret, size_t max) {
    static const char *const names[] = {FACT_ORIGINAL, FACT_CHILD, FACT_REPORT};
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < ARRAY_SIZE(names); k++) {
            queue_id id = 0;
            if (queue_id_parse(event_value(&events[i], names[k]), &id) == 0 &&
                id != events[i].message)
                add_once(id, ret, &found, max);
        }
    }
    return found;
}

/* "0c8q2zv5kbg10 to tama@example.jp: Delivered after 3 ms" */
static void show_report(struct buf *to, queue_id report, const struct event *events, size_t count,
                        const struct show_options *options) {
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(buf_done) struct buf text = {0};
    _cleanup_(recipients_done) struct recipients all = {.arena = &a};
    const struct event *origin = find_origin(report, events, count);
    char id[QUEUE_ID_SIZE];
    gather(&all, &(struct messages){{report}, 1}, events, count);
    buf_add(&text, queue_id_format(report, id));
    for (size_t i = 0; i < MIN(all.count, (size_t)RECIPIENTS_MAX); i++) {
        buf_printf(&text, i > 0 ? _("; to %.*s: ") : _(" to %.*s: "),
                   SLICE_ARG(all.list[i]->address));
        add_disposition(&text, all.list[i], origin ? origin->wall : 0,
                        is_held(report, events, count));
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
    add_named(&all, FACT_REPORT, events, count);
    for (size_t i = messages->count; i < all.count; i++)
        show_report(to, all.list[i], events, count, options);
}

void show_head(struct buf *to, queue_id message, const struct event *events, size_t count,
               const struct show_options *options) {
    char id[QUEUE_ID_SIZE], date[40];
    struct messages messages = {{message}, 1};
    const struct event *origin = find_origin(message, events, count);
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
    add_named(&messages, FACT_CHILD, events, count);
    show_others(to, &messages, events, count, options);
    show_recipients(to, &messages, events, count, arrival, options);
}

/* ------------------------------------------------------------------ in one line */

/* What became of a recipient, in a word; empty for one whose place others have taken. */
static const char *word_of(const struct addressee *r, bool held) {
    if (r->kind && r->kind->disposition == DISPOSITION_PASSED_ON &&
        event_value(r->event, FACT_TARGETS).len > 0)
        return "";
    if (held && is_waiting(r))
        return N_("Held");
    return !r->kind || begins(r->kind) ? N_("Waits") : r->kind->title;
}

/*
 * Each word once, with its number where there are several recipients. A message that was refused
 * before it had any has the word of the event with which it came.
 */
static void add_states(struct buf *to, const struct recipients *all, const struct kind *came,
                       bool held, bool translate) {
    size_t told = 0;
    if (all->count == 0 && came && came->disposition != DISPOSITION_NONE)
        buf_add_str(to, translate ? translated(came->title) : came->title);
    for (size_t i = 0; i < all->count; i++)
        told += word_of(all->list[i], held)[0] ? 1 : 0;
    for (size_t i = 0; i < all->count; i++) {
        const char *word = word_of(all->list[i], held);
        size_t same = 0;
        bool before = false;
        for (size_t k = 0; k < all->count; k++) {
            bool equal = strcmp(word_of(all->list[k], held), word) == 0;
            same += equal ? 1 : 0;
            before |= equal && k < i;
        }
        if (!word[0] || before)
            continue;
        buf_add_str(to, to->len == 0 ? "" : translate ? _(", ") : ", ");
        buf_add_str(to, translate ? translated(word) : word);
        if (same < told)
            buf_printf(to, " %zu", same);
    }
}

void show_summary(queue_id message, const struct event *events, size_t count, struct arena *a,
                  struct show_summary *ret) {
    _cleanup_(arena_done) struct arena own = {0};
    _cleanup_(buf_done) struct buf state = {0};
    _cleanup_(recipients_done) struct recipients all = {.arena = &own};
    struct messages messages = {{message}, 1};
    const struct event *origin = find_origin(message, events, count);
    struct slice to = origin ? event_value(origin, FACT_TO) : S(""), address;
    *ret = (struct show_summary){.message = message, .wall = queue_id_time(message)};
    if (origin) {
        ret->wall = origin->wall;
        ret->from = event_value(origin, FACT_FROM);
        ret->subject = event_value(origin, FACT_SUBJECT);
    }
    for (struct slice rest = to; event_next_address(&rest, &address);)
        ret->to_count++;
    ret->to = arena_array(a, ret->to_count, sizeof *ret->to);
    for (size_t i = 0; i < ret->to_count && event_next_address(&to, &address); i++)
        ret->to[i] = address;
    add_named(&messages, FACT_CHILD, events, count);
    gather(&all, &messages, events, count);
    bool held = is_held(message, events, count);
    const struct kind *came = origin ? kind_find(origin->kind) : NULL;
    add_states(&state, &all, came, held, false);
    ret->state = arena_copy(a, buf_slice(&state));
    buf_clear(&state);
    add_states(&state, &all, came, held, true);
    ret->state_words = arena_copy(a, buf_slice(&state));
}

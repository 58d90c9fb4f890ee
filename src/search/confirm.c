/* SPDX-License-Identifier: ISC */
/*
 * Texts of bodies are gathered in a window, in which the needles are looked for when it is full. Of
 * it stays behind what the beginning of a needle may be.
 */
#include "search/confirm.h"

#include "base/alloc.h"
#include "message/words.h"

#define WINDOW 32768U

struct search_confirm {
    const struct search_question *questions;
    size_t count;
    size_t longest;  /* needle */
    bool wants_body; /* something is looked for there, and in all fields */

    struct search_texts *texts;
    struct buf window;
    bool *asked, *found;
    size_t in_header, in_body; /* asked and not found: of its header alone; of more */
    bool header_ended;
    unsigned seen; /* bits of the fields of which the first counts */
};

/* ------------------------------------------------------------------ looking */

static bool is_of_body(enum search_field field) {
    return field == SEARCH_ANY || field == SEARCH_BODY;
}

static void found(struct search_confirm *c, size_t i) {
    c->found[i] = true;
    if (is_of_body(c->questions[i].field))
        c->in_body--;
    else
        c->in_header--;
}

static bool is_open(const struct search_confirm *c, size_t i) {
    return c->asked[i] && !c->found[i];
}

static bool has(struct slice text, struct slice needle) {
    return needle.len == 0 ||
           (text.len >= needle.len && memmem(text.ptr, text.len, needle.ptr, needle.len) != NULL);
}

/* Fields of which there is one, and of more the first is what the map has: a bit for each. */
static unsigned first_counts(struct slice name) {
    static const struct slice names[] = {{"Message-ID", 10}, {"In-Reply-To", 11}, {"Date", 4}};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        if (slice_eq_nocase(name, names[i]))
            return 1U << i;
    return 0;
}
#define SUBJECT_SEEN (1U << 31) /* as SEARCH_SUBJECT asks for it */

static bool line_has(struct search_confirm *c, const struct search_question *q, bool of_part,
                     struct slice name, struct slice line, struct slice value) {
    switch (q->field) {
    case SEARCH_ANY:
        return has(line, q->needle);
    case SEARCH_HEADER:
        return !of_part && slice_eq_nocase(name, q->name) && !(c->seen & first_counts(name)) &&
               has(value, q->needle);
    case SEARCH_SUBJECT:
        return !of_part && !(c->seen & SUBJECT_SEEN) && slice_eq_nocase(name, S("Subject")) &&
               has(value, q->needle);
    default:
        return false;
    }
}

static void on_line(void *arg, bool of_part, struct slice name, struct slice line,
                    struct slice value) {
    struct search_confirm *c = arg;
    for (size_t i = 0; i < c->count; i++)
        if (is_open(c, i) && line_has(c, &c->questions[i], of_part, name, line, value))
            found(c, i);
    if (!of_part)
        c->seen |= slice_eq_nocase(name, S("Subject")) ? SUBJECT_SEEN : first_counts(name);
}

static void on_people(void *arg, enum search_field field, struct slice text) {
    struct search_confirm *c = arg;
    for (size_t i = 0; i < c->count; i++)
        if (is_open(c, i) && c->questions[i].field == field && has(text, c->questions[i].needle))
            found(c, i);
}

static void look_in_window(struct search_confirm *c) {
    for (size_t i = 0; c->in_body > 0 && i < c->count; i++)
        if (is_open(c, i) && is_of_body(c->questions[i].field) &&
            has(buf_slice(&c->window), c->questions[i].needle))
            found(c, i);
}

static void on_body(void *arg, struct slice piece) {
    struct search_confirm *c = arg;
    if (c->in_body == 0)
        return;
    buf_add(&c->window, piece);
    if (c->window.len < MAX(WINDOW, 2 * c->longest))
        return;
    look_in_window(c);
    buf_drop(&c->window, c->window.len - MIN(c->window.len, c->longest - 1));
}

static void on_body_end(void *arg) {
    struct search_confirm *c = arg;
    look_in_window(c);
    buf_clear(&c->window);
}

static void on_header_end(void *arg) {
    struct search_confirm *c = arg;
    c->header_ended = true;
}

static bool wants(void *arg, struct slice name) {
    const struct search_confirm *c = arg;
    static const struct slice people[] = {
        [SEARCH_FROM] = {"From", 4}, [SEARCH_TO] = {"To", 2},           [SEARCH_CC] = {"Cc", 2},
        [SEARCH_BCC] = {"Bcc", 3},   [SEARCH_SUBJECT] = {"Subject", 7},
    };
    if (c->wants_body)
        return true;
    for (size_t i = 0; i < c->count; i++) {
        const struct search_question *q = &c->questions[i];
        if (slice_eq_nocase(name, q->field == SEARCH_HEADER ? q->name : people[q->field]))
            return true;
    }
    return false;
}

/* ------------------------------------------------------------------ messages */

static const struct search_texts_sink header_sink = {wants, on_line, on_people,
                                                     NULL,  NULL,    on_header_end};
static const struct search_texts_sink whole_sink = {wants,   on_line,     on_people,
                                                    on_body, on_body_end, on_header_end};

struct search_confirm *search_confirm_new(const struct search_question *questions, size_t count) {
    struct search_confirm *c = NEW(struct search_confirm);
    c->questions = questions;
    c->count = count;
    c->longest = 1;
    for (size_t i = 0; i < count; i++) {
        c->wants_body |= is_of_body(questions[i].field);
        c->longest = MAX(c->longest, questions[i].needle.len);
    }
    c->asked = mem_array(count, sizeof *c->asked);
    c->found = mem_array(count, sizeof *c->found);
    c->texts = search_texts_new(c->wants_body ? &whole_sink : &header_sink, c);
    return c;
}

void search_confirm_free(struct search_confirm *c) {
    search_texts_free(c->texts);
    buf_done(&c->window);
    free(c->asked);
    free(c->found);
    free(c);
}

void search_confirm_begin(struct search_confirm *c, const bool *wanted) {
    search_texts_drop(c->texts);
    buf_clear(&c->window);
    c->in_header = c->in_body = 0;
    c->header_ended = false;
    c->seen = 0;
    for (size_t i = 0; i < c->count; i++) {
        bool of_body = is_of_body(c->questions[i].field);
        bool always = c->questions[i].field != SEARCH_HEADER && c->questions[i].needle.len == 0;
        c->asked[i] = !wanted || wanted[i];
        c->found[i] = always;
        if (!is_open(c, i))
            continue;
        c->in_body += of_body;
        c->in_header += !of_body;
    }
}

bool search_confirm_feed(struct search_confirm *c, struct slice piece) {
    bool more = c->in_body > 0 || (c->in_header > 0 && !c->header_ended);
    if (more)
        search_texts_feed(c->texts, piece);
    return more && (c->in_body > 0 || (c->in_header > 0 && !c->header_ended));
}

void search_confirm_end(struct search_confirm *c) {
    if (c->in_body > 0 || (c->in_header > 0 && !c->header_ended))
        search_texts_end(c->texts);
    else
        search_texts_drop(c->texts);
}

bool search_confirm_has(const struct search_confirm *c, size_t question) {
    return c->found[question];
}

/* ------------------------------------------------------------------ by the map */

/* Places of its texts; the fields of which the first counts come first. */
enum { OF_MESSAGE_ID, OF_IN_REPLY_TO, OF_DATE, OF_SUBJECT, OF_LISTS };

void search_map_next(struct search_map *m, const struct message_map *map) {
    m->map = map;
    for (size_t i = 0; i < SEARCH_MAP_TEXTS; i++) {
        buf_clear(&m->texts[i]);
        m->made[i] = false;
    }
}

void search_map_done(struct search_map *m) {
    for (size_t i = 0; i < SEARCH_MAP_TEXTS; i++)
        buf_done(&m->texts[i]);
}

static struct slice text_of(struct search_map *m, size_t place) {
    static const enum message_map_list lists[] = {MAP_FROM, MAP_TO, MAP_CC, MAP_BCC};
    const struct message_map_envelope *e = &m->map->parts[0].envelope;
    const struct slice raw[OF_LISTS] = {e->message_id, e->in_reply_to, e->date, e->subject};
    _cleanup_(buf_done) struct buf decoded = {0};
    if (m->made[place])
        return buf_slice(&m->texts[place]);
    if (place < OF_LISTS)
        words_decode(&decoded, raw[place]);
    else
        search_people(e->addresses[lists[place - OF_LISTS]], &decoded);
    search_fold(buf_slice(&decoded), &m->texts[place]);
    m->made[place] = true;
    return buf_slice(&m->texts[place]);
}

/* Of fields that may be there again it knows the first only, and of others nothing. */
static int header_has(struct search_map *m, const struct search_question *q) {
    const struct message_map_envelope *e = &m->map->parts[0].envelope;
    const unsigned first = first_counts(q->name);
    const size_t place = first == 1   ? OF_MESSAGE_ID
                         : first == 2 ? OF_IN_REPLY_TO
                         : first == 4 ? OF_DATE
                                      : OF_SUBJECT;
    const bool there[OF_LISTS] = {e->message_id.ptr, e->in_reply_to.ptr, e->date.ptr,
                                  e->subject.ptr};
    if (!first && !slice_eq_nocase(q->name, S("Subject")))
        return -1;
    if (there[place] && has(text_of(m, place), q->needle))
        return 1;
    return first && !m->map->is_cut ? 0 : -1;
}

bool search_question_suits_map(const struct search_question *q) {
    bool has_it = first_counts(q->name) || slice_eq_nocase(q->name, S("Subject"));
    return q->field >= SEARCH_FROM || (q->field == SEARCH_HEADER && has_it);
}

int search_confirm_by_map(struct search_map *m, const struct search_question *q) {
    static const size_t places[] = {
        [SEARCH_FROM] = OF_LISTS,    [SEARCH_TO] = OF_LISTS + 1,    [SEARCH_CC] = OF_LISTS + 2,
        [SEARCH_BCC] = OF_LISTS + 3, [SEARCH_SUBJECT] = OF_SUBJECT,
    };
    if (q->field == SEARCH_HEADER)
        return header_has(m, q);
    if (q->needle.len == 0)
        return 1;
    if (q->field < SEARCH_FROM)
        return -1;
    return has(text_of(m, places[q->field]), q->needle) ? 1 : m->map->is_cut ? -1 : 0;
}

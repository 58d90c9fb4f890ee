/* SPDX-License-Identifier: ISC */
/* Single tests of a program, by what the mailbox knows of a message and by its map. */
#include <stdlib.h>

#include "imap/fetch/thread_id.h"
#include "imap/search/finding.h"
#include "message/date.h"

/* ------------------------------------------------------------------ by the mailbox */

static int by_name(const void *a, const void *b) {
    return slice_cmp_nocase(*(const struct slice *)a, *(const struct slice *)b);
}

static size_t place_of_name(const struct imap_find_keywords *k, struct slice name) {
    const struct slice *found = bsearch(&name, k->names, k->count, sizeof name, by_name);
    return found ? (size_t)(found - k->names) : k->count;
}

void imap_find_prepare_keywords(struct imap_find *f) {
    const struct imap_search_program *p = f->p;
    struct imap_find_keywords *k = &f->keywords;
    size_t all = 0;
    k->names = arena_array(&f->arena, p->count, sizeof *k->names);
    for (size_t i = 0; i < p->count; i++)
        if (p->nodes[i].key == IMAP_SEARCH_KEYWORD)
            k->names[all++] = p->nodes[i].text;
    qsort(k->names, all, sizeof *k->names, by_name);
    for (size_t i = 0; i < all; i++)
        if (k->count == 0 || !slice_eq_nocase(k->names[i], k->names[k->count - 1]))
            k->names[k->count++] = k->names[i];
    for (size_t i = 0; i < p->count; i++)
        if (p->nodes[i].key == IMAP_SEARCH_KEYWORD)
            f->tests[i].keyword = place_of_name(k, p->nodes[i].text);
    if (k->count == 0)
        return;
    k->rows = MAX(MIN(IMAP_FIND_ROWS / k->count, (size_t)4096), (size_t)1);
    k->sets = arena_array(&f->arena, k->rows, sizeof *k->sets);
    k->has = arena_array(&f->arena, k->rows * k->count, sizeof *k->has);
}

/* The row of the message's set. */
static const bool *row_of(struct imap_find *f, const struct store_message *m) {
    _cleanup_(buf_done) struct buf names = {0};
    struct imap_find_keywords *k = &f->keywords;
    const size_t row = m->keywords % k->rows;
    bool *has = k->has + row * k->count;
    struct slice rest, word;
    if (k->sets[row] == m->keywords)
        return has;
    memset(has, 0, k->count * sizeof *has);
    store_view_keywords(f->told->view, m, &names);
    rest = buf_slice(&names);
    while (slice_next_word(&rest, &word)) {
        size_t place = place_of_name(k, word);
        if (place < k->count)
            has[place] = true;
    }
    k->sets[row] = m->keywords;
    return has;
}

static bool keyword(struct imap_find *f, size_t node, const struct store_message *m) {
    return m->keywords > 0 && row_of(f, m)[f->tests[node].keyword];
}

static int32_t day_of(usec_t date) {
    return imap_date_time_day((struct imap_date_time){.at = date});
}

/* Seconds since it came; what is in the future came just now. */
static uint64_t age_of(const struct imap_find *f, const struct store_message *m) {
    return f->now > m->date ? (uint64_t)((f->now - m->date) / USEC_SEC) : 0;
}

/* Whether it is that of an object as imap_write_object_id() writes it. */
static bool is_id(const struct imap_find *f, struct slice text, char kind, uint64_t number) {
    char id[IMAP_OBJECT_ID_SIZE];
    return slice_eq(text, imap_object_id(kind, f->s->c.writer.realm, number, id));
}

enum imap_known imap_find_by_mailbox(struct imap_find *f, size_t node,
                                     const struct store_message *m) {
    const struct imap_search_node *n = &f->p->nodes[node];
    switch (n->key) {
    case IMAP_SEARCH_ALL:
    case IMAP_SEARCH_SAVEDATE_SUPPORTED: /* RFC 8514 §4.3 */
        return IMAP_HOLDS;
    case IMAP_SEARCH_NUMBERS:
    case IMAP_SEARCH_UIDS:
        return imap_set_has(f->tests[node].uids, m->uid);
    case IMAP_SEARCH_FLAG:
        return (m->flags & f->tests[node].flag) != 0;
    case IMAP_SEARCH_KEYWORD:
        return keyword(f, node, m);
    case IMAP_SEARCH_BEFORE:
        return day_of(m->date) < n->day;
    case IMAP_SEARCH_ON:
        return day_of(m->date) == n->day;
    case IMAP_SEARCH_SINCE:
        return day_of(m->date) >= n->day;
    case IMAP_SEARCH_LARGER:
        return m->size > n->number;
    case IMAP_SEARCH_SMALLER:
        return m->size < n->number;
    case IMAP_SEARCH_OLDER:
        return age_of(f, m) >= n->number;
    case IMAP_SEARCH_YOUNGER:
        return age_of(f, m) <= n->number;
    case IMAP_SEARCH_MODSEQ:
        return m->modseq >= n->number;
    case IMAP_SEARCH_EMAILID:
        return is_id(f, n->text, IMAP_ID_MESSAGE, m->body);
    case IMAP_SEARCH_RECENT: /* no message ever is */
    case IMAP_SEARCH_NEW:
        return IMAP_HOLDS_NOT;
    default:
        return imap_find_is_text(n->key) ? imap_find_by_index(f, f->tests[node].question, m->body)
                                         : IMAP_NOT_KNOWN;
    }
}

/* ------------------------------------------------------------------ by the save date */

bool imap_find_suits_saved(const struct imap_find *f, size_t node) {
    const enum imap_search_key key = f->p->nodes[node].key;
    return key == IMAP_SEARCH_SAVED_BEFORE || key == IMAP_SEARCH_SAVED_ON ||
           key == IMAP_SEARCH_SAVED_SINCE;
}

enum imap_known imap_find_by_saved(const struct imap_find *f, size_t node, usec_t saved) {
    const struct imap_search_node *n = &f->p->nodes[node];
    const int32_t day = day_of(saved);
    return n->key == IMAP_SEARCH_SAVED_BEFORE ? day < n->day
           : n->key == IMAP_SEARCH_SAVED_ON   ? day == n->day
                                              : day >= n->day;
}

/* ------------------------------------------------------------------ by the map */

static bool is_sent(enum imap_search_key key) {
    return key == IMAP_SEARCH_SENT_BEFORE || key == IMAP_SEARCH_SENT_ON ||
           key == IMAP_SEARCH_SENT_SINCE;
}

bool imap_find_suits_map(const struct imap_find *f, size_t node) {
    enum imap_search_key key = f->p->nodes[node].key;
    return is_sent(key) || key == IMAP_SEARCH_THREADID ||
           (key >= IMAP_SEARCH_FROM && key <= IMAP_SEARCH_HEADER &&
            search_question_suits_map(&f->questions[f->tests[node].question]));
}

enum imap_known imap_find_by_map(struct imap_find *f, size_t node, uint64_t body) {
    const struct imap_search_node *n = &f->p->nodes[node];
    int32_t day;
    if (n->key == IMAP_SEARCH_THREADID) {
        const struct imap_thread_id id = imap_thread_id(f->map.map, body);
        return is_id(f, n->text, id.kind, id.number);
    }
    if (!is_sent(n->key)) {
        int has = search_confirm_by_map(&f->map, &f->questions[f->tests[node].question]);
        return has < 0 ? IMAP_NOT_KNOWN : (enum imap_known)has;
    }
    if (date_read_day(f->map.map->parts[0].envelope.date, &day) < 0)
        return IMAP_HOLDS_NOT;
    return n->key == IMAP_SEARCH_SENT_BEFORE ? day < n->day
           : n->key == IMAP_SEARCH_SENT_ON   ? day == n->day
                                             : day >= n->day;
}

/* ------------------------------------------------------------------ the program */

static enum imap_known test(struct imap_find *f, size_t node, const struct store_message *m,
                            const uint8_t *known) {
    enum imap_known is = imap_find_by_mailbox(f, node, m);
    return is == IMAP_NOT_KNOWN && known ? (enum imap_known)known[node] : is;
}

enum imap_known imap_find_run(struct imap_find *f, const struct store_message *m,
                              const uint8_t *known) {
    const struct imap_search_program *p = f->p;
    bool yes = false, no = false;
    uint32_t at = p->begin;
    enum imap_known is = IMAP_HOLDS;
    while (at < p->count && (is = test(f, at, m, known)) != IMAP_NOT_KNOWN)
        at = is == IMAP_HOLDS ? p->nodes[at].yes : p->nodes[at].no;
    if (at >= p->count)
        return at == IMAP_SEARCH_YES;
    memset(f->reached, 0, p->count);
    f->reached[at] = true; /* from here on ways only lead forward: one pass takes both of each */
    for (; at < p->count; at++) {
        if (!f->reached[at])
            continue;
        is = test(f, at, m, known);
        uint32_t ways[2] = {p->nodes[at].yes, p->nodes[at].no};
        for (unsigned i = 0; i < 2; i++) {
            if (is == (i == 0 ? IMAP_HOLDS_NOT : IMAP_HOLDS))
                continue;
            if (ways[i] < p->count)
                f->reached[ways[i]] = true;
            yes |= ways[i] == IMAP_SEARCH_YES;
            no |= ways[i] == IMAP_SEARCH_NO;
        }
    }
    return yes && no ? IMAP_NOT_KNOWN : (enum imap_known)yes;
}

bool imap_find_is_open(struct imap_find *f, size_t node, const struct imap_find_item *item) {
    return f->reached[node] && test(f, node, &item->message, item->known) == IMAP_NOT_KNOWN;
}

/* SPDX-License-Identifier: ISC */
/*
 * What the index of the account says: before any message is looked at, it is asked in which bodies
 * the texts may stand. Of a message whose body it has, and does not name, it is known that it has
 * not what is looked for; all others are looked at as if there were no index.
 */
#include "base/alloc.h"
#include "imap/search/finding.h"

#define STEPS 8U /* bodies that are passed over before the place is looked for by halves */

void imap_find_use_indexes(struct imap_find *f, struct search_indexes *indexes) {
    f->indexes = indexes;
}

void imap_find_ask_index(struct imap_find *f, size_t messages) {
    struct search_asked asked[SEARCH_ASKED_MAX];
    size_t questions[SEARCH_ASKED_MAX], count = 0;
    if (f->narrowed || messages <= IMAP_FIND_FEW || !f->indexes)
        return;
    f->narrowed = arena_array(&f->arena, f->question_count, sizeof *f->narrowed);
    for (size_t i = 0; i < f->question_count && count < SEARCH_ASKED_MAX; i++) {
        const struct search_question *q = &f->questions[i];
        if (q->needle.len == 0)
            continue;
        questions[count] = i;
        asked[count++] = (struct search_asked){.field = q->field, .needle = q->needle};
    }
    if (count == 0)
        return;
    search_indexes_ask(f->indexes, f->told->account, asked, count);
    for (size_t i = 0; i < count; i++)
        f->narrowed[questions[i]].hits = asked[i].hits;
}

void imap_find_drop_index(struct imap_find *f) {
    for (size_t i = 0; f->narrowed && i < f->question_count; i++)
        search_hits_done(&f->narrowed[i].hits);
}

/* The first hit that is not before the body, from where the last one was found: bodies mostly come
 * in their order. */
static size_t place_of(const struct imap_find_narrowed *n, uint64_t body) {
    const struct search_hits *h = &n->hits;
    size_t at = n->at, low = 0, high = h->count;
    for (size_t i = 0; i < STEPS && at < h->count && h->bodies[at] < body; i++)
        at++;
    if ((at == 0 || h->bodies[at - 1] < body) && (at == h->count || h->bodies[at] >= body))
        return at;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (h->bodies[middle] < body)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

enum imap_known imap_find_by_index(struct imap_find *f, size_t question, uint64_t body) {
    struct imap_find_narrowed *n = f->narrowed ? &f->narrowed[question] : NULL;
    if (!n || !n->hits.narrows || body > n->hits.up_to)
        return IMAP_NOT_KNOWN;
    n->at = place_of(n, body);
    bool is_hit = n->at < n->hits.count && n->hits.bodies[n->at] == body;
    return is_hit ? IMAP_NOT_KNOWN : IMAP_HOLDS_NOT;
}

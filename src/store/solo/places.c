/* SPDX-License-Identifier: ISC */
/*
 * Where bodies lie. mail.db knows it of all of them; of those that were read lately, or may be read
 * next, it stands in a small table in memory. Whoever fetches a mailbox asks for one body after the
 * other, mostly in the order in which they came: so the database is asked for many at once. The
 * table goes when the account's files are closed, and when compaction has moved bodies.
 */
#include "store/solo/inside.h"

#include "base/alloc.h"

#define TABLE 512U /* places of a table: each body has one, by its number */

struct place_table {
    struct index_place places[TABLE]; /* body 0: empty */
};

void places_begin(struct solo_account *a) {
    if (a->places)
        return;
    a->places = NEW(struct place_table);
    *a->solo->host.memory += (int64_t)sizeof *a->places;
}

void place_note(struct solo_account *a, const struct index_place *p) {
    if (a->places)
        a->places->places[p->body % TABLE] = *p;
}

void place_forget(struct solo_account *a, uint64_t body) {
    if (a->places && a->places->places[body % TABLE].body == body)
        a->places->places[body % TABLE].body = 0;
}

void places_forget(struct solo_account *a) {
    if (!a->places)
        return;
    free(a->places);
    a->places = NULL;
    *a->solo->host.memory -= (int64_t)sizeof *a->places;
}

bool place_known(const struct solo_account *a, uint64_t body, struct index_place *ret) {
    const struct index_place *p = a->places ? &a->places->places[body % TABLE] : NULL;
    if (!p || p->body != body)
        return false;
    *ret = *p;
    return true;
}

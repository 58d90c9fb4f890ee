/* SPDX-License-Identifier: ISC */
#include "reports/tally.h"

#include <stdlib.h>

struct entry {
    struct slice key;
    struct tally_row row;
};

void tally_done(struct tally *t) {
    map_done(&t->rows);
    map_done(&t->seen);
    arena_done(&t->arena);
}

static struct tally_row *row_of(struct tally *t, struct slice domain, struct slice source) {
    _cleanup_(buf_done) struct buf key = {0};
    buf_add(&key, domain);
    buf_add_byte(&key, '\0');
    buf_add(&key, source);
    struct entry *e = map_get(&t->rows, buf_slice(&key));
    if (!e) {
        e = ARENA_NEW(&t->arena, struct entry);
        e->key = arena_copy(&t->arena, buf_slice(&key));
        e->row.domain = slice_first(e->key, domain.len);
        e->row.source = slice_from(e->key, domain.len + 1);
        map_put(&t->rows, e->key, e);
    }
    return &e->row;
}

void tally_add_row(struct tally *t, const struct tally_row *row) {
    struct tally_row *sum = row_of(t, row->domain, row->source);
    sum->messages += row->messages;
    sum->passed += row->passed;
    sum->dkim += row->dkim;
    sum->spf += row->spf;
    sum->quarantined += row->quarantined;
    sum->rejected += row->rejected;
}

bool tally_add(struct tally *t, const struct aggregate_report *report) {
    struct slice *key = ARENA_NEW(&t->arena, struct slice);
    *key = arena_printf(&t->arena, "%.*s\n%.*s\n%.*s\n%lld", SLICE_ARG(report->organization),
                        SLICE_ARG(report->id), SLICE_ARG(report->domain), (long long)report->begin);
    if (map_put(&t->seen, *key, key))
        return false;
    for (const struct aggregate_row *row = report->rows; row; row = row->next) {
        struct tally_row *sum = row_of(t, report->domain, row->source);
        sum->messages += row->count;
        sum->passed += aggregate_passed(report, row) ? row->count : 0;
        sum->dkim += row->dkim ? row->count : 0;
        sum->spf += row->spf ? row->count : 0;
        sum->quarantined += row->disposition == AGGREGATE_QUARANTINE ? row->count : 0;
        sum->rejected += row->disposition == AGGREGATE_REJECT ? row->count : 0;
    }
    return true;
}

static int by_domain_and_messages(const void *a, const void *b) {
    const struct tally_row *x = a, *y = b;
    int order = slice_cmp(x->domain, y->domain);
    if (order == 0)
        order = (x->messages < y->messages) - (x->messages > y->messages);
    return order != 0 ? order : slice_cmp(x->source, y->source);
}

const struct tally_row *tally_sorted(struct tally *t, size_t *ret_count) {
    struct tally_row *list = arena_array(&t->arena, t->rows.count, sizeof *list);
    size_t count = 0, at = 0;
    for (struct map_entry *e; (e = map_next(&t->rows, &at));)
        list[count++] = ((struct entry *)e->value)->row;
    if (count > 0)
        qsort(list, count, sizeof *list, by_domain_and_messages);
    *ret_count = count;
    return list;
}

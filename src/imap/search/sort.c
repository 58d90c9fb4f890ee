/* SPDX-License-Identifier: ISC */
/*
 * Of each message a row is made with a value for each criterion: a number, or where its text
 * stands. Texts are keys of i;unicode-casemap, so that they compare as bytes; of each the first
 * TEXT_MAX bytes count.
 */
#include "imap/search/sort.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "fiber/wait.h"
#include "imap/fetch/each_map.h"
#include "imap/search/results.h"
#include "message/unicode/casemap.h"
#include "message/words.h"

#define SORT_AT_ONCE 100U /* more messages take another thread */
#define TEXT_MAX     255U

struct sorting {
    const struct imap_sort *by;
    struct buf texts;
    int64_t *values; /* of each message one for each criterion */
    uint32_t *order; /* places of messages */
    size_t count;
    bool has_gaps; /* some could not be read */
};

/* ------------------------------------------------------------------ values */

static bool is_text(enum imap_sort_key key) {
    return key == IMAP_SORT_CC || key == IMAP_SORT_FROM || key == IMAP_SORT_TO ||
           key == IMAP_SORT_SUBJECT || key == IMAP_SORT_DISPLAYFROM || key == IMAP_SORT_DISPLAYTO;
}

/* The first address of a list, as it is compared (RFC 5256 §3, RFC 5957 §3); UTF-8. */
static void add_address(struct slice list, bool shown, struct buf *to) {
    struct listed a;
    if (!message_map_address_next(&list, &a))
        return;
    if (a.kind == LISTED_GROUP || (shown && a.name.len > 0)) {
        words_decode(to, a.name);
        return;
    }
    words_decode(to, a.local);
    if (shown && a.host.len > 0) {
        buf_add_byte(to, '@');
        words_decode(to, a.host);
    }
}

static void add_text(enum imap_sort_key key, const struct message_map *map, struct buf *to) {
    const struct slice *lists = map->parts[0].envelope.addresses;
    switch (key) {
    case IMAP_SORT_CC:
        add_address(lists[MAP_CC], false, to);
        break;
    case IMAP_SORT_FROM:
    case IMAP_SORT_DISPLAYFROM:
        add_address(lists[MAP_FROM], key == IMAP_SORT_DISPLAYFROM, to);
        break;
    case IMAP_SORT_TO:
    case IMAP_SORT_DISPLAYTO:
        add_address(lists[MAP_TO], key == IMAP_SORT_DISPLAYTO, to);
        break;
    default:
        buf_add(to, map->base_subject);
    }
}

/* Its place and length. */
static int64_t text_value(struct sorting *g, enum imap_sort_key key,
                          const struct message_map *map) {
    _cleanup_(buf_done) struct buf text = {0}, folded = {0};
    if (map)
        add_text(key, map, &text);
    casemap_add(&folded, buf_slice(&text));
    struct slice kept = slice_first(buf_slice(&folded), TEXT_MAX);
    int64_t value = (int64_t)(g->texts.len << 8 | kept.len);
    buf_add(&g->texts, kept);
    return value;
}

static int64_t number_value(enum imap_sort_key key, const struct store_message *m,
                            const struct message_map *map) {
    switch (key) {
    case IMAP_SORT_ARRIVAL:
        return m->date;
    case IMAP_SORT_DATE: /* RFC 5256 §2.2 */
        return map && map->has_date ? map->date : m->date;
    case IMAP_SORT_SIZE:
        return (int64_t)m->size;
    default: /* RELEVANCY: each fits as well as the other */
        return 0;
    }
}

static void add_row(void *arg, size_t place, const struct store_message *m,
                    const struct message_map *map) {
    struct sorting *g = arg;
    for (unsigned i = 0; i < g->by->count; i++) {
        enum imap_sort_key key = g->by->by[i].key;
        g->values[place * g->by->count + i] =
            is_text(key) ? text_value(g, key, map) : number_value(key, m, map);
    }
}

static void add_read(void *arg, size_t place, const struct store_message *m,
                     const struct message_map *map) {
    struct sorting *g = arg;
    g->has_gaps |= !map;
    add_row(g, place, m, map);
}

/* ------------------------------------------------------------------ order */

static struct slice text_of(const struct sorting *g, int64_t value) {
    return slice_of(g->texts.ptr + (value >> 8), (size_t)(value & 0xff));
}

static int compare(const void *a, const void *b, void *arg) {
    const struct sorting *g = arg;
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    for (unsigned i = 0; i < g->by->count; i++) {
        int64_t of_x = g->values[x * g->by->count + i], of_y = g->values[y * g->by->count + i];
        int order = (of_x > of_y) - (of_x < of_y);
        if (is_text(g->by->by[i].key))
            order = slice_cmp(text_of(g, of_x), text_of(g, of_y));
        if (order != 0)
            return g->by->by[i].reverse ? -order : order;
    }
    return (x > y) - (x < y); /* whatever is reversed (RFC 5256 §3) */
}

static int run_sort(void *arg) {
    struct sorting *g = arg;
    qsort_r(g->order, g->count, sizeof *g->order, compare, g);
    return 0;
}

/* What the mailbox knows is enough for dates of arrival and sizes. */
static int make_rows(struct imap_session *s, struct slice tag, const struct buf *uids,
                     struct sorting *g) WAITS {
    bool known = true;
    for (unsigned i = 0; i < g->by->count; i++) {
        enum imap_sort_key key = g->by->by[i].key;
        known &= key == IMAP_SORT_ARRIVAL || key == IMAP_SORT_SIZE || key == IMAP_SORT_RELEVANCY;
    }
    if (!known)
        return imap_each_map(s, tag, uids, add_read, g);
    for (size_t i = 0; i < g->count; i++) {
        struct store_message m;
        uint32_t uid;
        memcpy(&uid, uids->ptr + i * sizeof uid, sizeof uid);
        store_view_at(s->told.view, store_view_place(s->told.view, uid), &m);
        add_row(g, i, &m, NULL);
        (void)fiber_yield_if_long();
    }
    return 0;
}

static int sort(struct imap_session *s, struct slice tag, const struct imap_sort *by,
                struct buf *uids, bool *ret_has_gaps) WAITS {
    const size_t count = uids->len / sizeof(uint32_t);
    _cleanup_(buf_done) struct buf before = {0};
    struct sorting g = {.by = by, .count = count};
    _cleanup_(free_p) int64_t *values = mem_array(count * g.by->count, sizeof *values);
    _cleanup_(free_p) uint32_t *order = mem_array(count, sizeof *order);
    g.values = values;
    g.order = order;
    for (uint32_t i = 0; i < count; i++)
        order[i] = i;
    int error = make_rows(s, tag, uids, &g);
    if (!error && count > SORT_AT_ONCE)
        (void)offload(OFFLOAD_SCAN, run_sort, &g);
    else if (!error)
        (void)run_sort(&g);
    buf_add(&before, buf_slice(uids));
    for (size_t i = 0; !error && i < count; i++)
        memcpy(uids->ptr + i * sizeof(uint32_t), before.ptr + order[i] * sizeof(uint32_t),
               sizeof(uint32_t));
    buf_done(&g.texts);
    *ret_has_gaps = g.has_gaps;
    return error;
}

int imap_sort_uids(struct imap_session *s, struct slice tag, const struct imap_sort *by,
                   struct buf *uids) {
    _cleanup_(buf_done) struct buf how = {0};
    const size_t rising = uids->len;
    bool has_gaps;
    buf_add_str(&how, "SORT");
    for (unsigned i = 0; i < by->count; i++) {
        buf_add_u8(&how, (uint8_t)by->by[i].key);
        buf_add_u8(&how, by->by[i].reverse);
    }
    const struct imap_results_key key = imap_results_key(s, buf_slice(&how), uids);
    if (imap_results_get(s->config->results, &key, uids)) {
        buf_drop(uids, rising);
        return 0;
    }
    int error = sort(s, tag, by, uids, &has_gaps);
    if (!error && !has_gaps)
        imap_results_put(s->config->results, &key, buf_slice(uids));
    return error;
}

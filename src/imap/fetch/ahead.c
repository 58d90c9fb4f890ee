/* SPDX-License-Identifier: ISC */
/*
 * Messages that follow each other in the mailbox mostly lie one behind the other, too, and are read
 * in one go.
 */
#include "imap/fetch/ahead.h"

void imap_ahead_done(struct imap_ahead *a) {
    buf_done(&a->bytes);
    buf_done(&a->maps);
}

static bool is_small(const struct imap_ahead *a, size_t i) {
    return a->messages[i].size <= IMAP_SMALL;
}

static void gather(struct imap_ahead *a) {
    uint64_t total = 0;
    a->count = a->next = a->mapped = 0;
    while (a->count < IMAP_AHEAD && total < IMAP_AHEAD_BYTES &&
           imap_messages_next(a->from, &a->numbers[a->count], &a->messages[a->count])) {
        if (a->wants_bytes && is_small(a, a->count))
            total += a->messages[a->count].size;
        a->errors[a->count] = 0;
        a->bytes_at[a->count] = a->maps_at[a->count] = (struct store_piece){0};
        a->count++;
    }
}

/* How many messages from `i` on are small and follow each other in the view, from `place` on. */
static size_t count_run(const struct imap_ahead *a, struct store_view *view, size_t i,
                        size_t place) {
    struct store_view_info info;
    struct store_message m;
    size_t run = 1;
    store_view_info(view, &info);
    for (; i + run < a->count && is_small(a, i + run) && place + run < info.count; run++) {
        store_view_at(view, place + run, &m);
        if (m.uid != a->messages[i + run].uid)
            break;
    }
    return run;
}

static void read_small(struct imap_ahead *a) WAITS {
    struct store_view *view = a->from->session->told.view;
    buf_clear(&a->bytes);
    for (size_t i = 0; i < a->count;) {
        if (!is_small(a, i)) {
            i++;
            continue;
        }
        size_t place = store_view_place(view, a->messages[i].uid);
        int n =
            store_read_many(view, place, count_run(a, view, i, place), &a->bytes, &a->bytes_at[i]);
        for (int k = 0; k < n; k++)
            if (a->bytes_at[i + (size_t)k].len != a->messages[i + (size_t)k].size)
                a->errors[i + (size_t)k] = -E_CORRUPT;
        if (n < 0)
            a->errors[i] = n;
        i += (size_t)MAX(n, 1);
    }
}

static void get_maps(struct imap_ahead *a) WAITS {
    buf_clear(&a->maps); /* those before have been used */
    int n = store_maps(a->from->session->account, &a->messages[a->next], a->count - a->next,
                       &a->maps, &a->maps_at[a->next]);
    if (n < 0)
        a->errors[a->next] = n;
    a->mapped = a->next + (size_t)MAX(n, 1);
}

/* Messages of an older program have none: they came when they came to the account. */
static void get_save_dates(struct imap_ahead *a) WAITS {
    uint32_t uids[IMAP_AHEAD];
    struct imap_session *s = a->from->session;
    for (size_t i = 0; i < a->count; i++)
        uids[i] = a->messages[i].uid;
    int error = store_save_dates(s->account, s->told.mailbox, uids, a->count, a->saved);
    for (size_t i = 0; i < a->count; i++) {
        if (error)
            a->errors[i] = error;
        if (error || a->saved[i] == 0)
            a->saved[i] = a->messages[i].date;
    }
}

bool imap_ahead_next(struct imap_ahead *a, struct imap_fetched *ret) {
    if (a->next == a->count) {
        gather(a);
        if (a->count == 0)
            return false;
        if (a->wants_bytes)
            read_small(a);
        if (a->wants_saved)
            get_save_dates(a);
    }
    if (a->wants_maps && a->next == a->mapped)
        get_maps(a);
    size_t i = a->next++;
    struct store_piece bytes = a->bytes_at[i], map = a->maps_at[i];
    *ret = (struct imap_fetched){
        .number = a->numbers[i],
        .message = &a->messages[i],
        .saved = a->saved[i],
        .error = a->errors[i],
    };
    if (a->wants_bytes && is_small(a, i) && !ret->error)
        ret->bytes = bytes.len > 0 ? slice_of(a->bytes.ptr + bytes.at, bytes.len) : S("");
    if (a->wants_maps && !ret->error)
        ret->map = slice_first(slice_from(buf_slice(&a->maps), map.at), map.len);
    return true;
}

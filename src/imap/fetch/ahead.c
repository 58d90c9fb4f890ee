/* SPDX-License-Identifier: ISC */
/*
 * Messages that follow each other in the mailbox mostly lie one behind the other, too, and are read
 * in one go. The fiber that reads ahead uses the session's view and `from` as if it were the
 * session, which touches neither until it has ended; it is begun behind a full batch only, so what
 * is small costs no fiber.
 */
#include "imap/fetch/ahead.h"

static bool is_small(const struct imap_batch *b, size_t i) {
    return b->messages[i].size <= IMAP_SMALL;
}

static void gather(const struct imap_ahead *a, struct imap_batch *b) {
    uint64_t total = 0;
    b->count = b->next = b->mapped = 0;
    while (b->count < IMAP_AHEAD && total < IMAP_AHEAD_BYTES &&
           imap_messages_next(a->from, &b->numbers[b->count], &b->messages[b->count])) {
        if (a->wants_bytes && is_small(b, b->count))
            total += b->messages[b->count].size;
        b->errors[b->count] = 0;
        b->bytes_at[b->count] = b->maps_at[b->count] = (struct store_piece){0};
        b->count++;
    }
    b->is_full = b->count == IMAP_AHEAD || total >= IMAP_AHEAD_BYTES;
}

/* How many messages from `i` on are small and follow each other in the view, from `place` on. */
static size_t count_run(const struct imap_batch *b, struct store_view *view, size_t i,
                        size_t place) {
    struct store_view_info info;
    struct store_message m;
    size_t run = 1;
    store_view_info(view, &info);
    for (; i + run < b->count && is_small(b, i + run) && place + run < info.count; run++) {
        store_view_at(view, place + run, &m);
        if (m.uid != b->messages[i + run].uid)
            break;
    }
    return run;
}

static void read_small(const struct imap_ahead *a, struct imap_batch *b) WAITS {
    struct store_view *view = a->from->session->told.view;
    buf_clear(&b->bytes);
    for (size_t i = 0; i < b->count;) {
        if (!is_small(b, i)) {
            i++;
            continue;
        }
        size_t place = store_view_place(view, b->messages[i].uid);
        int n =
            store_read_many(view, place, count_run(b, view, i, place), &b->bytes, &b->bytes_at[i]);
        for (int k = 0; k < n; k++)
            if (b->bytes_at[i + (size_t)k].len != b->messages[i + (size_t)k].size)
                b->errors[i + (size_t)k] = -E_CORRUPT;
        if (n < 0)
            b->errors[i] = n;
        i += (size_t)MAX(n, 1);
    }
}

static void get_maps(const struct imap_ahead *a, struct imap_batch *b) WAITS {
    buf_clear(&b->maps); /* those before have been used */
    int n = store_maps(a->from->session->account, &b->messages[b->next], b->count - b->next,
                       &b->maps, &b->maps_at[b->next]);
    if (n < 0)
        b->errors[b->next] = n;
    b->mapped = b->next + (size_t)MAX(n, 1);
}

/* Messages of an older program have none: they came when they came to the account. */
static void get_save_dates(const struct imap_ahead *a, struct imap_batch *b) WAITS {
    uint32_t uids[IMAP_AHEAD];
    struct imap_session *s = a->from->session;
    for (size_t i = 0; i < b->count; i++)
        uids[i] = b->messages[i].uid;
    int error = store_save_dates(s->account, s->told.mailbox, uids, b->count, b->saved);
    for (size_t i = 0; i < b->count; i++) {
        if (error)
            b->errors[i] = error;
        if (error || b->saved[i] == 0)
            b->saved[i] = b->messages[i].date;
    }
}

static void fill(const struct imap_ahead *a, struct imap_batch *b) WAITS {
    gather(a, b);
    if (b->count > 0 && a->wants_bytes)
        read_small(a, b);
    if (b->count > 0 && a->wants_saved)
        get_save_dates(a, b);
    if (b->count > 0 && a->wants_maps)
        get_maps(a, b);
}

static void read_ahead(void *arg) WAITS {
    struct imap_ahead *a = arg;
    fill(a, &a->batches[1 - a->now]);
}

/* The next batch; the one behind it is begun. */
static struct imap_batch *next_batch(struct imap_ahead *a) WAITS {
    if (a->reader) {
        fiber_join(TAKE_PTR(a->reader));
        a->now = 1 - a->now;
    } else {
        fill(a, &a->batches[a->now]);
    }
    struct imap_batch *b = &a->batches[a->now];
    if (b->is_full && (a->wants_bytes || a->wants_saved || a->wants_maps) &&
        fiber_start("reading ahead", read_ahead, a, &a->reader) < 0)
        a->reader = NULL; /* it is read when its turn comes */
    return b;
}

void imap_ahead_done(struct imap_ahead *a) {
    if (a->reader) {
        fiber_cancel(a->reader);
        fiber_join(TAKE_PTR(a->reader));
    }
    for (size_t i = 0; i < ARRAY_SIZE(a->batches); i++) {
        buf_done(&a->batches[i].bytes);
        buf_done(&a->batches[i].maps);
    }
}

bool imap_ahead_next(struct imap_ahead *a, struct imap_fetched *ret) {
    struct imap_batch *b = &a->batches[a->now];
    if (b->next == b->count)
        b = next_batch(a);
    if (b->count == 0)
        return false;
    if (a->wants_maps && b->next == b->mapped)
        get_maps(a, b);
    size_t i = b->next++;
    struct store_piece bytes = b->bytes_at[i], map = b->maps_at[i];
    *ret = (struct imap_fetched){
        .number = b->numbers[i],
        .message = &b->messages[i],
        .saved = b->saved[i],
        .error = b->errors[i],
    };
    if (a->wants_bytes && is_small(b, i) && !ret->error)
        ret->bytes = bytes.len > 0 ? slice_of(b->bytes.ptr + bytes.at, bytes.len) : S("");
    if (a->wants_maps && !ret->error)
        ret->map = slice_first(slice_from(buf_slice(&b->maps), map.at), map.len);
    return true;
}

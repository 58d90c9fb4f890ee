/* SPDX-License-Identifier: ISC */
/*
 * Texts are looked through in other threads, of which there are few: many searches wait for each
 * other, and keep nobody from reading. Small messages that follow each other in the mailbox are
 * read in one go, and one trip looks through all that are read; a large one goes there in parts, of
 * which the first ones may be enough.
 */
#include "fiber/wait.h"
#include "imap/search/finding.h"

#define FIRST_PART 16384U /* mostly the whole header */

/* Bytes of messages times questions about them, in one trip: some milliseconds. Who asks much goes
 * more often, so that others have their turns between. */
#define TRIP 8388608U

static size_t most_of_trip(const struct imap_find *f) {
    return MAX(TRIP / f->question_count, (size_t)FIRST_PART);
}

/* In the thread that has read the text. */
static void keep(struct imap_find *f, struct imap_find_item *item) {
    for (size_t i = 0; i < f->question_count; i++)
        item->has[i] = search_confirm_has(f->confirm, i);
}

/* Puts the answers to what was asked where the program finds them. */
static void answer(struct imap_find *f, struct imap_find_item *item) {
    for (size_t i = 0; i < f->p->count; i++) {
        const struct imap_search_node *n = &f->p->nodes[i];
        if (imap_find_is_text(n->key) && item->asked[f->tests[i].question])
            item->known[i] = item->has[f->tests[i].question];
    }
    item->found = imap_find_run(f, &item->message, item->known);
}

/* ------------------------------------------------------------------ large ones */

struct part_job {
    struct search_confirm *confirm;
    struct slice bytes;
    bool more; /* is needed */
};

static int run_part(void *arg) {
    struct part_job *j = arg;
    j->more = search_confirm_feed(j->confirm, j->bytes);
    return 0;
}

static int run_end(void *arg) {
    search_confirm_end(arg);
    return 0;
}

static int read_large(struct imap_find *f, struct imap_find_item *item) WAITS {
    const struct store_message *m = &item->message;
    const size_t most = MIN(most_of_trip(f), (size_t)STORE_SPAN_MAX);
    struct part_job job = {.confirm = f->confirm, .more = true};
    search_confirm_begin(f->confirm, item->asked);
    for (uint64_t at = 0; job.more && at < m->size; at += job.bytes.len) {
        size_t len = (size_t)MIN(m->size - at, (uint64_t)(at == 0 ? FIRST_PART : most));
        buf_clear(&f->bytes);
        buf_reserve(&f->bytes, len);
        ssize_t n = store_read(f->told->account, m, at, f->bytes.ptr, len);
        if (n < 0)
            return (int)n;
        if ((size_t)n < len)
            return -E_CORRUPT;
        job.bytes = slice_of(f->bytes.ptr, len);
        (void)offload(OFFLOAD_SCAN, run_part, &job);
    }
    (void)offload(OFFLOAD_SCAN, run_end, f->confirm);
    keep(f, item);
    answer(f, item);
    return 0;
}

/* ------------------------------------------------------------------ small ones */

struct small_job {
    struct imap_find *f;
    struct imap_find_item *items;
    size_t count;
};

static int run_small(void *arg) {
    struct small_job *j = arg;
    for (size_t i = 0; i < j->count; i++) {
        struct search_confirm *confirm = j->f->confirm;
        search_confirm_begin(confirm, j->items[i].asked);
        (void)search_confirm_feed(
            confirm, slice_first(slice_from(buf_slice(&j->f->bytes), j->f->pieces[i].at),
                                 j->f->pieces[i].len));
        search_confirm_end(confirm);
        keep(j->f, &j->items[i]);
    }
    return 0;
}

static bool is_small(const struct imap_find_item *item) {
    return item->found == IMAP_NOT_KNOWN && item->message.size <= IMAP_SMALL;
}

/* Items from one on that are small and follow each other in the mailbox. */
static size_t count_run(const struct imap_find *f, size_t i) {
    uint64_t most = most_of_trip(f), bytes = f->items[i].message.size;
    size_t run = 1;
    while (i + run < f->count && is_small(&f->items[i + run]) &&
           f->items[i + run].place == f->items[i].place + run &&
           (bytes += f->items[i + run].message.size) <= most)
        run++;
    return run;
}

/* How many items it has read, from `i` on; or an error of the first. */
static int read_small(struct imap_find *f, size_t i) WAITS {
    size_t n = 0;
    buf_clear(&f->bytes);
    while (i + n < f->count && is_small(&f->items[i + n]) && f->bytes.len < STORE_SPAN_MAX) {
        int read = store_read_many(f->told->view, f->items[i + n].place, count_run(f, i + n),
                                   &f->bytes, &f->pieces[n]);
        if (read < 0 && n == 0)
            return read;
        if (read < 0)
            break;
        n += (size_t)read;
        (void)fiber_yield_if_long();
    }
    struct small_job job = {f, &f->items[i], n};
    (void)offload(OFFLOAD_SCAN, run_small, &job);
    for (size_t k = 0; k < job.count; k++)
        answer(f, &job.items[k]);
    return (int)n;
}

int imap_find_by_texts(struct imap_find *f) {
    for (size_t i = 0; i < f->count;) {
        struct imap_find_item *item = &f->items[i];
        int n = 1, error = 0;
        if (is_small(item))
            n = error = read_small(f, i);
        else if (item->found == IMAP_NOT_KNOWN)
            error = read_large(f, item);
        if (error == -E_UNKNOWN || error == -E_CORRUPT)
            item->found = IMAP_HOLDS_NOT; /* gone, or damaged: it has no text */
        else if (error < 0)
            return error;
        i += (size_t)MAX(n, 1);
    }
    return 0;
}

/* SPDX-License-Identifier: ISC */
/* THREAD (RFC 5256 §3). */
#include "base/alloc.h"
#include "base/siphash.h"
#include "fiber/wait.h"
#include "imap/fetch/each_map.h"
#include "imap/search/found.h"
#include "imap/search/results.h"
#include "imap/search/thread.h"
#include "message/unicode/casemap.h"

#define FOLLOW_MAX                                                                                 \
    2000000U          /* what all messages follow; of further ones the last reference counts */
#define DEPTH_MAX 50U /* of parentheses; what is nested deeper stands one behind the other */
#define SEND_AT   16384U

/* ------------------------------------------------------------------ rows */

struct threading {
    enum imap_thread how;
    struct imap_thread_row *rows;
    size_t *follow_at; /* of each row: where what it follows stands */
    size_t count;
    struct buf follow; /* uint64_t */
    bool has_gaps;     /* some could not be read */
    struct buf *marks; /* the caller's: what is told, see below */
};

static uint64_t number_of_subject(struct slice subject) {
    _cleanup_(buf_done) struct buf folded = {0};
    casemap_add(&folded, subject);
    return siphash(buf_slice(&folded)) | 2;
}

static void add_row(void *arg, size_t place, const struct store_message *m,
                    const struct message_map *map) {
    struct threading *t = arg;
    struct imap_thread_row *r = &t->rows[place];
    *r = (struct imap_thread_row){.date = m->date, .arrival = m->date};
    t->follow_at[place] = t->follow.len;
    t->has_gaps |= !map;
    if (!map)
        return;
    size_t count = map->reference_count;
    if (t->follow.len / sizeof(uint64_t) + count > FOLLOW_MAX)
        count = MIN(count, (size_t)1);
    if (map->has_date)
        r->date = map->date;
    if (map->base_subject.len > 0)
        r->subject = number_of_subject(map->base_subject);
    r->is_answer = map->is_answer;
    r->id = map->message_id;
    r->follow_count = (uint32_t)count;
    buf_add_bytes(&t->follow, map->references + map->reference_count - count,
                  count * sizeof *map->references);
}

/* ------------------------------------------------------------------ threads */

/*
 * What is told, as a list of marks (uint32_t), which can be kept: a message by its place among
 * those that were found, or one of two numbers above all places.
 */
static uint32_t mark_open(size_t count) {
    return (uint32_t)count;
}

static uint32_t mark_close(size_t count) {
    return (uint32_t)count + 1;
}

/* A walk over all nodes, each entered and left once. */
struct walk {
    const struct imap_threads *t;
    bool *opens; /* of each node: it has its own parentheses */
    unsigned depth;
    struct buf *marks;
};

static void add_mark(struct walk *k, uint32_t mark) {
    buf_add_bytes(k->marks, &mark, sizeof mark);
}

static void enter(struct walk *k, uint32_t node) {
    const uint32_t above = k->t->above[node];
    bool alone = above != IMAP_THREAD_END && k->t->below[above] == node &&
                 k->t->next[node] == IMAP_THREAD_END;
    k->opens[node] = above == IMAP_THREAD_END || (!alone && k->depth < DEPTH_MAX);
    if (k->opens[node]) {
        add_mark(k, mark_open(k->t->count));
        k->depth++;
    }
    if (node < k->t->count)
        add_mark(k, node);
}

static void leave(struct walk *k, uint32_t node) {
    if (!k->opens[node])
        return;
    add_mark(k, mark_close(k->t->count));
    k->depth--;
}

static void write_down(const struct imap_threads *t, struct buf *marks) {
    struct walk k = {.t = t, .marks = marks};
    _cleanup_(free_p) bool *opens = mem_array(t->nodes, sizeof *opens);
    k.opens = opens;
    uint32_t node = t->begin;
    while (node != IMAP_THREAD_END) {
        enter(&k, node);
        uint32_t next = t->below[node];
        while (next == IMAP_THREAD_END && node != IMAP_THREAD_END) {
            leave(&k, node);
            next = t->next[node];
            node = t->above[node];
        }
        node = next;
    }
}

static int run_make(void *arg) {
    struct threading *t = arg;
    struct imap_threads threads;
    for (size_t i = 0; i < t->count; i++)
        t->rows[i].follow =
            t->follow.ptr ? (const uint64_t *)(void *)(t->follow.ptr + t->follow_at[i]) : NULL;
    imap_threads_make(&threads, t->rows, (uint32_t)t->count, t->how);
    write_down(&threads, t->marks);
    imap_threads_done(&threads);
    return 0;
}

/* What was found becomes threads. */
static int make(struct imap_session *s, struct slice tag, const struct buf *uids,
                struct threading *t) WAITS {
    _cleanup_(free_p) struct imap_thread_row *rows = mem_array(t->count, sizeof *rows);
    _cleanup_(free_p) size_t *follow_at = mem_array(t->count, sizeof *follow_at);
    t->rows = rows;
    t->follow_at = follow_at;
    int error = imap_each_map(s, tag, uids, add_row, t);
    if (!error)
        (void)offload(OFFLOAD_SCAN, run_make, t);
    buf_done(&t->follow);
    return error;
}

/* The same, or as it was found before. */
static int find_threads(struct imap_session *s, const struct imap_command *command,
                        const struct buf *uids, struct buf *marks) WAITS {
    struct threading t = {
        .how = command->search.thread, .count = uids->len / sizeof(uint32_t), .marks = marks};
    const char how[] = {'T', 'H', (char)t.how};
    const struct imap_results_key key = imap_results_key(s, slice_of(how, sizeof how), uids);
    if (imap_results_get(s->config->results, &key, marks))
        return 0;
    int error = make(s, command->tag, uids, &t);
    if (!error && !t.has_gaps)
        imap_results_put(s->config->results, &key, buf_slice(marks));
    return error;
}

/* ------------------------------------------------------------------ the answer */

static void tell(struct imap_session *s, const struct imap_command *command, const struct buf *uids,
                 const struct buf *marks) WAITS {
    const size_t count = uids->len / sizeof(uint32_t);
    const uint32_t *uid = (const uint32_t *)(const void *)uids->ptr;
    struct imap_writer *w = &s->c.writer;
    uint32_t before = mark_open(count), mark;
    _cleanup_(told_numbers_done) struct told_numbers numbers;
    told_numbers_begin(&numbers, &s->told, count);
    imap_write_begin(w, S("*"));
    imap_write_word(w, "THREAD");
    for (size_t at = 0; at < marks->len; at += sizeof mark, before = mark) {
        memcpy(&mark, marks->ptr + at, sizeof mark);
        if (mark == mark_open(count)) {
            if (before == mark_close(count))
                imap_write_join(w);
            imap_write_open(w);
        } else if (mark == mark_close(count)) {
            imap_write_close(w);
        } else {
            imap_write_number(w, command->uid ? uid[mark] : told_numbers_of(&numbers, uid[mark]));
        }
        if (s->c.out.len >= SEND_AT)
            imap_send(&s->c);
        if (at % (64 * sizeof mark) == 0)
            (void)fiber_yield_if_long();
    }
    imap_write_end(w);
    imap_send(&s->c);
}

void imap_do_thread(struct imap_session *s, const struct imap_command *command) {
    _cleanup_(buf_done) struct buf uids = {0}, marks = {0};
    if (imap_search_run(s, command, &uids, NULL))
        return;
    struct fiber_turn turn = {0};
    int error = imap_turn_to_sort(s, uids.len / sizeof(uint32_t), &turn);
    if (!error)
        error = find_threads(s, command, &uids, &marks);
    fiber_turn_pass(&turn);
    if (error) {
        imap_no_search(s, command, error);
        return;
    }
    tell(s, command, &uids, &marks);
    imap_end_search(s, command, 0, "threaded");
}

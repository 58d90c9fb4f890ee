/* SPDX-License-Identifier: ISC */
/* THREAD (RFC 5256 §3). */
#include "base/alloc.h"
#include "base/siphash.h"
#include "fiber/wait.h"
#include "imap/fetch/each_map.h"
#include "imap/search/found.h"
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
    struct imap_threads threads;
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

static int run_make(void *arg) {
    struct threading *t = arg;
    for (size_t i = 0; i < t->count; i++)
        t->rows[i].follow =
            t->follow.ptr ? (const uint64_t *)(void *)(t->follow.ptr + t->follow_at[i]) : NULL;
    imap_threads_make(&t->threads, t->rows, (uint32_t)t->count, t->how);
    return 0;
}

/* ------------------------------------------------------------------ the answer */

/* A walk over all nodes, each entered and left once. */
struct walk {
    struct imap_session *s;
    const struct imap_command *command;
    const struct imap_threads *t;
    const uint32_t *uids;
    bool *opens; /* of each node: it has its own parentheses */
    unsigned depth;
    bool closed; /* a parenthesis, just before */
};

static void enter(struct walk *k, uint32_t node) WAITS {
    struct imap_writer *w = &k->s->c.writer;
    const uint32_t above = k->t->above[node];
    bool alone = above != IMAP_THREAD_END && k->t->below[above] == node &&
                 k->t->next[node] == IMAP_THREAD_END;
    k->opens[node] = above == IMAP_THREAD_END || (!alone && k->depth < DEPTH_MAX);
    if (k->opens[node]) {
        if (k->closed)
            imap_write_join(w);
        imap_write_open(w);
        k->depth++;
        k->closed = false;
    }
    if (node >= k->t->count)
        return;
    uint32_t uid = k->uids[node];
    imap_write_number(w, k->command->uid ? uid : told_number(&k->s->told, uid));
    if (k->s->c.out.len >= SEND_AT)
        imap_send(&k->s->c);
}

static void leave(struct walk *k, uint32_t node) {
    if (!k->opens[node])
        return;
    imap_write_close(&k->s->c.writer);
    k->depth--;
    k->closed = true;
}

static void tell(struct imap_session *s, const struct imap_command *command,
                 const struct threading *t, const struct buf *uids) WAITS {
    struct walk k = {.s = s, .command = command, .t = &t->threads};
    _cleanup_(free_p) bool *opens = mem_array(t->threads.nodes, sizeof *opens);
    k.uids = (const uint32_t *)(const void *)uids->ptr;
    k.opens = opens;
    imap_write_begin(&s->c.writer, S("*"));
    imap_write_word(&s->c.writer, "THREAD");
    uint32_t node = t->threads.begin;
    while (node != IMAP_THREAD_END) {
        enter(&k, node);
        uint32_t next = t->threads.below[node];
        while (next == IMAP_THREAD_END && node != IMAP_THREAD_END) {
            leave(&k, node);
            next = t->threads.next[node];
            node = t->threads.above[node];
        }
        node = next;
        (void)fiber_yield_if_long();
    }
    imap_write_end(&s->c.writer);
    imap_send(&s->c);
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

void imap_do_thread(struct imap_session *s, const struct imap_command *command) {
    _cleanup_(buf_done) struct buf uids = {0};
    if (imap_search_run(s, command, &uids))
        return;
    struct threading t = {.how = command->search.thread, .count = uids.len / sizeof(uint32_t)};
    struct fiber_turn turn = {0};
    int error = imap_turn_to_sort(s, t.count, &turn);
    if (!error)
        error = make(s, command->tag, &uids, &t);
    fiber_turn_pass(&turn);
    if (error) {
        imap_no_search(s, command, error);
        return;
    }
    tell(s, command, &t, &uids);
    imap_threads_done(&t.threads);
    imap_end_search(s, command, "threaded");
}

/* SPDX-License-Identifier: ISC */
#include "role/queue/queue_answer.h"

#include <errno.h>

/* Texts of one answer: well below the size of a frame. */
#define ANSWER_TEXT_MAX 600000U

/* What fits; the reader sees from `left` that there is more. */
static struct rpc_waiting *waiting_of(const struct queue_entry *e, struct arena *a, size_t *budget,
                                      size_t *ret_count) {
    struct rpc_waiting *list = arena_array(a, e->waiting_count, sizeof *list);
    size_t i = 0;
    for (; i<e->waiting_count && * budget> 4096; i++) {
        const struct queue_waiting *w = &e->waiting[i];
        list[i] = (struct rpc_waiting){.address = w->address,
                                       .status = slice_of_str(w->status),
                                       .attempts = w->attempts,
                                       .next = w->next,
                                       .reply = slice_first(w->reply, 2048)};
        *budget -= list[i].address.len + list[i].reply.len + 64;
    }
    *ret_count = i;
    return list;
}

int queue_answer_list(struct queue *q, const struct rpc_queue_list_in *in, struct arena *a,
                      struct rpc_queue_list_out *out) {
    struct queue_match match = {
        .all = in->match.len == 0 && in->login.len == 0, .text = in->match, .login = in->login};
    struct queue_page page;
    size_t budget = ANSWER_TEXT_MAX;
    int r = queue_list(q, &match, in->after, MIN(in->limit, 500U), in->details, a, &page);
    if (r < 0)
        return r;
    out->total = page.total;
    out->messages_count = page.count;
    out->messages = arena_array(a, page.count, sizeof *out->messages);
    for (size_t i = 0; i < page.count; i++) {
        const struct queue_entry *e = &page.entries[i];
        out->messages[i] = (struct rpc_queued){
            .id = e->id,
            .arrival = e->arrival,
            .size = e->size,
            .sender = e->sender,
            .login = e->login,
            .first = e->first,
            .hold = e->hold,
            .active = e->active,
            .damaged = e->damaged,
            .next = e->next,
            .recipients = e->recipients,
            .left = e->left,
        };
        out->messages[i].waiting = waiting_of(e, a, &budget, &out->messages[i].waiting_count);
    }
    return 0;
}

int queue_answer_act(struct queue *q, const struct rpc_queue_act_in *in, struct slice by,
                     struct rpc_queue_act_out *out, struct problem *problem) {
    struct queue_match match = {
        .all = in->all, .id = in->id, .text = in->match, .login = in->login};
    if (in->action >= QUEUE_ACTIONS)
        return problem_set(problem, -EINVAL, "unknown action");
    struct queue_order order = {(enum queue_action)in->action, in->bounce, by};
    return queue_act(q, &order, &match, &out->count, &out->held, problem);
}

int queue_answer_bytes(struct queue *q, const struct rpc_queue_bytes_in *in, struct arena *a,
                       struct rpc_queue_bytes_out *out, struct problem *problem) {
    const size_t size = 262144;
    char *bytes = arena_alloc(a, size);
    ssize_t n = queue_read(q, in->id, in->offset, bytes, size);
    if (n < 0)
        return problem_set(problem, (int)n, "the message cannot be read: %s", error_text((int)n));
    out->bytes = slice_of(bytes, (size_t)n);
    return 0;
}

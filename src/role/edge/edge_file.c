/* SPDX-License-Identifier: ISC */
/*
 * The file of a message that does not stay in memory. The queue gives it; it is written piece by
 * piece, in another thread.
 */

#include "base/write.h"
#include "fiber/wait.h"
#include "role/edge/edge_message.h"

struct writing {
    int file;
    struct slice bytes;
    uint64_t offset;
};

static int write_in_thread(void *arg) {
    const struct writing *w = arg;
    return write_exactly(w->file, w->bytes, w->offset);
}

int edge_message_put(struct edge_message *l, struct slice bytes) {
    struct writing w = {l->file, bytes, l->written};
    int r = offload(OFFLOAD_DISK, write_in_thread, &w);
    if (r == 0)
        l->written += bytes.len;
    return r;
}

void edge_message_close_file(struct edge_message *l) {
    if (l->file >= 0)
        (void)close(l->file);
    l->file = -1;
}

void edge_message_count(struct edge_message *l, size_t more) {
    edge_count_memory(l->smtp->connection->edge, &l->memory,
                      l->bytes.size + l->head.size + l->facts.total + more);
}

int edge_message_spill(struct edge_message *l) {
    int r = edge_header_finish(l);
    if (r == -E_REFUSED) { /* the answer comes at the end of the message */
        buf_clear(&l->bytes);
        return 0;
    }
    if (r == 0 && l->file < 0) {
        struct rpc_queue_open_file_in in = {l->id};
        struct rpc_queue_open_file_out out = {.file = -1};
        struct rpc_link *queue = edge_link(l->smtp->connection, ROLE_QUEUE);
        r = call_queue_open_file(queue, &in, &l->facts, &out, NULL);
        l->file = r == 0 ? out.file : -1;
    }
    if (r == -E_LIMIT && l->bytes.len <= EDGE_SMALL_MAX && edge_has_memory(l->smtp->connection, 0))
        return 0; /* too many files for now: it may stay in memory */
    if (r == 0 && l->fixed && l->written == 0)
        r = edge_message_put(l, buf_slice(&l->head));
    if (r == 0)
        r = edge_message_put(l, buf_slice(&l->bytes));
    buf_clear(&l->bytes);
    if (edge_memory_is_tight(l->smtp->connection->edge))
        buf_done(&l->bytes);
    edge_message_count(l, 0);
    return r;
}

void edge_message_drop_file(struct edge_message *l) {
    struct rpc_queue_drop_file_in in = {l->id};
    struct rpc_queue_drop_file_out out;
    if (l->file < 0 && l->written == 0)
        return;
    edge_message_close_file(l);
    l->written = 0;
    (void)call_queue_drop_file(edge_link(l->smtp->connection, ROLE_QUEUE), &in, &l->facts, &out,
                               NULL);
}

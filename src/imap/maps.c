/* SPDX-License-Identifier: ISC */
/*
 * Small messages are read one behind the other, and one trip to another thread makes the maps of
 * all of them. A large one goes there in parts, so that none is ever held as a whole.
 */
#include "imap/maps.h"

#include <errno.h>

#include "fiber/wait.h"
#include "message/map.h"

/* Appends bytes of a message; 0, or an error as store_read(). */
static int read_part(struct store_account *a, const struct store_message *m, uint64_t skip,
                     size_t len, struct buf *to) WAITS {
    buf_reserve(to, len);
    ssize_t n = store_read(a, m, skip, to->ptr + to->len, len);
    if (n < 0)
        return (int)n;
    to->len += (size_t)n;
    return (size_t)n == len ? 0 : -E_CORRUPT;
}

/* ------------------------------------------------------------------ large ones */

struct part_job {
    struct message_map_maker *maker;
    struct slice bytes;
    struct buf *to; /* NULL: more bytes come */
};

static int run_part(void *arg) {
    struct part_job *j = arg;
    message_map_feed(j->maker, j->bytes);
    if (j->to)
        message_map_finish(j->maker, j->to);
    return 0;
}

static int make_large(struct store_account *a, const struct store_message *m, struct buf *to,
                      struct store_piece *ret) WAITS {
    _cleanup_(message_map_free_p) struct message_map_maker *maker = message_map_new();
    _cleanup_(buf_done) struct buf part = {0};
    struct store_piece piece = {.at = to->len};
    for (uint64_t at = 0; at < m->size; at += part.len) {
        buf_clear(&part);
        size_t len = (size_t)MIN(m->size - at, (uint64_t)STORE_SPAN_MAX);
        int error = read_part(a, m, at, len, &part);
        if (error)
            return error;
        struct part_job job = {maker, buf_slice(&part), at + len == m->size ? to : NULL};
        (void)offload(OFFLOAD_DISK, run_part, &job);
    }
    piece.len = to->len - piece.at;
    *ret = piece;
    return 1;
}

/* ------------------------------------------------------------------ small ones */

struct small_job {
    const struct buf *bytes; /* of the messages, one behind the other */
    const struct store_message *messages;
    size_t count, made;
    struct buf *to;
    struct store_piece *pieces;
};

static int run_small(void *arg) {
    struct small_job *j = arg;
    struct slice rest = buf_slice(j->bytes);
    const size_t before = j->to->len;
    while (j->made < j->count && j->to->len - before < STORE_SPAN_MAX) {
        struct message_map_maker *maker = message_map_new();
        size_t size = (size_t)j->messages[j->made].size, at = j->to->len;
        message_map_feed(maker, slice_first(rest, size));
        message_map_finish(maker, j->to);
        message_map_free(maker);
        rest = slice_from(rest, size);
        j->pieces[j->made++] = (struct store_piece){at, j->to->len - at};
    }
    return 0;
}

int imap_maps(struct store_account *a, const struct store_message *messages, size_t count,
              struct buf *to, struct store_piece *ret_pieces) {
    _cleanup_(buf_done) struct buf bytes = {0};
    struct small_job job = {.bytes = &bytes, .messages = messages, .to = to, .pieces = ret_pieces};
    if (messages[0].size > STORE_SPAN_MAX)
        return make_large(a, messages, to, ret_pieces);
    for (; job.count < MIN(count, IMAP_MAPS_MAX); job.count++) {
        const struct store_message *m = &messages[job.count];
        if (m->size > STORE_SPAN_MAX - bytes.len)
            break;
        int error = read_part(a, m, 0, (size_t)m->size, &bytes);
        if (error && job.count == 0)
            return error;
        if (error)
            break;
    }
    (void)offload(OFFLOAD_DISK, run_small, &job);
    return (int)job.made;
}

/* SPDX-License-Identifier: ISC */
/*
 * Maps of messages. The backend is asked first, for many at once. For those that it does not have
 * small messages are read, as many as lie beside each other in one go, and one trip to another
 * thread makes the maps of all of them. A large one goes there in parts, so that none is ever held
 * as a whole. What was made is given to the backend.
 */
#include <errno.h>

#include "base/alloc.h"
#include "message/map/map.h"
#include "store/account.h"

/* So few bytes take less time than the way to another thread: 30 µs. */
#define AT_ONCE 8192U

/* ------------------------------------------------------------------ a large one */

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

static int make_large(struct store_account *a, const struct backend_mapped *m, struct buf *to,
                      struct store_piece *ret) WAITS {
    _cleanup_(message_map_free_p) struct message_map_maker *maker = message_map_new();
    _cleanup_(free_p) char *part = mem_alloc(STORE_SPAN_MAX);
    const struct backend_body body = {m->body, m->size};
    const size_t begin = to->len;
    for (uint64_t at = 0; at < m->size;) {
        size_t len = (size_t)MIN(m->size - at, (uint64_t)STORE_SPAN_MAX);
        int error = a->below->backend->ops->read(a->below, body, at, part, len);
        if (error)
            return error;
        at += len;
        struct part_job job = {maker, slice_of(part, len), at == m->size ? to : NULL};
        (void)offload(OFFLOAD_DISK, run_part, &job);
    }
    *ret = (struct store_piece){begin, to->len - begin};
    return 0;
}

/* ------------------------------------------------------------------ small ones */

struct small_job {
    struct slice bytes; /* in which the messages are */
    const struct store_piece *messages;
    size_t count;
    struct buf *to;
    size_t most; /* bytes of maps, beyond the first */
    struct store_piece *maps;
    size_t made;
};

static int run_small(void *arg) {
    struct small_job *j = arg;
    const size_t begin = j->to->len;
    for (; j->made < j->count && (j->made == 0 || j->to->len - begin < j->most); j->made++) {
        _cleanup_(message_map_free_p) struct message_map_maker *maker = message_map_new();
        struct store_piece m = j->messages[j->made];
        const size_t at = j->to->len;
        message_map_feed(maker, slice_first(slice_from(j->bytes, m.at), m.len));
        message_map_finish(maker, j->to);
        j->maps[j->made] = (struct store_piece){at, j->to->len - at};
    }
    return 0;
}

/* Reads the first of some messages, and those behind it as far as STORE_SPAN_MAX bytes go. How
 * many; or an error of the first one. */
static int read_small(struct store_account *a, const struct backend_mapped *list, size_t count,
                      struct buf *to, struct store_piece *ret_pieces) WAITS {
    _cleanup_(free_p) struct backend_body *bodies = mem_array(count, sizeof *bodies);
    size_t small = 0, done = 0;
    uint64_t sizes = 0;
    for (; small < count && list[small].size <= STORE_SPAN_MAX - sizes; small++) {
        bodies[small] = (struct backend_body){list[small].body, list[small].size};
        sizes += list[small].size;
    }
    while (done < small) {
        int n = a->below->backend->ops->read_many(a->below, bodies + done, small - done,
                                                  STORE_SPAN_MAX, to, ret_pieces + done);
        if (n < 0 && done == 0)
            return n;
        if (n < 0)
            break;
        done += (size_t)n;
    }
    return (int)done;
}

/* ------------------------------------------------------------------ some */

/*
 * Makes the maps of the first messages of a list; their places are written. How many, at least one;
 * or an error of the first one.
 */
static int make(struct store_account *a, const struct backend_mapped *list, size_t count,
                struct buf *to, struct store_piece *ret_pieces) WAITS {
    if (list[0].size > STORE_SPAN_MAX) {
        int error = make_large(a, list, to, ret_pieces);
        return error ? error : 1;
    }
    _cleanup_(buf_done) struct buf bytes = {0};
    _cleanup_(free_p) struct store_piece *messages = mem_array(count, sizeof *messages);
    int n = read_small(a, list, count, &bytes, messages);
    if (n < 0)
        return n;
    struct small_job job = {.bytes = buf_slice(&bytes),
                            .messages = messages,
                            .count = (size_t)n,
                            .to = to,
                            .most = STORE_SPAN_MAX,
                            .maps = ret_pieces};
    if (bytes.len <= AT_ONCE)
        (void)run_small(&job);
    else
        (void)offload(OFFLOAD_DISK, run_small, &job);
    return (int)job.made;
}

/* Those that were not kept, with what is found out about them. */
struct missing {
    struct backend_mapped *list;
    struct store_piece *pieces;
    size_t *places; /* in the list of the caller */
    size_t count;
};

static void find_missing(const struct backend_mapped *list, size_t count, const struct buf *maps,
                         const struct store_piece *pieces, struct missing *m) {
    for (size_t i = 0; i < count; i++) {
        struct slice map = slice_first(slice_from(buf_slice(maps), pieces[i].at), pieces[i].len);
        if (message_map_is_current(map))
            continue;
        m->places[m->count] = i;
        m->list[m->count++] = list[i];
    }
}

int maps_get(struct store_account *a, const struct backend_mapped *list, size_t count,
             struct buf *to, struct store_piece *ret_pieces) {
    const struct backend_ops *ops = a->below->backend->ops;
    count = MIN(count, STORE_MAPS_MAX);
    size_t known = ops->maps(a->below, list, count, STORE_SPAN_MAX, to, ret_pieces);
    _cleanup_(free_p) struct backend_mapped *missing = mem_array(known, sizeof *missing);
    _cleanup_(free_p) struct store_piece *pieces = mem_array(known, sizeof *pieces);
    _cleanup_(free_p) size_t *places = mem_array(known, sizeof *places);
    struct missing m = {missing, pieces, places, 0};
    find_missing(list, known, to, ret_pieces, &m);
    if (m.count == 0)
        return (int)known;
    int made = make(a, m.list, m.count, to, m.pieces);
    if (made < 0 && m.places[0] == 0)
        return made;
    for (int i = 0; i < made; i++)
        ret_pieces[m.places[i]] = m.pieces[i];
    if (made > 0)
        ops->keep_maps(a->below, m.list, (size_t)made, buf_slice(to), m.pieces);
    made = MAX(made, 0);
    return (size_t)made < m.count ? (int)m.places[made] : (int)known;
}

int store_maps(struct store_account *a, const struct store_message *messages, size_t count,
               struct buf *to, struct store_piece *ret_pieces) {
    count = MIN(count, STORE_MAPS_MAX);
    _cleanup_(free_p) struct backend_mapped *list = mem_array(count, sizeof *list);
    for (size_t i = 0; i < count; i++)
        list[i] =
            (struct backend_mapped){messages[i].body, (uint32_t)messages[i].size, messages[i].date};
    return maps_get(a, list, count, to, ret_pieces);
}

void store_expect_maps(struct store_account *a) {
    a->expects_maps = true;
}

/* SPDX-License-Identifier: ISC */
#include "imap/fetch/each_map.h"

#include "base/alloc.h"
#include "imap/progress.h"

struct batch {
    struct store_message messages[STORE_MAPS_MAX];
    struct store_piece pieces[STORE_MAPS_MAX];
    struct buf maps;
    struct arena arena;
};

/* The messages from a place in the list on; how many. */
static size_t gather(struct batch *b, struct store_view *view, const struct buf *uids, size_t at) {
    size_t count = MIN(uids->len / sizeof(uint32_t) - at, (size_t)STORE_MAPS_MAX);
    for (size_t i = 0; i < count; i++) {
        uint32_t uid;
        memcpy(&uid, uids->ptr + (at + i) * sizeof uid, sizeof uid);
        store_view_at(view, store_view_place(view, uid), &b->messages[i]);
    }
    return count;
}

/* The maps of the first of them; how many, or an error. What is gone or damaged has none. */
static int get(struct batch *b, struct imap_session *s, size_t count) WAITS {
    buf_clear(&b->maps);
    int n = store_maps(s->account, b->messages, count, &b->maps, b->pieces);
    if (n != -E_UNKNOWN && n != -E_CORRUPT)
        return n;
    b->pieces[0] = (struct store_piece){0};
    return 1;
}

int imap_each_map(struct imap_session *s, struct slice tag, const struct buf *uids,
                  void (*each)(void *arg, size_t place, const struct store_message *m,
                               const struct message_map *map),
                  void *arg) {
    _cleanup_(free_p) struct batch *b = NEW(struct batch);
    struct imap_progress progress = imap_progress_begin(s, tag);
    const size_t count = uids->len / sizeof(uint32_t);
    int n = 0;
    for (size_t at = 0; n >= 0 && at < count; at += (size_t)MAX(n, 0)) {
        n = get(b, s, gather(b, s->told.view, uids, at));
        for (int i = 0; i < n; i++) {
            struct store_piece p = b->pieces[i];
            struct message_map map;
            arena_reset(&b->arena);
            bool read = message_map_read(&b->arena, slice_of(b->maps.ptr + p.at, p.len), &map) == 0;
            each(arg, at + (size_t)i, &b->messages[i], read ? &map : NULL);
            (void)fiber_yield_if_long();
        }
        int error = n < 0 ? n : imap_progress(&progress, at + (size_t)n, count);
        n = error ? error : n;
    }
    buf_done(&b->maps);
    arena_done(&b->arena);
    return n < 0 ? n : 0;
}

/* SPDX-License-Identifier: ISC */
#include "store/select.h"

#include "base/alloc.h"

static int by_uid(const void *a, const void *b) {
    const uint32_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

static int sort(void *arg) {
    struct selection *s = arg;
    qsort(s->uids, s->count, sizeof *s->uids, by_uid);
    return 0;
}

int selection_init(struct selection *s, const uint32_t *uids, size_t count) {
    bool sorted = true;
    *s = (struct selection){.uids = mem_array(count, sizeof *uids), .count = count};
    for (size_t i = 0; i < count; i++) {
        s->uids[i] = uids[i];
        sorted &= i == 0 || uids[i - 1] < uids[i];
    }
    if (sorted)
        return 0;
    int error = offload(OFFLOAD_DISK, sort, s);
    if (error) {
        selection_done(s);
        return error;
    }
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (i == 0 || s->uids[i] != s->uids[i - 1])
            s->uids[kept++] = s->uids[i];
    s->count = kept;
    return 0;
}

void selection_done(struct selection *s) {
    free(s->uids);
    s->uids = NULL;
}

size_t selection_next(struct selection *s, const struct mailbox *m, struct group *g,
                      struct store_entry **ret_entries) {
    size_t end = MIN(s->count, s->at + SELECTION_PIECE), count = 0;
    if (s->at > 0 && s->at < s->count) {
        g->large = true;
        (void)fiber_yield();
    }
    while (count == 0 && s->at < s->count) {
        struct store_entry *found = arena_array(&g->arena, end - s->at, sizeof *found);
        for (; s->at < end; s->at++) {
            const struct store_entry *e = entries_find(m->entries, s->uids[s->at]);
            if (e)
                found[count++] = *e;
        }
        end = MIN(s->count, s->at + SELECTION_PIECE);
        *ret_entries = found;
    }
    return count;
}

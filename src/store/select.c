/* SPDX-License-Identifier: ISC */
#include "store/select.h"

#include "base/alloc.h"

#define AT_ONCE 8192U /* UIDs; more are looked through in another thread */

/* ------------------------------------------------------------------ UIDs */

struct choice {
    struct selection *selection;
    const uint32_t *uids;
    size_t count;
};

static int by_uid(const void *a, const void *b) {
    const uint32_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

static int choose(void *arg) {
    const struct choice *c = arg;
    struct selection *s = c->selection;
    bool sorted = true;
    s->uids = mem_array(c->count, sizeof *s->uids);
    for (size_t i = 0; i < c->count; i++) {
        s->uids[i] = c->uids[i];
        sorted &= i == 0 || c->uids[i - 1] < c->uids[i];
    }
    if (!sorted)
        qsort(s->uids, c->count, sizeof *s->uids, by_uid);
    for (size_t i = 0; i < c->count; i++)
        if (i == 0 || s->uids[i] != s->uids[i - 1])
            s->uids[s->count++] = s->uids[i];
    return 0;
}

int selection_run(struct selection *s, struct store_account *a, uint32_t mailbox,
                  const uint32_t *uids, size_t count, struct change *c) {
    struct choice choice = {s, uids, count};
    *s = (struct selection){.mailbox = mailbox_find(a, mailbox)};
    int error = s->mailbox ? mailbox_load(s->mailbox) : -E_UNKNOWN;
    if (error)
        return error;
    a->below->backend->ops->keep_up(a->below);
    error = count > AT_ONCE ? offload(OFFLOAD_DISK, choose, &choice) : choose(&choice);
    if (!error)
        error = change_run(a, c);
    free(s->uids);
    mailbox_rest(s->mailbox);
    return error;
}

size_t selection_next(struct selection *s, struct group *g, struct store_entry **ret_entries) {
    size_t most = MIN(s->count - s->at, (size_t)SELECTION_PIECE), count = 0;
    struct store_entry *found = arena_array(&g->arena, most, sizeof *found);
    while (count == 0 && s->at < s->count) {
        if (s->at > 0)
            (void)fiber_yield();
        struct entries_walk walk = {.version = s->mailbox->content->entries};
        for (size_t end = MIN(s->count, s->at + most); s->at < end; s->at++) {
            const struct store_entry *e = entries_walk(&walk, s->uids[s->at]);
            if (e)
                found[count++] = *e;
        }
    }
    *ret_entries = found;
    return count;
}

/* ------------------------------------------------------------------ keywords of a record */

#define KNOWN_LINES ((size_t)2 * SELECTION_PIECE) /* a power of two */

struct set_line *set_lines_find(struct set_lines *l, struct arena *a, uint32_t set) {
    if (!l->known)
        l->known = arena_array(a, KNOWN_LINES, sizeof *l->known);
    uint32_t hash = set * 2654435761U;
    size_t at = hash % KNOWN_LINES;
    while (l->known[at].is_known && l->known[at].set != set)
        at = (at + 1) % KNOWN_LINES;
    l->known[at].set = set;
    return &l->known[at];
}

void set_lines_end(struct set_lines *l, struct set_line *line, size_t begin) {
    line->is_known = true;
    if (l->text.len == begin)
        return;
    buf_add_byte(&l->text, '\n');
    line->line = ++l->count;
}

struct slice set_lines_done(struct set_lines *l, struct arena *a) {
    struct slice text = l->text.len > 0 ? arena_copy(a, buf_slice(&l->text)) : (struct slice){0};
    buf_done(&l->text);
    return text;
}

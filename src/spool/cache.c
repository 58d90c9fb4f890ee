/* SPDX-License-Identifier: ISC */
/*
 * Bodies in memory. The copy from which a message is written to the log stays for its delivery,
 * which usually follows at once; others are read, checked and kept in the same way. What is in use
 * is never dropped, so the budget is a limit for what is kept beyond that.
 */
#include "base/alloc.h"
#include "spool/log.h"

#define DESCRIPTOR_COST (64U << 10) /* an open file counts like so many bytes */

static size_t cost(const struct spool_cached *c) {
    return sizeof *c + c->len + (c->fd >= 0 ? DESCRIPTOR_COST : 0);
}

struct spool_cached *cached_new(struct spool *s, size_t len) {
    struct spool_cached *c = mem_alloc(sizeof *c + len);
    *c = (struct spool_cached){.users = 1, .fd = -1, .len = len};
    s->cached += cost(c);
    return c;
}

static void cached_free(struct spool *s, struct spool_cached *c) {
    s->cached -= cost(c);
    link_remove(&c->lru);
    if (c->stored)
        c->stored->cached = NULL;
    close_p(&c->fd);
    free(c);
}

void cached_set_file(struct spool *s, struct spool_cached *c, int fd, uint64_t len) {
    s->cached -= cost(c);
    c->fd = fd;
    c->file_len = len;
    s->cached += cost(c);
}

void cached_use(struct spool_cached *c) {
    c->users++;
    link_remove(&c->lru);
}

void cached_leave(struct spool *s, struct spool_cached *c) {
    if (!c || --c->users > 0)
        return;
    if (!c->stored) {
        cached_free(s, c);
        return;
    }
    list_append(&s->unused, &c->lru);
    LIST_EACH (oldest, &s->unused, struct spool_cached, lru) {
        if (s->cached <= s->options.cache_size)
            return;
        cached_free(s, oldest);
    }
}

void cached_forget(struct spool *s, struct stored *st) {
    struct spool_cached *c = st->cached;
    if (!c)
        return;
    c->stored = NULL;
    st->cached = NULL;
    if (c->users == 0)
        cached_free(s, c);
}

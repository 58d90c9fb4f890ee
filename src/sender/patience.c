/* SPDX-License-Identifier: ISC */
#include "sender/patience.h"

#include "base/alloc.h"
#include "base/list.h"
#include "base/map.h"

#define KEY_MAX 255U

struct domain {
    struct link link; /* in newcomers or known; the one that was seen last is at the end */
    usec_t first, last;
    size_t len;
    char name[KEY_MAX]; /* in lower case */
};

struct patience {
    struct map by_name;
    struct list newcomers, known;
};

struct patience *patience_new(void) {
    struct patience *p = NEW(struct patience);
    list_init(&p->newcomers);
    list_init(&p->known);
    return p;
}

static void forget(struct patience *p, struct domain *d) {
    (void)map_remove(&p->by_name, slice_of(d->name, d->len));
    link_remove(&d->link);
    free(d);
}

void patience_free(struct patience *p) {
    if (!p)
        return;
    LIST_EACH (d, &p->newcomers, struct domain, link)
        forget(p, d);
    LIST_EACH (d, &p->known, struct domain, link)
        forget(p, d);
    map_done(&p->by_name);
    free(p);
}

static struct domain *add(struct patience *p, struct slice name, usec_t now) {
    if (p->by_name.count >= PATIENCE_DOMAINS) {
        struct link *oldest = list_first(list_empty(&p->newcomers) ? &p->known : &p->newcomers);
        forget(p, CONTAINER_OF(oldest, struct domain, link));
    }
    struct domain *d = NEW(struct domain);
    d->first = d->last = now;
    d->len = name.len;
    memcpy(d->name, name.ptr, name.len);
    list_append(&p->newcomers, &d->link);
    (void)map_put(&p->by_name, slice_of(d->name, d->len), d);
    return d;
}

bool patience_is_over(struct patience *p, struct slice domain, usec_t now) {
    char text[KEY_MAX];
    struct slice name = slice_lower(slice_first(domain, KEY_MAX), text);
    struct domain *d = map_get(&p->by_name, name);
    if (name.len == 0)
        return false;
    if (!d)
        d = add(p, name, now);
    if (now - d->last >= PATIENCE_FORGOTTEN)
        d->first = now;
    d->last = now;
    link_remove(&d->link);
    list_append(now - d->first >= PATIENCE_KNOWN ? &p->known : &p->newcomers, &d->link);
    return now - d->first >= PATIENCE;
}

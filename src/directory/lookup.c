/* SPDX-License-Identifier: ISC */
/*
 * From a key to its facts: from memory, or from the source. What the source has said is kept unless
 * something was changed meanwhile: nobody may put back what another one has just made wrong.
 */
#include "directory/internal.h"

int directory_lookup(struct directory *d, struct slice key, struct arena *a, struct facts *ret,
                     struct problem *problem) {
    int r = directory_check(d);
    if (r < 0)
        return r;
    const struct facts *cached = cache_get(d->cache, key);
    if (cached) {
        *ret = facts_copy(a, cached);
        return 0;
    }
    struct facts facts = {0};
    uint64_t changes = d->changes;
    r = d->source->ops->lookup(d->source, key, a, &facts);
    if (r == 0 && facts.account_id > 0 && !facts.has_kept)
        r = directory_learn_kept(d, key, &facts, problem);
    if (r < 0)
        return r;
    if (d->changes == changes)
        cache_put(d->cache, key, &facts);
    *ret = facts;
    return 0;
}

int directory_host_domain(struct directory *d, bool any, struct arena *a, struct slice *ret) {
    struct facts host;
    if (d->default_domain.len > 0) {
        *ret = d->default_domain;
        return 0;
    }
    int r = directory_lookup(d, S("@"), a, &host, NULL);
    if (r == 0)
        *ret = any ? host.first : host.target;
    return r;
}

/* SPDX-License-Identifier: ISC */
#include "neighbours.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "imap/names.h"
#include "imap/rights.h"

int neighbours_find(const struct neighbours *n, struct slice address) {
    for (size_t i = 0; i < n->count; i++)
        if (slice_eq_nocase(n->people[i], address))
            return (int)i;
    return -1;
}

struct sharing {
    struct slice user;
    bool any;
};

static void note_identifier(void *arg, struct slice identifier) {
    struct sharing *s = arg;
    s->any |= slice_eq(identifier, s->user) || slice_eq(identifier, S("anyone"));
}

static int shares(const struct neighbour *at, size_t owner, bool *ret) WAITS {
    struct sharing sharing = {.user = at->config.user};
    struct store_account *a;
    *ret = false;
    if (at->all->first + owner == at->account)
        return 0;
    int r = store_account_open(*at->all->store, at->all->first + owner, &a);
    if (r < 0)
        return r;
    store_rights_each(a, note_identifier, &sharing);
    store_account_close(a);
    *ret = sharing.any;
    return 0;
}

static int owners(void *arg, struct arena *a, struct slice **ret, size_t *ret_count) WAITS {
    const struct neighbour *at = arg;
    struct slice *list = arena_array(a, NEIGHBOURS_MAX, sizeof *list);
    size_t count = 0;
    for (size_t i = 0; i < at->all->count; i++) {
        bool shared;
        int r = shares(at, i, &shared);
        if (r < 0)
            return r;
        if (shared)
            list[count++] = at->all->people[i];
    }
    *ret = list;
    *ret_count = count;
    return 0;
}

/* Whose it is, if he shares something. */
static int find_owner(const struct neighbour *at, struct slice owner, size_t *ret) WAITS {
    int i = neighbours_find(at->all, owner);
    bool shared = false;
    int r = i < 0 ? 0 : shares(at, (size_t)i, &shared);
    if (r == 0 && !shared)
        r = -E_UNKNOWN;
    *ret = (size_t)i;
    return r == 0 && at->all->away ? -EPIPE : r;
}

static void run_visit(void *arg) WAITS {
    struct neighbour *at = arg;
    struct imap_session_counts counts;
    (void)imap_session(at->stream, &at->config, *at->all->store, at->account, &counts);
    (void)stream_shutdown(at->stream);
    stream_free(at->stream);
    free(at);
}

static int visit(void *arg, struct slice owner, const struct imap_terms *terms,
                 struct stream **ret) WAITS {
    const struct neighbour *from = arg;
    struct stream *ends[2];
    size_t place;
    int r = find_owner(from, owner, &place);
    if (r < 0)
        return r;
    struct neighbour *at = NEW(struct neighbour);
    neighbour_init(at, from->all, place, &from->config);
    at->config.user = from->config.user;
    at->config.owner = from->all->people[place];
    at->config.terms = *terms;
    at->config.tag = S("");
    stream_pair(STREAM_WINDOW, ends);
    at->stream = ends[1];
    r = fiber_spawn("visit", run_visit, at);
    if (r < 0) {
        stream_free(ends[0]);
        stream_free(ends[1]);
        free(at);
        return r;
    }
    *ret = ends[0];
    return 0;
}

static int target(void *arg, struct slice path, struct imap_target *ret) WAITS {
    const struct neighbour *at = arg;
    struct slice owner, rest = path;
    size_t place;
    const bool own = !imap_owner_of_path(path, &owner, &rest);
    int r = 0;
    if (own)
        place = (size_t)neighbours_find(at->all, at->config.user);
    else
        r = find_owner(at, owner, &place);
    if (r == 0 && own && at->all->away)
        r = -EPIPE;
    if (r < 0)
        return r;
    const uint64_t *quota = at->all->quotas[place];
    *ret = (struct imap_target){
        .account = at->all->first + place, .quota = quota ? *quota : 0, .own = own, .path = rest};
    return 0;
}

static int bring(void *arg, const struct imap_target *to, const struct store_delivery *d,
                 struct store_delivered *ret, uint32_t *ret_uidvalidity) WAITS {
    const struct neighbour *at = arg;
    const struct store_person person = {.name = at->config.user, .is_owner = to->own};
    struct store_delivery delivery = *d;
    struct store_account *a;
    struct store_mailbox m;
    uint32_t rights = 0;
    int r = store_account_open(*at->all->store, to->account, &a);
    if (r < 0)
        return r;
    r = imap_find_mailbox(a, to->path, &m);
    if (r == 0)
        r = store_rights_in(a, m.id, &person, &rights);
    if (r == 0 && !(rights & STORE_RIGHT_INSERT))
        r = rights & STORE_RIGHT_LOOKUP ? -EACCES : -E_UNKNOWN;
    if (r == 0) {
        delivery.mailbox = m.id;
        delivery.quota = to->quota;
        delivery.flags &= imap_flags_of_rights(rights);
        if (!(rights & STORE_RIGHT_WRITE))
            delivery.keyword_count = 0;
        *ret_uidvalidity = m.uidvalidity;
        r = store_deliver(*at->all->store, to->account, &delivery, ret);
    }
    store_account_close(a);
    return r;
}

static void shared(void *arg) WAITS {
    (void)arg;
}

static const struct imap_others others = {
    .owners = owners, .visit = visit, .target = target, .bring = bring, .shared = shared};

void neighbour_init(struct neighbour *at, struct neighbours *n, size_t place,
                    const struct imap_session_config *config) {
    *at = (struct neighbour){.all = n, .account = n->first + place, .config = *config};
    at->config.user = n->people[place];
    at->config.quota = n->quotas[place];
    at->config.others = &others;
    at->config.others_arg = at;
}

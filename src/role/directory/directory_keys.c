/* SPDX-License-Identifier: ISC */
/*
 * Which domains there are, told to the keys role, which makes DKIM keys for them and lets those of
 * removed ones go. It is told of each change at once, and of all after a start and when a call has
 * failed, in both directions, so that neither side has to remember what the other one missed.
 */
#include "base/map.h"
#include "message/address/domain.h"
#include "role/directory/directory_role.h"

#define PAGE       1000U
#define AT_ONCE    (5 * USEC_SEC)  /* of making keys; then the rest of the upkeep has its turn */
#define KEYS_LIMIT (30 * USEC_SEC) /* RSA takes a while where there is little to compute with */

static int keep(struct process *p, struct slice domain) WAITS {
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(fiber_deadline_end) UNUSED struct fiber_deadline d =
        fiber_deadline_begin(fiber_now() + KEYS_LIMIT);
    struct rpc_keys_dkim_keep_in in = {domain};
    struct rpc_keys_dkim_keep_out out;
    return call_keys_dkim_keep(process_link(p, ROLE_KEYS, 0), &in, &a, &out, NULL);
}

static int drop(struct process *p, struct slice domain) WAITS {
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(fiber_deadline_end) UNUSED struct fiber_deadline d =
        fiber_deadline_begin(fiber_now() + KEYS_LIMIT);
    struct rpc_keys_dkim_drop_in in = {domain};
    struct rpc_keys_dkim_drop_out out;
    return call_keys_dkim_drop(process_link(p, ROLE_KEYS, 0), &in, &a, &out, NULL);
}

void directory_keys_changed(struct process *p, struct slice name, bool is_there) {
    _cleanup_(arena_done) struct arena a = {0};
    struct slice domain;
    if (domain_canonical(&a, name, DOMAIN_UTF8, &domain, NULL) < 0 ||
        (is_there ? keep(p, domain) : drop(p, domain)) < 0)
        directory_role(p)->keys_know = false;
}

/* ------------------------------------------------------------------ all of them */

struct names {
    struct arena arena;
    struct map map; /* by name, in the order of which they come */
    struct slice *list;
    size_t count;
};

static void names_done(struct names *n) {
    map_done(&n->map);
    arena_done(&n->arena);
}

static int read_names(struct process *p, struct names *n) WAITS {
    struct slice after = S("");
    struct domain *page = NULL;
    size_t count = 0, room = 0;
    int r;
    do {
        r = directory_domain_list(directory_of(p), after, PAGE, &n->arena, &page, &count, NULL);
        if (r < 0)
            return r;
        if (n->count + count > room) {
            struct slice *more = arena_array(&n->arena, 2 * (n->count + count), sizeof *more);
            if (n->count > 0)
                memcpy(more, n->list, n->count * sizeof *more);
            n->list = more;
            room = 2 * (n->count + count);
        }
        for (size_t i = 0; i < count; i++) {
            after = n->list[n->count++] = page[i].name;
            (void)map_put(&n->map, after, p);
        }
    } while (count == PAGE);
    return 0;
}

/* What has keys and is no domain any more loses them in time. */
static int drop_others(struct process *p, struct names *n) WAITS {
    struct rpc_keys_dkim_domains_in in = {S("")};
    struct rpc_keys_dkim_domains_out out;
    int r;
    do {
        r = call_keys_dkim_domains(process_link(p, ROLE_KEYS, 0), &in, &n->arena, &out, NULL);
        for (size_t i = 0; r == 0 && i < out.domains_count; i++) {
            in.after = out.domains[i];
            if (!map_get(&n->map, in.after))
                r = drop(p, in.after);
        }
    } while (r == 0 && out.domains_count > 0);
    return r;
}

/* For a while, from behind the one where it was broken off. -E_BUSY: some are left. */
static int keep_some(struct process *p, const struct names *n) WAITS {
    char *after = directory_role(p)->keys_after;
    usec_t until = fiber_now() + AT_ONCE;
    for (size_t i = 0; i < n->count; i++) {
        if (slice_cmp(n->list[i], slice_of_str(after)) <= 0)
            continue;
        if (fiber_now() > until)
            return -E_BUSY;
        int r = keep(p, n->list[i]);
        if (r < 0)
            return r;
        (void)slice_to_str(n->list[i], after, DOMAIN_MAX + 1);
    }
    after[0] = '\0';
    return 0;
}

void directory_keys_tell(struct process *p) {
    _cleanup_(names_done) struct names n = {0};
    struct directory_role *role = directory_role(p);
    if (role->keys_know)
        return;
    role->keys_know = true; /* unless a change is missed meanwhile */
    if (read_names(p, &n) < 0 || drop_others(p, &n) < 0 || keep_some(p, &n) < 0)
        role->keys_know = false;
}

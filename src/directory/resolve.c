/* SPDX-License-Identifier: ISC */
/*
 * Where an address leads: a walk, breadth first, from the address asked for over aliases to the
 * mailboxes and forwards at its end. For each name on the way, in this order:
 *
 *   1. the domain is not ours: at the start NOT_OURS, later a forward
 *   2. the domain is another name for one of ours: go on there
 *   3. an alias stands on the name: go on with its targets; the name itself among them means the
 *      mailbox of the account of that name
 *   4. an account has the name
 *   5. what is before the plus sign is such an alias or account; the rest is the detail
 *   6. postmaster, mailer-daemon, abuse: the administrators (RFC 5321 §4.5.1, RFC 2142); those
 *      names also at the name of this host where that is no domain
 *   7. the domain's catch-all, once on a way
 *   8. nobody: a dead end, told only when every way ends dead
 *
 * A name met twice is walked once. One that is met again below itself is a circle, unless somebody
 * on the circle keeps a copy in his own mailbox: then the message arrives, and no more is lost by
 * stopping than a duplicate. Depth and number of targets are bounded.
 *
 * Everything is copied into the caller's arena as it is read, so waits for the file do no harm.
 */
#include <errno.h>

#include "base/words.h"
#include "directory/internal.h"

#define HOPS_MAX ((size_t)2 * ROUTE_TARGETS_MAX)

struct hop {
    struct name name;
    struct slice detail;
    const struct hop *from;
    unsigned depth;
    bool caught;         /* came through a catch-all */
    bool delivers;       /* an alias with its own mailbox among its targets */
    struct slice answer; /* text of the name that decided: without the detail, if it was cut */
    struct hop *next;
};

struct walk {
    struct directory *d;
    struct arena *arena;
    struct route *route;
    struct hop *first, **last;
    struct map seen; /* written texts of all hops, numbers of all mailboxes */
    size_t hop_count;
    size_t mailbox_room, forward_room, reason_room;
    bool loop, disabled, not_ours;
    bool no_catch_all;
    struct problem problem; /* why the directory cannot say; or no sentence */
    uint64_t sender;        /* account looked for on the way; 0: none */
    bool sender_found;
};

static void walk_done(struct walk *w) {
    map_done(&w->seen);
}

/* ------------------------------------------------------------------ results */

static void *room_for_one(struct arena *a, void *array, size_t count, size_t *room, size_t size) {
    if (count < *room)
        return array;
    size_t more = *room > 0 ? *room * 2 : 4;
    void *bigger = arena_array(a, more, size);
    if (count > 0)
        memcpy(bigger, array, count * size);
    *room = more;
    return bigger;
}

/* Adds a sentence as parts (base/error.h); it is not printed, since every recipient passes here. */
static void add_reason(struct walk *w, struct slice parts) {
    struct route *r = w->route;
    if (r->reason_count == ROUTE_REASONS_MAX)
        return;
    r->reasons =
        room_for_one(w->arena, r->reasons, r->reason_count, &w->reason_room, sizeof *r->reasons);
    r->reasons[r->reason_count++] = parts;
}

#define SAY(w, format, ...)                                                                        \
    add_reason((w),                                                                                \
               parts_of_texts((w)->arena, (format), (const struct slice[]){__VA_ARGS__},           \
                              sizeof((const struct slice[]){__VA_ARGS__}) / sizeof(struct slice)))

static struct slice number(struct arena *a, uint64_t v) {
    char digits[20];
    size_t at = sizeof digits;
    do
        digits[--at] = (char)('0' + v % 10);
    while ((v /= 10) > 0);
    return arena_copy(a, slice_of(digits + at, sizeof digits - at));
}

/* True when one more target may be listed, and this one is not yet. */
static bool is_new_target(struct walk *w, struct slice key) {
    if (map_get(&w->seen, key))
        return false;
    if (w->route->mailbox_count + w->route->forward_count >= ROUTE_TARGETS_MAX) {
        if (!w->loop)
            SAY(w, N_("it leads to more than %.*s targets"), number(w->arena, ROUTE_TARGETS_MAX));
        w->loop = true;
        return false;
    }
    (void)map_put(&w->seen, key, w);
    return true;
}

static void add_mailbox(struct walk *w, const struct hop *hop, const struct facts *facts,
                        struct slice address) {
    struct route *r = w->route;
    if (!facts->enabled) {
        w->disabled = true;
        SAY(w, N_("%.*s is an account that is disabled"), address);
        return;
    }
    uint64_t *id = ARENA_NEW(w->arena, uint64_t);
    *id = facts->account_id;
    if (!is_new_target(w, map_u64(id)))
        return;
    r->mailboxes = room_for_one(w->arena, r->mailboxes, r->mailbox_count, &w->mailbox_room,
                                sizeof *r->mailboxes);
    r->mailboxes[r->mailbox_count++] =
        (struct route_mailbox){.account_id = facts->account_id,
                               .quota = facts->quota,
                               .used = directory_used(w->d, facts->account_id, facts->used),
                               .shard = directory_shard(w->d, facts->account_id),
                               .address = address,
                               .detail = hop->detail,
                               .replaced = hop->from ? 0 : facts->replaced};
    SAY(w, N_("%.*s is account %.*s in shard %.*s"), address, number(w->arena, facts->account_id),
        number(w->arena, directory_shard(w->d, facts->account_id)));
}

static void add_forward(struct walk *w, const struct hop *hop) {
    struct route *r = w->route;
    SAY(w, N_("%.*s is not a domain of this host: goes out to %.*s"), hop->name.domain,
        hop->name.written);
    if (r->mailbox_count + r->forward_count >= ROUTE_TARGETS_MAX)
        w->loop = true;
    if (w->loop)
        return;
    r->forwards = room_for_one(w->arena, r->forwards, r->forward_count, &w->forward_room,
                               sizeof *r->forwards);
    r->forwards[r->forward_count++] = hop->name.written;
}

/* ------------------------------------------------------------------ the walk */

/* Whether `text` stands on the way that led here, with nobody on the circle who keeps a copy. */
static bool is_circle(const struct hop *hop, struct slice text) {
    bool delivers = false;
    for (; hop; hop = hop->from) {
        delivers = delivers || hop->delivers;
        if (slice_eq(hop->name.text, text) || slice_eq(hop->answer, text))
            return !delivers;
    }
    return false;
}

static void go_on(struct walk *w, struct hop *from, const struct name *name, struct slice detail,
                  bool caught) {
    if (from && from->depth >= ROUTE_DEPTH_MAX) {
        w->loop = true;
        SAY(w, N_("there are more than %.*s aliases behind each other"),
            number(w->arena, ROUTE_DEPTH_MAX));
        return;
    }
    if (is_circle(from, name->text)) {
        w->loop = true;
        SAY(w, N_("%.*s leads back to %.*s: the aliases run in a circle"), from->name.text,
            name->text);
        return;
    }
    /* A forward is the same only when its local part is written the same. */
    if (map_put(&w->seen, name->written, w))
        return;
    if (++w->hop_count > HOPS_MAX) {
        w->loop = true;
        SAY(w, N_("it leads over more than %.*s names"), number(w->arena, HOPS_MAX));
        return;
    }
    struct hop *hop = ARENA_NEW(w->arena, struct hop);
    *hop = (struct hop){.name = *name, .detail = detail, .from = from, .caught = caught};
    hop->depth = from ? from->depth + 1 : 0;
    hop->answer = name->text;
    *w->last = hop;
    w->last = &hop->next;
}

/* The next hop from stored text. Text that does not parse was stored by somebody else: skipped. */
static void go_on_text(struct walk *w, struct hop *from, struct slice text, struct slice detail,
                       bool caught) {
    struct name name;
    if (name_parse(w->arena, text, &name, NULL) == 0)
        go_on(w, from, &name, detail, caught);
    else
        SAY(w, N_("the target \"%.*s\" is not an address"), text);
}

static void take_alias(struct walk *w, struct hop *hop, const struct name *name,
                       const struct facts *facts) {
    hop->answer = name->text;
    if (facts->target_count > 1)
        SAY(w, N_("%.*s is an alias of %.*s and others: %.*s in all"), name->text,
            facts->targets[0], number(w->arena, facts->target_count));
    else
        SAY(w, N_("%.*s is an alias of %.*s"), name->text, facts->targets[0]);
    for (size_t i = 0; i < facts->target_count; i++) {
        if (facts->account_id > 0 && slice_eq(facts->targets[i], name->text)) {
            hop->delivers = true;
            add_mailbox(w, hop, facts, name->text);
        }
    }
    for (size_t i = 0; i < facts->target_count && !w->loop; i++) {
        if (facts->account_id == 0 || !slice_eq(facts->targets[i], name->text))
            go_on_text(w, hop, facts->targets[i], hop->detail, hop->caught);
    }
}

/* Steps 3 and 4 for one spelling of the name. 1: it was known and is dealt with; 0; negative. */
static int take_name(struct walk *w, struct hop *hop, const struct name *name) WAITS {
    struct facts facts;
    int r = directory_lookup(w->d, name->text, w->arena, &facts, &w->problem);
    if (r < 0 || !facts.known)
        return r;
    if (facts.account_id > 0 && facts.account_id == w->sender && facts.enabled)
        w->sender_found = true;
    if (facts.target_count > 0)
        take_alias(w, hop, name, &facts);
    else
        add_mailbox(w, hop, &facts, name->text);
    return 1;
}

static int take_base(struct walk *w, struct hop *hop) WAITS {
    struct name base;
    struct slice detail;
    char separator = w->d->plus_separator;
    if (separator == DIRECTORY_NO_PLUS ||
        !name_split(w->arena, &hop->name, separator, &base, &detail))
        return 0;
    struct slice inherited = hop->detail;
    hop->detail = detail;
    int r = take_name(w, hop, &base);
    if (r == 0)
        hop->detail = inherited;
    return r;
}

static bool is_role_name(struct slice local) {
    return slice_eq(local, S("postmaster")) || slice_eq(local, S("mailer-daemon")) ||
           slice_eq(local, S("abuse"));
}

static int take_nobody(struct walk *w, struct hop *hop, const struct facts *domain) WAITS {
    const struct name *name = &hop->name;
    struct facts host = {0}; /* its targets are the administrators */
    bool role = is_role_name(name->local);
    int r = role ? directory_lookup(w->d, S("@"), w->arena, &host, &w->problem) : 0;
    if (r < 0)
        return r;
    for (size_t i = 0; i < host.target_count; i++) {
        SAY(w, N_("%.*s goes to an administrator, %.*s"), name->text, host.targets[i]);
        go_on_text(w, hop, host.targets[i], hop->detail, hop->caught);
    }
    if (host.target_count > 0)
        return 0;
    if (domain->catch_all.len > 0 && !hop->caught && !w->no_catch_all) {
        SAY(w, N_("nobody is %.*s: the catch-all of %.*s takes it, %.*s"), name->text, name->domain,
            domain->catch_all);
        go_on_text(w, hop, domain->catch_all, hop->detail, true);
    } else if (role) {
        SAY(w, N_("%.*s has nobody to go to: no account is an administrator"), name->text);
    } else {
        SAY(w, N_("there is no %.*s"), name->text);
    }
    return 0;
}

static int take_hop(struct walk *w, struct hop *hop) WAITS {
    struct facts domain;
    const struct name *name = &hop->name;
    int r = directory_lookup(w->d, name_domain_key(name), w->arena, &domain, &w->problem);
    if (r < 0)
        return r;
    /* Whoever answers a bounce of this host, or writes to its postmaster, reaches somebody. */
    if (!domain.known && w->d->hostname.len > 0 && slice_eq(name->domain, w->d->hostname) &&
        is_role_name(name->local))
        return take_nobody(w, hop, &domain);
    if (!domain.known && hop->depth == 0) {
        w->not_ours = true;
        SAY(w, N_("%.*s is not a domain of this host"), name->domain);
        return 0;
    }
    if (!domain.known) {
        add_forward(w, hop);
        return 0;
    }
    if (domain.type == DOMAIN_ALIAS) {
        struct name moved;
        SAY(w, N_("%.*s is another name for %.*s"), name->domain, domain.target);
        r = name_move(w->arena, name, domain.target, &moved);
        if (r == 0)
            go_on(w, hop, &moved, hop->detail, hop->caught);
        return r;
    }
    if (hop->depth == 0)
        SAY(w, N_("%.*s is a domain of this host"), name->domain);
    r = take_name(w, hop, name);
    if (r == 0)
        r = take_base(w, hop);
    if (r == 0)
        r = take_nobody(w, hop, &domain);
    return MIN(r, 0);
}

static int walk_from(struct walk *w, const struct name *start) WAITS {
    int r = 0;
    w->last = &w->first;
    go_on(w, NULL, start, (struct slice){0}, false);
    for (struct hop *hop = w->first; hop && r == 0 && !w->loop && !w->sender_found; hop = hop->next)
        r = take_hop(w, hop);
    return r;
}

static enum route_kind kind_of(const struct walk *w) {
    if (w->not_ours)
        return ROUTE_NOT_OURS;
    if (w->loop)
        return ROUTE_LOOP;
    if (w->route->mailbox_count + w->route->forward_count > 0)
        return ROUTE_LOCAL;
    return w->disabled ? ROUTE_DISABLED : ROUTE_UNKNOWN_USER;
}

/*
 * An address that was made here for the sender of what was sent on leads back to him. 1: it is of
 * that form, and this is decided.
 */
static int take_sent_on(struct walk *w, const struct name *start) WAITS {
    struct facts domain = {0};
    struct slice back;
    int r = 0;
    if (!w->d->srs.present || !srs_is(start->spelled))
        return 0;
    if (!slice_eq(start->domain, w->d->hostname))
        r = directory_lookup(w->d, name_domain_key(start), w->arena, &domain, &w->problem);
    if (r < 0 || (!domain.known && !slice_eq(start->domain, w->d->hostname)))
        return r;
    const struct srs srs = directory_srs(w->d);
    r = srs_back(&srs, start->spelled, w->arena, &back);
    if (r < 0) {
        SAY(w, N_("%.*s was not made here for a sender, or too long ago"), start->text);
        return 1;
    }
    struct hop hop = {0};
    if (name_parse(w->arena, back, &hop.name, NULL) == 0) {
        SAY(w, N_("%.*s stands for the sender of what was sent on, %.*s"), start->text, back);
        add_forward(w, &hop);
    }
    return 1;
}

static int read_start(struct walk *w, struct slice address, struct name *ret,
                      struct problem *problem) WAITS {
    if (slice_eq_nocase(address, S("postmaster"))) {
        struct slice domain = {0};
        int r = directory_host_domain(w->d, true, w->arena, &domain);
        if (r < 0)
            return r;
        if (domain.len == 0)
            domain = w->d->hostname;
        address = arena_printf(w->arena, "postmaster@%.*s", SLICE_ARG(domain));
    }
    return name_parse(w->arena, address, ret, problem);
}

static bool is_cut_wait(int r) {
    return r == -ECANCELED || r == -ETIMEDOUT;
}

int directory_resolve(struct directory *d, struct slice address, struct arena *a,
                      struct route *ret) {
    struct name start;
    struct problem *problem = ARENA_NEW(a, struct problem); /* not on the stack: they add up */
    struct route route = {0};
    _cleanup_(walk_done) struct walk w = {.d = d, .arena = a, .route = &route};
    int r = read_start(&w, address, &start, problem);
    if (is_cut_wait(r))
        return r;
    if (problem->text[0]) {
        route.kind = ROUTE_BAD_ADDRESS;
        add_reason(&w, arena_copy(a, parts_of_problem(problem)));
    } else {
        if (r == 0)
            r = take_sent_on(&w, &start);
        if (r == 0)
            r = walk_from(&w, &start);
        r = MIN(r, 0);
        if (is_cut_wait(r))
            return r;
        route.kind = r < 0 ? ROUTE_TEMPORARY : kind_of(&w);
        if (r < 0) {
            if (!w.problem.text[0])
                (void)problem_set(&w.problem, r, N_("the directory cannot be read: %s"),
                                  error_text(r));
            add_reason(&w, arena_copy(a, parts_of_problem(&w.problem)));
        }
    }
    if (route.kind != ROUTE_LOCAL)
        route.mailbox_count = route.forward_count = 0;
    *ret = route;
    return 0;
}

int directory_may_send_as(struct directory *d, uint64_t account_id, struct slice address,
                          bool *ret_may) {
    struct name start;
    struct route route = {0};
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(walk_done) struct walk w = {
        .d = d, .arena = &arena, .route = &route, .no_catch_all = true, .sender = account_id};
    if (account_id == 0 || name_parse(&arena, address, &start, NULL) < 0) {
        *ret_may = false;
        return 0;
    }
    int r = walk_from(&w, &start);
    if (r < 0)
        return is_cut_wait(r) ? r : -E_TEMPORARY;
    *ret_may = w.sender_found;
    if (!w.sender_found)
        r = d->source->ops->may_send_as(d->source, account_id, &start, ret_may);
    return r == 0 || is_cut_wait(r) ? r : -E_TEMPORARY;
}

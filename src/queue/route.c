/* SPDX-License-Identifier: ISC */
#include "queue/route.h"

#include "message/address/domain.h"
#include "message/header.h"
#include "message/xtext.h"

size_t route_width(const struct route *route) {
    return route->mailbox_count + route->forward_count;
}

static struct route copy(struct arena *a, const struct route *route) {
    struct route kept = *route;
    kept.mailboxes = arena_array(a, kept.mailbox_count, sizeof *kept.mailboxes);
    kept.forwards = arena_array(a, kept.forward_count, sizeof *kept.forwards);
    kept.reasons = NULL;
    kept.reason_count = 0;
    for (size_t i = 0; i < kept.mailbox_count; i++) {
        kept.mailboxes[i] = route->mailboxes[i];
        kept.mailboxes[i].address = arena_copy(a, route->mailboxes[i].address);
        kept.mailboxes[i].detail =
            route_width(route) == 1 ? arena_copy(a, route->mailboxes[i].detail) : S("");
    }
    for (size_t i = 0; i < kept.forward_count; i++)
        kept.forwards[i] = arena_copy(a, route->forwards[i]);
    return kept;
}

struct route route_keep(struct arena *a, const struct route *route, struct map *shared,
                        bool *ret_again) {
    _cleanup_(buf_done) struct buf key = {0}; /* the targets */
    *ret_again = false;
    if (route_width(route) <= 1)
        return copy(a, route);
    buf_add_u64(&key, route->mailbox_count);
    for (size_t i = 0; i < route->mailbox_count; i++)
        buf_add_u64(&key, route->mailboxes[i].account_id);
    for (size_t i = 0; i < route->forward_count; i++) {
        buf_add_u64(&key, route->forwards[i].len);
        buf_add(&key, route->forwards[i]);
    }
    struct route *kept = map_get(shared, buf_slice(&key));
    *ret_again = kept != NULL;
    if (!kept) {
        kept = ARENA_NEW(a, struct route);
        *kept = copy(a, route);
        (void)map_put(shared, arena_copy(a, buf_slice(&key)), kept);
    }
    return *kept;
}

#define NO_SUCH_ADDRESS SMTP_REPLY(550, 5, 1, 1, "There is no such address here any more")

static struct verdict never(struct smtp_reply reply) {
    return (struct verdict){.way = WAY_NEVER, .reply = reply};
}

struct verdict route_judge(const struct route *route) {
    switch (route->kind) {
    case ROUTE_LOCAL:
        return (struct verdict){.way = route->mailbox_count == 1 && route->forward_count == 0
                                           ? WAY_MAILBOX
                                           : WAY_EXPAND};
    case ROUTE_NOT_OURS:
        return (struct verdict){.way = WAY_REMOTE};
    case ROUTE_UNKNOWN_USER:
        return never(NO_SUCH_ADDRESS);
    case ROUTE_DISABLED:
        return never(SMTP_REPLY(550, 5, 2, 1, "The mailbox is disabled"));
    case ROUTE_LOOP:
        return never(SMTP_REPLY(550, 5, 4, 6, "The address leads round in a circle"));
    case ROUTE_BAD_ADDRESS:
        return never(SMTP_REPLY(501, 5, 1, 3, "The address is not of the form user@domain"));
    case ROUTE_TEMPORARY:
        break;
    }
    return (struct verdict){
        .way = WAY_LATER,
        .reply = SMTP_REPLY(451, 4, 3, 0, "Where the address leads cannot be looked up now")};
}

struct slice route_domain(struct slice address) {
    ssize_t at = slice_rfind_byte(address, '@');
    return at < 0 ? S("") : slice_from(address, (size_t)at + 1);
}

struct slice route_destination(struct arena *a, struct slice address) {
    return domain_fold(a, route_domain(address));
}

/* ------------------------------------------------------------------ groups */

struct grouping {
    struct route_group *groups;
    size_t count;
    struct map open; /* by destination: the group that still has room */
};

static void grouping_done(struct grouping *g) {
    map_done(&g->open);
}

void route_group(struct arena *a, const struct slice *destinations, const size_t *places,
                 size_t count, size_t most, struct route_group **ret_groups, size_t *ret_count) {
    _cleanup_(grouping_done) struct grouping g = {.groups =
                                                      arena_array(a, count, sizeof *g.groups)};
    size_t size = MIN(MAX(most, 1U), count);
    for (size_t i = 0; i < count; i++) {
        struct slice destination = destinations[places[i]];
        struct route_group *group = map_get(&g.open, destination);
        if (!group || group->count == size) {
            group = &g.groups[g.count++];
            group->destination = destination;
            group->members = arena_array(a, MIN(size, count - i), sizeof(size_t));
            (void)map_put(&g.open, destination, group);
        }
        group->members[group->count++] = places[i];
    }
    *ret_groups = g.groups;
    *ret_count = g.count;
}

/* ------------------------------------------------------------------ expansion */

struct verdict route_judge_mailbox(const struct route *route, struct slice address,
                                   const struct route_mailbox **ret_mailbox) {
    struct verdict verdict = route_judge(route);
    if (verdict.way == WAY_LATER || verdict.way == WAY_NEVER)
        return verdict;
    for (size_t i = 0; i < route->mailbox_count; i++) {
        if (!slice_eq_nocase(route->mailboxes[i].address, address))
            continue;
        *ret_mailbox = &route->mailboxes[i];
        return (struct verdict){.way = WAY_MAILBOX};
    }
    return never(NO_SUCH_ADDRESS);
}

void route_targets_done(struct route_targets *to) {
    buf_done(&to->mailboxes);
    buf_done(&to->forwards);
    map_done(&to->seen);
    map_done(&to->served);
}

/*
 * Both kinds are in one map. An address with an empty local part in front is a forward, so that a
 * recipient of this host, who may be an alias, is not taken for the mailbox of that name.
 */
static struct slice forward_key(struct arena *a, struct slice address) {
    struct slice domain = route_domain(address);
    struct slice local = slice_first(address, address.len - domain.len);
    return arena_printf(a, "@%.*s%.*s", SLICE_ARG(local), SLICE_ARG(domain_fold(a, domain)));
}

void route_serve_mailbox(struct route_targets *to, struct slice address) {
    (void)map_put(&to->served, address, to);
}

void route_serve_forward(struct arena *a, struct route_targets *to, struct slice address) {
    (void)map_put(&to->served, forward_key(a, address), to);
}

static struct slice original_of(struct arena *a, const struct recipient *alias) {
    if (alias->original.len > 0)
        return alias->original;
    _cleanup_(buf_done) struct buf text = {0};
    buf_add_str(&text, "rfc822;");
    xtext_encode(&text, alias->address);
    return arena_copy(a, buf_slice(&text));
}

static uint8_t notify_of_targets(uint8_t notify, size_t width) {
    if (width == 1 || notify == 0)
        return notify;
    notify = (uint8_t)(notify & ~NOTIFY_SUCCESS);
    return notify ? notify : NOTIFY_NEVER;
}

/* What two want to hear of one address. 0 stands for failures, and delays if we like. */
static uint8_t notify_of_both(uint8_t one, uint8_t other) {
    const unsigned unsaid = NOTIFY_FAILURE | NOTIFY_DELAY;
    unsigned both = (one ? one : unsaid) | (other ? other : unsaid);
    if (one == other)
        return one;
    return (uint8_t)(both & ~(unsigned)NOTIFY_NEVER);
}

static void add_target(struct arena *a, struct route_targets *to, struct buf *list,
                       struct recipient target, struct slice address) {
    size_t *place = map_get(&to->seen, address);
    if (place) {
        struct recipient *there = (void *)list->ptr;
        there[*place].notify = notify_of_both(there[*place].notify, target.notify);
        return;
    }
    place = ARENA_NEW(a, size_t);
    *place = list->len / sizeof target;
    target.address = arena_copy(a, address);
    buf_add_bytes(list, &target, sizeof target);
    (void)map_put(&to->seen, target.address, place);
}

static void add_mailbox(struct arena *a, struct route_targets *to, struct recipient target,
                        const struct route_mailbox *mailbox) {
    if (!map_get(&to->served, mailbox->address))
        add_target(a, to, &to->mailboxes, target, mailbox->address);
}

void route_expand(struct arena *a, const struct recipient *alias, const struct route *route,
                  struct route_targets *to) {
    struct recipient target = {
        .original = original_of(a, alias),
        .notify = notify_of_targets(alias->notify, route_width(route)),
    };
    for (size_t i = 0; i < route->mailbox_count; i++)
        add_mailbox(a, to, target, &route->mailboxes[i]);
    for (size_t i = 0; i < route->forward_count; i++)
        if (!map_get(&to->served, forward_key(a, route->forwards[i])))
            add_target(a, to, &to->forwards, target, route->forwards[i]);
}

void route_join(struct arena *a, const struct recipient *member,
                const struct route_mailbox *mailbox, struct route_targets *to) {
    struct recipient target = {.original = original_of(a, member), .notify = member->notify};
    add_mailbox(a, to, target, mailbox);
}

struct recipient *route_targets_list(struct arena *a, const struct route_targets *targets,
                                     size_t *ret_mailboxes, size_t *ret_count) {
    size_t len = targets->mailboxes.len + targets->forwards.len;
    struct recipient *all = arena_alloc(a, len);
    *ret_mailboxes = targets->mailboxes.len / sizeof *all;
    *ret_count = len / sizeof *all;
    if (targets->mailboxes.len > 0)
        memcpy(all, targets->mailboxes.ptr, targets->mailboxes.len);
    if (targets->forwards.len > 0)
        memcpy(all + *ret_mailboxes, targets->forwards.ptr, targets->forwards.len);
    return all;
}

/* ------------------------------------------------------------------ loops */

bool route_is_loop(struct slice header, struct slice address) {
    struct header_cursor c = {.message = header};
    struct header_field field;
    while (header_next(&c, &field)) {
        if (header_is(&field, S("Delivered-To")) &&
            slice_eq_nocase(slice_trim_lines(field.raw), address))
            return true;
    }
    return false;
}

/* SPDX-License-Identifier: ISC */
/*
 * What follows from where addresses lead. Pure.
 */
#pragma once

#include "base/map.h"
#include "queue/queue.h"

#define ROUTE_EXPANSIONS_MAX 10U /* messages made from messages, each on behalf of an alias */

enum way {
    WAY_UNKNOWN, /* not asked */
    WAY_MAILBOX, /* to be delivered to the one mailbox of the route */
    WAY_REMOTE,  /* to be transmitted to another host */
    WAY_EXPAND,  /* a new message goes to the targets of the route */
    WAY_LATER,   /* cannot be told now; the verdict has the words */
    WAY_NEVER,   /* leads nowhere; the verdict has the words */
};

struct verdict {
    enum way way;
    struct smtp_reply reply; /* WAY_LATER, WAY_NEVER */
};
struct verdict route_judge(const struct route *route);

/* Behind the last "@"; empty: there is none. */
struct slice route_domain(struct slice address);

/* The domain in lower case: the name of a destination, unless the settings have another one. */
struct slice route_destination(struct arena *a, struct slice address);

/* Recipients that can be handed over in one transaction. */
struct route_group {
    struct slice destination;
    size_t *members; /* what was in `places` */
    size_t count;
};

/*
 * Groups `places` by the destinations that stand there, at most `most` to a group; groups and
 * members in order of appearance. In the arena.
 */
void route_group(struct arena *a, const struct slice *destinations, const size_t *places,
                 size_t count, size_t most, struct route_group **ret_groups, size_t *ret_count);

/*
 * The recipients of the message that goes to the targets of aliases (RFC 3461 §5.2.7). A single
 * target inherits NOTIFY; of several only failures and delays are told, since the sender learns of
 * the success here: "expanded". ORCPT is the alias, unless the sender gave another. Zero value:
 * none. An address that is there already is not added again: what is told of it is what anybody
 * wishes to hear.
 */
struct route_targets {
    struct buf mailboxes, forwards; /* struct recipient */
    struct map seen;                /* places in them, by address */
    struct map served;              /* whom to leave out */
};
void route_expand(struct arena *a, const struct recipient *alias, const struct route *route,
                  struct route_targets *to);
void route_targets_done(struct route_targets *to);

/*
 * Whom to leave out, said beforehand: the account's address of a mailbox that has the message; an
 * address elsewhere that is a recipient itself.
 */
void route_serve_mailbox(struct route_targets *to, struct slice address);
void route_serve_forward(struct arena *a, struct route_targets *to, struct slice address);

/* A mailbox whose recipient goes along with those of a group: it is told what he wishes to hear. */
void route_join(struct arena *a, const struct recipient *member,
                const struct route_mailbox *mailbox, struct route_targets *to);

/* All of them in the arena: first the mailboxes, then the forwards. */
struct recipient *route_targets_list(struct arena *a, const struct route_targets *targets,
                                     size_t *ret_mailboxes, size_t *ret_count);

/*
 * A target that is a mailbox is not expanded again, though an alias may stand on its name (somebody
 * who keeps a copy and has it forwarded too): what the route says of the mailbox alone.
 */
struct verdict route_judge_mailbox(const struct route *route, struct slice address,
                                   const struct route_mailbox **ret_mailbox);

/*
 * A copy in the arena, without reasons. Recipients of a message who lead to the same several
 * targets share one, which `shared` knows (`ret_again`: it was there already): a stranger can name
 * a group a thousand times with a detail each. Details of several mailboxes are left out: they
 * belong to one recipient.
 */
struct route route_keep(struct arena *a, const struct route *route, struct map *shared,
                        bool *ret_again);

/* How many targets the route has. */
size_t route_width(const struct route *route);

/* Whether the header says that this address has sent the message on before. */
bool route_is_loop(struct slice header, struct slice address);

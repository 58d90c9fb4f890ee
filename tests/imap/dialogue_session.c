/* SPDX-License-Identifier: ISC */
/*
 * Dialogues with IMAP after login, against a real store that is kept in memory. Each connection is
 * a session, which begins with the answer to a login with the tag "in". There are the accounts of
 * tama, mike and kuro, and those who share visit each other.
 *
 *     set user NAME@DOMAIN      whose the sessions are that begin from now on; at first tama's
 *     set anyone yes / no       users may give rights to all others at once; at first yes
 *     set away on / off         another account than the user's cannot be reached
 *     set messages N            so many come into the INBOX now, "Subject: N" with a body
 *     set message-max N, set quota N
 *     set metadata N            so many entries of metadata are there
 *     set search-beat N                         microseconds
 *     set vanished-max N                        so much of what vanished is told
 *     set off WORDS         capabilities that are neither announced nor enabled
 *     set ended WHY         the last session that began is cancelled, for this reason
 *     set keeps on          the connection is not taken back (UNAUTHENTICATE)
 *     expect handed-back yes / no
 *     expect end logout / dismissed / lost      of the session that ended last
 */
#include <errno.h>
#include <stdio.h>

#include "base/alloc.h"
#include "dialogue/dialogue.h"
#include "dialogue/door.h"
#include "imap/names.h"
#include "imap/session.h"
#include "judge.h"
#include "store/memory/memory.h"
#include "store/rights.h"

#define ACCOUNT 4711U

static const struct slice people[] = {
    {.ptr = "tama@example.test", .len = 17},
    {.ptr = "mike@example.test", .len = 17},
    {.ptr = "kuro@example.test", .len = 17},
};

struct world {
    struct imap_session_config config;
    struct memory_options memory;
    struct store *store;
    unsigned delivered;
    enum door_end end;
    struct fiber *fiber;
    uint64_t quota;
    struct fiber_turns sorting;
    char *ended;
    char *off;
    uint64_t account; /* of sessions that begin now */
    bool away;
    bool keeps, handed_back; /* UNAUTHENTICATE */
};

/* A session, or a visit. */
struct at_work {
    struct world *world;
    uint64_t account;
    struct imap_session_config config;
    struct stream *stream; /* of a visit */
};

static void open_store(struct world *w) WAITS {
    struct store_options options = {.backend = memory_open, .backend_options = &w->memory};
    MUST(store_open(&options, &w->store, NULL) == 0);
}

/* ------------------------------------------------------------------ other accounts */

struct sharing {
    struct slice user;
    bool any;
};

static void note_identifier(void *arg, struct slice identifier) {
    struct sharing *s = arg;
    s->any |= slice_eq(identifier, s->user) || slice_eq(identifier, S("anyone"));
}

static bool shares(struct at_work *at, uint64_t account) WAITS {
    struct sharing sharing = {.user = at->config.user};
    struct store_account *a;
    if (account == at->account)
        return false;
    MUST(store_account_open(at->world->store, account, &a) == 0);
    store_rights_each(a, note_identifier, &sharing);
    store_account_close(a);
    return sharing.any;
}

static int owners(void *arg, struct arena *a, struct slice **ret, size_t *ret_count) WAITS {
    struct at_work *at = arg;
    *ret = arena_array(a, ARRAY_SIZE(people), sizeof **ret);
    *ret_count = 0;
    for (size_t i = 0; i < ARRAY_SIZE(people); i++)
        if (shares(at, ACCOUNT + i))
            (*ret)[(*ret_count)++] = people[i];
    return 0;
}

static void run_visit(void *arg) WAITS {
    struct at_work *at = arg;
    struct imap_session_counts counts;
    (void)imap_session(at->stream, &at->config, at->world->store, at->account, &counts);
    (void)stream_shutdown(at->stream);
    stream_free(at->stream);
    free(at);
}

static int visit(void *arg, struct slice owner, const struct imap_terms *terms,
                 struct stream **ret) WAITS {
    struct at_work *from = arg;
    struct stream *ends[2];
    size_t i = 0;
    while (i < ARRAY_SIZE(people) && !slice_eq_nocase(people[i], owner))
        i++;
    if (i == ARRAY_SIZE(people) || !shares(from, ACCOUNT + i))
        return -E_UNKNOWN;
    if (from->world->away)
        return -EPIPE;
    struct at_work *at = NEW(struct at_work);
    stream_pair(STREAM_WINDOW, ends);
    *at = *from;
    at->account = ACCOUNT + i;
    at->config.owner = people[i];
    at->config.terms = *terms;
    at->config.tag = S("");
    at->config.others_arg = at;
    at->stream = ends[1];
    *ret = ends[0];
    return fiber_spawn("visit", run_visit, at);
}

static int target(void *arg, struct slice path, struct imap_target *ret) WAITS {
    struct at_work *at = arg;
    struct slice owner = at->config.user, rest = path;
    size_t i = 0;
    const bool own = !imap_owner_of_path(path, &owner, &rest);
    while (i < ARRAY_SIZE(people) && !slice_eq_nocase(people[i], owner))
        i++;
    if (i == ARRAY_SIZE(people) || (!own && !shares(at, ACCOUNT + i)))
        return -E_UNKNOWN;
    *ret = (struct imap_target){
        .account = ACCOUNT + i, .quota = at->world->quota, .own = own, .path = rest};
    return at->world->away ? -EPIPE : 0;
}

static int bring(void *arg, const struct imap_target *to, const struct store_delivery *d,
                 struct store_delivered *ret, uint32_t *ret_uidvalidity) WAITS {
    struct at_work *at = arg;
    const struct store_person person = {.name = at->config.user, .is_owner = to->own};
    struct store_delivery delivery = *d;
    struct store_account *a;
    struct store_mailbox m;
    uint32_t rights = 0;
    MUST(store_account_open(at->world->store, to->account, &a) == 0);
    int r = imap_find_mailbox(a, to->path, &m);
    if (r == 0)
        r = store_rights_in(a, m.id, &person, &rights);
    if (r == 0 && !(rights & STORE_RIGHT_INSERT))
        r = rights & STORE_RIGHT_LOOKUP ? -EACCES : -E_UNKNOWN;
    delivery.mailbox = m.id;
    delivery.quota = to->quota;
    delivery.flags &= rights & STORE_RIGHT_WRITE ? STORE_FLAGS : 0U;
    if (r == 0)
        r = store_deliver(at->world->store, to->account, &delivery, ret);
    *ret_uidvalidity = m.uidvalidity;
    store_account_close(a);
    return r;
}

static void shared(void *arg) WAITS {
    (void)arg;
}

static const struct imap_others others = {
    .owners = owners, .visit = visit, .target = target, .bring = bring, .shared = shared};

static int hand_back(void *arg) WAITS {
    struct world *w = arg;
    w->handed_back = !w->keeps;
    return w->keeps ? -EPIPE : 0;
}

static void *world_new(void) {
    struct world *w = NEW(struct world);
    w->account = ACCOUNT;
    w->config = imap_session_defaults;
    w->config.others = &others;
    w->config.tag = S("in");
    w->config.user = S("tama@example.test");
    w->config.offer.tls_active = true;
    w->config.hand_back = hand_back;
    w->config.hand_back_arg = w;
    w->config.quota = &w->quota;
    w->config.anyone = true;
    w->config.sorting = &w->sorting;
    w->config.ended = (const char *const *)&w->ended;
    w->memory.memory = memory_new();
    open_store(w);
    return w;
}

static void world_free(void *world) {
    struct world *w = world;
    fiber_turns_done(&w->sorting);
    store_close(w->store);
    memory_free(w->memory.memory);
    free(w->ended);
    free(w->off);
    free(w);
}

static void deliver(struct world *w, uint64_t count) {
    for (; count > 0; count--) {
        char text[100];
        w->delivered++;
        int len = snprintf(text, sizeof text, "Subject: %u\r\n\r\nbody %u\r\n", w->delivered,
                           w->delivered);
        struct slice part = slice_of(text, (size_t)len);
        struct store_delivered d;
        struct store_delivery delivery = {.mailbox = STORE_INBOX, .parts = &part, .part_count = 1};
        MUST(store_deliver(w->store, w->account, &delivery, &d) == 0);
    }
}

static void keep_metadata(struct world *w, uint64_t count) {
    struct store_account *a;
    MUST(store_account_open(w->store, ACCOUNT, &a) == 0);
    for (; count > 0; count--) {
        char entry[40];
        int len = snprintf(entry, sizeof entry, "/private/%u", (unsigned)count);
        MUST(store_set_metadata(a, 0, slice_of(entry, (size_t)len), &S("")) == 0);
    }
    store_account_close(a);
}

static void run_session(struct stream *s, void *world) {
    struct world *w = world;
    struct imap_session_counts counts;
    struct at_work at = {.world = w, .account = w->account, .config = w->config};
    at.config.others_arg = &at;
    w->fiber = fiber_self();
    w->end = imap_session(s, &at.config, w->store, at.account, &counts);
}

static int world_set(void *world, struct slice name, struct slice value, struct problem *problem) {
    struct world *w = world;
    uint64_t number;
    if (slice_eq(name, S("keeps"))) {
        w->keeps = true;
        return 0;
    }
    if (slice_eq(name, S("ended"))) {
        w->ended = mem_str(value);
        fiber_cancel(w->fiber);
        return 0;
    }
    if (slice_eq(name, S("user"))) {
        for (size_t i = 0; i < ARRAY_SIZE(people); i++) {
            if (!slice_eq(value, people[i]))
                continue;
            w->config.user = people[i];
            w->account = ACCOUNT + i;
        }
        return 0;
    }
    if (slice_eq(name, S("anyone"))) {
        w->config.anyone = slice_eq(value, S("yes"));
        return 0;
    }
    if (slice_eq(name, S("away"))) {
        w->away = slice_eq(value, S("on"));
        return 0;
    }
    if (slice_eq(name, S("off"))) {
        w->off = mem_str(value);
        w->config.off = slice_of_str(w->off);
        return 0;
    }
    if (slice_to_u64(value, UINT32_MAX, &number) < 0)
        return problem_set(problem, -E_SYNTAX, "a number");
    if (slice_eq(name, S("messages"))) {
        deliver(w, number);
    } else if (slice_eq(name, S("metadata"))) {
        keep_metadata(w, number);
    } else if (slice_eq(name, S("message-max"))) {
        w->config.message_max = number;
    } else if (slice_eq(name, S("quota"))) {
        w->quota = number;
    } else if (slice_eq(name, S("search-beat"))) {
        w->config.search_beat = (usec_t)number;
    } else if (slice_eq(name, S("vanished-max"))) {
        store_close(w->store);
        w->memory.vanished_max = number;
        open_store(w);
    } else {
        return problem_set(problem, -E_UNKNOWN, "there is no such thing");
    }
    return 0;
}

static int world_get(void *world, struct slice name, struct buf *to) {
    struct world *w = world;
    if (slice_eq(name, S("handed-back"))) {
        buf_add_str(to, w->handed_back ? "yes" : "no");
        return 0;
    }
    if (!slice_eq(name, S("end")))
        return -E_UNKNOWN;
    buf_add_str(to, door_end_name(w->end));
    return 0;
}

static const struct dialogue session = {
    .session = run_session,
    .world_new = world_new,
    .world_free = world_free,
    .set = world_set,
    .get = world_get,
    .judge = judge_responses,
};

int main(int argc, char **argv) {
    return dialogue_main(argc, argv, "imap session", &session);
}

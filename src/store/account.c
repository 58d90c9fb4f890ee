/* SPDX-License-Identifier: ISC */
/*
 * Accounts: coming into memory, staying there while they are used and as long as there is room,
 * going out. Fibers that want an account that is being opened or evicted wait for it.
 */
#include "store/property.h"

#include <errno.h>

#include "base/alloc.h"

#define LEAP 10000U /* the first UID of an INBOX that was lost */

/* ------------------------------------------------------------------ for the backend */

/*
 * A mailbox whose group is durable, and not yet visible as a whole, may have any MODSEQ that was
 * given: a HIGHESTMODSEQ that is too high costs a client a look, one that falls costs it changes.
 */
void account_describe(void *store, uint64_t id, struct backend_counters *ret_counters,
                      void (*each)(void *to, const struct record_mailbox *m), void *to) {
    struct store *s = store;
    const struct store_account *a = map_get(&s->accounts, map_u64(&id));
    MUST(a);
    *ret_counters = a->given;
    for (size_t i = 0; i < a->mailbox_count; i++) {
        const struct mailbox_info *m = &a->mailboxes[i]->info;
        each(to, &(struct record_mailbox){.mailbox = m->id,
                                          .parent = m->parent,
                                          .uidvalidity = m->uidvalidity,
                                          .uidnext = a->mailboxes[i]->uidnext,
                                          .role = m->role,
                                          .modseq = a->publishing ? a->given.modseq : m->modseq,
                                          .name = mailbox_name(a->mailboxes[i])});
    }
}

/* Numbers of messages that damage has taken are not given again. */
void account_leap(void *store, uint64_t id, uint32_t by) {
    struct store *s = store;
    struct store_account *a = map_get(&s->accounts, map_u64(&id));
    MUST(a);
    a->given.modseq += by;
    a->given.body_next += by;
    a->given.mailbox_next += by;
    for (size_t i = 0; i < a->mailbox_count; i++) {
        struct mailbox *m = a->mailboxes[i];
        m->info.uidnext = m->uidnext += by;
        m->info.modseq = a->given.modseq;
        feed_note(m, FEED_ARRIVED | FEED_VANISHED | FEED_FLAGGED, m->info.modseq);
    }
    a->published = a->given.modseq;
    account_changed(a);
}

/* ------------------------------------------------------------------ into memory */

static void take_mailbox(void *arg, const struct backend_mailbox *m) {
    (void)mailbox_add(arg, &(struct store_mailbox){.id = m->info.mailbox,
                                                   .parent = m->info.parent,
                                                   .role = (enum store_role)m->info.role,
                                                   .name = m->info.name,
                                                   .uidvalidity = m->info.uidvalidity,
                                                   .uidnext = m->info.uidnext,
                                                   .modseq = m->info.modseq,
                                                   .messages = m->messages,
                                                   .unseen = m->unseen,
                                                   .bytes = m->bytes});
}

static void take_property(void *arg, const struct record_property *p) {
    properties_put(arg, p);
}

static int bring_in(struct store_account *a) WAITS {
    struct store_backend *b = a->store->backend;
    struct backend_sink sink = {take_mailbox, take_property, a};
    struct backend_state state = {0};
    int error = b->ops->account_open(b, a->id, &sink, &state, &a->below);
    if (error)
        return error;
    a->given = state.counters;
    a->published = state.counters.modseq;
    a->messages = state.messages;
    a->bytes = state.bytes;
    a->deleted_bytes = state.deleted_bytes;
    a->deleted_count = state.deleted_count;
    a->properties.forgotten = MAX(a->properties.forgotten, state.properties_since);
    if (!state.is_new && !mailbox_find(a, STORE_INBOX))
        (void)account_add_inbox(a, LEAP);
    return account_begin(a, state.is_new);
}

static struct store_account *account_new(struct store *s, uint64_t id) {
    struct store_account *a = NEW(struct store_account);
    a->store = s;
    a->id = id;
    a->users = 1;
    fiber_cond_init(&a->changed);
    fiber_mutex_init(&a->names);
    list_init(&a->watches);
    list_init(&a->comers);
    list_init(&a->changes);
    list_init(&a->untidy);
    (void)map_put(&s->accounts, map_u64(&a->id), a);
    s->stats.accounts++;
    s->memory += (int64_t)sizeof *a;
    return a;
}

static void account_free(struct store_account *a) {
    struct store *s = a->store;
    MUST(list_empty(&a->watches));
    (void)map_remove(&s->accounts, map_u64(&a->id));
    s->stats.accounts--;
    s->memory -= (int64_t)sizeof *a;
    link_remove(&a->ready_link);
    link_remove(&a->overfull_link);
    unmapped_forget(a);
    for (size_t i = 0; i < a->mailbox_count; i++)
        mailbox_free(a->mailboxes[i]);
    free(a->mailboxes);
    properties_free(a);
    feed_free(a);
    fiber_cond_wake_all(&s->settled);
    free(a);
}

void account_pin(struct store_account *a) {
    if (a->users++ > 0)
        return;
    link_remove(&a->idle_link);
}

/* The account when it is in memory, and once it is settled there; or NULL. */
static int find_settled(struct store *s, uint64_t id, struct store_account **ret) WAITS {
    while ((*ret = map_get(&s->accounts, map_u64(&id))) && (*ret)->state != ACCOUNT_READY) {
        int r = fiber_cond_wait(&s->settled);
        if (r < 0)
            return r;
    }
    return 0;
}

static void note_given(void *arg, const struct store_property *p) {
    (void)p;
    *(bool *)arg = true;
}

static bool gives_rights(const struct store_account *a) {
    bool given = false;
    for (size_t i = 0; !given && i < a->mailbox_count; i++)
        store_property_each(a, a->mailboxes[i]->info.id, STORE_RIGHTS, note_given, &given);
    return given;
}

/* For one that find_settled() has just not found. */
static int come_in(struct store *s, uint64_t id, bool bare,
                   struct store_account **ret_account) WAITS {
    if (map_get(&s->purged, map_u64(&id)))
        return -E_PERMANENT;
    struct store_account *a = account_new(s, id);
    a->begins_bare = bare;
    int error = bring_in(a);
    if (error) {
        a->state = ACCOUNT_CLOSING;
        if (a->below)
            (void)s->backend->ops->account_close(a->below, true);
        account_free(a);
        return error;
    }
    a->state = ACCOUNT_READY;
    fiber_cond_wake_all(&s->settled);
    *ret_account = a;
    return 0;
}

int account_open(struct store *s, uint64_t id, bool report, struct store_account **ret_account) {
    struct store_account *a = NULL;
    int r = find_settled(s, id, &a);
    if (r < 0)
        return r;
    if (a) {
        account_pin(a);
        *ret_account = a;
        return 0;
    }
    r = come_in(s, id, false, &a);
    if (r < 0)
        return r;
    if (report)
        account_report_usage(a);
    if (gives_rights(a))
        account_report_sharing(a);
    store_look_for_room(s);
    *ret_account = a;
    return 0;
}

int store_account_open(struct store *s, uint64_t id, struct store_account **ret_account) {
    return account_open(s, id, true, ret_account);
}

int store_begin_bare(struct store *s, uint64_t id) {
    struct store_account *a = NULL;
    int r = find_settled(s, id, &a);
    if (r == 0 && a)
        return -EEXIST;
    if (r == 0)
        r = come_in(s, id, true, &a);
    if (r < 0)
        return r;
    bool has_begun = a->begins_bare;
    account_report_usage(a);
    store_account_close(a);
    return has_begun ? 0 : -EEXIST;
}

static void put_idle(struct store_account *a) {
    a->idle_since = fiber_now();
    list_append(&a->store->idle, &a->idle_link);
}

void store_account_close(struct store_account *a) {
    if (!a || --a->users > 0)
        return;
    put_idle(a);
    store_look_for_room(a->store);
}

void account_report_usage(struct store_account *a) {
    const struct store_options *o = &a->store->options;
    if (o->used)
        o->used(o->used_arg, a->id);
}

/* ------------------------------------------------------------------ out of memory */

int account_evict(struct store_account *a) {
    struct store *s = a->store;
    MUST(a->users == 0);
    link_remove(&a->idle_link);
    a->state = ACCOUNT_CLOSING;
    int error = s->backend->ops->account_close(a->below, s->closing);
    if (error) {
        a->state = ACCOUNT_READY;
        put_idle(a);
        fiber_cond_wake_all(&s->settled);
        return error;
    }
    account_free(a);
    return 0;
}

void evictor_main(void *arg) {
    struct store *s = arg;
    while (!s->closing && !fiber_cancelled()) {
        if (s->dropped.len > 0) {
            store_free_some(s);
            if (s->dropped.len == 0)
                store_look_for_room(s);
            (void)fiber_yield();
            continue;
        }
        struct link *k = s->memory > (int64_t)s->options.memory ? list_first(&s->idle) : NULL;
        if (!k || account_evict(CONTAINER_OF(k, struct store_account, idle_link)) < 0)
            (void)fiber_cond_wait(&s->crowded);
        else
            store_look_for_room(s);
    }
}

/* ------------------------------------------------------------------ out of the world */

int account_take_out(struct store *s, uint64_t id, struct store_account **ret) {
    struct store_account *a = NULL;
    int r = find_settled(s, id, &a);
    if (r == 0 && a && a->users > 0)
        return -E_BUSY;
    if (r == 0 && a)
        r = account_evict(a);
    if (r == 0)
        r = find_settled(s, id, &a);
    if (r < 0 || a) /* somebody was quicker */
        return r < 0 ? r : -E_BUSY;
    *ret = account_new(s, id);
    return 0;
}

void account_leave_out(struct store_account *a, bool purged) {
    struct store *s = a->store;
    if (purged && !map_get(&s->purged, map_u64(&a->id))) {
        uint64_t *id = NEW(uint64_t);
        *id = a->id;
        (void)map_put(&s->purged, map_u64(id), id);
    }
    a->state = ACCOUNT_CLOSING;
    account_free(a);
}

/* SPDX-License-Identifier: ISC */
/*
 * The mail role: the mailboxes of its share of the accounts. Messages come from the queue, readers
 * from the edge after they have logged in. All workers see the same folder; an account belongs to
 * the worker of its shard (modulo their number), so no two ever have the same one open, and their
 * number may change from one start to the next.
 */
#include <errno.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/siphash.h"
#include "fiber/wait.h"
#include "imap/search/results.h"
#include "role/mail/mail_asked.h"
#include "role/mail/mail_gone.h"
#include "role/mail/mail_others.h"
#include "role/mail/mail_place.h"
#include "role/mail/mail_sessions.h"
#include "role/mailboxes.h"
#include "role/roles.h"

#define TOLD_AGAIN (10 * USEC_MIN)

bool mail_is_news(struct mail *m, uint64_t account, const char *text) {
    uint64_t what = siphash(slice_of_str(text)) ^ account;
    struct mail_told *told = &m->told[what % MAIL_TOLD_PLACES];
    if (told->when > 0 && told->what == what && fiber_now() - told->when < TOLD_AGAIN)
        return false;
    *told = (struct mail_told){what, fiber_now()};
    return true;
}

static void report_damage(void *arg, uint64_t account, const char *text) {
    struct process *p = arg;
    if (mail_is_news(p->state, account, text))
        process_event(arg, 0, KIND_WARNING, NULL, 0, "Account %llu: %s",
                      (unsigned long long)account, text);
}

/* Messages are refused when less than the reserve is free: what was deleted goes before. */
static uint64_t room_for_deleted(const struct conf *conf) {
    return conf->queue.disk_reserve * 2;
}

/* Less than a reader notices; under load enough for many messages to one mailbox. */
#define PATIENCE (250 * USEC_MS)

static bool owns(void *arg, uint64_t account) {
    return mail_owns(arg, account);
}

static int open_mail(struct process *p, struct problem *problem) WAITS {
    struct mail *m = NEW(struct mail);
    struct search_indexes_options indexes = {.report = report_damage, .report_arg = p};
    m->indexes = search_indexes_new(&indexes);
    m->results = imap_results_new(IMAP_RESULTS_BYTES);
    struct store_options options = {
        .memory = p->conf->delivery.memory_max,
        .patience = PATIENCE,
        .undelete = p->conf->delivery.deleted_keep,
        .undelete_bytes = p->conf->delivery.deleted_size_max,
        .undelete_room = room_for_deleted(p->conf),
        .report = report_damage,
        .report_arg = p,
        .owns = owns,
        .owns_arg = p,
        .used = mail_note_used,
        .used_arg = p,
        .shared = mail_note_shared,
        .shared_arg = p,
        .arrived = search_indexes_arrived,
        .arrived_arg = m->indexes,
    };
    p->state = m;
    m->workers = MIN(p->conf->workers.mail, PROCESS_WORKERS_MAX); /* as roles_workers() */
    mail_sessions_init(m);
    mail_sessions_usual_quota(m, p->conf->delivery.quota);
    fiber_cond_init(&m->calls_done);
    fiber_cond_init(&m->used_filled);
    fiber_mutex_init(&m->telling);
    fiber_mutex_init(&m->telling_shared);
    return mailboxes_open(p->conf, &options, &m->store, problem);
}

static void go(struct process *p) {
    struct mail *m = p->state;
    if (mail_usage_start(p) < 0 || mail_gone_start(p) < 0 ||
        search_indexes_start(m->indexes, m->store) < 0)
        process_fail(p, "no memory for the first fibers");
}

/* What the directory had not written yet when it ended is told once more. */
static void peer_gone(struct process *p, enum role role, unsigned worker) {
    struct mail *m = p->state;
    (void)worker;
    if (role == ROLE_DIRECTORY && !m->stopping) /* then the store may be closed */
        store_report_usage(m->store);
}

static int reload_mail(struct process *p, const struct conf *before, struct problem *problem) {
    (void)before;
    (void)problem;
    struct mail *m = p->state;
    store_set_min_free(m->store, mailboxes_min_free(p->conf));
    store_set_memory(m->store, p->conf->delivery.memory_max);
    store_set_undelete(m->store, p->conf->delivery.deleted_keep,
                       p->conf->delivery.deleted_size_max);
    store_set_undelete_room(m->store, room_for_deleted(p->conf));
    mail_sessions_usual_quota(m, p->conf->delivery.quota);
    mailboxes_set_defaults(m->store, p->conf);
    return 0;
}

static void stop_mail(struct process *p) WAITS {
    struct mail *m = p->state;
    m->stopping = true;
    mail_end_sessions(m);
    while (m->calls > 0 && fiber_cond_wait(&m->calls_done) == 0)
        continue;
    mail_gone_stop(p);
    mail_usage_stop(p);
    search_indexes_stop(m->indexes);
    store_close(m->store);
    search_indexes_free(m->indexes);
    imap_results_free(m->results);
}

static uint64_t sessions(struct process *p) {
    return ((struct mail *)p->state)->session_count;
}

/* ------------------------------------------------------------------ deliveries */

static int deliver_into(struct mail *m, const struct rpc_mail_deliver_in *in, struct slice key,
                        const struct mail_place *place, struct store_delivered *ret) WAITS {
    struct slice parts[] = {in->head, place->marked ? S(MAIL_JUNK_FIELD) : S(""), in->bytes};
    struct store_delivery delivery = {
        .mailbox = place->mailbox,
        .key = key,
        .return_path = in->return_path,
        .arrival = in->arrival,
        .quota = in->quota,
        .patient = true, /* the queue holds it */
        .parts = parts,
        .part_count = ARRAY_SIZE(parts),
        .fd = in->file,
        .len = in->file >= 0 ? in->file_len : 0,
    };
    return store_deliver(m->store, in->account, &delivery, ret);
}

static int deliver(struct mail *m, const struct rpc_mail_deliver_in *in, struct slice key,
                   struct arena *a, struct mail_place *place, struct store_delivered *ret) WAITS {
    *place = (struct mail_place){.mailbox = STORE_INBOX, .name = S("INBOX")};
    if (in->verdict == VERDICT_JUNK)
        mail_place_junk(m, in->account, a, place);
    int r = deliver_into(m, in, key, place, ret);
    if (r != -E_UNKNOWN || place->mailbox == STORE_INBOX)
        return r;
    /* its owner has removed the mailbox just now */
    *place = (struct mail_place){.mailbox = STORE_INBOX, .marked = true, .name = S("INBOX")};
    return deliver_into(m, in, key, place, ret);
}

static int on_deliver(void *arg, const struct rpc_caller *caller,
                      const struct rpc_mail_deliver_in *in, struct arena *a,
                      struct rpc_mail_deliver_out *out, struct problem *problem) WAITS {
    struct process *p = arg;
    struct store_delivered delivered = {0};
    struct mail_place place;
    _cleanup_(close_p) UNUSED int file = in->file;
    char id[24];
    (void)caller;
    _cleanup_(mail_call_end) struct mail *m = mail_call_begin(p, in->account, problem);
    if (!m)
        return -E_TEMPORARY;
    int len = snprintf(id, sizeof id, "%016llx", (unsigned long long)in->id);
    int r = deliver(m, in, slice_of(id, (size_t)len), a, &place, &delivered);
    if (r == -E_LIMIT && in->quota > 0)
        return problem_set(problem, r,
                           "the mailbox is full; its owner has to delete messages, or be given "
                           "more room than %llu bytes",
                           (unsigned long long)in->quota);
    if (r == -ENOSPC)
        return problem_set(problem, r, "the disk has too little room for the message");
    if (r < 0)
        return problem_set(problem, r, "the mailbox cannot take the message: %s", error_text(r));
    out->already = delivered.already;
    out->uid = delivered.uid;
    out->mailbox = slice_first(place.name, 256);
    return 0;
}

/* ------------------------------------------------------------------ for the directory */

static int on_purge(void *arg, const struct rpc_caller *caller, const struct rpc_mail_purge_in *in,
                    struct arena *a, struct rpc_mail_purge_out *out,
                    struct problem *problem) WAITS {
    (void)caller;
    (void)a;
    (void)out;
    _cleanup_(mail_call_end) struct mail *m = mail_call_begin(arg, in->account, problem);
    if (!m)
        return -E_TEMPORARY;
    int r = store_purge(m->store, in->account);
    if (r == -E_BUSY)
        return problem_set(problem, r, "somebody still has its mailbox open");
    return r < 0 ? problem_set(problem, r, "its files cannot be deleted: %s", error_text(r)) : 0;
}

static int on_report_usage(void *arg, const struct rpc_caller *caller,
                           const struct rpc_mail_report_usage_in *in, struct arena *a,
                           struct rpc_mail_report_usage_out *out, struct problem *problem) WAITS {
    (void)caller;
    (void)a;
    (void)out;
    _cleanup_(mail_call_end) struct mail *m = mail_call_begin(arg, in->account, problem);
    if (!m)
        return -E_TEMPORARY;
    if (in->account > 0)
        mail_note_used(arg, in->account);
    return mail_report_usage(arg);
}

static const struct rpc_mail_handlers handlers = {
    .deliver = on_deliver,
    .session = mail_on_session,
    .visit = mail_on_visit,
    .bring = mail_on_bring,
    .farewell = mail_on_farewell,
    .set_quota = mail_on_set_quota,
    .end_sessions = mail_on_end_sessions,
    .purge = on_purge,
    .report_usage = on_report_usage,
    .deleted = mail_on_deleted,
    .restore = mail_on_restore,
    .whose = mail_on_whose,
    .begin_bare = mail_on_begin_bare,
    .mailboxes = mail_on_mailboxes,
    .change_mailbox = mail_on_change_mailbox,
    .mailbox_rights = mail_on_mailbox_rights,
    .messages = mail_on_messages,
    .message = mail_on_message,
    .change_messages = mail_on_change_messages,
    .search_index = mail_on_search_index,
    .index_left = mail_on_index_left,
};

const struct process_work role_mail = {
    .handlers = &handlers,
    .open = open_mail,
    .go = go,
    .reload = reload_mail,
    .stop = stop_mail,
    .sessions = sessions,
    .peer_gone = peer_gone,
};

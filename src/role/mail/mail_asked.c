/* SPDX-License-Identifier: ISC */
#include "role/mail/mail_asked.h"

#include "role/author.h"
#include "role/mail/mail_deleted.h"
#include "role/mail/mail_messages.h"

/* 0: a call has begun. A command asks one process after the other whose the account is. */
static int begin_asked(struct process *p, uint64_t account, struct mail **ret,
                       struct problem *problem) {
    if (!mail_owns(p, account))
        return problem_set(problem, -E_REFUSED, "the account belongs to another mail process");
    *ret = mail_call_begin(p, account, problem);
    return *ret ? 0 : -E_TEMPORARY;
}

static void tell(struct process *p, const struct mail_done *done) {
    if (done->kind)
        process_event(p, 0, done->kind, done->facts, done->fact_count, "%.*s",
                      SLICE_ARG(done->text));
}

int mail_on_whose(void *arg, const struct rpc_caller *caller, const struct rpc_mail_whose_in *in,
                  struct arena *a, struct rpc_mail_whose_out *out, struct problem *problem) {
    (void)caller;
    (void)a;
    (void)out;
    _cleanup_(mail_call_end) struct mail *m = NULL;
    return begin_asked(arg, in->account, &m, problem);
}

/* ------------------------------------------------------------------ removed messages */

int mail_on_deleted(void *arg, const struct rpc_caller *caller,
                    const struct rpc_mail_deleted_in *in, struct arena *a,
                    struct rpc_mail_deleted_out *out, struct problem *problem) {
    struct process *p = arg;
    (void)caller;
    _cleanup_(mail_call_end) struct mail *m = NULL;
    int r = begin_asked(p, in->account, &m, problem);
    if (r == 0)
        r = mail_answer_deleted(m->store, in, a, out, problem);
    out->keep = p->conf->delivery.deleted_keep;
    out->size_max = p->conf->delivery.deleted_size_max;
    return r;
}

int mail_on_restore(void *arg, const struct rpc_caller *caller,
                    const struct rpc_mail_restore_in *in, struct arena *a,
                    struct rpc_mail_restore_out *out, struct problem *problem) {
    struct process *p = arg;
    struct slice messages = S("");
    struct rpc_mail_restore_in wanted = *in;
    _cleanup_(mail_call_end) struct mail *m = NULL;
    if (wanted.quota == 0)
        wanted.quota = p->conf->delivery.quota;
    int r = begin_asked(p, in->account, &m, problem);
    if (r == 0)
        r = mail_answer_restore(m->store, &wanted, a, out, &messages, problem);
    if (messages.len > 0) {
        struct event_fact facts[MAIL_RESTORED_FACTS];
        struct slice text = mail_restored_event(author_of_caller(caller, in->by, a), in->address,
                                                messages, facts, a);
        process_event(p, 0, KIND_RESTORED, facts, MAIL_RESTORED_FACTS, "%.*s", SLICE_ARG(text));
    }
    return r;
}

/* ------------------------------------------------------------------ mailboxes */

int mail_on_begin_bare(void *arg, const struct rpc_caller *caller,
                       const struct rpc_mail_begin_bare_in *in, struct arena *a,
                       struct rpc_mail_begin_bare_out *out, struct problem *problem) {
    (void)caller;
    (void)a;
    _cleanup_(mail_call_end) struct mail *m = NULL;
    int r = begin_asked(arg, in->account, &m, problem);
    return r < 0 ? r : mail_answer_begin_bare(m->store, in, out, problem);
}

int mail_on_mailboxes(void *arg, const struct rpc_caller *caller,
                      const struct rpc_mail_mailboxes_in *in, struct arena *a,
                      struct rpc_mail_mailboxes_out *out, struct problem *problem) {
    struct process *p = arg;
    (void)caller;
    struct rpc_mail_mailboxes_in wanted = *in;
    _cleanup_(mail_call_end) struct mail *m = NULL;
    if (wanted.quota == 0)
        wanted.quota = p->conf->delivery.quota;
    int r = begin_asked(p, in->account, &m, problem);
    return r < 0 ? r : mail_answer_mailboxes(m->store, &wanted, a, out, problem);
}

int mail_on_change_mailbox(void *arg, const struct rpc_caller *caller,
                           const struct rpc_mail_change_mailbox_in *in, struct arena *a,
                           struct rpc_mail_change_mailbox_out *out, struct problem *problem) {
    (void)out;
    struct mail_done done = {0};
    _cleanup_(mail_call_end) struct mail *m = NULL;
    int r = begin_asked(arg, in->account, &m, problem);
    if (r == 0)
        r = mail_answer_change_mailbox(m->store, in, author_of_caller(caller, in->by, a), a, &done,
                                       problem);
    tell(arg, &done);
    return r;
}

int mail_on_mailbox_rights(void *arg, const struct rpc_caller *caller,
                           const struct rpc_mail_mailbox_rights_in *in, struct arena *a,
                           struct rpc_mail_mailbox_rights_out *out, struct problem *problem) {
    (void)caller;
    _cleanup_(mail_call_end) struct mail *m = NULL;
    int r = begin_asked(arg, in->account, &m, problem);
    return r < 0 ? r : mail_answer_mailbox_rights(m->store, in, a, out, problem);
}

/* ------------------------------------------------------------------ messages */

int mail_on_messages(void *arg, const struct rpc_caller *caller,
                     const struct rpc_mail_messages_in *in, struct arena *a,
                     struct rpc_mail_messages_out *out, struct problem *problem) {
    (void)caller;
    _cleanup_(mail_call_end) struct mail *m = NULL;
    int r = begin_asked(arg, in->account, &m, problem);
    return r < 0 ? r : mail_answer_messages(m->store, m->indexes, in, a, out, problem);
}

int mail_on_message(void *arg, const struct rpc_caller *caller,
                    const struct rpc_mail_message_in *in, struct arena *a,
                    struct rpc_mail_message_out *out, struct problem *problem) {
    struct mail_done done = {0};
    _cleanup_(mail_call_end) struct mail *m = NULL;
    int r = begin_asked(arg, in->account, &m, problem);
    if (r == 0)
        r = mail_answer_message(m->store, in, author_of_caller(caller, in->by, a), a, out, &done,
                                problem);
    tell(arg, &done);
    return r;
}

int mail_on_change_messages(void *arg, const struct rpc_caller *caller,
                            const struct rpc_mail_change_messages_in *in, struct arena *a,
                            struct rpc_mail_change_messages_out *out, struct problem *problem) {
    struct mail_done done = {0};
    _cleanup_(mail_call_end) struct mail *m = NULL;
    int r = begin_asked(arg, in->account, &m, problem);
    if (r == 0)
        r = mail_answer_change_messages(m->store, in, author_of_caller(caller, in->by, a), a, out,
                                        &done, problem);
    tell(arg, &done);
    return r;
}

/* ------------------------------------------------------------------ the index of its texts */

static int ask_index(struct mail *m, const struct rpc_mail_search_index_in *in,
                     struct rpc_mail_search_index_out *out) WAITS {
    _cleanup_(store_account_close_p) struct store_account *account = NULL;
    struct search_progress progress = {0};
    int r = store_account_open(m->store, in->account, &account);
    if (r == 0 && in->rebuild)
        r = search_indexes_rebuild(m->indexes, account);
    if (r == 0)
        r = search_indexes_progress(m->indexes, account, &progress);
    *out = (struct rpc_mail_search_index_out){progress.there, progress.anew, progress.messages,
                                              progress.left};
    return r;
}

int mail_on_index_left(void *arg, const struct rpc_caller *caller,
                       const struct rpc_mail_index_left_in *in, struct arena *a,
                       struct rpc_mail_index_left_out *out, struct problem *problem) {
    (void)caller;
    (void)in;
    (void)a;
    _cleanup_(mail_call_end) struct mail *m = mail_call_begin(arg, 0, problem);
    if (!m)
        return -E_TEMPORARY;
    out->left = search_indexes_left(m->indexes);
    return 0;
}

int mail_on_search_index(void *arg, const struct rpc_caller *caller,
                         const struct rpc_mail_search_index_in *in, struct arena *a,
                         struct rpc_mail_search_index_out *out, struct problem *problem) {
    (void)caller;
    (void)a;
    _cleanup_(mail_call_end) struct mail *m = NULL;
    int r = begin_asked(arg, in->account, &m, problem);
    if (r < 0)
        return r;
    r = ask_index(m, in, out);
    return r < 0 ? problem_set(problem, r, "the account cannot be opened: %s", error_text(r)) : 0;
}

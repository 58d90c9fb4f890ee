/* SPDX-License-Identifier: ISC */
#include "role/mail/mail_others.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "directory/sharing.h"
#include "imap/names.h"
#include "imap/rights.h"
#include "role/directory/directory_files.h"

#define IDENTIFIER_MAX 512U /* no user's address is longer */

/* ------------------------------------------------------------------ telling the directory */

void mail_note_shared(void *arg, uint64_t account) {
    struct mail *m = ((struct process *)arg)->state;
    if (map_get(&m->shared, map_u64(&account)))
        return;
    uint64_t *id = NEW(uint64_t);
    *id = account;
    (void)map_put(&m->shared, map_u64(id), id);
    fiber_cond_wake_all(&m->used_filled);
}

struct identifiers {
    struct arena *arena;
    struct buf list; /* struct slice */
};

static void add_identifier(void *arg, struct slice identifier) {
    struct identifiers *i = arg;
    struct slice copy = arena_copy(i->arena, identifier);
    if (copy.len > IDENTIFIER_MAX)
        return;
    buf_add_bytes(&i->list, &copy, sizeof copy);
}

static int by_text(const void *a, const void *b) {
    return slice_cmp(*(const struct slice *)a, *(const struct slice *)b);
}

/* Each once. */
static size_t unite(struct slice *list, size_t count) {
    size_t used = 0;
    if (count > 0)
        qsort(list, count, sizeof *list, by_text);
    for (size_t i = 0; i < count; i++)
        if (used == 0 || !slice_eq(list[used - 1], list[i]))
            list[used++] = list[i];
    return MIN(used, (size_t)DIRECTORY_SHARES_MAX);
}

static int tell_account(struct process *p, uint64_t id) WAITS {
    struct mail *m = p->state;
    _cleanup_(arena_done) struct arena a = {0};
    struct identifiers found = {.arena = &a};
    struct rpc_directory_share_in in = {.account = id};
    struct rpc_directory_share_out out;
    struct store_account *account;
    int r = store_account_open(m->store, id, &account);
    free(map_remove(&m->shared, map_u64(&id))); /* also if coming into memory has noted it */
    if (r < 0)
        return r == -ECANCELED ? r : 0; /* damaged, say: it is told when it can be opened */
    store_rights_each(account, add_identifier, &found);
    store_account_close(account);
    in.identifiers = (struct slice *)(void *)found.list.ptr;
    in.identifiers_count = unite(in.identifiers, found.list.len / sizeof(struct slice));
    r = call_directory_share(process_link(p, ROLE_DIRECTORY, 0), &in, &a, &out, NULL);
    buf_done(&found.list);
    return r;
}

/* What was noted before the call has been told when it returns 0, by whichever fiber. */
int mail_tell_shared(struct process *p) {
    struct mail *m = p->state;
    struct map_entry *e;
    size_t at = 0;
    int r = fiber_mutex_lock(&m->telling_shared);
    if (r < 0)
        return r;
    while (r == 0 && (e = map_next(&m->shared, &at))) {
        uint64_t id = *(const uint64_t *)e->value;
        r = tell_account(p, id);
        if (r < 0)
            mail_note_shared(p, id);
        at = 0;
    }
    fiber_mutex_unlock(&m->telling_shared);
    return r;
}

/* ------------------------------------------------------------------ what a session asks */

static struct rpc_link *directory_of_session(const struct mail_session *s) {
    return process_link(s->process, ROLE_DIRECTORY, 0);
}

static int owners(void *arg, struct arena *a, struct slice **ret, size_t *ret_count) WAITS {
    const struct mail_session *s = arg;
    struct rpc_directory_owners_in in = {.user = slice_of_str(s->address)};
    struct rpc_directory_owners_out out;
    int r = call_directory_owners(directory_of_session(s), &in, a, &out, NULL);
    if (r < 0)
        return r;
    *ret = out.owners;
    *ret_count = out.owners_count;
    return 0;
}

static int visit(void *arg, struct slice owner, const struct imap_terms *terms,
                 struct stream **ret) WAITS {
    struct mail_session *s = arg;
    struct process *p = s->process;
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(buf_done) struct buf passed_on = {0};
    struct rpc_directory_owner_in asked = {.user = slice_of_str(s->address), .owner = owner};
    struct rpc_directory_owner_out found;
    struct rpc_mail_visit_out out;
    int ends[2];
    int r = call_directory_owner(directory_of_session(s), &asked, &a, &found, NULL);
    if (r < 0 || found.account == 0)
        return r < 0 ? r : -E_UNKNOWN;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
        return -errno;
    imap_terms_write(terms, &passed_on);
    struct rpc_mail_visit_in in = {
        .service = s->door->service,
        .account = found.account,
        .owner = found.address,
        .user = slice_of_str(s->address),
        .quota = found.quota,
        .home = s->home,
        .home_quota = s->home_quota,
        .peer = slice_of_str(s->peer),
        .passed_on = buf_slice(&passed_on),
        .connection = ends[1],
    };
    if (mail_owns(p, found.account)) { /* the same call, which takes over the descriptor */
        const struct rpc_mail_handlers *here = p->role->work->handlers;
        r = here->visit(p, NULL, &in, &a, &out, NULL);
    } else {
        r = call_mail_visit(process_link(p, ROLE_MAIL, found.shard), &in, &a, &out, NULL);
        (void)close(ends[1]);
    }
    if (r == 0)
        return stream_from_fd(ends[0], ret);
    (void)close(ends[0]);
    return r;
}

static void shared(void *arg) WAITS {
    (void)mail_tell_shared(((struct mail_session *)arg)->process);
}

/* ------------------------------------------------------------------ messages to other accounts */

static int target(void *arg, struct slice path, struct imap_target *ret) WAITS {
    const struct mail_session *s = arg;
    _cleanup_(arena_done) struct arena a = {0};
    struct rpc_directory_owner_in asked = {.user = slice_of_str(s->address)};
    struct rpc_directory_owner_out found;
    struct slice rest;
    if (!imap_owner_of_path(path, &asked.owner, &rest)) {
        *ret = (struct imap_target){
            .account = s->home, .quota = s->home_quota, .own = true, .path = path};
        return 0;
    }
    int r = call_directory_owner(directory_of_session(s), &asked, &a, &found, NULL);
    if (r < 0 || found.account == 0)
        return r < 0 ? r : -E_UNKNOWN;
    *ret = (struct imap_target){.account = found.account, .quota = found.quota, .path = rest};
    return 0;
}

static int bring(void *arg, const struct imap_target *to, const struct store_delivery *d,
                 struct store_delivered *ret, uint32_t *ret_uidvalidity) WAITS {
    const struct mail_session *s = arg;
    struct process *p = s->process;
    _cleanup_(arena_done) struct arena a = {0};
    struct rpc_mail_bring_out out = {0};
    struct rpc_mail_bring_in in = {
        .account = to->account,
        .quota = to->quota,
        .user = slice_of_str(s->address),
        .own = to->own,
        .path = to->path,
        .key = d->key,
        .return_path = d->return_path,
        .arrival = d->arrival,
        .flags = d->flags,
        .keywords = (struct slice *)(uintptr_t)d->keywords,
        .keywords_count = d->keyword_count,
        .bytes = d->part_count > 0 ? d->parts[0] : S(""),
        .file = d->part_count > 0 ? -1 : d->fd,
        .file_offset = d->offset,
        .file_len = d->len,
    };
    int r;
    if (mail_owns(p, to->account)) { /* the same call, which takes over the descriptor */
        const struct rpc_mail_handlers *here = p->role->work->handlers;
        if (in.file >= 0 && (in.file = fcntl(in.file, F_DUPFD_CLOEXEC, 3)) < 0)
            return -errno;
        r = here->bring(p, NULL, &in, &a, &out, NULL);
    } else {
        struct rpc_link *link =
            process_link(p, ROLE_MAIL, (unsigned)(to->account % DIRECTORY_SHARDS));
        r = call_mail_bring(link, &in, &a, &out, NULL);
    }
    *ret = (struct store_delivered){.uid = out.uid};
    *ret_uidvalidity = out.uidvalidity;
    return r;
}

const struct imap_others mail_imap_others = {
    .owners = owners, .visit = visit, .target = target, .bring = bring, .shared = shared};

/* In the process that has the account: as far as the user may. */
static int store_brought(struct mail *m, struct store_account *account,
                         const struct rpc_mail_bring_in *in, struct rpc_mail_bring_out *out) WAITS {
    const struct store_person person = {.name = in->user, .is_owner = in->own};
    struct store_delivered delivered;
    struct store_mailbox mailbox;
    uint32_t rights = 0;
    int r = imap_find_mailbox(account, in->path, &mailbox);
    if (r == 0)
        r = store_rights_in(account, mailbox.id, &person, &rights);
    if (r < 0)
        return r;
    if (!(rights & STORE_RIGHT_INSERT))
        return rights & STORE_RIGHT_LOOKUP ? -EACCES : -E_UNKNOWN;
    const struct store_delivery d = {
        .mailbox = mailbox.id,
        .key = in->key,
        .return_path = in->return_path,
        .arrival = in->arrival,
        .flags = in->flags & imap_flags_of_rights(rights),
        .keywords = in->keywords,
        .keyword_count = rights & STORE_RIGHT_WRITE ? in->keywords_count : 0,
        .quota = in->quota > 0 ? in->quota : m->usual_quota,
        .parts = &in->bytes,
        .part_count = in->file < 0,
        .fd = in->file,
        .offset = in->file_offset,
        .len = in->file >= 0 ? in->file_len : 0,
    };
    r = store_deliver(m->store, in->account, &d, &delivered);
    if (r < 0)
        return r;
    out->uid = delivered.uid;
    out->uidvalidity = mailbox.uidvalidity;
    return 0;
}

int mail_on_bring(void *arg, const struct rpc_caller *caller, const struct rpc_mail_bring_in *in,
                  struct arena *a, struct rpc_mail_bring_out *out, struct problem *problem) {
    _cleanup_(close_p) UNUSED int file = in->file;
    _cleanup_(store_account_close_p) struct store_account *account = NULL;
    (void)caller;
    (void)a;
    _cleanup_(mail_call_end) struct mail *m = mail_call_begin(arg, in->account, problem);
    if (!m)
        return -E_TEMPORARY;
    int r = store_account_open(m->store, in->account, &account);
    if (r == 0)
        r = store_brought(m, account, in, out);
    return r < 0 ? problem_set(problem, r, "the message cannot be stored: %s", error_text(r)) : 0;
}

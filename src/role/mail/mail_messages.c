/* SPDX-License-Identifier: ISC */
/*
 * Messages are looked at in pieces, from the newest down. A call ends when it has a page of them,
 * or has looked at LOOKED_AT; the next one goes on below the last UID that it gave, or looked at.
 */
#include "role/mail/mail_messages.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/words.h"
#include "events/kinds.h"
#include "imap/search/find.h"
#include "role/mail/mail_shown.h"

#define PAGE      200U
#define LOOKED_AT 5000U
#define PIECE     256U    /* messages that are searched together */
#define BYTES     262144U /* of a message, in one answer */
#define NAMED_MAX 100U    /* messages that an event names */

/* ------------------------------------------------------------------ which ones */

static int read_query(struct slice query, struct arena *a, struct imap_search_program *ret,
                      struct problem *problem) {
    const struct imap_text text = {.bytes = slice_trim(query).len > 0 ? query : S("ALL")};
    struct imap_cursor c;
    token_begin(&c, &text, a);
    if (!imap_take_program(&c, ret) || !token_end(&c))
        return problem_set(
            problem, -E_SYNTAX,
            N_("search: found \"%.*s\", expected %s; keys are those of IMAP's"
               " SEARCH, such as FROM hana SINCE 1-Nov-2026 UNSEEN"),
            SLICE_ARG(slice_first(slice_from(text.bytes, MIN(c.at, text.bytes.len)), 40)),
            c.expected ? c.expected : "less");
    ret->charset = S("UTF-8");
    return 0;
}

struct listing {
    const struct rpc_mail_messages_in *in;
    struct search_indexes *indexes;
    struct store_account *account;
    struct imap_search_program program;
    struct rpc_mail_messages_out *out;
    struct arena *arena;
    size_t most, looked_at;
};

static void add_one(struct listing *l, struct store_view *view, const struct store_message *m) {
    _cleanup_(buf_done) struct buf keywords = {0};
    struct rpc_listed_message *d = &l->out->messages[l->out->messages_count++];
    store_view_keywords(view, m, &keywords);
    *d = (struct rpc_listed_message){
        .mailbox = m->mailbox,
        .uid = m->uid,
        .size = m->size,
        .flags = (uint32_t)m->flags,
        .date = m->date,
    };
    d->keywords =
        arena_copy(l->arena, mail_shown_keywords(buf_slice(&keywords), &d->keywords_left));
}

/* Without what cannot be read: the list is for what can. */
static void add_header(struct store_account *account, const struct store_message *m,
                       struct rpc_listed_message *d, struct arena *a) WAITS {
    char *bytes = mem_alloc(MAIL_HEADER_MAX);
    ssize_t n = store_read(account, m, 0, bytes, MIN(m->size, (uint64_t)MAIL_HEADER_MAX));
    struct slice header = slice_of(bytes, n > 0 ? (size_t)n : 0);
    d->from = mail_shown_field(header, S("From"), a);
    d->subject = mail_shown_field(header, S("Subject"), a);
    free(bytes);
    (void)fiber_yield_if_long(); /* strangers have written it: it may be all encoded words */
}

/* The UIDs of the messages of a view before `place`, PIECE of them at most; where they begin. */
static size_t gather(struct store_view *view, size_t place, struct buf *uids) {
    size_t from = place - MIN(place, (size_t)PIECE);
    struct store_message m;
    buf_clear(uids);
    for (size_t i = from; i < place; i++) {
        store_view_at(view, i, &m);
        buf_add_bytes(uids, &m.uid, sizeof m.uid);
    }
    return from;
}

/* Those that were found, the newest first, as many as the page takes; false: it is full. */
static bool add_found(struct listing *l, struct store_view *view, const struct buf *found) WAITS {
    for (size_t i = found->len / sizeof(uint32_t); i-- > 0;) {
        struct store_message m;
        uint32_t uid;
        memcpy(&uid, found->ptr + i * sizeof uid, sizeof uid);
        store_view_at(view, store_view_place(view, uid), &m);
        add_one(l, view, &m);
        if (l->in->details)
            add_header(l->account, &m, &l->out->messages[l->out->messages_count - 1], l->arena);
        l->out->next.uid = uid;
        if (l->out->messages_count == l->most)
            return false;
    }
    return true;
}

/* Goes down a mailbox from where the list goes on. 0: to its end; 1: the call has done its part. */
static int look_through(struct listing *l, uint32_t mailbox) WAITS {
    _cleanup_(told_close) struct told told = {0}; /* behind the search in it */
    _cleanup_(imap_find_done_p) struct imap_find *f = NULL;
    _cleanup_(buf_done) struct buf among = {0}, found = {0};
    struct store_view_info info;
    struct store_message m;
    int r = told_open(&told, l->account, mailbox);
    if (r < 0)
        return r == -E_UNKNOWN ? 0 : r;
    r = imap_find_begin_in(NULL, &told, &l->program, &f);
    if (r == 0)
        imap_find_use_indexes(f, l->indexes);
    store_view_info(told.view, &info);
    uint32_t below = l->out->next.uid;
    size_t place = below ? store_view_place(told.view, below) : info.count;
    bool room = true;
    while (r == 0 && room && place > 0 && l->looked_at < LOOKED_AT) {
        place = gather(told.view, place, &among);
        store_view_at(told.view, place, &m);
        l->looked_at += PIECE;
        buf_clear(&found);
        r = imap_find_all(f, S(""), &among, &found);
        room = r < 0 || add_found(l, told.view, &found);
        if (room)
            l->out->next.uid = m.uid;
    }
    return r < 0 ? r : !room || place > 0;
}

/* The first mailbox from a number on; 0: there is none. */
static uint32_t mailbox_from(const struct store_account *account, uint32_t number) {
    for (size_t i = 0; i < store_mailbox_count(account); i++) {
        struct store_mailbox m;
        store_mailbox_at(account, i, &m);
        if (m.id >= number)
            return m.id;
    }
    return 0;
}

static int look(struct listing *l, uint32_t only) WAITS {
    struct rpc_message_place *next = &l->out->next;
    *next = l->in->from;
    for (;;) {
        uint32_t mailbox = only ? only : mailbox_from(l->account, next->mailbox);
        if (!mailbox || (only && next->mailbox > only))
            return 0;
        if (mailbox != next->mailbox)
            *next = (struct rpc_message_place){.mailbox = mailbox};
        int r = look_through(l, mailbox);
        l->out->more = r == 1;
        if (r != 0)
            return MIN(r, 0);
        *next = (struct rpc_message_place){.mailbox = mailbox + 1};
    }
}

int mail_answer_messages(struct store *s, struct search_indexes *indexes,
                         const struct rpc_mail_messages_in *in, struct arena *a,
                         struct rpc_mail_messages_out *out, struct problem *problem) {
    _cleanup_(store_account_close_p) struct store_account *account = NULL;
    struct listing l = {
        .in = in, .indexes = indexes, .out = out, .arena = a, .most = MIN(in->limit, PAGE)};
    struct store_mailbox only = {0};
    int r = read_query(in->query, a, &l.program, problem);
    if (r == 0)
        r = mail_open_asked(s, in->account, &account, problem);
    if (r == 0 && in->path.len > 0)
        r = mail_find_mailbox(account, in->path, a, &only, problem);
    if (r < 0)
        return r;
    l.account = account;
    out->messages = arena_array(a, MAX(l.most, (size_t)1), sizeof *out->messages);
    r = l.most > 0 ? look(&l, only.id) : 0;
    if (r == -E_LIMIT)
        return problem_set(problem, -E_SYNTAX, N_("the search has too many keys"));
    return r < 0 ? problem_set(problem, r, N_("the messages cannot be listed: %s"), error_text(r))
                 : 0;
}

/* ------------------------------------------------------------------ a single one */

/* The message in a view of its mailbox. */
static int find_message(struct store_account *account, uint32_t mailbox, uint32_t uid,
                        struct store_view **ret_view, struct store_message *ret,
                        struct problem *problem) WAITS {
    struct store_view_info info = {0};
    int r = store_view_open(account, mailbox, ret_view);
    if (r == 0) {
        store_view_info(*ret_view, &info);
        size_t place = store_view_place(*ret_view, uid);
        if (place < info.count)
            store_view_at(*ret_view, place, ret);
        r = place < info.count && ret->uid == uid ? 0 : -E_UNKNOWN;
    }
    if (r == -E_UNKNOWN)
        return problem_set(problem, r, N_("the account has no message %u:%u, or not any more"),
                           mailbox, uid);
    return r < 0 ? problem_set(problem, r, N_("the message cannot be read: %s"), error_text(r)) : 0;
}

static void add_fact(struct mail_done *done, const char *name, struct slice value) {
    if (value.len > 0)
        done->facts[done->fact_count++] = (struct event_fact){slice_of_str(name), value};
}

int mail_answer_message(struct store *s, const struct rpc_mail_message_in *in, struct slice by,
                        struct arena *a, struct rpc_mail_message_out *out, struct mail_done *done,
                        struct problem *problem) {
    _cleanup_(store_account_close_p) struct store_account *account = NULL;
    struct store_view *view = NULL;
    struct store_message m = {0};
    int r = mail_open_asked(s, in->account, &account, problem);
    if (r == 0)
        r = find_message(account, in->mailbox, in->uid, &view, &m, problem);
    if (r == 0) {
        size_t len = (size_t)(m.size - MIN(in->offset, m.size));
        char *bytes = arena_array(a, MAX(MIN(len, (size_t)BYTES), (size_t)1), 1);
        ssize_t n = store_read(account, &m, in->offset, bytes, MIN(len, (size_t)BYTES));
        if (n < 0)
            r = problem_set(problem, (int)n, N_("the message cannot be read: %s"),
                            error_text((int)n));
        else
            out->bytes = slice_of(bytes, (size_t)n);
    }
    if (r == 0) {
        struct listing l = {.account = account, .arena = a};
        struct rpc_mail_messages_out one = {.messages = &out->message};
        l.out = &one;
        add_one(&l, view, &m);
        add_header(account, &m, &out->message, a);
        out->path = mail_mailbox_path(account, in->mailbox, a);
    }
    store_view_close(view);
    if (r < 0 || in->offset > 0)
        return r;
    done->kind = KIND_SHOWN;
    struct slice id = arena_printf(a, "%u:%u", in->mailbox, in->uid);
    add_fact(done, FACT_BY, by);
    add_fact(done, FACT_ACCOUNT, in->address);
    add_fact(done, FACT_MAILBOX, out->path);
    add_fact(done, FACT_MESSAGES, id);
    done->text = arena_printf(a, "%.*s looked at %s %.*s in the mailbox %.*s of %.*s",
                              SLICE_ARG(by), in->header_only ? "the header of message" : "message",
                              SLICE_ARG(id), SLICE_ARG(out->path), SLICE_ARG(in->address));
    return 0;
}

/* ------------------------------------------------------------------ changing */

static struct slice name_messages(const struct rpc_mail_change_messages_in *in, struct arena *a) {
    _cleanup_(buf_done) struct buf names = {0};
    for (size_t i = 0; i < MIN(in->uids_count, (size_t)NAMED_MAX); i++)
        buf_printf(&names, "%s%u:%u", i > 0 ? " " : "", in->mailbox, in->uids[i].uid);
    if (in->uids_count > NAMED_MAX)
        buf_printf(&names, " ... (%zu)", in->uids_count);
    return arena_copy(a, buf_slice(&names));
}

static void tell_changed(const struct rpc_mail_change_messages_in *in, struct slice by,
                         struct slice from, struct slice to, struct arena *a,
                         struct mail_done *done) {
    static const struct {
        const char *kind, *words;
    } kinds[MAIL_MESSAGE_CHANGES] = {
        [MAIL_COPY_MESSAGES] = {KIND_COPIED, "copied"},
        [MAIL_MOVE_MESSAGES] = {KIND_MOVED, "moved"},
        [MAIL_DELETE_MESSAGES] = {KIND_DELETED, "deleted"},
    };
    struct slice messages = name_messages(in, a);
    done->kind = kinds[in->change].kind;
    add_fact(done, FACT_BY, by);
    add_fact(done, FACT_ACCOUNT, in->address);
    add_fact(done, FACT_MAILBOX, from);
    add_fact(done, FACT_INTO, to);
    add_fact(done, FACT_MESSAGES, messages);
    done->text =
        arena_printf(a, "%.*s %s messages of %.*s from the mailbox %.*s%s%.*s (%.*s)",
                     SLICE_ARG(by), kinds[in->change].words, SLICE_ARG(in->address),
                     SLICE_ARG(from), to.len > 0 ? " to " : "", SLICE_ARG(to), SLICE_ARG(messages));
}

int mail_answer_change_messages(struct store *s, const struct rpc_mail_change_messages_in *in,
                                struct slice by, struct arena *a,
                                struct rpc_mail_change_messages_out *out, struct mail_done *done,
                                struct problem *problem) {
    _cleanup_(store_account_close_p) struct store_account *account = NULL;
    struct store_mailbox from, to = {0};
    struct store_copied copied = {0};
    uint32_t *uids = arena_array(a, MAX(in->uids_count, (size_t)1), sizeof *uids);
    size_t removed = 0;
    if (in->change >= MAIL_MESSAGE_CHANGES)
        return -E_SYNTAX;
    for (size_t i = 0; i < in->uids_count; i++)
        uids[i] = in->uids[i].uid;
    int r = mail_open_asked(s, in->account, &account, problem);
    if (r == 0 && store_mailbox_get(account, in->mailbox, &from) < 0)
        r = problem_set(problem, -E_UNKNOWN, N_("the mailbox is gone meanwhile"));
    if (r == 0 && in->change != MAIL_DELETE_MESSAGES)
        r = mail_find_mailbox(account, in->to, a, &to, problem);
    if (r < 0)
        return r;
    struct slice path = mail_mailbox_path(account, from.id, a);
    if (from.id == to.id) /* they are there */
        return 0;
    if (in->change == MAIL_DELETE_MESSAGES)
        r = store_expunge(account, from.id, uids, in->uids_count, &removed);
    else
        r = store_copy(account, from.id, uids, in->uids_count, to.id,
                       in->change == MAIL_MOVE_MESSAGES, &copied);
    if (r < 0)
        return problem_set(problem, r, N_("the messages stay as they are: %s"), error_text(r));
    out->count = removed + copied.count;
    if (out->count > 0)
        tell_changed(in, by, path, to.id ? mail_mailbox_path(account, to.id, a) : S(""), a, done);
    return 0;
}

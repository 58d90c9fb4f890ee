/* SPDX-License-Identifier: ISC */
/*
 * One loop over the commands; each has a function in the table. A function that ends the
 * conversation sets `end`.
 */
#include "imap/metadata.h"
#include "imap/notify.h"
#include "imap/rights.h"
#include "imap/visit/visit.h"

#include <errno.h>

#include "base/alloc.h"
#include "io/deflate.h"

#define VISIT_TIMEOUT                                                                              \
    (USEC_HOUR * 24 * 365) /* the session that it belongs to watches the clock                     \
                            */

const struct imap_session_config imap_session_defaults = {
    .timeout = 32 * USEC_MIN,
    .idle_beat = 2 * USEC_MIN,
    .search_beat = 10 * USEC_SEC,
    .errors_max = 50,
    .message_max = 50ULL << 20,
};

/* What a visitor may not read any more is not read any more; what is being sent to him is sent. */
static bool may_go_on(struct imap_session *s) WAITS {
    struct store_mailbox m;
    if (!imap_visits(s) || !s->selected || imap_rights(s, s->told.mailbox) & STORE_RIGHT_READ)
        return true;
    if (store_mailbox_get(s->account, s->told.mailbox, &m) < 0)
        return true; /* it is gone, and who looks says so */
    imap_say(&s->c, S("*"), "BYE", NULL, "the right to read this mailbox was withdrawn, closing");
    s->end = DOOR_END_DISMISSED;
    return false;
}

/* What else than messages of the selected mailbox the client is told of, when it has changed.
 * `own`: the command that was obeyed, or NULL. */
static void tell_of_account(struct imap_session *s, const struct imap_command *own) WAITS {
    if (!may_go_on(s))
        return;
    imap_tell_rights(s);
    imap_tell_watched(s, own);
    imap_tell_metadata(s);
}

/* ------------------------------------------------------------------ commands of any state */

static void do_capability(struct imap_session *s, const struct imap_command *command) WAITS {
    imap_reply_capability(&s->c, command, &s->config->offer, true);
}

static void do_id(struct imap_session *s, const struct imap_command *command) WAITS {
    imap_reply_id(&s->c, command);
}

static void do_logout(struct imap_session *s, const struct imap_command *command) WAITS {
    imap_reply_logout(&s->c, command);
    s->end = DOOR_END_LOGOUT;
}

static void do_noop(struct imap_session *s, const struct imap_command *command) WAITS {
    if (s->selected && imap_look(s) == 0)
        imap_tell(s, IMAP_TELL_EXPUNGES, 0);
    if (s->end == DOOR_END_NONE)
        imap_ok(s, command, "that is all");
}

static void do_namespace(struct imap_session *s, const struct imap_command *command) WAITS {
    struct imap_writer *w = &s->c.writer;
    imap_write_begin(w, S("*"));
    imap_write_word(w, "NAMESPACE");
    imap_write_open(w);
    imap_write_open(w);
    imap_write_string(w, S(""));
    imap_write_string(w, S("/"));
    imap_write_close(w);
    imap_write_close(w);
    if (s->config->others) {
        imap_write_open(w);
        imap_write_open(w);
        imap_write_string(w, S(IMAP_OTHERS "/"));
        imap_write_string(w, S("/"));
        imap_write_close(w);
        imap_write_close(w);
    } else {
        imap_write_nil(w);
    }
    imap_write_nil(w);
    imap_write_end(w);
    imap_ok(s, command, "these are the namespaces");
}

/* RFC 5161 §3.1. What is not known here is passed over. */
static void do_enable(struct imap_session *s, const struct imap_command *command) WAITS {
    static const struct {
        const char *name;
        unsigned enables;
    } known[] = {
        {"CONDSTORE", IMAP_ENABLED_CONDSTORE},
        {"IMAP4rev2", IMAP_ENABLED_REV2 | IMAP_ENABLED_UTF8},
        {"METADATA", IMAP_ENABLED_METADATA},
        {"QRESYNC", IMAP_ENABLED_CONDSTORE | IMAP_ENABLED_QRESYNC},
        {"UIDONLY", IMAP_ENABLED_UIDONLY},
        {"UTF8=ACCEPT", IMAP_ENABLED_UTF8},
    };
    struct imap_writer *w = &s->c.writer;
    unsigned told = 0;
    imap_write_begin(w, S("*"));
    imap_write_word(w, "ENABLED");
    for (size_t i = 0; i < command->words.count; i++) {
        for (size_t k = 0; k < ARRAY_SIZE(known); k++) {
            const struct slice name = slice_of_str(known[k].name);
            if (told >> k & 1 || imap_capability_is_off(s->c.off, name) ||
                !slice_eq_nocase(command->words.words[i], name))
                continue;
            imap_write_word(w, known[k].name);
            s->enabled |= known[k].enables;
            told |= 1U << k;
        }
    }
    imap_write_end(w);
    w->utf8 = w->utf8_names = s->c.mode.utf8_names = s->enabled & IMAP_ENABLED_UTF8;
    imap_ok(s, command, "enabled what is known here");
}

/* RFC 4978 §3: what comes behind the command is compressed already. */
static void do_compress(struct imap_session *s, const struct imap_command *command) WAITS {
    const struct imap_words *words = &command->words;
    if (words->count != 1 || !slice_eq_nocase(words->words[0], S("DEFLATE"))) {
        imap_say(&s->c, command->tag, "NO", NULL, "DEFLATE is what is known here");
    } else if (s->compressed) {
        imap_say(&s->c, command->tag, "NO", "COMPRESSIONACTIVE", "it is compressed already");
    } else {
        imap_ok(s, command, "compressed from here on");
        s->compressed = true;
        if (stream_deflate(s->c.stream) < 0)
            s->end = DOOR_END_LOST;
    }
}

/*
 * RFC 8437: the client goes back to where it was before the login, and waits for the answer. What
 * is said from then on goes through without this session, so it cannot be compressed.
 */
static void do_unauthenticate(struct imap_session *s, const struct imap_command *command) WAITS {
    if (!s->config->hand_back) {
        if (imap_bad(&s->c, command->tag, "UNAUTHENTICATE is not offered here") < 0)
            s->end = DOOR_END_DISMISSED;
    } else if (s->compressed) {
        imap_say(&s->c, command->tag, "NO", NULL, "that cannot be while it is compressed");
    } else if (s->config->hand_back(s->config->hand_back_arg) < 0) {
        imap_say(&s->c, command->tag, "NO", "UNAVAILABLE",
                 "it did not work just now, try again later");
    } else {
        imap_ok(s, command, "log in again");
        s->end = DOOR_END_LOGOUT;
    }
}

/* ------------------------------------------------------------------ waiting (§6.3.13) */

static void nudge(void *arg) {
    stream_nudge(((struct imap_session *)arg)->c.stream);
}

/*
 * Until the client says something, tells what changes: of the selected mailbox `how`. 0: it has;
 * -ETIMEDOUT: not until then. It may be days, so nothing of a command is kept but what the caller
 * has copied.
 */
static int wait_for_input(struct imap_session *s, unsigned how, usec_t ends) WAITS {
    while (fiber_now() < ends) {
        imap_connection_rest(&s->c);
        stream_set_timeout(s->c.stream, MIN(s->config->idle_beat, ends - fiber_now()));
        int r = stream_fill_or_nudge(s->c.stream);
        if (r == -EINTR) {
            if (s->selected && imap_look(s) == 0)
                imap_tell(s, how, 0);
            if (s->end == DOOR_END_NONE)
                tell_of_account(s, NULL);
        } else if (r != -ETIMEDOUT || stream_error(s->c.stream)) { /* that one stays */
            return r;
        } else if (fiber_now() < ends) {
            imap_say(&s->c, S("*"), "OK", NULL, "still here");
        }
        if (s->end != DOOR_END_NONE)
            return -E_REFUSED;
    }
    return -ETIMEDOUT;
}

static void do_idle(struct imap_session *s, const struct imap_command *command) WAITS {
    struct store_watch watch = {.changed = nudge, .arg = s};
    struct slice line;
    stream_str(s->c.stream, "+ idling\r\n");
    if (!s->watching)
        store_watch(s->account, &watch);
    stream_nudge(s->c.stream); /* what has changed before is told, too */
    int r = wait_for_input(s, IMAP_TELL_EXPUNGES, fiber_now() + s->config->timeout);
    if (!s->watching)
        store_unwatch(&watch);
    stream_set_timeout(s->c.stream, s->timeout);
    if (r == 0)
        r = imap_reader_line(&s->c.reader, 1024, &line);
    if (r < 0 && s->end == DOOR_END_NONE)
        imap_end_by(s, r);
    if (s->end != DOOR_END_NONE)
        return;
    if (slice_eq_nocase(slice_trim(line), S("DONE")))
        imap_say(&s->c, command->tag, "OK", NULL, "idle no more");
    else if (imap_bad(&s->c, command->tag, "expected DONE") < 0)
        s->end = DOOR_END_DISMISSED;
}

/* With NOTIFY the client listens between commands, too (RFC 5465 §3.1): until it begins one. Who
 * wants to hear of nothing does not. */
static int wait_for_command(void *arg) WAITS {
    struct imap_session *s = arg;
    const struct imap_watching *n = s->watching;
    const usec_t ends = fiber_now() + s->timeout; /* empty lines are nothing */
    int r = 0;
    if (!n || !(n->events | n->selected))
        return 0;
    while (r == 0 && !imap_reader_has_begun(&s->c.reader))
        r = wait_for_input(s, n->delayed ? 0 : IMAP_TELL_EXPUNGES, ends);
    stream_set_timeout(s->c.stream, s->timeout);
    return r;
}

/* ------------------------------------------------------------------ the loop */

static void (*const functions[IMAP_VERBS])(struct imap_session *s,
                                           const struct imap_command *command) WAITS = {
    [IMAP_APPEND] = imap_do_append,
    [IMAP_CANCELUPDATE] = imap_do_cancelupdate,
    [IMAP_CAPABILITY] = do_capability,
    [IMAP_CHECK] = do_noop,
    [IMAP_CLOSE] = imap_do_close,
    [IMAP_COMPARATOR] = imap_do_comparator,
    [IMAP_COMPRESS] = do_compress,
    [IMAP_COPY] = imap_do_copy,
    [IMAP_CREATE] = imap_do_create,
    [IMAP_DELETE] = imap_do_delete,
    [IMAP_DELETEACL] = imap_do_setacl,
    [IMAP_ENABLE] = do_enable,
    [IMAP_ESEARCH] = imap_do_esearch,
    [IMAP_EXAMINE] = imap_do_select,
    [IMAP_EXPUNGE] = imap_do_expunge,
    [IMAP_FETCH] = imap_do_fetch,
    [IMAP_GENURLAUTH] = imap_do_genurlauth,
    [IMAP_GETACL] = imap_do_getacl,
    [IMAP_GETMETADATA] = imap_do_getmetadata,
    [IMAP_GETQUOTA] = imap_do_getquota,
    [IMAP_GETQUOTAROOT] = imap_do_getquotaroot,
    [IMAP_ID] = do_id,
    [IMAP_IDLE] = do_idle,
    [IMAP_LANGUAGE] = imap_do_language,
    [IMAP_LIST] = imap_do_list,
    [IMAP_LISTRIGHTS] = imap_do_listrights,
    [IMAP_LOGOUT] = do_logout,
    [IMAP_LSUB] = imap_do_list,
    [IMAP_MOVE] = imap_do_copy,
    [IMAP_MYRIGHTS] = imap_do_myrights,
    [IMAP_NAMESPACE] = do_namespace,
    [IMAP_NOOP] = do_noop,
    [IMAP_NOTIFY] = imap_do_notify,
    [IMAP_RENAME] = imap_do_rename,
    [IMAP_REPLACE] = imap_do_append,
    [IMAP_RESETKEY] = imap_do_resetkey,
    [IMAP_SEARCH] = imap_do_search,
    [IMAP_SELECT] = imap_do_select,
    [IMAP_SETACL] = imap_do_setacl,
    [IMAP_SETMETADATA] = imap_do_setmetadata,
    [IMAP_SETQUOTA] = imap_do_setquota,
    [IMAP_SORT] = imap_do_sort,
    [IMAP_STATUS] = imap_do_status,
    [IMAP_STORE] = imap_do_store,
    [IMAP_SUBSCRIBE] = imap_do_subscribe,
    [IMAP_THREAD] = imap_do_thread,
    [IMAP_UIDBATCHES] = imap_do_uidbatches,
    [IMAP_URLFETCH] = imap_do_urlfetch,
    [IMAP_UNAUTHENTICATE] = do_unauthenticate,
    [IMAP_UNSELECT] = imap_do_close,
    [IMAP_UNSUBSCRIBE] = imap_do_subscribe,
    [IMAP_XLIST] = imap_do_list,
};

/* Whether a command names messages by their numbers, or would be answered with some. */
static bool needs_numbers(const struct imap_command *command) {
    const struct imap_search_program *p = &command->search.program;
    switch (command->verb) {
    case IMAP_COPY:
    case IMAP_FETCH:
    case IMAP_MOVE:
    case IMAP_STORE:
        return !command->uid;
    case IMAP_ESEARCH:
    case IMAP_SEARCH:
    case IMAP_SORT:
    case IMAP_THREAD:
        for (size_t i = 0; i < p->count; i++)
            if (p->nodes[i].key == IMAP_SEARCH_NUMBERS && !p->nodes[i].set->saved)
                return true;
        return !command->uid && command->verb != IMAP_ESEARCH;
    case IMAP_SELECT:
    case IMAP_EXAMINE:
        return command->select.has_match;
    default:
        return false;
    }
}

/* A visit says that it has answered, and how it is. */
static void set_mark(struct imap_session *s, char mark[static IMAP_MARK_LEN]) {
    const struct imap_terms t = {.enabled = s->enabled};
    if (!imap_visits(s))
        return;
    imap_mark(&t, s->selected, mark);
    memcpy(mark, s->config->terms.mark, IMAP_MARK_HEX);
    s->c.mark = slice_of(mark, IMAP_MARK_LEN);
}

/* Nothing but the tag is kept of it while it waits. */
static void shrink_idle(struct imap_session *s, struct imap_command *command, char **ret_tag) {
    *ret_tag = mem_copy(command->tag.ptr, command->tag.len);
    *command =
        (struct imap_command){.verb = IMAP_IDLE, .tag = slice_of(*ret_tag, command->tag.len)};
    imap_connection_rest(&s->c);
}

static void run_command(struct imap_session *s) WAITS {
    struct imap_command command;
    _cleanup_(free_p) char *tag = NULL; /* of IDLE */
    char mark[IMAP_MARK_LEN];
    set_mark(s, mark);
    int r = imap_connection_next(&s->c, &command);
    unsigned errors = s->c.errors;
    if (r < 0 && s->end != DOOR_END_NONE)
        return;
    if (r < 0) {
        imap_end_by(s, r);
    } else if (!functions[command.verb]) {
        r = imap_bad(&s->c, command.tag, "%s is not offered here", imap_verb_name(command.verb));
    } else if (s->enabled & IMAP_ENABLED_UIDONLY && needs_numbers(&command)) {
        imap_say(&s->c, command.tag, "BAD", "UIDREQUIRED", "UIDONLY is enabled: UIDs are needed");
    } else if (may_go_on(s)) {
        if (command.verb == IMAP_IDLE)
            shrink_idle(s, &command, &tag);
        if (!imap_visit_command(s, &command))
            functions[command.verb](s, &command);
        if (s->c.errors == errors) /* a session may last for weeks: who makes sense is forgiven */
            s->c.forgiven = errors;
        if (s->end == DOOR_END_NONE)
            tell_of_account(s, &command);
    }
    if (r == -E_REFUSED && s->end == DOOR_END_NONE)
        s->end = DOOR_END_DISMISSED;
}

/*
 * What is neither announced nor enabled: what the account says (an entry of the server, which its
 * user can set as any other), else the settings.
 */
static void read_off(struct imap_session *s) WAITS {
    const struct slice entry = S("/private/vendor/hayauma/imap/capabilities-off");
    s->c.off = s->config->off;
    if (imap_visits(s)) /* what is off, the session before it has not let through */
        return;
    if (store_get_metadata(s->account, 0, entry, &s->off) < 0 || s->off.len > IMAP_OFF_MAX)
        buf_done(&s->off);
    else
        s->c.off = buf_slice(&s->off);
}

/* A visit: whose mailboxes these are is in the names of all of them, and in their ids. */
static void begin_visit(struct imap_session *s) {
    buf_printf(&s->prefix, IMAP_OTHERS "/%.*s/", SLICE_ARG(s->config->owner));
    s->enabled = s->config->terms.enabled;
    s->c.writer.utf8 = s->enabled & IMAP_ENABLED_UTF8;
    s->c.writer.utf8_names = s->c.mode.utf8_names = s->c.writer.utf8;
    s->c.writer.japanese = s->config->terms.japanese;
    s->c.writer.realm = store_account_id(s->account);
}

/* The account is open: the login is answered, a visit begins without a word. */
static void begin_session(struct imap_session *s) WAITS {
    s->c.mode.state = IMAP_STATE_AUTHENTICATED;
    s->metadata_told = store_account_modseq(s->account);
    if (imap_visits(s))
        begin_visit(s);
    store_expect_maps(s->account);
    read_off(s);
    if (!imap_visits(s))
        imap_welcome(&s->c, s->config->tag, &s->config->offer, true, S("welcome"));
}

enum door_end imap_session(struct stream *stream, const struct imap_session_config *config,
                           struct store *store, uint64_t account, struct imap_session_counts *ret) {
    struct imap_session s = {.config = config, .store = store, .account_id = account};
    s.timeout = imap_visits(&s) ? VISIT_TIMEOUT : config->timeout;
    imap_connection_init(&s.c, stream, &imap_limits_after_login, s.timeout, config->errors_max);
    s.c.reader.held = config->held;
    s.c.message_max = config->message_max;
    s.c.messages_max = config->messages_max;
    s.c.wait = wait_for_command;
    s.c.wait_arg = &s;
    int error = store_account_open(store, account, &s.account);
    if (error) {
        if (!imap_visits(&s))
            imap_say(&s.c, config->tag, "NO", "UNAVAILABLE",
                     "the mailbox cannot be opened just now");
        s.counts.problem = error;
        s.end = DOOR_END_DISMISSED;
    } else {
        begin_session(&s);
    }
    while (s.end == DOOR_END_NONE) {
        run_command(&s);
        /* a client that is always ready gives way, and ends when it is to */
        if (fiber_yield_if_long() < 0 && s.end == DOOR_END_NONE)
            imap_end_by(&s, -ECANCELED);
    }
    imap_unselect(&s);
    imap_watch_no_more(&s);
    imap_visit_end(s.visit);
    s.counts.commands = s.c.commands;
    s.counts.errors = s.c.errors;
    *ret = s.counts;
    imap_connection_done(&s.c);
    buf_done(&s.off);
    buf_done(&s.prefix);
    store_account_close(s.account);
    return s.end;
}

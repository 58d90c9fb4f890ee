/* SPDX-License-Identifier: ISC */
/*
 * If a visit ends before its mark, its process has died or its owner's login has ended: nobody
 * knows how much of a response the client has got, so the conversation ends.
 */
#include <errno.h>

#include "base/alloc.h"
#include "base/random.h"
#include "imap/capability.h"
#include "imap/visit/visit_inside.h"

/* ------------------------------------------------------------------ beginning, ending */

void imap_visit_end(struct imap_visit *v) {
    if (!v)
        return;
    stream_free(v->stream);
    free(v->owner);
    free(v);
}

static void make_terms(const struct imap_session *s, struct imap_terms *t) {
    unsigned char bytes[IMAP_MARK_HEX / 2];
    random_bytes(bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof t->mark; i++)
        t->mark[i] = "0123456789abcdef"[bytes[i / 2] >> i % 2 * 4 & 15];
    t->enabled = s->enabled;
    t->japanese = s->c.writer.japanese;
}

/* -E_UNKNOWN: there is nothing for him there. */
int visit_begin(struct imap_session *s, struct slice owner, struct imap_visit **ret) {
    struct imap_visit *v = NEW(struct imap_visit);
    make_terms(s, &v->terms);
    v->owner = mem_str(owner);
    int r = s->config->others->visit(s->config->others_arg, owner, &v->terms, &v->stream);
    if (r == 0)
        r = visit_hear(&(struct visit_hearing){.s = s, .v = v});
    if (r < 0)
        imap_visit_end(v);
    else
        *ret = v;
    return r;
}

static void leave(struct imap_session *s) {
    imap_visit_end(TAKE_PTR(s->visit));
    s->c.mode.state = s->selected ? IMAP_STATE_SELECTED : IMAP_STATE_AUTHENTICATED;
}

/* ------------------------------------------------------------------ commands */

/* A command at a visit. It is over when the client has been answered, or the session ends. */
static void run_at(struct imap_session *s, struct imap_visit *v,
                   const struct imap_command *command) WAITS {
    struct visit_hearing h = {.s = s, .v = v};
    int r;
    if (imap_brings_message(command))
        r = visit_hand_on_message(&h);
    else if (command->verb == IMAP_IDLE)
        r = visit_hand_on_idle(&h, command);
    else
        r = visit_hand_on(&h, command);
    if (r == 0)
        return;
    if (r == -ECANCELED)
        visit_end_by(s, r);
    else if (h.bye)
        s->end = DOOR_END_DISMISSED;
    else if (v == s->visit || h.said || imap_brings_message(command) || stream_error(s->c.stream))
        visit_lose(s);
    else
        imap_no(s, command, r);
}

/* Which mailbox a command is about, if not the one that is selected. */
static struct slice path_of(const struct imap_command *command) {
    switch (command->verb) {
    case IMAP_APPEND:
        return command->append.mailbox;
    case IMAP_CREATE:
        return command->create.mailbox;
    case IMAP_DELETE:
    case IMAP_GETACL:
    case IMAP_GETQUOTAROOT:
    case IMAP_MYRIGHTS:
        return command->name;
    case IMAP_DELETEACL:
    case IMAP_LISTRIGHTS:
    case IMAP_SETACL:
        return command->acl.mailbox;
    case IMAP_EXAMINE:
    case IMAP_SELECT:
        return command->select.mailbox;
    case IMAP_GETMETADATA:
    case IMAP_SETMETADATA:
        return command->metadata.mailbox;
    case IMAP_RENAME:
        return command->rename.from;
    case IMAP_STATUS:
        return command->status.mailbox;
    default:
        return S("");
    }
}

/* ESEARCH may be about others, too: those are the user's own (RFC 7377 §2.2). */
static bool searches_selected(const struct imap_command *command) {
    bool selected = command->verb == IMAP_ESEARCH;
    for (size_t i = 0; selected && i < command->search.source_count; i++)
        selected = command->search.sources[i].kind == IMAP_SOURCE_SELECTED;
    return selected;
}

static bool is_of_selected(const struct imap_command *command) {
    return searches_selected(command) || imap_verb_states(command->verb) == IMAP_STATE_SELECTED ||
           command->verb == IMAP_NOOP || command->verb == IMAP_IDLE;
}

static void take_nothing(void *arg, struct slice line) {
    (void)arg;
    (void)line;
}

bool visit_is_at(const struct imap_visit *v, struct slice owner) {
    return v && slice_eq_nocase(owner, slice_of_str(v->owner));
}

/* An owner who shares nothing with him is as one who does not exist. */
static bool refuse(struct imap_session *s, const struct imap_command *command, int error) WAITS {
    if (error == -E_UNKNOWN)
        return false;
    if (error == -ECANCELED)
        visit_end_by(s, error);
    imap_no(s, command, error);
    if (imap_brings_message(command) && s->end == DOOR_END_NONE)
        visit_drop_rest(s);
    return true;
}

/* ENABLE with what is not off for this user. False: that is nothing. */
static bool add_enable(const struct imap_session *s, const struct imap_command *command,
                       struct buf *to) {
    struct imap_writer w = {.to = to};
    bool any = false;
    imap_write_begin(&w, command->tag);
    imap_write_word(&w, "ENABLE");
    for (size_t i = 0; i < command->words.count; i++) {
        if (imap_capability_is_off(s->c.off, command->words.words[i]))
            continue;
        imap_write_astring(&w, command->words.words[i]);
        any = true;
    }
    return any;
}

/* What the client enables is enabled at a visit that stays, too; and that one is to speak the same
 * language. */
static void adapt_there(struct imap_session *s, const struct imap_command *command) WAITS {
    struct visit_hearing h = {.s = s, .v = s->visit, .line = take_nothing};
    _cleanup_(buf_done) struct buf text = {0};
    if (command->verb == IMAP_ENABLE ? !add_enable(s, command, &text)
                                     : visit_add_command(s, &text) < 0)
        return;
    buf_add_str(&text, "\r\n");
    stream_write(s->visit->stream, buf_slice(&text));
    if (visit_hear(&h) < 0)
        visit_lose(s);
}

/* SELECT and EXAMINE: what was selected before is so no more, whatever becomes of the command. */
static bool select_there(struct imap_session *s, const struct imap_command *command,
                         struct slice owner) WAITS {
    struct imap_visit *v = NULL;
    if (owner.len > 0 && visit_is_at(s->visit, owner)) {
        run_at(s, s->visit, command);
        return true;
    }
    int error = owner.len > 0 ? visit_begin(s, owner, &v) : -E_UNKNOWN;
    if (s->visit || (s->selected && error != -E_UNKNOWN))
        imap_say(&s->c, S("*"), "OK", "CLOSED", "the mailbox before is closed");
    if (error != -E_UNKNOWN)
        imap_unselect(s);
    leave(s);
    if (error)
        return refuse(s, command, error);
    s->visit = v;
    run_at(s, v, command);
    return true;
}

/* A command that leaves the selected mailbox selected, or is about it. */
static bool run_there(struct imap_session *s, const struct imap_command *command,
                      struct slice owner) WAITS {
    struct imap_visit *v = NULL;
    if (s->visit && (is_of_selected(command) || visit_is_at(s->visit, owner))) {
        run_at(s, s->visit, command);
        return true;
    }
    if (s->visit && (command->verb == IMAP_ENABLE || command->verb == IMAP_LANGUAGE))
        adapt_there(s, command);
    if (owner.len == 0)
        return false;
    int error = visit_begin(s, owner, &v);
    if (error)
        return refuse(s, command, error);
    run_at(s, v, command);
    imap_visit_end(v);
    return true;
}

bool imap_visit_command(struct imap_session *s, const struct imap_command *command) {
    struct slice owner = S(""), rest;
    bool done;
    if (imap_visits(s) || !s->config->others)
        return false;
    (void)imap_owner_of_path(path_of(command), &owner, &rest);
    if (command->verb == IMAP_SELECT || command->verb == IMAP_EXAMINE)
        done = select_there(s, command, owner);
    else
        done = run_there(s, command, owner);
    if (s->visit && !s->visit->selected)
        leave(s);
    else if (s->visit)
        s->c.mode.state = IMAP_STATE_SELECTED;
    return done;
}

/* SPDX-License-Identifier: ISC */
/*
 * GENURLAUTH, RESETKEY, URLFETCH (RFC 4467): parts of messages for who has a URL of them. Each
 * mailbox has a key, made with its first such URL; RESETKEY drops it, and the URLs made with it are
 * worth nothing any more. URLs of other accounts give NIL, as those that are wrong do.
 */
#include <errno.h>

#include "auth/url_token.h"
#include "base/random.h"
#include "imap/acl.h"
#include "imap/fetch/quoted.h"
#include "imap/rights.h"
#include "imap/syntax/urlauth.h"
#include "store/properties.h"

#define MECHANISM "INTERNAL"

/* Whether a user that a URL names is the one who has logged in. */
static bool is_me(struct imap_session *s, struct slice user) {
    struct slice who;
    return imap_identifier(s->config->user, user, &s->c.arena, &who) == 0 &&
           slice_eq(who, s->config->user);
}

static bool is_internal(struct slice mechanism) {
    return slice_eq_nocase(mechanism, S(MECHANISM));
}

/* ------------------------------------------------------------------ GENURLAUTH */

/* The key of a mailbox, which is made if it has none. */
static int get_key(struct imap_session *s, uint32_t mailbox, struct buf *key) WAITS {
    char bytes[URL_KEY_SIZE] = {0};
    const struct slice new = slice_of(bytes, sizeof bytes);
    int error = store_property_get(s->account, mailbox, STORE_URL_KEY, S(MECHANISM), key);
    if (error != -E_UNKNOWN && (error || key->len == URL_KEY_SIZE))
        return error;
    random_bytes(bytes, sizeof bytes);
    buf_clear(key);
    buf_add(key, new);
    return store_property_set(s->account, mailbox, STORE_URL_KEY, S(MECHANISM), &new);
}

static void write_authorized(struct imap_session *s, const struct imap_urlauth *u,
                             struct slice key) {
    char token[URL_TOKEN_SIZE];
    struct slice before =
        arena_printf(&s->c.arena, "%.*s:" MECHANISM, SLICE_ARG(u->before_mechanism));
    imap_write_string(&s->c.writer, arena_printf(&s->c.arena, "%.*s:%s", SLICE_ARG(before),
                                                 url_token(key, before, token).ptr));
}

/* One URL; 0, or it cannot be allowed: -E_SYNTAX and others. */
static int allow(struct imap_session *s, const struct imap_url_mechanism *asked) WAITS {
    _cleanup_(buf_done) struct buf key = {0};
    struct imap_urlauth u;
    struct store_mailbox m;
    int error = imap_urlauth_parse(asked->url, &s->c.arena, &u);
    if (!error && (u.mechanism.ptr || !is_me(s, u.user) || !is_internal(asked->mechanism)))
        error = -E_SYNTAX;
    if (!error)
        error = imap_find_allowed(s, u.url.mailbox, STORE_RIGHT_READ, &m);
    if (!error)
        error = get_key(s, m.id, &key);
    if (!error)
        write_authorized(s, &u, buf_slice(&key));
    return error;
}

void imap_do_genurlauth(struct imap_session *s, const struct imap_command *command) {
    const struct imap_genurlauth *asked = &command->genurlauth;
    int error = 0;
    imap_write_begin(&s->c.writer, S("*"));
    imap_write_word(&s->c.writer, "GENURLAUTH");
    for (size_t i = 0; !error && i < asked->count; i++) {
        error = allow(s, &asked->urls[i]);
        (void)fiber_yield_if_long();
    }
    imap_write_end(&s->c.writer);
    if (error)
        buf_clear(&s->c.out);
    if (error == -E_SYNTAX)
        imap_say(&s->c, command->tag, "NO", "CANNOT", "that is no URL of yours to be allowed");
    else if (error)
        imap_no(s, command, error);
    else
        imap_ok(s, command, "allowed");
}

/* ------------------------------------------------------------------ RESETKEY */

void imap_do_resetkey(struct imap_session *s, const struct imap_command *command) {
    const struct imap_resetkey *asked = &command->resetkey;
    struct imap_writer *w = &s->c.writer;
    _cleanup_(buf_done) struct buf ids = {0};
    struct store_mailbox m;
    int error = 0;
    for (size_t i = 0; !error && i < asked->mechanisms.count; i++)
        error = is_internal(asked->mechanisms.words[i]) ? 0 : -E_SYNTAX;
    if (!error && asked->mailbox.len > 0) {
        error = imap_find_allowed(s, asked->mailbox, STORE_RIGHT_READ, &m);
        buf_add_bytes(&ids, &m.id, sizeof m.id);
    }
    for (size_t i = 0; asked->mailbox.len == 0 && i < store_mailbox_count(s->account); i++) {
        store_mailbox_at(s->account, i, &m);
        buf_add_bytes(&ids, &m.id, sizeof m.id);
    }
    const uint32_t *list = (const void *)ids.ptr;
    for (size_t i = 0; !error && i < ids.len / sizeof *list; i++)
        error = store_property_set(s->account, list[i], STORE_URL_KEY, S(MECHANISM), NULL);
    if (error) {
        imap_no(s, command, error);
        return;
    }
    imap_write_begin(w, command->tag);
    imap_write_word(w, "OK");
    imap_write_code(w, "URLMECH");
    imap_write_word(w, MECHANISM);
    imap_write_code_end(w);
    imap_write_text(w, S("URLs that were allowed before are not any more"));
    imap_write_end(w);
    imap_send(&s->c);
}

/* ------------------------------------------------------------------ URLFETCH */

static bool may_fetch(struct imap_session *s, const struct imap_urlauth *u) {
    switch (u->access) {
    case IMAP_URL_ANYONE:
    case IMAP_URL_LOGIN:
        return true;
    case IMAP_URL_USER:
        return is_me(s, u->to);
    case IMAP_URL_SUBMIT: /* for a server that sends messages, of which none logs in here */
        break;
    }
    return false;
}

static int check(struct imap_session *s, const struct imap_urlauth *u) WAITS {
    _cleanup_(buf_done) struct buf key = {0};
    struct store_mailbox m;
    if (!u->token.ptr || !is_internal(u->mechanism) || !is_me(s, u->user) || !may_fetch(s, u) ||
        (u->expires && u->expiry <= fiber_wall()))
        return -EACCES;
    int error = imap_find_allowed(s, u->url.mailbox, STORE_RIGHT_READ, &m);
    if (!error)
        error = store_property_get(s->account, m.id, STORE_URL_KEY, S(MECHANISM), &key);
    if (!error && !url_token_is_right(buf_slice(&key), u->before_token, u->token))
        error = -EACCES;
    return error;
}

struct telling {
    struct imap_session *s;
    bool begun;
    uint64_t left;
};

static int begin_literal(void *arg, uint64_t size) {
    struct telling *t = arg;
    t->begun = true;
    t->left = size;
    imap_write_literal(&t->s->c.writer, size, false);
    return 0;
}

static int tell_octets(void *arg, struct slice octets) WAITS {
    struct telling *t = arg;
    struct imap_connection *c = &t->s->c;
    const size_t at = c->out.len;
    imap_write_octets(&c->writer, octets);
    for (size_t i = at; i < c->out.len; i++) /* a literal has none (RFC 9051 §4.3.1) */
        if (c->out.ptr[i] == '\0')
            c->out.ptr[i] = '?';
    t->left -= octets.len;
    imap_send(c);
    if (stream_error(c->stream))
        return -EPIPE;
    return fiber_cancelled() ? -ECANCELED : 0;
}

/* A URL and its octets, or NIL. False: they ended in their midst, and with them the conversation.
 */
static bool fetch(struct imap_session *s, struct slice text) WAITS {
    struct telling t = {.s = s};
    struct imap_urlauth u;
    imap_write_astring(&s->c.writer, text);
    if (imap_urlauth_parse(text, &s->c.arena, &u) == 0 && check(s, &u) == 0)
        (void)imap_quote(s, &u.url, &(struct imap_quoting){&t, begin_literal, tell_octets});
    if (!t.begun)
        imap_write_nil(&s->c.writer);
    if (t.left == 0)
        return true;
    imap_write_passed(&s->c.writer, t.left);
    s->end = DOOR_END_LOST;
    return false;
}

void imap_do_urlfetch(struct imap_session *s, const struct imap_command *command) {
    const struct imap_words *urls = &command->words;
    for (size_t i = 0; i < urls->count; i++) {
        imap_write_begin(&s->c.writer, S("*"));
        imap_write_word(&s->c.writer, "URLFETCH");
        bool whole = fetch(s, urls->words[i]);
        imap_write_end(&s->c.writer);
        if (!whole)
            return;
        imap_send(&s->c);
        (void)fiber_yield_if_long();
    }
    imap_ok(s, command, "that is what they allow");
}

/* SPDX-License-Identifier: ISC */
/*
 * Opening a session. Troubles here are the host's, not the message's: another host of the same
 * domain may still take it, so they are reported apart from the results of a message.
 *
 * A greeting or HELO refused with 5yz is final for this host (RFC 5321 §3.1, RFC 7504); EHLO
 * refused with 5yz is followed by HELO (§3.2); one that hangs up at it gets HELO over another
 * connection, if the caller opens one. After STARTTLS everything learnt before is
 * forgotten, and bytes that came behind its reply in plain text end the session (RFC 3207 §4.2).
 * Unless the policy demands more, TLS is opportunistic (RFC 7435): no certificate is refused, a
 * peer that declines is spoken to in plain text; when anything fails between STARTTLS and the first
 * answer inside TLS, the caller may connect again without it.
 */
#include "relay/client.h"

#include <errno.h>

#include "base/alloc.h"
#include "relay/talk.h"

static int fail(struct relay_failure *failure, int error, const struct smtp_reply *reply) {
    failure->result = (struct relay_result){
        .disposition = RELAY_LATER,
        .reply = *reply,
        .next_host = true,
    };
    return error;
}

static int refused(const struct relay_client *c, struct arena *a, struct relay_failure *failure,
                   const struct smtp_reply *reply) {
    failure->result = talk_refusal(c, a, reply);
    failure->result.next_host = true;
    return -E_REFUSED;
}

/* ------------------------------------------------------------------ EHLO */

/* "AUTH PLAIN LOGIN", and "AUTH=PLAIN LOGIN" of old servers. */
static void learn_mechanisms(struct relay_client *c, struct slice line) {
    static const struct {
        struct slice name;
        enum relay_mechanism mechanism;
    } known[] = {
        {{"PLAIN", 5}, MECHANISM_PLAIN},
        {{"LOGIN", 5}, MECHANISM_LOGIN},
        {{"CRAM-MD5", 8}, MECHANISM_CRAM_MD5},
    };
    struct slice word;
    if (!slice_starts_nocase(line, S("AUTH")) || line.len < 5 ||
        (line.ptr[4] != ' ' && line.ptr[4] != '='))
        return;
    line = slice_from(line, 5);
    while (slice_next_word(&line, &word))
        for (size_t i = 0; i < ARRAY_SIZE(known); i++)
            if (slice_eq_nocase(known[i].name, word))
                c->mechanisms |= known[i].mechanism;
}

static void learn_extension(struct relay_client *c, struct slice line) {
    static const struct {
        struct slice keyword;
        enum relay_extension extension;
    } known[] = {
        {{"PIPELINING", 10}, EXTENSION_PIPELINING},
        {{"SIZE", 4}, EXTENSION_SIZE},
        {{"8BITMIME", 8}, EXTENSION_8BITMIME},
        {{"STARTTLS", 8}, EXTENSION_STARTTLS},
        {{"DSN", 3}, EXTENSION_DSN},
        {{"SMTPUTF8", 8}, EXTENSION_SMTPUTF8},
        {{"REQUIRETLS", 10}, EXTENSION_REQUIRETLS},
    };
    struct slice keyword, number;
    uint64_t limit;
    if (!slice_next_word(&line, &keyword))
        return;
    for (size_t i = 0; i < ARRAY_SIZE(known); i++)
        if (slice_eq_nocase(known[i].keyword, keyword))
            c->extensions |= known[i].extension;
    if (slice_eq_nocase(keyword, S("SIZE")) && slice_next_word(&line, &number) &&
        slice_to_u64(number, UINT64_MAX, &limit) == 0)
        c->size_limit = limit;
}

static int say_hello(struct relay_client *c, const char *verb, struct arena *a,
                     struct smtp_reply *reply) WAITS {
    (void)talk_pass_over_surplus(c);
    talk_command(c, arena_printf(a, "%s %.*s", verb, SLICE_ARG(c->options.helo)));
    return talk_reply(c, verb, c->options.timeouts.command, a, reply);
}

static int hello(struct relay_client *c, struct arena *a, struct relay_failure *failure) WAITS {
    struct smtp_reply reply;
    c->extensions = 0;
    c->mechanisms = 0;
    c->size_limit = 0;
    bool extended = true;
    int r = c->options.helo_only ? 0 : say_hello(c, "EHLO", a, &reply);
    failure->ehlo_failed = !c->tls && (r == -E_EOF || r == -ECONNRESET || r == -EPIPE);
    if (r == 0 && (c->options.helo_only || reply.code / 100 == 5)) {
        r = say_hello(c, "HELO", a, &reply);
        extended = false;
    }
    if (r < 0)
        return fail(failure, r, &reply);
    if (reply.code / 100 != 2)
        return refused(c, a, failure, &reply);

    /* The first line begins with the name of the host (RFC 5321 §4.1.1.1). */
    struct slice lines = reply.text, line, name;
    if (slice_next(&lines, '\n', &line) && slice_next_word(&line, &name) &&
        slice_eq_nocase(name, c->options.helo)) {
        reply = (struct smtp_reply){554, {5, 4, 6}, {NULL, 0}};
        reply.text = arena_printf(a, "%.*s is this server itself: the message would go in a circle",
                                  SLICE_ARG(c->options.peer));
        failure->ourselves = true;
        failure->result =
            (struct relay_result){.disposition = RELAY_NEVER, .reply = reply, .next_host = true};
        return -E_REFUSED;
    }
    while (extended && slice_next(&lines, '\n', &line)) {
        learn_extension(c, line);
        learn_mechanisms(c, line);
    }
    if (c->options.no_pipelining)
        c->extensions &= ~(unsigned)EXTENSION_PIPELINING;
    return 0;
}

/* ------------------------------------------------------------------ STARTTLS */

static int tls_failure(struct relay_client *c, const struct relay_voice *voice, struct arena *a,
                       struct relay_failure *failure, const char *why) {
    struct smtp_reply reply = {454, {4, 7, 5}, {NULL, 0}};
    const struct tls_policy *p = &c->options.policy;
    struct slice by = tls_policy_demands(p) && p->kind != TLS_POLICY_SETTINGS
                          ? arena_printf(a, "; %.*s", SLICE_ARG(tls_policy_text(a, p)))
                          : S("");
    reply.text = arena_printf(a, "TLS with %.*s failed: %s%.*s", SLICE_ARG(c->options.peer), why,
                              SLICE_ARG(by));
    relay_log(voice, RELAY_STEP_TLS, "TLS failed: %s%.*s", why, SLICE_ARG(by));
    failure->tls_failed = true;
    return fail(failure, -E_TLS, &reply);
}

/* Behind what TLS there is: what is asked of it, and why not more. */
static struct slice policy_words(const struct relay_client *c, const struct tls_facts *facts,
                                 struct arena *a) {
    const struct tls_policy *p = &c->options.policy;
    if (facts->by_record)
        return arena_printf(a, ", verified by DANE (%u %u %u), %.*s", facts->usage, facts->selector,
                            facts->matching, SLICE_ARG(p->why));
    if (p->kind == TLS_POLICY_SETTINGS)
        return tls_policy_demands(p) ? S(", as the settings demand") : S("");
    return p->why.len > 0 ? arena_printf(a, ", %.*s", SLICE_ARG(tls_policy_text(a, p))) : S("");
}

static int connect_tls(struct relay_client *c, struct problem *problem) WAITS {
    const struct tls_policy *p = &c->options.policy;
    struct tls_expectation expectation = {p->server_name, p->names, p->name_count, p->records,
                                          p->record_count};
    return p->demand == TLS_DEMAND_RECORDS
               ? tls_connect_expecting(c->stream, c->options.tls, &expectation, problem)
               : tls_connect(c->stream, c->options.tls, p->server_name, problem);
}

/* The handshake, on a stream whose input is used up. */
static int begin_tls(struct relay_client *c, const struct relay_voice *voice, struct arena *a,
                     struct relay_failure *failure) WAITS {
    struct problem problem = {{0}};
    struct tls_facts facts;
    struct fiber_deadline deadline = fiber_deadline_begin(fiber_now() + c->options.timeouts.tls);
    int r = connect_tls(c, &problem);
    fiber_deadline_end(&deadline);
    if (r == -ECANCELED)
        return r;
    if (r < 0)
        return tls_failure(c, voice, a, failure, problem.text[0] ? problem.text : error_text(r));
    if (tls_facts(c->stream, &facts)) {
        c->secrecy = arena_printf(&c->texts, "%s with %s%.*s", facts.version, facts.cipher,
                                  SLICE_ARG(policy_words(c, &facts, a)));
        relay_log(voice, RELAY_STEP_TLS, "%.*s", SLICE_ARG(c->secrecy));
    }
    c->tls = true;
    return 0;
}

/* There is no TLS with this host: 0 where it may go without. */
static int go_without(struct relay_client *c, const struct relay_voice *voice, struct arena *a,
                      struct relay_failure *failure, const char *why) {
    struct smtp_reply reply = {451, {4, 7, 4}, {NULL, 0}};
    const struct tls_policy *p = &c->options.policy;
    if (!tls_policy_demands(p)) {
        if (p->why.len > 0)
            relay_log(voice, RELAY_STEP_TLS, "In plain text, since %s; %.*s", why,
                      SLICE_ARG(p->why));
        return 0;
    }
    if (p->kind == TLS_POLICY_SETTINGS)
        reply.text = arena_printf(a, "The settings demand TLS with %.*s, but %s",
                                  SLICE_ARG(c->options.peer), why);
    else
        reply.text =
            arena_printf(a, "TLS with %.*s is demanded by %.*s, but %s", SLICE_ARG(c->options.peer),
                         SLICE_ARG(tls_policy_text(a, p)), why);
    relay_log(voice, RELAY_STEP_TLS, "TLS is demanded, but %s", why);
    return fail(failure, -E_TLS, &reply);
}

static int start_tls(struct relay_client *c, const struct relay_voice *voice, struct arena *a,
                     struct relay_failure *failure) WAITS {
    struct smtp_reply reply;
    (void)talk_pass_over_surplus(c);
    talk_command(c, S("STARTTLS"));
    int r = talk_reply(c, "STARTTLS", c->options.timeouts.command, a, &reply);
    failure->tls_failed = r < 0;
    if (r < 0)
        return fail(failure, r, &reply);
    if (reply.code == 421)
        return refused(c, a, failure, &reply);
    if (reply.code / 100 != 2) {
        if (!tls_policy_demands(&c->options.policy))
            relay_log(voice, RELAY_STEP_TLS,
                      "TLS was offered but declined (%u), going on in plain text", reply.code);
        return go_without(c, voice, a, failure, "it declines STARTTLS");
    }
    if (stream_drop_input(c->stream) > 0)
        return tls_failure(c, voice, a, failure, "plain text behind the reply to STARTTLS");
    r = begin_tls(c, voice, a, failure);
    if (r < 0)
        return r;
    r = hello(c, a, failure);
    failure->tls_failed = r < 0 && failure->result.reply.code != 421;
    return r;
}

/* RFC 8689 §4.2.1: another host may; if none does, the message goes back. */
static int promises_nothing(const struct relay_client *c, struct arena *a,
                            struct relay_failure *failure) {
    struct smtp_reply reply = {550, {5, 7, 30}, {NULL, 0}};
    reply.text = arena_printf(a,
                              "The message demands TLS all the way, which %.*s does not promise "
                              "(REQUIRETLS)",
                              SLICE_ARG(c->options.peer));
    failure->result =
        (struct relay_result){.disposition = RELAY_NEVER, .reply = reply, .next_host = true};
    return -E_REFUSED;
}

/* ------------------------------------------------------------------ life */

static int greet(struct relay_client *c, const struct relay_voice *voice, struct arena *a,
                 struct relay_failure *failure) WAITS {
    struct smtp_reply reply;
    int r = c->options.tls_first ? begin_tls(c, voice, a, failure) : 0;
    if (r < 0)
        return r;
    r = talk_greeting(c, a, &reply);
    if (r < 0)
        return fail(failure, r, &reply);
    if (reply.code / 100 != 2)
        return refused(c, a, failure, &reply);
    r = hello(c, a, failure);
    if (r < 0)
        return r;
    if (c->options.tls && !c->tls && (c->extensions & EXTENSION_STARTTLS))
        r = start_tls(c, voice, a, failure);
    else if (!c->tls)
        r = go_without(c, voice, a, failure, "it does not offer STARTTLS");
    if (r == 0 && c->options.policy.all_the_way && !(c->extensions & EXTENSION_REQUIRETLS))
        r = promises_nothing(c, a, failure);
    return r == 0 && c->options.login ? login(c, a, failure) : r;
}

static struct relay_client *client_new(struct stream *stream,
                                       const struct relay_client_options *options) {
    struct relay_client *c = NEW(struct relay_client);
    c->magic = RELAY_CLIENT_MAGIC;
    c->stream = stream;
    c->options = *options;
    c->one_by_one = options->one_by_one;
    c->options.helo = arena_copy(&c->texts, options->helo);
    c->options.peer = arena_copy(&c->texts, options->peer);
    return c;
}

int relay_client_open(struct stream *stream, const struct relay_client_options *options,
                      const struct relay_voice *voice, struct arena *a,
                      struct relay_client **ret_client, struct relay_failure *ret_failure) {
    struct relay_client *c = client_new(stream, options);
    *ret_failure = (struct relay_failure){0};
    stream_set_timeout(stream, options->timeouts.greeting);
    int r = greet(c, voice, a, ret_failure);
    c->options.login = NULL;
    c->options.policy = (struct tls_policy){0};
    if (r == 0) {
        *ret_client = c;
        return 0;
    }
    const struct smtp_reply *reply = &ret_failure->result.reply;
    ret_failure->result.peer = arena_copy(a, options->peer);
    if (r != -ECANCELED && !ret_failure->login_failed)
        relay_log(voice, RELAY_STEP_UNREACHABLE, "%.*s does not take the message now: %.*s",
                  SLICE_ARG(options->peer), SLICE_ARG(smtp_reply_text(a, reply)));
    ret_failure->dialogue = relay_client_take_dialogue(c, a);
    if (r == -E_REFUSED)
        relay_client_close(c);
    else
        relay_client_free(c);
    return r;
}

bool relay_client_alive(struct relay_client *c) {
    MUST(c->magic == RELAY_CLIENT_MAGIC);
    if (c->over || stream_error(c->stream))
        return false;
    stream_set_timeout(c->stream, 0);
    int r = stream_fill(c->stream, 1);
    c->over = r != -ETIMEDOUT;
    return !c->over;
}

bool relay_client_unanswered(const struct relay_client *c) {
    return c->unanswered;
}

void relay_client_close(struct relay_client *c) {
    _cleanup_(arena_done) struct arena a = {0};
    struct smtp_reply reply;
    if (!c->over && !stream_error(c->stream)) {
        stream_set_timeout(c->stream, c->options.timeouts.quit);
        (void)talk_pass_over_surplus(c);
        talk_command(c, S("QUIT"));
        (void)talk_reply(c, "QUIT", c->options.timeouts.quit, &a, &reply);
    }
    relay_client_free(c);
}

void relay_client_free(struct relay_client *c) {
    if (!c)
        return;
    MUST(c->magic == RELAY_CLIENT_MAGIC);
    stream_free(c->stream);
    buf_done(&c->dialogue);
    arena_done(&c->texts);
    c->magic = 0;
    free(c);
}

struct slice relay_client_take_dialogue(struct relay_client *c, struct arena *a) {
    struct slice text = arena_copy(a, buf_slice(&c->dialogue));
    buf_done(&c->dialogue);
    c->dialogue = (struct buf){0};
    c->dialogue_cut = false;
    return text;
}

struct slice relay_client_peer(const struct relay_client *c) {
    return c->options.peer;
}

unsigned relay_client_messages(const struct relay_client *c) {
    return c->messages;
}

bool relay_client_one_by_one(const struct relay_client *c) {
    return c->one_by_one;
}

bool relay_client_doubted(const struct relay_client *c) {
    return c->out_of_step;
}

bool relay_client_breaks_pipelining(const struct relay_client *c) {
    return c->breaks_pipelining;
}

bool relay_client_begins_anew(const struct relay_client *c) {
    return c->begin_anew;
}

struct slice relay_client_secrecy(const struct relay_client *c) {
    return c->tls ? c->secrecy : S("in plain text");
}

bool relay_client_tls(const struct relay_client *c) {
    return c->tls;
}

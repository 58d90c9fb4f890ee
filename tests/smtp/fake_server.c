/* SPDX-License-Identifier: ISC */
#include "fake_server.h"

#include <errno.h>

#include "base/alloc.h"

struct fake_server {
    struct smtp_listener listener;
    struct smtp_host host;
    bool stress;
    struct buf fails;            /* the call that fails: "rcpt" */
    struct buf admit, end_reply; /* texts of replies, empty: the usual one */
    struct buf client;           /* the address of the next one, empty: 192.0.2.7 */
    usec_t write_takes;
    size_t memory, kept; /* how much may be kept (0: all), and how much is */

    struct arena arena;
    struct buf sender, recipients, parameters, message, parts; /* of the last envelope */
    struct buf account, tried, hello, close, commands, message_event, abort_reply, clients;
    unsigned messages, begun, aborted, refused, asked, chunks, logins;
    uint64_t next_id;
};

/* ------------------------------------------------------------------ what the session asks */

static int failing(const struct fake_server *o, const char *call) {
    return slice_eq(buf_slice(&o->fails), slice_of_str(call)) ? -EPIPE : 0;
}

static void set_text(struct buf *to, struct slice text) {
    buf_clear(to);
    buf_add(to, text);
}

static void remember_client(struct fake_server *o, const struct smtp_client *client) {
    buf_clear(&o->hello);
    buf_printf(&o->hello, "%s%.*s%s", client->extended ? "EHLO " : "HELO ",
               SLICE_ARG(client->hello), client->tls ? " TLS" : "");
}

/* "421 4.7.0 Come later" as a value. */
static struct smtp_reply read_reply(const struct buf *text) {
    struct slice rest = slice_from(buf_slice(text), 4);
    struct smtp_reply reply = {0};
    uint64_t code = 0;
    (void)slice_to_u64(slice_first(buf_slice(text), 3), 599, &code);
    (void)smtp_status_parse(&rest, &reply.status);
    reply.code = (unsigned)code;
    reply.text = rest;
    return reply;
}

static int fake_admit(void *arg, const struct smtp_client *client, struct arena *a,
                      struct smtp_reply *ret) {
    struct fake_server *o = arg;
    *ret = o->admit.len ? read_reply(&o->admit) : SMTP_REPLY(250, 2, 0, 0, "Welcome");
    return failing(o, "admit");
}

static int fake_start_tls(void *arg, struct stream *s, struct tls_facts *ret,
                          struct problem *problem) {
    struct fake_server *o = arg;
    if (failing(o, "tls") < 0)
        return problem_set(problem, -E_TLS, "no cipher in common");
    *ret = (struct tls_facts){.version = "TLSv1.3", .cipher = "TLS_AES_256_GCM_SHA384"};
    return 0;
}

static bool fake_stress(void *arg) {
    return ((struct fake_server *)arg)->stress;
}

static bool fake_keep(void *arg, size_t bytes) {
    struct fake_server *o = arg;
    if (o->memory > 0 && bytes > o->memory)
        return false;
    o->kept = bytes;
    return true;
}

static int fake_sender(void *arg, const struct smtp_client *client, struct smtp_transaction *t,
                       struct arena *a, struct smtp_reply *ret) {
    struct fake_server *o = arg;
    struct slice sender = t->envelope.reverse_path;
    remember_client(o, client);
    t->id = ++o->next_id;
    set_text(&o->sender, sender);
    buf_clear(&o->recipients);
    if (ret->code) {
        o->refused++;
        return 0;
    }
    buf_clear(&o->parameters);
    buf_printf(&o->parameters, "size=%llu body=%d ret=%d envid=%.*s", (unsigned long long)t->size,
               t->envelope.body_type, t->envelope.ret, SLICE_ARG(t->envelope.envid));
    if (t->envelope.shape & SHAPE_REQUIRE_TLS)
        buf_add_str(&o->parameters, " requiretls");
    bool own = !client->account.len || slice_eq(sender, S("sora@example.test"));
    *ret = own ? SMTP_REPLY(250, 2, 1, 0, "OK")
               : SMTP_REPLY(553, 5, 7, 1, "This is not an address of yours");
    return failing(o, "sender");
}

static int fake_rcpt(void *arg, const struct smtp_client *client, const struct smtp_transaction *t,
                     struct slice address, struct arena *a, struct smtp_reply *ret) {
    struct fake_server *o = arg;
    struct slice rest = address, name;
    o->asked++;
    (void)slice_next(&rest, '@', &name);
    bool local = slice_eq(rest, S("example.test")) || !rest.len;
    bool known = slice_eq(name, S("tama")) || slice_eq(name, S("pochi")) ||
                 slice_starts(name, S("many")) || slice_eq_nocase(name, S("postmaster"));
    if (!local && !client->account.len)
        *ret = SMTP_REPLY(550, 5, 7, 1, "Relaying denied");
    else if (local && slice_eq(name, S("later")))
        *ret = SMTP_REPLY(450, 4, 2, 1, "Come again");
    else if (local && !known)
        *ret = SMTP_REPLY(550, 5, 1, 1, "No such user here");
    else
        *ret = SMTP_REPLY(250, 2, 1, 5, "OK");
    return failing(o, "rcpt");
}

static int fake_login(void *arg, const struct smtp_client *client, const struct smtp_login *login,
                      struct arena *a, struct slice *ret_account) {
    struct fake_server *o = arg;
    o->logins++;
    buf_clear(&o->tried);
    buf_printf(&o->tried, "%s %.*s", login->mechanism, SLICE_ARG(login->credentials->name));
    if (failing(o, "login") < 0)
        return -EPIPE;
    if (slice_eq(login->credentials->name, S("careful"))) { /* asks for a code, too */
        struct slice code = {0};
        int r = login->ask(login, S("code?"), &code);
        if (r < 0)
            return r;
        *ret_account = arena_copy(a, S("careful"));
        return slice_eq(code, S("123456")) ? 0 : -E_REFUSED;
    }
    if (!slice_eq(login->credentials->name, S("sora")) ||
        !slice_eq(login->credentials->password, S("cat food")))
        return -E_REFUSED;
    *ret_account = arena_copy(a, S("sora"));
    return 0;
}

static int fake_begin(void *arg, const struct smtp_client *client, struct smtp_transaction *t,
                      struct arena *a, struct smtp_reply *ret) {
    struct fake_server *o = arg;
    if (failing(o, "begin") < 0)
        return -EPIPE;
    for (size_t i = 0; i < t->envelope.count; i++) {
        const struct recipient *r = &t->envelope.recipients[i];
        buf_printf(&o->recipients, "%s%.*s", o->recipients.len ? "," : "", SLICE_ARG(r->address));
        if (r->notify || r->original.len)
            buf_printf(&o->recipients, "(notify=%u orcpt=%.*s)", r->notify, SLICE_ARG(r->original));
    }
    buf_clear(&o->message);
    o->begun++;
    o->chunks = 0;
    t->message = o;
    *ret = SMTP_REPLY_PLAIN(354, "End with a line that holds a dot only");
    return 0;
}

static int fake_write(void *arg, struct smtp_transaction *t, struct slice chunk) {
    struct fake_server *o = arg;
    MUST(t->message == o && chunk.len > 0);
    buf_add(&o->message, chunk);
    o->chunks++;
    if (o->write_takes)
        (void)fiber_sleep(o->write_takes);
    return failing(o, "full") < 0 ? -ENOSPC : failing(o, "write");
}

static int fake_end(void *arg, const struct smtp_client *client, struct smtp_transaction *t,
                    const struct message_scan *facts, struct arena *a, struct smtp_reply *ret) {
    struct fake_server *o = arg;
    MUST(t->message == o && facts->size == o->message.len);
    t->message = NULL;
    if (failing(o, "end") < 0)
        return -EPIPE;
    if (o->end_reply.len) {
        *ret = read_reply(&o->end_reply);
        return 0;
    }
    o->messages++;
    *ret = (struct smtp_reply){
        250, {2, 0, 0}, arena_printf(a, "Accepted as %llu", (unsigned long long)t->id)};
    return 0;
}

static void fake_abort(void *arg, const struct smtp_client *client, struct smtp_transaction *t,
                       const struct smtp_reply *reply) {
    struct fake_server *o = arg;
    MUST(t->message == o);
    set_text(&o->abort_reply, reply->code ? smtp_reply_text(&o->arena, reply) : reply->text);
    t->message = NULL;
    o->aborted++;
}

static void fake_event(void *arg, enum smtp_event_kind kind, queue_id id, struct slice text) {
    struct fake_server *o = arg;
    if (kind == SMTP_EVENT_COMMAND)
        buf_printf(&o->commands, "%s%.*s", o->commands.len ? "|" : "", SLICE_ARG(text));
    if (kind == SMTP_EVENT_CONNECT)
        buf_printf(&o->clients, "%s%.*s", o->clients.len ? "," : "", SLICE_ARG(text));
    if (kind == SMTP_EVENT_CLOSE)
        set_text(&o->close, text);
    if (kind == SMTP_EVENT_LOGIN)
        set_text(&o->account, text);
    if (kind == SMTP_EVENT_MESSAGE)
        set_text(&o->message_event, text);
}

/* ------------------------------------------------------------------ life */

struct fake_server *fake_server_new(void) {
    struct fake_server *o = NEW(struct fake_server);
    o->listener = (struct smtp_listener){
        .hostname = S("mx.example.test"),
        .limits = smtp_limits_default,
    };
    o->host = (struct smtp_host){
        .arg = o,
        .admit = fake_admit,
        .start_tls = fake_start_tls,
        .under_stress = fake_stress,
        .keep = fake_keep,
        .sender = fake_sender,
        .rcpt = fake_rcpt,
        .login = fake_login,
        .message_begin = fake_begin,
        .message_write = fake_write,
        .message_end = fake_end,
        .message_abort = fake_abort,
        .event = fake_event,
    };
    return o;
}

void fake_server_free(struct fake_server *o) {
    struct buf *all[] = {&o->fails,      &o->admit,         &o->end_reply,   &o->sender,
                         &o->recipients, &o->parameters,    &o->message,     &o->parts,
                         &o->account,    &o->tried,         &o->hello,       &o->close,
                         &o->commands,   &o->message_event, &o->abort_reply, &o->client,
                         &o->clients};
    for (size_t i = 0; i < ARRAY_SIZE(all); i++)
        buf_done(all[i]);
    arena_done(&o->arena);
    free(o);
}

void fake_server_session(struct stream *s, void *server) {
    struct fake_server *o = server;
    struct net_addr peer;
    struct slice client = o->client.len > 0 ? buf_slice(&o->client) : S("192.0.2.7");
    MUST(net_parse(client, 4025, &peer) == 0);
    smtp_session(s, &o->host, &o->listener, &peer);
}

struct smtp_listener *fake_server_listener(struct fake_server *o) {
    return &o->listener;
}

unsigned fake_server_messages(const struct fake_server *o) {
    return o->messages;
}

/* ------------------------------------------------------------------ settings by name */

enum kind { FLAG, NUMBER32, NUMBER64, SPAN, TEXT, SERVICE };

static const struct setting {
    const char *name;
    enum kind kind;
    size_t at;
} settings[] = {
    {"service", SERVICE, offsetof(struct fake_server, listener.service)},
    {"tls", FLAG, offsetof(struct fake_server, listener.tls)},
    {"tls-first", FLAG, offsetof(struct fake_server, listener.tls_first)},
    {"plaintext-login", FLAG, offsetof(struct fake_server, listener.plaintext_login)},
    {"stress", FLAG, offsetof(struct fake_server, stress)},
    {"command-line-max", NUMBER64, offsetof(struct fake_server, listener.limits.command_line_max)},
    {"text-line-max", NUMBER64, offsetof(struct fake_server, listener.limits.text_line_max)},
    {"header-max", NUMBER64, offsetof(struct fake_server, listener.limits.header_max)},
    {"message-size-max", NUMBER64, offsetof(struct fake_server, listener.limits.message_size_max)},
    {"min-rate", NUMBER64, offsetof(struct fake_server, listener.limits.min_rate)},
    {"recipients-max", NUMBER32, offsetof(struct fake_server, listener.limits.recipients_max)},
    {"messages", NUMBER32, offsetof(struct fake_server, listener.limits.messages_per_connection)},
    {"received-max", NUMBER32, offsetof(struct fake_server, listener.limits.received_max)},
    {"soft-errors", NUMBER32, offsetof(struct fake_server, listener.limits.soft_errors)},
    {"hard-errors", NUMBER32, offsetof(struct fake_server, listener.limits.hard_errors)},
    {"junk-commands", NUMBER32, offsetof(struct fake_server, listener.limits.junk_commands)},
    {"login-failures", NUMBER32, offsetof(struct fake_server, listener.limits.login_failures)},
    {"greeting-wait", SPAN, offsetof(struct fake_server, listener.limits.greeting_wait)},
    {"error-delay", SPAN, offsetof(struct fake_server, listener.limits.error_delay)},
    {"memory", NUMBER64, offsetof(struct fake_server, memory)},
    {"write-takes", SPAN, offsetof(struct fake_server, write_takes)},
    {"fails", TEXT, offsetof(struct fake_server, fails)},
    {"admit", TEXT, offsetof(struct fake_server, admit)},
    {"client", TEXT, offsetof(struct fake_server, client)},
    {"end-reply", TEXT, offsetof(struct fake_server, end_reply)},
};

static int set_number(struct slice value, enum kind kind, void *at) {
    uint64_t number = 0;
    int r = slice_to_u64(value, kind == NUMBER32 ? UINT32_MAX : UINT64_MAX, &number);
    if (r == 0 && kind == NUMBER32)
        *(unsigned *)at = (unsigned)number;
    else if (r == 0)
        *(uint64_t *)at = number;
    return r;
}

static int set_value(const struct setting *setting, struct slice value, void *at) {
    switch (setting->kind) {
    case FLAG:
        *(bool *)at = slice_eq(value, S("on"));
        return 0;
    case SERVICE:
        *(enum smtp_service *)at =
            slice_eq(value, S("submission")) ? SMTP_SUBMISSION : SMTP_RECEIVING;
        return 0;
    case SPAN:
        return time_parse_span(value, at);
    case TEXT:
        set_text(at, value);
        return 0;
    default:
        return set_number(value, setting->kind, at);
    }
}

int fake_server_set(void *server, struct slice name, struct slice value, struct problem *problem) {
    for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
        if (slice_eq(name, slice_of_str(settings[i].name)))
            return set_value(&settings[i], value, (char *)server + settings[i].at);
    return problem_set(problem, -E_UNKNOWN, "no such setting");
}

/* ------------------------------------------------------------------ observations by name */

static const struct setting observations[] = {
    {"messages", NUMBER32, offsetof(struct fake_server, messages)},
    {"begun", NUMBER32, offsetof(struct fake_server, begun)},
    {"aborted", NUMBER32, offsetof(struct fake_server, aborted)},
    {"refused", NUMBER32, offsetof(struct fake_server, refused)},
    {"asked", NUMBER32, offsetof(struct fake_server, asked)},
    {"chunks", NUMBER32, offsetof(struct fake_server, chunks)},
    {"logins", NUMBER32, offsetof(struct fake_server, logins)},
    {"sender", TEXT, offsetof(struct fake_server, sender)},
    {"recipients", TEXT, offsetof(struct fake_server, recipients)},
    {"parameters", TEXT, offsetof(struct fake_server, parameters)},
    {"message", TEXT, offsetof(struct fake_server, message)},
    {"account", TEXT, offsetof(struct fake_server, account)},
    {"tried", TEXT, offsetof(struct fake_server, tried)},
    {"hello", TEXT, offsetof(struct fake_server, hello)},
    {"close", TEXT, offsetof(struct fake_server, close)},
    {"commands", TEXT, offsetof(struct fake_server, commands)},
    {"message-event", TEXT, offsetof(struct fake_server, message_event)},
    {"abort-reply", TEXT, offsetof(struct fake_server, abort_reply)},
    {"clients", TEXT, offsetof(struct fake_server, clients)},
};

/* On one line: CRLF is shown as '|'. */
static void add_flat(struct buf *to, struct slice text) {
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] == '\n' && to->len && to->ptr[to->len - 1] == '\r')
            to->ptr[to->len - 1] = '|';
        else
            buf_add_byte(to, text.ptr[i]);
}

int fake_server_get(void *server, struct slice name, struct buf *to) {
    const struct fake_server *o = server;
    if (slice_eq(name, S("message-size"))) {
        buf_printf(to, "%zu", o->message.len);
        return 0;
    }
    if (slice_eq(name, S("kept"))) {
        buf_printf(to, "%zu", o->kept);
        return 0;
    }
    for (size_t i = 0; i < ARRAY_SIZE(observations); i++) {
        const void *at = (const char *)server + observations[i].at;
        if (!slice_eq(name, slice_of_str(observations[i].name)))
            continue;
        if (observations[i].kind == TEXT)
            add_flat(to, buf_slice(at));
        else
            buf_printf(to, "%u", *(const unsigned *)at);
        return 0;
    }
    return -E_UNKNOWN;
}

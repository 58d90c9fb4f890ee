/* SPDX-License-Identifier: ISC */
/*
 * HELO and EHLO (RFC 5321 §4.1.1.1) and STARTTLS (RFC 3207). What the client said before TLS could
 * come from somebody in between, so nothing of it is kept.
 */
#include "smtp/conversation.h"

static void keep(struct buf *to, struct slice *at, struct slice text) {
    buf_clear(to);
    buf_add(to, text);
    *at = buf_slice(to);
}

/*
 * True when the name was fine: it is kept, and a transaction that was open is forgotten. A user's
 * program may send the name of its computer, whatever its owner called it; since the login says who
 * it is, the client's address does in place of what is no name.
 */
static bool take_name(struct smtp_session *s, const struct smtp_command *c, bool extended) WAITS {
    char address[NET_TEXT_SIZE];
    struct smtp_fault fault;
    struct slice name;
    if (smtp_hello_parse(c, &s->arena, &name, &fault) < 0) {
        if (s->listener->service != SMTP_SUBMISSION) {
            smtp_reply_fault(s, &fault);
            return false;
        }
        name = net_format_literal(&s->client.peer, address);
    }
    keep(&s->hello, &s->client.hello, name);
    s->client.extended = extended;
    smtp_transaction_end(s);
    return true;
}

void smtp_cmd_helo(struct smtp_session *s, const struct smtp_command *c) {
    if (take_name(s, c, false))
        smtp_send_reply(s, &(struct smtp_reply){.code = 250, .text = s->listener->hostname});
}

void smtp_cmd_ehlo(struct smtp_session *s, const struct smtp_command *c) {
    if (!take_name(s, c, true))
        return;
    char address[NET_TEXT_SIZE];
    _cleanup_(buf_done) struct buf text = {0};
    buf_printf(&text, "%.*s greets %.*s\n", SLICE_ARG(s->listener->hostname),
               SLICE_ARG(net_format_literal(&s->client.peer, address)));
    buf_add_str(&text, "PIPELINING\n8BITMIME\nDSN\n");
    if (s->listener->tls && !s->client.tls)
        buf_add_str(&text, "STARTTLS\n");
    if (s->client.tls)
        buf_add_str(&text, "REQUIRETLS\n"); /* RFC 8689 §2: not before */
    if (s->listener->service == SMTP_SUBMISSION && !s->client.account.len &&
        (s->client.tls || s->listener->plaintext_login)) {
        const char *mechanism;
        buf_add_str(&text, "AUTH");
        for (size_t i = 0; (mechanism = sasl_offer(i)); i++)
            buf_printf(&text, " %s", mechanism);
        buf_add_byte(&text, '\n');
    }
    buf_printf(&text, "SIZE %llu\n", (unsigned long long)s->listener->limits.message_size_max);
    buf_add_str(&text, "ENHANCEDSTATUSCODES");
    smtp_send_reply(s, &(struct smtp_reply){.code = 250, .text = buf_slice(&text)});
}

/* ------------------------------------------------------------------ STARTTLS */

bool smtp_start_tls(struct smtp_session *s) {
    _cleanup_(fiber_deadline_end) struct fiber_deadline deadline UNUSED =
        fiber_deadline_begin(fiber_now() + smtp_timeout(s));
    struct tls_facts facts = {0};
    struct problem problem = {0};
    int r = s->host->start_tls(s->host->arg, s->stream, &facts, &problem);
    if (r < 0) {
        smtp_event(s, SMTP_EVENT_TLS, slice_of_str(problem.text[0] ? problem.text : error_text(r)));
        smtp_close(s, "TLS handshake failed");
        return false;
    }
    s->client.tls = true;
    s->client.tls_facts = facts;
    struct arena a = {0};
    smtp_event(s, SMTP_EVENT_TLS,
               arena_printf(&a, "%s %s", facts.version ? facts.version : "TLS",
                            facts.cipher ? facts.cipher : ""));
    arena_done(&a);
    return true;
}

void smtp_cmd_starttls(struct smtp_session *s, const struct smtp_command *c) {
    if (!s->listener->tls) {
        SMTP_SEND_REPLY(s, 502, 5, 5, 1, "TLS is not offered here");
        return;
    }
    if (s->client.tls) {
        SMTP_SEND_REPLY(s, 503, 5, 5, 1, "TLS is active already");
        return;
    }
    if (stream_drop_input(s->stream) > 0) {
        SMTP_SEND_REPLY(s, 554, 5, 5, 1, "Nothing may follow STARTTLS before TLS, closing");
        smtp_close(s, "plaintext behind STARTTLS");
        return;
    }
    SMTP_SEND_REPLY(s, 220, 2, 0, 0, "Ready to start TLS");
    if (stream_flush(s->stream) < 0)
        return;
    smtp_transaction_end(s);
    keep(&s->hello, &s->client.hello, S(""));
    keep(&s->account, &s->client.account, S(""));
    s->client.extended = false;
    (void)smtp_start_tls(s);
}

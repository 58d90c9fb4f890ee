/* SPDX-License-Identifier: ISC */
/*
 * MAIL, RCPT and RSET (RFC 5321 §4.1.1.2, §4.1.1.3, §4.1.1.5): the envelope, kept from MAIL to the
 * end of DATA. A command is read and judged in its own arena; only what was accepted is copied into
 * that of the transaction, after the host has counted it. So a refused recipient leaves nothing.
 */
#include "base/alloc.h"
#include "smtp/conversation.h"

/* ------------------------------------------------------------------ MAIL */

static bool may_begin(struct smtp_session *s) WAITS {
    bool needs_login = s->listener->service == SMTP_SUBMISSION && !s->client.account.len;
    bool needs_tls = s->listener->tls && !s->client.tls && !s->listener->plaintext_login;
    if (!s->client.hello.len)
        SMTP_SEND_REPLY(s, 503, 5, 5, 1, "HELO or EHLO comes first");
    else if (s->transaction)
        SMTP_SEND_REPLY(s, 503, 5, 5, 1, "A sender was given already");
    else if (needs_login && needs_tls)
        SMTP_SEND_REPLY(s, 530, 5, 7, 0, "Use STARTTLS first, then log in");
    else if (needs_login)
        SMTP_SEND_REPLY(s, 530, 5, 7, 0, "Log in first");
    else if (s->messages >= s->listener->limits.messages_per_connection)
        SMTP_SEND_REPLY(s, 421, 4, 7, 0, "Enough messages for one connection, please come again");
    else
        return true;
    return false;
}

#define NO_ROOM SMTP_REPLY(452, 4, 3, 1, "The server is short of memory, please try again later")

static struct smtp_reply open_envelope(struct smtp_session *s, const struct smtp_mail *mail) WAITS {
    struct smtp_reply reply = {0};
    if (!smtp_keep(s, ARENA_BLOCK))
        reply = NO_ROOM;
    if (mail->size > s->listener->limits.message_size_max)
        reply = smtp_too_large(s);
    s->transaction = ARENA_NEW(&s->kept, struct smtp_transaction);
    s->transaction->size = mail->size;
    s->transaction->envelope =
        (struct envelope){.reverse_path = address_text(&s->kept, &mail->sender),
                          .body_type = mail->body_type,
                          .ret = mail->ret,
                          .shape = mail->require_tls ? SHAPE_REQUIRE_TLS : 0U,
                          .envid = arena_copy(&s->kept, mail->envid)};
    int r = s->host->sender(s->host->arg, &s->client, s->transaction, &s->arena, &reply);
    return smtp_answer(r, &reply);
}

void smtp_cmd_mail(struct smtp_session *s, const struct smtp_command *c) {
    struct smtp_mail mail;
    struct smtp_fault fault;
    if (!may_begin(s))
        return;
    if (smtp_mail_parse(c, &s->arena, &mail, &fault) < 0) {
        smtp_reply_fault(s, &fault);
        return;
    }
    if (mail.require_tls && !s->client.tls) {
        SMTP_SEND_REPLY(s, 530, 5, 7, 10, "REQUIRETLS without TLS: use STARTTLS first");
        return;
    }
    struct smtp_reply reply = open_envelope(s, &mail);
    smtp_send_reply(s, &reply);
    if (smtp_reply_ok(&reply))
        return;
    smtp_transaction_end(s);
    if (!s->closing)
        (void)smtp_count_junk(s);
}

/* ------------------------------------------------------------------ RCPT */

static void keep_recipient(struct smtp_session *s, const struct recipient *recipient) {
    struct envelope *envelope = &s->transaction->envelope;
    if (envelope->count == s->recipients_room) {
        s->recipients_room = MAX(2 * s->recipients_room, (size_t)4);
        s->recipients = mem_grow(s->recipients, s->recipients_room * sizeof *s->recipients);
        envelope->recipients = s->recipients;
    }
    s->recipients[envelope->count++] =
        (struct recipient){.address = arena_copy(&s->kept, recipient->address),
                           .original = arena_copy(&s->kept, recipient->original),
                           .notify = recipient->notify};
}

static struct smtp_reply add_recipient(struct smtp_session *s,
                                       const struct recipient *recipient) WAITS {
    const struct envelope *envelope = &s->transaction->envelope;
    /* What it takes here, with the room for the next ones, and again where it is handed on. */
    size_t before = s->kept_size, size = before + 2 * sizeof *recipient + 64 +
                                         2 * (recipient->address.len + recipient->original.len);
    struct smtp_reply reply = {0};
    for (size_t i = 0; i < envelope->count; i++)
        if (slice_eq(envelope->recipients[i].address, recipient->address))
            return SMTP_REPLY(250, 2, 1, 5, "OK, known already");
    if (envelope->count >= s->listener->limits.recipients_max || size > SMTP_ENVELOPE_MAX)
        return SMTP_REPLY(452, 4, 5, 3, "Too many recipients, send the rest in another message");
    if (!smtp_keep(s, size))
        return NO_ROOM;
    int r = s->host->rcpt(s->host->arg, &s->client, s->transaction, recipient->address, &s->arena,
                          &reply);
    reply = smtp_answer(r, &reply);
    if (smtp_reply_ok(&reply))
        keep_recipient(s, recipient);
    else
        (void)smtp_keep(s, before);
    return reply;
}

/* Each RCPT takes time. Who goes on to twice the number of recipients does not listen. */
void smtp_cmd_rcpt(struct smtp_session *s, const struct smtp_command *c) {
    struct smtp_rcpt rcpt;
    struct smtp_fault fault;
    if (!s->transaction) {
        SMTP_SEND_REPLY(s, 503, 5, 5, 1, "MAIL comes first");
    } else if (s->rcpts / 2 >= s->listener->limits.recipients_max) {
        SMTP_SEND_REPLY(s, 421, 4, 5, 3, "Too many recipients, closing");
    } else if (s->rcpts++, smtp_rcpt_parse(c, &s->arena, &rcpt, &fault) < 0) {
        smtp_reply_fault(s, &fault);
    } else {
        struct recipient recipient = {.address = address_text(&s->arena, &rcpt.recipient),
                                      .original = rcpt.original,
                                      .notify = (uint8_t)rcpt.notify};
        struct smtp_reply reply = add_recipient(s, &recipient);
        smtp_send_reply(s, &reply);
    }
}

/* ------------------------------------------------------------------ RSET */

void smtp_cmd_rset(struct smtp_session *s, const struct smtp_command *c) {
    smtp_transaction_end(s);
    SMTP_SEND_REPLY(s, 250, 2, 0, 0, "OK");
}

/* SPDX-License-Identifier: ISC */
/*
 * The fields that a message gets on its way (RFC 5321 §4.4): Received in front of each message that
 * is accepted, Delivered-To and Return-Path in front of one that goes into a mailbox. Each call
 * appends one whole field with its CRLF; all text of others is made harmless, lines stay under 78
 * columns where their words allow.
 */
#pragma once

#include "base/buf.h"
#include "base/time.h"
#include "message/queue_id.h"

struct trace_received {
    struct slice helo;       /* as said; when empty or no name the address literal stands for it */
    struct slice rdns;       /* name of the peer that was confirmed by the DNS, or empty */
    struct slice ip;         /* in text: "192.0.2.1", "2001:db8::1"; empty: said by nobody */
    struct slice host;       /* our own name */
    const char *protocol;    /* from trace_protocol(), or "LMTP", "local" ... */
    const char *tls_version; /* "TLSv1.3", or NULL without TLS */
    const char *tls_cipher;  /* "TLS_AES_256_GCM_SHA384" */
    queue_id id;
    struct slice recipient; /* empty unless there is exactly one: others stay unnamed */
    usec_t arrival;         /* wall time */
};

void trace_received(struct buf *to, const struct trace_received *received);

/* The WITH word: SMTP, ESMTP, ESMTPS, ESMTPA, ESMTPSA (RFC 3848), UTF8SMTP ... (RFC 6531 §4.3). */
const char *trace_protocol(bool ehlo, bool tls, bool authenticated, bool smtputf8);

/* RFC 5321 §4.4: the reverse-path at final delivery, "<>" included. */
void trace_return_path(struct buf *to, struct slice reverse_path);

/* The address delivered to; finding one's own there is finding a loop. */
void trace_delivered_to(struct buf *to, struct slice recipient);

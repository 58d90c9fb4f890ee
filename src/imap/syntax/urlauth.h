/* SPDX-License-Identifier: ISC */
/*
 * URLs that are allowed to others (RFC 4467 §3, RFC 5092 §6):
 *
 *     imap://tama@example.test/INBOX/;UID=20/;SECTION=1.2;EXPIRE=2026-12-01T09:00:00Z
 *         ;URLAUTH=user+hana:INTERNAL:91354a473744909de610943775f92038...
 *
 * Pure, and linear in the length of the text.
 */
#pragma once

#include "imap/syntax/url.h"

enum imap_url_access {
    IMAP_URL_ANYONE, /* anonymous */
    IMAP_URL_LOGIN,  /* authuser: whoever has logged in */
    IMAP_URL_USER,   /* user+... */
    IMAP_URL_SUBMIT, /* submit+...: a server that sends the message for this user */
};

struct imap_urlauth {
    struct slice user;   /* whose mailbox it is */
    struct imap_url url; /* its mailbox is named */
    bool expires;
    usec_t expiry; /* wall time, if it expires */
    enum imap_url_access access;
    struct slice to;               /* of which user, for the last two */
    struct slice before_mechanism; /* all of the URL up to the colon, or to its end */
    struct slice before_token;     /* likewise */
    struct slice mechanism, token; /* without pointers: not there */
};

/* 0, with all of it in the arena or in the text; -E_SYNTAX. */
int imap_urlauth_parse(struct slice text, struct arena *a, struct imap_urlauth *ret);

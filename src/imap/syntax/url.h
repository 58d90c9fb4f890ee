/* SPDX-License-Identifier: ISC */
/*
 * URLs of messages and parts of them (RFC 5092), as CATENATE names them (RFC 4469 §2): relative to
 * this server, or to the mailbox that is selected.
 *
 *     /Drafts;UIDVALIDITY=385759045/;UID=20/;SECTION=1.2/;PARTIAL=0.1024
 *     ;UID=20/;SECTION=HEADER
 *
 * Pure, and linear in the length of the text.
 */
#pragma once

#include "imap/syntax/fetch.h"

struct imap_url {
    struct slice mailbox; /* its path, as UTF-8; empty: that which is selected */
    uint32_t uidvalidity; /* 0: not named */
    uint32_t uid;
    struct imap_section section; /* IMAP_BODY; PARTIAL (RFC 5550) is its range */
};

/* A part of a URL without %XX, in the arena. False: that is none, or what it means is not UTF-8 or
 * has a control byte. */
bool imap_url_decode(struct slice text, struct arena *a, struct slice *ret);

/* 0, with all of it in the arena; -E_SYNTAX. */
int imap_url_parse(struct slice url, struct arena *a, struct imap_url *ret);

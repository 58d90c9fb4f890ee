/* SPDX-License-Identifier: ISC */
/*
 * Who is named as the author of a message: the one rule for all that ask (DMARC, rules of delivery,
 * what a reader is shown).
 *
 * There is one From field (RFC 5322 §3.6), and all its addresses can be read, with nothing in it
 * that others may read otherwise (message/address/mailboxes.h). Several addresses may stand there;
 * their domains are judged each. An address without a domain, or with an address literal, names no
 * domain.
 */
#pragma once

#include "sender/fields.h"

enum author_form {
    AUTHOR_NAMED,      /* one domain or more */
    AUTHOR_MISSING,    /* no From field, or no address in it (a group without members) */
    AUTHOR_TWICE,      /* more than one From field */
    AUTHOR_UNREADABLE, /* it cannot be read, or differently by others */
    AUTHOR_TOO_MANY,
    AUTHOR_NO_DOMAIN,
};

#define AUTHOR_DOMAINS_MAX 10U

struct author {
    enum author_form form;
    struct slice domains[AUTHOR_DOMAINS_MAX]; /* canonical, each once */
    size_t count;
};

const char *author_form_words(enum author_form form); /* N_() words; NULL for AUTHOR_NAMED */

void author_find(const struct sender_fields *fields, struct arena *a, struct author *ret);

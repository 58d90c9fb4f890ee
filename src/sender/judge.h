/* SPDX-License-Identifier: ISC */
/*
 * All that is judged of a message: who sent it (iprev, SPF), who has signed it (DKIM), who has
 * passed it on (ARC), and whether its author's domain stands behind it (DMARC).
 *
 *     j = sender_judge_new(header, now);
 *     sender_judge_add(j, chunk)                   of the body, cut anywhere
 *     sender_judge_end(j, &question, &arena, &verdict);
 *     sender_judge_free(j);
 */
#pragma once

#include "sender/arc/arc.h"
#include "sender/author.h"
#include "sender/dkim/dkim.h"
#include "sender/dmarc/dmarc.h"
#include "sender/iprev.h"
#include "sender/spf/spf.h"

struct sender_question {
    const struct dns_client *dns;
    const struct net_addr *client;
    struct slice helo;               /* as it was said */
    struct slice local_part, domain; /* of the reverse-path, the domain canonical; empty: "<>" */
    struct slice host;               /* our name */
};

struct sender_verdict {
    struct iprev_outcome iprev;
    struct spf_outcome helo, mail_from; /* mail_from of "<>" is helo (RFC 7208 §2.4) */
    struct slice helo_name;             /* canonical; empty: it is no name of which SPF is asked */
    struct slice mail_from_domain;      /* the one that was asked for mail_from */
    struct dkim_outcome *dkim;
    size_t dkim_count;
    struct arc_outcome arc;
    struct author author;
    struct dmarc_outcome *dmarc; /* of each domain of the author */
    size_t dmarc_count;
    const struct dmarc_outcome
        *decides; /* the one that is to be obeyed; NULL: no author's domain */
};

struct sender_judge;

/* As dkim_verifier_new() and those after it (dkim/dkim.h). */
struct sender_judge *sender_judge_new(struct slice header, int64_t now);
void sender_judge_free(struct sender_judge *j); /* NULL is fine */
bool sender_judge_wants_body(const struct sender_judge *j);
void sender_judge_add(struct sender_judge *j, struct slice chunk);

/* 0 or -ECANCELED. The verdict is the arena's. */
int sender_judge_end(struct sender_judge *j, const struct sender_question *question,
                     struct arena *a, struct sender_verdict *ret) WAITS;

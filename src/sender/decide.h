/* SPDX-License-Identifier: ISC */
/*
 * What becomes of a message, by who has sent it: a verdict (judge.h) held against the rules of this
 * server. Pure.
 *
 * DMARC alone is obeyed: a failure of SPF or DKIM by itself refuses nothing, since forwarding and
 * lists bring it about, unless the settings say so of SPF. An error of DNS is no verdict: where an
 * answer could have led to less than taking the message, it is asked for once more.
 *
 * A policy gives way to an exception in the settings, and to the word of a trusted sealer: the
 * chain of ARC is whole, its newest seals are of trusted ones, and one of these says that DMARC had
 * passed for the author's domain when the message came to him.
 */
#pragma once

#include "conf/conf.h"
#include "sender/judge.h"

enum sender_action { /* the later in this list, the stricter */
                     SENDER_TAKE,
                     SENDER_JUNK,
                     SENDER_LATER, /* DNS did not answer what decides: 451 */
                     SENDER_REFUSE,
};

const char *sender_action_name(enum sender_action action); /* N_() words: "junk" */

struct sender_rules {
    bool obey_dmarc;
    bool refuse_spf_fail;
    const struct conf_senders *exempt;  /* author's domains */
    const struct conf_senders *sealers; /* of ARC, whose word counts */
};

/* Why a policy was not followed (RFC 9990 §3.1.1.7, PolicyOverrideType). */
enum sender_override {
    OVERRIDE_NONE,
    OVERRIDE_LOCAL_POLICY,
    OVERRIDE_TRUSTED_FORWARDER,
};

struct sender_decision {
    enum sender_action action;
    const char *why;       /* N_() words; NULL: it is taken, and there is nothing to say */
    const char *status;    /* enhanced code, of what is not taken */
    struct slice sentence; /* for the client, of what is not taken: printable ASCII */
    struct slice domain;   /* whose rule it is, or whom DNS failed; may be empty */
    struct slice name;     /* that DNS did not answer: SENDER_LATER */
    enum sender_override override;
    struct slice note; /* the reason of that in the settings; may be empty */
};

/* The decision's slices are the arena's, or those of what is given. */
void sender_decide(const struct sender_question *question, const struct sender_verdict *verdict,
                   const struct sender_rules *rules, struct arena *a, struct sender_decision *ret);

/* Of a message that was put off for long enough (patience.h): it is taken without the policy. */
void sender_decide_late(struct sender_decision *d);

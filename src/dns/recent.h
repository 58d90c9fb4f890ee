/* SPDX-License-Identifier: ISC */
/*
 * The last answers of a dns_client, for a process that asks for the same names again and again: a
 * round to another process costs more than what is asked for. Answers count for RECENT_SPAN, or
 * their own time if that is shorter; errors of DNS are not kept.
 *
 * The time to live in an answer from here is what it was when it came.
 */
#pragma once

#include "dns/client.h"

#define RECENT_SPAN       (10 * USEC_SEC)
#define RECENT_ANSWERS    2000U
#define RECENT_ANSWER_MAX 4096U /* bytes of one that is kept */

struct recent_answers;

struct recent_answers *recent_answers_new(void);
void recent_answers_free(struct recent_answers *r); /* NULL is fine; nobody may be asking */

/* Asks there first, then `below`, which outlives the client as `r` does. */
struct recent_client {
    struct recent_answers *recent;
    const struct dns_client *below;
};
struct dns_client recent_answers_client(struct recent_client *c);

/* SPDX-License-Identifier: ISC */
/*
 * A verdict as facts of an event (FACT_VERDICT and those behind it in events/kinds.h): what a
 * message's journey says of who has sent it, and why.
 */
#pragma once

#include "events/event.h"
#include "sender/decide.h"

#define SENDER_FACTS 6U

/* Texts are the arena's, or those of what is given. */
void sender_facts(const struct sender_verdict *verdict, const struct sender_decision *decision,
                  struct arena *a, struct event_fact ret[static SENDER_FACTS]);

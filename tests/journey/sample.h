/* SPDX-License-Identifier: ISC */
/*
 * Messages on their way, made up: the events of each in the order in which they happen.
 */
#pragma once

#include "message/queue_id.h"
#include "rpc/calls.h"

#define SAMPLE_STEPS 4U

/* Id of the message with this number; messages come a millisecond apart. */
queue_id sample_message(uint64_t number);

/* Fills a step of a message's journey; memory from the arena. Returns the role that says so. */
enum role sample_step(uint64_t number, unsigned step, struct arena *a, struct event *ret);

/* A long journey by hand: deferred once, an alias, two recipients at other hosts, one fails. */
size_t sample_journey(struct arena *a, struct event **ret);

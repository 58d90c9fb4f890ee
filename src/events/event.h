/* SPDX-License-Identifier: ISC */
/*
 * An event: one step in the journey of a message, or in the life of the server. Whoever reports one
 * fills in all but `sequence` and `role`, which the event log knows itself. Slices are borrowed.
 */
#pragma once

#include <stdint.h>

#include "base/slice.h"
#include "base/time.h"

/* What an event says for programs and searches, under a name of kinds.h. */
struct event_fact {
    struct slice name, value;
};

struct event {
    uint64_t sequence; /* grows by one with each event that is kept */
    usec_t wall;
    uint64_t message;  /* its queue ID; 0: belongs to no message */
    struct slice role; /* who reported it: "edge" */
    struct slice kind; /* of kinds.h */
    struct slice text; /* one whole sentence in English */
    struct event_fact *facts;
    size_t fact_count;
};

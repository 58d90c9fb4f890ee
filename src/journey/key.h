/* SPDX-License-Identifier: ISC */
/*
 * What messages are found by: addresses and Message-IDs, brought into one form. Pure.
 */
#pragma once

#include "events/event.h"

#define KEY_MAX 512U

/*
 * The form in which a key is compared: without blanks and angle brackets around it, A-Z folded, an
 * internationalised domain canonical, at most KEY_MAX bytes. Empty: nothing to look for.
 */
struct slice key_fold(struct slice text, char folded[static KEY_MAX]);

/* Walks the keys of an event: start with a zeroed walk; false at the end. */
struct key_walk {
    size_t fact;
    bool inside;
    struct slice rest;
};
bool key_next(const struct event *e, struct key_walk *w, char folded[static KEY_MAX],
              struct slice *ret);

/*
 * The ids that begin with this text: 5 to 13 digits of an id. False when it is none.
 */
bool key_id_range(struct slice text, uint64_t *ret_first, uint64_t *ret_last);

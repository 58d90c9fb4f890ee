/* SPDX-License-Identifier: ISC */
/*
 * The terminals of the grammar for response_check.c, and the attributes of FETCH. Each function
 * takes what it is named after off the front, or notes what was expected and where.
 */
#pragma once

#include "base/slice.h"

struct check {
    struct slice rest;
    const char *begin;
    bool utf8;
    const char *expected;
    size_t at;
};

enum { C_ATOM, C_ASTRING, C_TAG };

bool c_fail(struct check *c, const char *expected); /* false; the first one counts */
bool c_next_is(const struct check *c, char byte);
bool c_byte(struct check *c, char byte);
bool c_maybe(struct check *c, const char *text); /* takes it if it is next, without a failure */
struct slice c_run_of(struct check *c, int kind);
struct slice c_run_until(struct check *c, const char *ends);

bool c_nil(struct check *c); /* without a failure */
bool c_number(struct check *c, uint64_t least);
bool c_number_value(struct check *c, uint64_t least, uint64_t *ret);
bool c_set(struct check *c);        /* ascending ranges without "*" */
bool c_sorted_set(struct check *c); /* ascending ones in any order, as ESORT has them */
bool c_atom(struct check *c);
bool c_string(struct check *c);
bool c_astring(struct check *c);
bool c_nstring(struct check *c);
bool c_nstring8(struct check *c);
bool c_mailbox(struct check *c);               /* INBOX in capitals only */
bool c_flags(struct check *c, bool permanent); /* with \* or not */
bool c_object_id(struct check *c);             /* RFC 8474 §7 */
bool c_attributes(struct check *c);            /* msg-att */

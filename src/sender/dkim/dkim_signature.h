/* SPDX-License-Identifier: ISC */
/*
 * A DKIM-Signature field (RFC 6376 §3.5), or the ARC-Message-Signature of a set (RFC 8617 §4.1.2),
 * which has the same form. Pure.
 */
#pragma once

#include "base/arena.h"
#include "sender/dkim/dkim.h"
#include "sender/fields.h"

struct dkim_signature {
    enum dkim_algorithm algorithm;
    bool relaxed_header, relaxed_body;
    struct slice domain, selector;
    struct slice identity;             /* i=, or "@" and the domain */
    struct slice names;                /* h=, with ":" between */
    struct slice body_hash, signature; /* bytes */
    struct slice signature_text;       /* as it stands there, without blanks */
    uint64_t length;                   /* l=; UINT64_MAX: none */
    int64_t made, expires;             /* seconds since 1970; -1: not told */
    uint64_t instance;                 /* i= of ARC */
    struct slice signed_form;          /* the field with nothing behind "b=" */
};

/*
 * Reads one. NULL, or why not, in a few words; then `ret_result` says what that is, and
 * domain, selector and algorithm are there as far as they could be read.
 */
const char *dkim_signature_read(const struct sender_field *field, bool arc, struct arena *a,
                                struct dkim_signature *ret, enum dkim_result *ret_result);

/*
 * What the signature is of: the fields that it names, from the last one of a name upwards, and then
 * itself (§3.7). Appended in their canonical form.
 */
void dkim_signed_header(const struct sender_fields *fields, const struct sender_field *own,
                        const struct dkim_signature *signature, struct buf *to);

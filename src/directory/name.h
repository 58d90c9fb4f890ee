/* SPDX-License-Identifier: ISC */
/*
 * Addresses as the directory compares them, and templates for many of them. Pure.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "message/address/address.h"

/* An address read for looking up. `text` ends with "@domain": that tail is the domain's own key. */
struct name {
    struct slice text;    /* canonical: local part and domain in lower case, quoted if need be */
    struct slice written; /* the same with the local part's case kept */
    struct slice local;   /* canonical, unquoted */
    struct slice domain;  /* canonical (message/address/domain.h) */
    struct slice spelled; /* local part, unquoted, its case kept */
    bool utf8;            /* the local part has bytes above 127 */
};

/* 0, or -E_SYNTAX and the like with a sentence. */
int name_parse(struct arena *a, struct slice address, struct name *ret, struct problem *problem);

/* For names that are made here: what is only put up with from others is refused. */
int name_parse_strict(struct arena *a, struct slice address, struct name *ret,
                      struct problem *problem);

/*
 * For names that mail is to reach here: -E_REFUSED, too, for a local part beyond ASCII, since no
 * host could send to it while our EHLO offers no SMTPUTF8 (RFC 6531 §3.1).
 */
int name_parse_new(struct arena *a, struct slice address, struct name *ret,
                   struct problem *problem);
int name_must_be_ascii(const struct name *name, struct problem *problem);

/* A domain alone: its canonical form; errors as above. */
int name_domain_parse(struct arena *a, struct slice text, struct slice *ret,
                      struct problem *problem);

/* The same local part in another domain. */
int name_move(struct arena *a, const struct name *name, struct slice domain, struct name *ret);

/* Cuts the detail off: "tama+shop@..." gives "tama@...", "shop". False: there is none. */
bool name_split(struct arena *a, const struct name *name, char separator, struct name *ret_base,
                struct slice *ret_detail);

/* "@domain": the key of the name's domain. */
static inline struct slice name_domain_key(const struct name *name) {
    return slice_from(name->text, name->text.len - name->domain.len - 1);
}

/* One %d or %0Nd (N from 1 to 9) in a text without any other "%". */
struct name_template {
    struct slice before, after;
    int width; /* 0: no leading zeros */
};
int name_template_parse(struct slice text, struct name_template *ret, struct problem *problem);
struct slice name_template_fill(struct arena *a, const struct name_template *t, uint64_t number);

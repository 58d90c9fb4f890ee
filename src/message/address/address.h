/* SPDX-License-Identifier: ISC */
/*
 * Mail addresses as they stand in the envelope (RFC 5321 §4.1.2, §4.5.3.1) and in settings.
 *
 * An address is kept unquoted: `"john smith"@Example.ORG` has the local part `john smith` and the
 * domain `example.org`. Printing adds quotes where they are needed, so two spellings of one address
 * print alike, and the printed text is the key to compare and look up by: the domain folded, the
 * local part left as it is (its meaning is the domain's own business, RFC 5321 §2.4).
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "message/address/domain.h"

#define ADDRESS_LOCAL_MAX 64  /* RFC 5321 §4.5.3.1.1, of the unquoted value */
#define ADDRESS_PATH_MAX  256 /* RFC 5321 §4.5.3.1.3, as written, with its brackets */

enum address_flags {
    ADDRESS_UTF8 = 1, /* SMTPUTF8 was asked for (RFC 6531 §3.3) */

    /*
     * Also take what others send against the letter of the RFC: a path without angle brackets,
     * dots at the end of a local part or side by side (old Japanese telephones; printed quoted), a
     * local part over 64 bytes (VERP), "_" in a domain and a dot behind it.
     */
    ADDRESS_LOOSE = 2,
};

/* Zero value: the null path. Slices live as long as the arena they were read into. */
struct address {
    struct slice local;  /* without quotes */
    struct slice domain; /* canonical; a literal with its brackets; empty for a bare Postmaster */
    bool literal;        /* the domain is [192.0.2.1] or [IPv6:2001:db8::1] */
    bool needs_quotes;   /* the local part is printed as a quoted string */
    bool utf8; /* local part with bytes above 127: goes only to hosts that offer SMTPUTF8 */
};

/*
 * The text behind "MAIL FROM:" or "RCPT TO:": a path, then nothing or a space and parameters, which
 * are given back trimmed in `ret_rest`. Source routes are read and dropped (RFC 5321 §F.2). A
 * reverse-path may be "<>", a forward-path "<Postmaster>" in any case.
 * 0; -E_SYNTAX; -E_LIMIT when a part is too long; -EILSEQ for bytes above 127 without ADDRESS_UTF8.
 * On failure `fault` (which may be NULL) says where in `text`, and what was expected.
 */
int address_parse_reverse_path(struct arena *a, struct slice text, unsigned flags,
                               struct address *ret, struct slice *ret_rest,
                               struct text_fault *fault);
int address_parse_forward_path(struct arena *a, struct slice text, unsigned flags,
                               struct address *ret, struct slice *ret_rest,
                               struct text_fault *fault);

/* One `user@domain` and nothing else, as people write it on a command line; errors as above. */
int address_parse(struct arena *a, struct slice text, unsigned flags, struct address *ret,
                  struct problem *p);

/* An address from a local part that is unquoted already and a domain or literal; checked as above.
 */
int address_make(struct arena *a, struct slice local, struct slice domain, unsigned flags,
                 struct address *ret, struct text_fault *fault);

struct address address_copy(struct arena *a, const struct address *address);

static inline bool address_is_null(const struct address *address) {
    return address->local.len == 0 && address->domain.len == 0;
}

/* The local part is "postmaster" in any case, with or without a domain (RFC 5321 §4.5.1). */
bool address_is_postmaster(const struct address *address);

bool address_eq(const struct address *a, const struct address *b);

/* Canonical text, `user@domain`; nothing for the null path. The path has its brackets: "<>". */
void address_print(struct buf *to, const struct address *address);
void address_print_path(struct buf *to, const struct address *address);
struct slice address_text(struct arena *a, const struct address *address);

/*
 * Cuts a local part at the first separator behind its first character: "tama+shop" gives "tama" and
 * "shop". False when there is none; `ret_base` is then the whole local part, `ret_detail` empty.
 */
bool address_split_detail(struct slice local, char separator, struct slice *ret_base,
                          struct slice *ret_detail);

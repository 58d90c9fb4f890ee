/* SPDX-License-Identifier: ISC */
/*
 * Mailboxes of other accounts, as far as these share them with the user of a session (RFC 4314).
 * They stand below "Other Users/ADDRESS/" (RFC 2342 §5), and which are there is asked each time.
 *
 * Whatever is about one of them happens in a session of its own beside that account, in whichever
 * process it is: a *visit*. It knows who the user is and judges by the rights that he has there, so
 * nobody but the owner's process ever decides about the owner's mailboxes. The user's session hands
 * on what his client says, command by command, and carries back what is answered (visit.h). It and
 * the visit speak IMAP, beginning without a greeting; in front of each command that it reads, the
 * visit writes its mark, which no message can have in it. So a mark says: the answer is whole.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "io/stream.h"
#include "store/store.h"

#define IMAP_OTHERS     "Other Users"
#define IMAP_MARK_HEX   32U
#define IMAP_MARK_LEN   (IMAP_MARK_HEX + 7U) /* "0123...ef 1 0a" and CRLF, see imap_mark() */
#define IMAP_OWNERS_MAX 1000U                /* that one LIST asks */

/* What a visit has to know of the session that it belongs to. */
struct imap_terms {
    char mark[IMAP_MARK_HEX]; /* small hexadecimal digits that nobody can guess */
    unsigned enabled;         /* what the client has enabled, of enum imap_enabled */
    bool japanese;            /* it wants to be spoken to so */
};

/* Terms as text, on their way to another process; -E_SYNTAX. Pure. */
void imap_terms_write(const struct imap_terms *t, struct buf *to);
int imap_terms_read(struct slice text, struct imap_terms *ret);

/* The line that a visit writes: whether it has a mailbox selected, what is enabled now. Pure. */
void imap_mark(const struct imap_terms *t, bool selected, char ret[static IMAP_MARK_LEN]);

/* Reads one. False: it is none of these terms. Pure. */
bool imap_mark_read(const struct imap_terms *t, struct slice line, bool *ret_selected,
                    unsigned *ret_enabled);

/* Of the path of another account's mailbox that account's address, and what is behind its "/";
 * false: it is no such path. Pure. */
bool imap_owner_of_path(struct slice path, struct slice *ret_owner, struct slice *ret_rest);

/* Where messages go that are copied to another account. */
struct imap_target {
    uint64_t account;
    uint64_t quota;    /* bytes that it may hold; 0: any */
    bool own;          /* it is the user's */
    struct slice path; /* of the mailbox there; of the given one */
};

/* What a session asks of the process that it runs in. */
struct imap_others {
    /* The addresses of those who share something with the user, in the arena, at most
     * IMAP_OWNERS_MAX. */
    int (*owners)(void *arg, struct arena *a, struct slice **ret, size_t *ret_count) WAITS;

    /*
     * Begins a visit. -E_UNKNOWN, after the same time: there is no such account, or it shares
     * nothing with him; other errors: it cannot be visited just now. The stream is the caller's,
     * and closing it ends the visit.
     */
    int (*visit)(void *arg, struct slice owner, const struct imap_terms *terms,
                 struct stream **ret) WAITS;

    /* The account of a path, as the user knows it, and what is left of that. Errors as visit(). */
    int (*target)(void *arg, struct slice path, struct imap_target *ret) WAITS;

    /*
     * Stores a message there if the user may do that: with those flags that he may set, as
     * store_deliver() does, durably. -E_UNKNOWN: there is no such mailbox that he may know of,
     * -EACCES: he has not the right; or an error of store_deliver().
     */
    int (*bring)(void *arg, const struct imap_target *to, const struct store_delivery *d,
                 struct store_delivered *ret, uint32_t *ret_uidvalidity) WAITS;

    /* Returns when those who were given rights in a mailbox just now can be told of it. */
    void (*shared)(void *arg) WAITS;
};

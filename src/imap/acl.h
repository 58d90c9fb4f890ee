/* SPDX-License-Identifier: ISC */
/*
 * The lists of who may do what in a mailbox (RFC 4314), as IMAP and commands write them.
 *
 * An identifier is "anyone" or the address of a login, which is kept in its one form, without a
 * domain in that of the account; whether there is such a login is not looked up, so that nobody
 * learns it here. With "-" before it, it takes rights away. The owner has all rights as long as he
 * is not in the list, and "l" and "a" always.
 */
#pragma once

#include "imap/syntax/access.h"
#include "store/rights.h"

#define IMAP_RIGHTS_OF_OWNER (STORE_RIGHT_LOOKUP | STORE_RIGHT_ADMINISTER)

/* The one form of an identifier, in the arena; `owner` is the address of the account. -E_SYNTAX: it
 * cannot be one. */
int imap_identifier(struct slice owner, struct slice given, struct arena *a, struct slice *ret);

/*
 * Gives an identifier rights, in its one form: `letters` are those that it has from now on, or gets
 * or loses. The owner is in the list with what he has from now on, never with less than what he
 * always has. Errors as store_set_rights(), which takes an identifier out of the list.
 */
int imap_change_rights(struct store_account *account, uint32_t mailbox, struct slice owner,
                       struct slice who, enum imap_rights_change change,
                       struct slice letters) WAITS;

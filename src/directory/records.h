/* SPDX-License-Identifier: ISC */
/*
 * Questions and rules about rows, for use inside one job. Negative results have their sentence set.
 */
#pragma once

#include "db/db.h"
#include "directory/admin.h"
#include "directory/name.h"

/* The type of a domain, DOMAIN_NONE when it is not ours; of an alias domain its target too. */
int record_domain(struct db *db, struct slice name, struct arena *a, enum domain_type *ret,
                  struct slice *ret_target);

/* 0 when accounts and aliases may be made there; -E_UNKNOWN or -E_REFUSED. */
int record_must_be_local(struct db *db, struct slice domain, struct arena *a);

/* The number of the account with that canonical address; 0: none. */
int record_account(struct db *db, struct slice address, uint64_t *ret_id);
int record_must_have_account(struct db *db, struct slice address, uint64_t *ret_id);

/* -E_UNKNOWN: says that there is no account of that address, or how a removed one comes back. */
int record_no_account(struct db *db, struct slice address);
int record_has_alias(struct db *db, struct slice address, bool *ret);

/* The catch-all of a domain, "none" without one. */
int record_catch_all(struct db *db, struct slice domain, struct arena *a, struct slice *ret);

/* -E_REFUSED when no administrator who is enabled is left beside this account. */
int record_must_leave_admin(struct db *db, uint64_t id, struct slice address);

/* The targets of an alias as one text, "a, b"; "none" without any. */
int record_targets(struct db *db, struct slice address, struct arena *a, struct slice *ret);

/*
 * What is stored for a target: the canonical text of a local one, which must lead somewhere now, or
 * the address elsewhere as written.
 */
int record_target(struct db *db, const struct name *target, char separator, struct arena *a,
                  struct slice *ret);

/* -E_REFUSED while the address is the only target of an alias, or a catch-all. */
int record_must_be_unneeded(struct db *db, struct slice address, struct arena *a);

/* SPDX-License-Identifier: ISC */
/*
 * Accounts and aliases of another mail system, many at once and all or none: one transaction, in
 * which each is checked as if it came alone. What a rule refuses is noted with its place in the
 * list and its sentence, so that one run names all that is wrong; then nothing is changed.
 *
 * What is there already is left as it is, so an import can be run again.
 */
#pragma once

#include "directory/admin.h"

/*
 * `trial`: checks everything and changes nothing. Of an account that exists nothing is compared but
 * its address. Negative: the import as a whole failed, and nothing was changed.
 */
int directory_account_import(struct directory *d, const struct order *order,
                             const struct account_new *list, size_t count, bool trial,
                             struct arena *a, struct import_result *ret,
                             struct problem *problem) WAITS;

/* Each leads to these targets and no others then; they may be aliases of the same list. */
int directory_alias_import(struct directory *d, const struct order *order, const struct alias *list,
                           size_t count, bool trial, struct arena *a, struct import_result *ret,
                           struct problem *problem) WAITS;

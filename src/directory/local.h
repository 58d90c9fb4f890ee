/* SPDX-License-Identifier: ISC */
/* The local source, for the files of it in this folder: what its functions are (source.h). */
#pragma once

#include "directory/internal.h"

extern const struct directory_source_ops local_source_ops;

static inline struct directory *directory_of_local(struct directory_source *s) {
    return CONTAINER_OF(s, struct directory, local.source);
}

/* local_prove.c */
int local_prove(struct directory_source *s, struct person *person,
                const struct login_attempt *attempt, struct problem *problem) WAITS;

/* send_as.c */
int local_may_send_as(struct directory_source *s, uint64_t account_id, const struct name *name,
                      bool *ret_may) WAITS;

/* account.c, domain.c */
int local_has_apop(struct directory_source *s, bool *ret, struct problem *problem) WAITS;
int local_account(struct directory_source *s, uint64_t id, struct slice address, struct arena *a,
                  struct account *ret, struct problem *problem) WAITS;
int local_accounts(struct directory_source *s, struct slice domain, uint64_t after_id, size_t limit,
                   struct arena *a, struct account **ret, size_t *ret_count,
                   struct problem *problem) WAITS;
int local_domains(struct directory_source *s, struct slice after, size_t limit, struct arena *a,
                  struct domain **ret, size_t *ret_count, struct problem *problem) WAITS;

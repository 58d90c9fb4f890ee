/* SPDX-License-Identifier: ISC */
/*
 * For how long messages of a domain have been put off, since DNS did not answer what decides about
 * them. An error of DNS is no verdict, but one that stays for ever may not keep messages away
 * for ever: after PATIENCE they are taken without the policy.
 *
 * Pure: time comes in, that of the clock that only goes on. A bounded table: of those that were
 * seen within their first minutes only, of which a stranger can make as many as he likes, the
 * oldest gives way before any other.
 */
#pragma once

#include "base/slice.h"
#include "base/time.h"

#define PATIENCE           (4 * USEC_HOUR)
#define PATIENCE_FORGOTTEN (8 * USEC_HOUR) /* without an error: what comes then is another one */
#define PATIENCE_KNOWN     (5 * USEC_MIN)  /* who comes again behind that is no newcomer */
#define PATIENCE_DOMAINS   10000U          /* 3 MiB */

struct patience;

struct patience *patience_new(void);
void patience_free(struct patience *p); /* NULL is fine */

/* DNS fails for the domain, now. Whether it has done so for PATIENCE. */
bool patience_is_over(struct patience *p, struct slice domain, usec_t now);

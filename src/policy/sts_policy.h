/* SPDX-License-Identifier: ISC */
/*
 * A policy of MTA-STS as its domain serves it: which hosts take its mail, and whether a message may
 * go to others or without a verified TLS (RFC 8461 §3.2). Pure; linear in time.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"

#define STS_POLICY_MAX  65536U    /* bytes that are fetched of one (§3.3) */
#define STS_MX_MAX      100U      /* patterns of hosts in one */
#define STS_MAX_AGE_MAX 31557600U /* seconds: about a year, and no policy holds longer (§3.2) */

enum sts_mode {
    STS_NONE,    /* the domain has no policy any more */
    STS_TESTING, /* failures are reported, messages go all the same */
    STS_ENFORCE, /* messages that fail wait */
};

const char *sts_mode_name(enum sts_mode mode); /* "enforce" */

struct sts_policy {
    enum sts_mode mode;
    uint32_t max_age; /* seconds that it may be kept; at most STS_MAX_AGE_MAX */
    struct slice *mx; /* "mail.example.com", "*.example.net": lower case, without a closing dot */
    size_t mx_count;
};

/*
 * Reads one. Fields that are unknown are passed over, and so are empty lines; of a field that
 * stands there twice the first counts, except mx. The result is the arena's. -E_SYNTAX or -E_LIMIT,
 * and `problem` says what is wrong.
 */
int sts_policy_read(struct slice text, struct arena *a, struct sts_policy *ret,
                    struct problem *problem);

/* Writes one so that sts_policy_read() reads the same. */
void sts_policy_write(struct buf *to, const struct sts_policy *policy);

/* Whether a host of the domain's MX records is one of the policy's (§4.1). */
bool sts_policy_has(const struct sts_policy *policy, struct slice host);

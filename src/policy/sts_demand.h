/* SPDX-License-Identifier: ISC */
/* What a policy of MTA-STS asks of a host (RFC 8461 §4, §5). Pure. */
#pragma once

#include "policy/sts_policy.h"
#include "policy/tls_policy.h"

/*
 * Changes a policy of TLS, under which nobody asks for more, to what `sts`, of that domain, asks of
 * a host. False: the host is not to be used; why stands in the policy, in the arena.
 */
bool sts_demand(const struct sts_policy *sts, struct slice domain, struct slice host,
                struct arena *a, struct tls_policy *policy);

/* SPDX-License-Identifier: ISC */
#include "policy/sts_demand.h"

bool sts_demand(const struct sts_policy *sts, struct slice domain, struct slice host,
                struct arena *a, struct tls_policy *policy) {
    bool enforced = sts->mode == STS_ENFORCE, named = sts_policy_has(sts, host);
    policy->kind = enforced ? TLS_POLICY_STS : TLS_POLICY_STS_TESTING;
    policy->why = arena_printf(a, "the policy of %.*s %s %.*s", SLICE_ARG(domain),
                               named ? "names" : "does not name", SLICE_ARG(host));
    if (enforced && named)
        policy->demand = TLS_DEMAND_NAME;
    return named || !enforced;
}

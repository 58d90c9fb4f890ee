/* SPDX-License-Identifier: ISC */
#include "policy/tls_policy.h"

#include "base/words.h"

const char *tls_policy_word(enum tls_policy_kind kind) {
    static const char *const words[TLS_POLICY_KINDS] = {
        [TLS_POLICY_OPPORTUNISTIC] = N_("as it is offered"),
        [TLS_POLICY_SETTINGS] = N_("by the settings"),
        [TLS_POLICY_WAIVED] = N_("as it is offered"),
        [TLS_POLICY_REQUIRED] = "REQUIRETLS",
        [TLS_POLICY_DANE] = "DANE",
        [TLS_POLICY_STS] = "MTA-STS",
        [TLS_POLICY_STS_TESTING] = N_("MTA-STS, in mode testing"),
    };
    return words[kind];
}

struct slice tls_policy_text(struct arena *a, const struct tls_policy *p) {
    const char *word = translated(tls_policy_word(p->kind));
    if (p->why.len == 0)
        return slice_of_str(word);
    return arena_printf(a, "%s: %.*s", word, SLICE_ARG(p->why));
}

/* SPDX-License-Identifier: ISC */
#include "people/route.h"

const char *route_kind_text(enum route_kind kind) {
    static const char *const texts[] = {
        [ROUTE_LOCAL] = "local",
        [ROUTE_NOT_OURS] = "not ours",
        [ROUTE_UNKNOWN_USER] = "unknown user",
        [ROUTE_DISABLED] = "disabled",
        [ROUTE_LOOP] = "loop",
        [ROUTE_BAD_ADDRESS] = "bad address",
        [ROUTE_TEMPORARY] = "temporary failure",
    };
    return texts[kind];
}

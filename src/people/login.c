/* SPDX-License-Identifier: ISC */
#include "people/login.h"

const char *login_outcome_text(enum login_outcome outcome) {
    static const char *const texts[] = {
        [LOGIN_WELCOME] = "welcome",
        [LOGIN_WRONG] = "wrong name or password",
        [LOGIN_THROTTLED] = "too many failures",
        [LOGIN_TEMPORARY] = "temporary failure",
        [LOGIN_CHALLENGE] = "one step more",
    };
    return texts[outcome];
}

/* SPDX-License-Identifier: ISC */
/* Who checks the password that a door to mailboxes was told. */
#pragma once

#include "auth/door.h"
#include "secret.h"

static unsigned secret_attempts;
static bool secret_is_right;

static int secret_check(void *host UNUSED, const char *mechanism UNUSED,
                        const struct login_request *attempt) WAITS {
    secret_attempts++;
    if (!slice_eq(attempt->password, S(SECRET)))
        fail_msg("another password");
    return secret_is_right ? 0 : -E_REFUSED;
}

static const struct door_host secret_host = {.login = secret_check};

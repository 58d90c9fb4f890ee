/* SPDX-License-Identifier: ISC */
/*
 * Tokens by which a URL is allowed to those who have it (URLAUTH, RFC 4467, mechanism INTERNAL): a
 * keyed BLAKE2b hash over all of the URL before the token, in hexadecimal digits. Pure.
 */
#pragma once

#include "base/slice.h"

#define URL_KEY_SIZE   32U
#define URL_TOKEN_SIZE 65U /* with a NUL */

struct slice url_token(struct slice key, struct slice url, char token[static URL_TOKEN_SIZE]);

/* Whether it is the token, digits in any case; takes as long whether it is or not. A key of another
 * length has none. */
bool url_token_is_right(struct slice key, struct slice url, struct slice token);

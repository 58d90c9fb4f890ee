/* SPDX-License-Identifier: ISC */
#include "auth/url_token.h"

#include <sodium.h>

#include "base/error.h"

struct slice url_token(struct slice key, struct slice url, char token[static URL_TOKEN_SIZE]) {
    unsigned char hash[(URL_TOKEN_SIZE - 1) / 2];
    MUST(key.len == URL_KEY_SIZE);
    (void)crypto_generichash(hash, sizeof hash, (const unsigned char *)url.ptr, url.len,
                             (const unsigned char *)key.ptr, key.len);
    (void)sodium_bin2hex(token, URL_TOKEN_SIZE, hash, sizeof hash);
    return slice_of(token, URL_TOKEN_SIZE - 1);
}

bool url_token_is_right(struct slice key, struct slice url, struct slice token) {
    char right[URL_TOKEN_SIZE], given[URL_TOKEN_SIZE];
    if (key.len != URL_KEY_SIZE || token.len != URL_TOKEN_SIZE - 1)
        return false;
    (void)url_token(key, url, right);
    (void)slice_lower(token, given);
    return sodium_memcmp(right, given, token.len) == 0;
}

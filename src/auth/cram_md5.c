/* SPDX-License-Identifier: ISC */
#include "auth/cram_md5.h"

#include <errno.h>
#include <openssl/hmac.h>

#include "base/buf.h"
#include "base/encode.h"

int cram_md5_answer(struct arena *a, struct slice challenge, struct slice user,
                    struct slice password, struct slice *ret) {
    _cleanup_(buf_done) struct buf text = {0};
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    if (!HMAC(EVP_md5(), password.ptr, (int)password.len, (const unsigned char *)challenge.ptr,
              challenge.len, digest, &len))
        return -ENOTSUP;
    buf_printf(&text, "%.*s ", SLICE_ARG(user));
    hex_encode(&text, slice_of(digest, len));
    *ret = arena_copy(a, buf_slice(&text));
    return 0;
}

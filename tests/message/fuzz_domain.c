/* SPDX-License-Identifier: ISC */
#include "base/encode.h"
#include "base/error.h"
#include "message/address/domain.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* The canonical form is a name of ASCII and its own canonical form, and so is what is shown. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(buf_done) struct buf shown = {0};
    struct slice text = slice_of(bytes, len), name, again;
    if (domain_canonical(&a, text, DOMAIN_UTF8 | DOMAIN_TRAILING_DOT, &name, NULL) < 0)
        return 0;
    MUST(domain_check(name, 0, NULL) == 0);
    MUST(domain_canonical(&a, name, 0, &again, NULL) == 0 && slice_eq(name, again));
    domain_shown(&shown, name);
    MUST(utf8_valid(buf_slice(&shown)));
    MUST(domain_canonical(&a, buf_slice(&shown), DOMAIN_UTF8, &again, NULL) == 0);
    MUST(slice_eq(name, again));
    return 0;
}

/* SPDX-License-Identifier: ISC */
/*
 * First line: the mechanism; second: the initial response, absent when it starts with "-"; the
 * others: what the client answers. Credentials that come out keep the promises of sasl.h.
 */
#include "auth/sasl.h"
#include "base/encode.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void check(const struct sasl_credentials *c) {
    MUST(c->name.len > 0 && c->name.len <= SASL_NAME_MAX && utf8_valid(c->name));
    MUST(c->act_as.len <= SASL_NAME_MAX && utf8_valid(c->act_as));
    MUST(c->password.len > 0 && c->password.len <= SASL_PASSWORD_MAX);
    MUST(slice_find_byte(c->name, '\0') < 0 && slice_find_byte(c->password, '\0') < 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
    _cleanup_(arena_done) struct arena a = {0};
    struct slice rest = slice_of(bytes, len);
    struct slice line = {0};
    struct sasl s;
    struct sasl_out out = {0};
    if (len == 0 || !slice_next(&rest, '\n', &line) || sasl_start(&s, line) < 0 ||
        !slice_next(&rest, '\n', &line))
        return 0;
    int r = sasl_first(&s, &a, slice_starts(line, S("-")) ? (struct slice){0} : line, &out);
    for (unsigned i = 0; r == 0 && !out.done && i < 4 && slice_next(&rest, '\n', &line); i++)
        r = sasl_next(&s, &a, line, &out);
    if (r == 0 && out.done) {
        check(&out.credentials);
        sasl_wipe(&out.credentials);
    }
    return 0;
}

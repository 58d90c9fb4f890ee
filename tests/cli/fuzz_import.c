/* SPDX-License-Identifier: ISC */
/*
 * First byte: "a" for accounts with a domain for names without one, "b" without; "c", "d" for
 * aliases. The rest is the file. Each call moves on, lines grow, and what comes out is text.
 */
#include "base/encode.h"
#include "cli/directory/import_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void check(struct slice text) {
    MUST(utf8_valid(text) && slice_find_byte(text, '\0') < 0 && slice_find_byte(text, '\n') < 0);
}

static void check_accounts(struct import_text *t) {
    struct import_account one = {0};
    struct problem problem;
    size_t line = 0;
    int r;
    while ((r = import_text_account(t, &one, &problem)) != 0) {
        MUST(t->line > line);
        line = t->line;
        if (r < 0)
            continue;
        check(one.address);
        check(one.name);
        check(one.hash);
        check(one.plain);
        MUST(one.locked || slice_find_byte(one.address, '@') >= 0);
    }
}

static void check_aliases(struct import_text *t) {
    struct import_alias one = {0};
    struct problem problem;
    size_t line = 0;
    int r;
    while ((r = import_text_alias(t, &one, &problem)) != 0) {
        MUST(t->line > line);
        line = t->line;
        if (r < 0)
            continue;
        check(one.address);
        MUST(one.count > 0);
        for (size_t i = 0; i < one.count; i++) {
            check(one.targets[i]);
            MUST(slice_find_byte(one.targets[i], '@') >= 0);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
    _cleanup_(arena_done) struct arena a = {0};
    struct import_text t;
    if (len == 0)
        return 0;
    struct slice domain = bytes[0] == 'a' || bytes[0] == 'c' ? S("example.test") : S("");
    import_text_begin(&t, slice_of(bytes + 1, len - 1), domain, &a);
    if (bytes[0] == 'a' || bytes[0] == 'b')
        check_accounts(&t);
    else
        check_aliases(&t);
    return 0;
}

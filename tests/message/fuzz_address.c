/* SPDX-License-Identifier: ISC */
/*
 * Paths: what is accepted prints in a form that is accepted again and prints alike. The first byte
 * is the flags.
 */
#include "message/address/address.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void print_and_read_again(struct arena *a, const struct address *address, unsigned flags,
                                 bool forward) {
    _cleanup_(buf_done) struct buf path = {0};
    struct address again;
    struct slice rest;
    struct text_fault fault = {0};
    address_print_path(&path, address);
    int r = forward ? address_parse_forward_path(a, buf_slice(&path), flags, &again, &rest, &fault)
                    : address_parse_reverse_path(a, buf_slice(&path), flags, &again, &rest, &fault);
    if (r == -E_LIMIT) /* quotes that ADDRESS_LOOSE added made it too long */
        return;
    MUST(r == 0);
    MUST(rest.len == 0);
    MUST(address_eq(address, &again));
    MUST(address->needs_quotes == again.needs_quotes && address->literal == again.literal);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
    _cleanup_(arena_done) struct arena a = {0};
    if (len < 1)
        return 0;
    unsigned flags = bytes[0] & (ADDRESS_UTF8 | ADDRESS_LOOSE);
    struct slice text = slice_of(bytes + 1, len - 1);
    struct address address;
    struct slice rest;
    struct text_fault fault = {0};
    struct problem problem = {0};
    if (address_parse_reverse_path(&a, text, flags, &address, &rest, &fault) == 0)
        print_and_read_again(&a, &address, flags, false);
    else
        MUST(fault.expected && fault.at <= text.len);
    if (address_parse_forward_path(&a, text, flags, &address, &rest, &fault) == 0)
        print_and_read_again(&a, &address, flags, true);
    if (address_parse(&a, text, flags, &address, &problem) == 0)
        MUST(address.domain.len > 0);
    return 0;
}

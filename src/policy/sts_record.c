/* SPDX-License-Identifier: ISC */
#include "policy/sts_record.h"

#include "base/error.h"

#define VERSION S("v=STSv1")

bool sts_record_is(struct slice text) {
    struct slice rest = slice_from(text, VERSION.len);
    if (!slice_starts(text, VERSION))
        return false;
    rest = slice_trim(rest);
    return rest.len > 0 && rest.ptr[0] == ';';
}

/* 1*32(ALPHA / DIGIT) */
static bool is_id(struct slice s) {
    if (s.len == 0 || s.len > STS_ID_MAX)
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (!ascii_is_alpha(s.ptr[i]) && !ascii_is_digit(s.ptr[i]))
            return false;
    return true;
}

int sts_record_read(struct slice text, struct slice *ret_id) {
    struct slice piece;
    while (slice_next(&text, ';', &piece)) {
        ssize_t equals = slice_find_byte(piece, '=');
        if (equals < 0 || !slice_eq(slice_trim(slice_first(piece, (size_t)equals)), S("id")))
            continue;
        struct slice id = slice_trim(slice_from(piece, (size_t)equals + 1));
        if (!is_id(id))
            return -E_SYNTAX;
        *ret_id = id;
        return 0;
    }
    return -E_SYNTAX;
}

int sts_record_find(const struct dns_answer *answer, struct slice *ret_id) {
    const struct slice *found = NULL;
    if (answer->code == DNS_NXDOMAIN || answer->code == DNS_NODATA)
        return -E_UNKNOWN;
    if (answer->code != DNS_OK)
        return -E_TEMPORARY;
    for (size_t i = 0; i < answer->count; i++) {
        const struct slice *text = &answer->records[i].bytes;
        if (!sts_record_is(*text))
            continue;
        if (found)
            return -E_SYNTAX;
        found = text;
    }
    return found ? sts_record_read(*found, ret_id) : -E_UNKNOWN;
}

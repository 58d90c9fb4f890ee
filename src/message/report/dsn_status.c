/* SPDX-License-Identifier: ISC */
#include "message/report/dsn.h"

bool dsn_status_valid(struct slice status) {
    struct slice piece;
    unsigned pieces = 0;
    if (status.len < 5 || slice_find_byte(S("245"), status.ptr[0]) < 0 || status.ptr[1] != '.')
        return false;
    while (slice_next(&status, '.', &piece)) {
        uint64_t number = 0;
        if (piece.len > 3 || slice_to_u64(piece, 999, &number) < 0)
            return false;
        pieces++;
    }
    return pieces == 3;
}

struct slice dsn_status(const struct dsn_recipient *recipient) {
    if (dsn_status_valid(recipient->status))
        return recipient->status;
    return recipient->action == DSN_FAILED    ? S("5.0.0")
           : recipient->action == DSN_DELAYED ? S("4.0.0")
                                              : S("2.0.0");
}

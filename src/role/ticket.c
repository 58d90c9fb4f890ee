/* SPDX-License-Identifier: ISC */
/*
 * The time of its making, 8 bytes, and a keyed BLAKE2b hash over that and whom it is for.
 */
#include "role/ticket.h"

#include <sodium.h>

#include "base/buf.h"
#include "base/bytes.h"

#define HASH_SIZE   (TICKET_SIZE - 8U)
#define CLOCK_SLACK USEC_SEC /* wall clocks are set back now and then */

static void make(const uint8_t secret[static PROCESS_SECRET], const struct ticket_for *who,
                 usec_t made, char ticket[static TICKET_SIZE]) {
    _cleanup_(buf_done) struct buf text = {0};
    buf_add_u64(&text, (uint64_t)made);
    buf_add_u64(&text, who->account);
    buf_add_u64(&text, who->service.len);
    buf_add(&text, who->service);
    buf_add(&text, who->address);
    put_u64(ticket, (uint64_t)made);
    (void)crypto_generichash((unsigned char *)ticket + 8, HASH_SIZE,
                             (const unsigned char *)text.ptr, text.len, secret, PROCESS_SECRET);
}

struct slice ticket_make(const uint8_t secret[static PROCESS_SECRET], const struct ticket_for *who,
                         usec_t now, struct arena *a) {
    char *ticket = arena_alloc(a, TICKET_SIZE);
    make(secret, who, now, ticket);
    return slice_of(ticket, TICKET_SIZE);
}

usec_t ticket_made(struct slice ticket) {
    return ticket.len == TICKET_SIZE ? (usec_t)get_u64(ticket.ptr) : 0;
}

int ticket_check(const uint8_t secret[static PROCESS_SECRET], struct slice ticket,
                 const struct ticket_for *who, usec_t now, usec_t life) {
    char right[TICKET_SIZE];
    if (ticket.len != TICKET_SIZE)
        return -E_REFUSED;
    usec_t made = ticket_made(ticket);
    if (made > now + CLOCK_SLACK || made < now - life)
        return -E_REFUSED;
    make(secret, who, made, right);
    return sodium_memcmp(right, ticket.ptr, TICKET_SIZE) == 0 ? 0 : -E_REFUSED;
}

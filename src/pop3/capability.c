/* SPDX-License-Identifier: ISC */
/*
 * A table with the condition of each line. EXPIRE NEVER: messages go when their reader deletes
 * them. LOGIN-DELAY 0: logging in often costs us little. UTF8 (RFC 6856): a message is given as it
 * came, whether its header has 8-bit octets or not, with UTF8 and without.
 */
#include "pop3/capability.h"

#include "auth/sasl.h"

enum condition { ALWAYS, PASSWORDS, TLS_POSSIBLE, INSIDE };

static const struct capability {
    const char *line;
    enum condition condition;
} capabilities[] = {
    {"TOP", ALWAYS},
    {"UIDL", ALWAYS},
    {"RESP-CODES", ALWAYS},     /* RFC 2449 §6.4 */
    {"AUTH-RESP-CODE", ALWAYS}, /* RFC 3206 */
    {"PIPELINING", ALWAYS},
    {"EXPIRE NEVER", ALWAYS},
    {"LOGIN-DELAY 0", ALWAYS},
    {"UTF8", ALWAYS}, /* RFC 6856 */
    {"LANG", ALWAYS},
    {"USER", PASSWORDS},
    {"SASL", PASSWORDS},    /* its mechanisms follow */
    {"STLS", TLS_POSSIBLE}, /* RFC 2595 §4 */
    {"IMPLEMENTATION Hayauma", INSIDE},
};

static bool applies(enum condition condition, const struct door_offer *offer, bool logged_in) {
    switch (condition) {
    case PASSWORDS:
        return door_takes_passwords(offer);
    case TLS_POSSIBLE:
        return offer->tls_available && !offer->tls_active;
    case INSIDE:
        return logged_in;
    default:
        return true;
    }
}

void pop3_capabilities(struct pop3_connection *c, const struct door_offer *offer, bool logged_in) {
    struct stream *s = c->stream;
    pop3_ok(c, "this is what I can do");
    for (size_t i = 0; i < ARRAY_SIZE(capabilities); i++) {
        if (!applies(capabilities[i].condition, offer, logged_in))
            continue;
        stream_str(s, capabilities[i].line);
        const char *mechanism;
        if (slice_eq(slice_of_str(capabilities[i].line), S("SASL")))
            for (size_t place = 0; (mechanism = sasl_offer(place)); place++)
                stream_printf(s, " %s", mechanism);
        stream_str(s, "\r\n");
    }
    stream_str(s, ".\r\n");
}

/* SPDX-License-Identifier: ISC */
/*
 * CAPA (RFC 2449): what this server offers, before and after login.
 */
#pragma once

#include "io/stream.h"

/* What depends on the connection and the settings. */
struct pop3_offer {
    bool tls_active;    /* the connection is protected */
    bool tls_available; /* STLS may be said */
    bool plaintext;     /* passwords are taken without TLS: a setting, or a connection from here */
};

/* True when a password may be sent over this connection. */
static inline bool pop3_takes_passwords(const struct pop3_offer *offer) {
    return offer->tls_active || offer->plaintext;
}

/* Answers CAPA. IMPLEMENTATION is told only to those who are `logged_in`. */
void pop3_capabilities(struct stream *s, const struct pop3_offer *offer, bool logged_in) WAITS;

/* SPDX-License-Identifier: ISC */
/*
 * CAPA (RFC 2449): what this server offers, before and after login.
 */
#pragma once

#include "auth/door.h"
#include "pop3/connection.h"

/* Answers CAPA. IMPLEMENTATION is told only to those who are `logged_in`. */
void pop3_capabilities(struct pop3_connection *c, const struct door_offer *offer,
                       bool logged_in) WAITS;

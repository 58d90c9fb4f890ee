/* SPDX-License-Identifier: ISC */
/*
 * CAPA (RFC 2449): what this server offers, before and after login.
 */
#pragma once

#include "auth/door.h"

/* Answers CAPA. IMPLEMENTATION is told only to those who are `logged_in`. */
void pop3_capabilities(struct stream *s, const struct door_offer *offer, bool logged_in) WAITS;

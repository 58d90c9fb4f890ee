/* SPDX-License-Identifier: ISC */
/*
 * A fake server behind an SMTP session: knows a few addresses, keeps what was handed in, and
 * fails where it is told to. Its own domain is example.test with the users tama and pochi and the
 * postmaster; sora logs in with the password "cat food" and may send as sora@example.test.
 */
#pragma once

#include "base/error.h"
#include "smtp/session.h"

struct fake_server;

struct fake_server *fake_server_new(void);
void fake_server_free(struct fake_server *server);

/* Leads a conversation with the server's present settings. */
void fake_server_session(struct stream *s, void *server) WAITS;

/* Settings and observations by name, for scripts: see the tables in fake_server.c. */
int fake_server_set(void *server, struct slice name, struct slice value, struct problem *problem);
int fake_server_get(void *server, struct slice name, struct buf *to);

struct smtp_listener *fake_server_listener(struct fake_server *server);
unsigned fake_server_messages(const struct fake_server *server);

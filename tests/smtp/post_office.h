/* SPDX-License-Identifier: ISC */
/*
 * A fake post office behind an SMTP session: knows a few addresses, keeps what was handed in, and
 * fails where it is told to. Its own domain is example.test with the users tama and pochi and the
 * postmaster; sora logs in with the password "cat food" and may send as sora@example.test.
 */
#pragma once

#include "base/error.h"
#include "smtp/session.h"

struct office;

struct office *office_new(void);
void office_free(struct office *office);

/* Leads a conversation with the office's present settings. */
void office_session(struct stream *s, void *office) WAITS;

/* Settings and observations by name, for scripts: see the tables in post_office.c. */
int office_set(void *office, struct slice name, struct slice value, struct problem *problem);
int office_get(void *office, struct slice name, struct buf *to);

struct smtp_listener *office_listener(struct office *office);
unsigned office_letters(const struct office *office);

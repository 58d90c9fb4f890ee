/* SPDX-License-Identifier: ISC */
/*
 * The words of a notification (message/report/dsn.h) for a person who knows nothing of mail
 * systems, in UTF-8, in English and in Japanese, of which that comes first in which the message
 * seems to be written. Inside this floor only.
 */
#pragma once

#include "message/report/dsn.h"

/* The subject line, by the gravest thing that is told. */
const char *dsn_subject(const struct dsn *dsn);

/* The whole text of the first part. */
void dsn_text(struct buf *to, const struct dsn *dsn);

/* What a status means, in one sentence of one language; never NULL. */
enum dsn_language { DSN_ENGLISH, DSN_JAPANESE, DSN_LANGUAGES };
const char *dsn_reason(struct slice status, enum dsn_language language);

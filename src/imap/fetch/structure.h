/* SPDX-License-Identifier: ISC */
/*
 * ENVELOPE, BODY and BODYSTRUCTURE (RFC 9051 §7.5.2, RFC 3501 §7.4.2) out of the map of a message.
 * Pure; linear in the length of the map, whatever is nested in it. What message_map_read() has
 * given is written inside the grammar:
 *
 * - a list of addresses without any is NIL, never "()"; Sender and Reply-To without any are From;
 * - an address without a local part or a host has an empty one there, since a NIL says that it is
 *   the beginning or the end of a group;
 * - a multipart has one part or more, a message/rfc822 its envelope and structure;
 * - message/global has them only for who reads UTF-8 (RFC 9051 §9, media-message). For others it is
 *   a part of a kind that they do not know, and nothing is shown in it.
 *
 * Texts stand as in the message: unfolded, encoded words and parameters (RFC 2231) not decoded. Of
 * any octets the writer makes a string, quoted or a literal.
 */
#pragma once

#include "imap/syntax/write.h"
#include "message/map/map.h"

/* A value in parentheses. */
void imap_write_envelope(struct imap_writer *w, const struct message_map_envelope *e);

/* The same for the parts of a message. `extended`: with extension data, which is BODYSTRUCTURE. */
void imap_write_structure(struct imap_writer *w, const struct message_map *map, bool extended);

/* SPDX-License-Identifier: ISC */
/*
 * Which octets of a message a section names (RFC 9051 §6.4.5.1, RFC 3501 §6.4.5, RFC 3516 §4.3).
 * Pure.
 *
 * Parts are counted as message_map_find() does: what is no multipart has part 1, which is its body.
 * A part's MIME header is its own header, of part 1 of such a message that of the message. HEADER
 * and TEXT behind a number are those of the message in a message/rfc822 or message/global; of any
 * other part they are not there, and neither is a part that the message does not have.
 */
#pragma once

#include "imap/syntax/fetch.h"
#include "message/map/map.h"

/* Of a header so much is looked at for fields; what is behind it has none. */
#define IMAP_HEADER_MAX ((size_t)1 << 20)

/* What of a message has to be known to find a section. */
enum imap_section_need {
    IMAP_NEEDS_NOTHING, /* it is the whole message */
    IMAP_NEEDS_HEADER,  /* where the header of the message ends: a map of part 0 alone */
    IMAP_NEEDS_MAP,
};
enum imap_section_need imap_section_need(const struct imap_section *section);

struct imap_octets {
    bool is_there;        /* else the answer is NIL */
    uint64_t offset, len; /* in the message; they stand there as they are asked for, or ... */
    enum mime_encoding encoding; /* ... MIME_BASE64 and MIME_QUOTED_PRINTABLE: in this encoding */
    uint64_t size;               /* without it; else it is `len` */
};

/*
 * Finds it; of HEADER.FIELDS, the header. -ENOTSUP: the part is in an encoding that nobody knows
 * (NO [UNKNOWN-CTE], RFC 3516 §4.3).
 */
int imap_section_find(const struct imap_section *section, const struct message_map *map,
                      struct imap_octets *ret);

/* What of `size` octets is asked for: behind the end of them, none. */
struct imap_part_of {
    uint64_t from, len;
};
struct imap_part_of imap_section_part_of(const struct imap_section *section, uint64_t size);

/* The names of fields that a section has, sorted, for imap_fields_pick(). In the arena. */
const struct slice *imap_fields_sort(const struct imap_section *section, struct arena *a);

/* The same; thousands in another thread. */
const struct slice *imap_fields_sorted(const struct imap_section *section, struct arena *a) WAITS;

/*
 * HEADER.FIELDS or HEADER.FIELDS.NOT of a header, appended: fields as they stand, and the empty
 * line behind the header if there is one, or if the header goes on behind what is given (`cut`).
 */
void imap_fields_pick(const struct imap_section *section, const struct slice *sorted,
                      struct slice header, bool cut, struct buf *to);

/*
 * What of that is asked for, in `picked`, which is empty before. A header over 64 KiB is searched
 * in another thread, so it must stay as it is meanwhile.
 */
struct slice imap_fields_part(const struct imap_section *section, const struct slice *sorted,
                              struct slice header, bool cut, struct buf *picked) WAITS;

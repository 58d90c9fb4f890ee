/* SPDX-License-Identifier: ISC */
/*
 * The map of a message: all that is asked of it again and again without its text, found once, in
 * one pass: its parts with their places, sizes and descriptions, the fields for a list of messages,
 * what links it with others, a preview. Derived: it may be thrown away and made anew. docs/mime.md
 * has the decisions about messages that do not follow the RFCs; whatever the octets were, a map
 * - has a part 0, and of each part a type and a subtype that are not empty;
 * - has one part or more in each multipart, exactly one (the next) in each message;
 * - has parts whose ranges lie in those around them and do not overlap.
 *
 *     struct message_map_maker *maker = message_map_new();
 *     message_map_feed(maker, piece) ...          cut anywhere; gives the same map
 *     message_map_finish(maker, &blob);
 *
 *     struct message_map map;
 *     message_map_read(&arena, blob, &map)        0, or it is damaged and has to be made anew
 *
 * Texts are the octets of the message, unfolded, without blanks at both ends and not decoded; of a
 * longer one the first MESSAGE_MAP_TEXT bytes. Lists are cut between their members, at
 * MESSAGE_MAP_LIST bytes. When all together pass MESSAGE_MAP_MAX, further ones are left out. Of
 * several fields with one name the first counts; the addresses of all From (To, Cc ...) fields are
 * one list. Memory of the maker is bounded by these and by what mime_scan.h says; time is linear.
 */
#pragma once

#include "base/time.h"
#include "message/address/address_list.h"
#include "message/mime/mime_scan.h"

/* One more with each change of what maps say, or how: they are kept, and older ones made again. */
#define MESSAGE_MAP_VERSION    1
#define MESSAGE_MAP_TEXT       ((size_t)8 << 10)
#define MESSAGE_MAP_LIST       ((size_t)64 << 10)
#define MESSAGE_MAP_MAX        ((size_t)512 << 10)
#define MESSAGE_MAP_SUBJECT    ((size_t)1 << 10) /* of the base subject, cut between characters */
#define MESSAGE_MAP_REFERENCES 100U              /* of more the last ones are kept */

/* ------------------------------------------------------------------ making */

struct message_map_maker;

struct message_map_maker *message_map_new(void);
void message_map_free(struct message_map_maker *maker);
DEFINE_CLEANUP(struct message_map_maker, message_map_free)

void message_map_feed(struct message_map_maker *maker, struct slice piece);

/* The message has ended: appends its map. Nothing may be fed behind it. */
void message_map_finish(struct message_map_maker *maker, struct buf *to);

/* ------------------------------------------------------------------ reading */

enum message_map_list {
    MAP_FROM,
    MAP_SENDER,
    MAP_REPLY_TO,
    MAP_TO,
    MAP_CC,
    MAP_BCC,
    MAP_LISTS,
};

/* Of the message that a part is. A text that is not there has no pointer; one may be empty. */
struct message_map_envelope {
    struct slice date, subject, in_reply_to, message_id;
    struct slice addresses[MAP_LISTS]; /* for message_map_address_next(); empty: there are none */
};

struct message_map_part {
    unsigned parent, place, depth; /* as in mime_scan.h */
    unsigned children;
    enum mime_kind kind;
    enum mime_encoding encoding;
    bool is_message;            /* part 0, or the part in a message/rfc822: it has an envelope */
    uint64_t header, body, end; /* offsets in the message */
    uint64_t lines;             /* of its body */
    uint64_t decoded;           /* octets of its body without its encoding (transfer.h) */
    struct slice major, minor;  /* as written */
    struct slice encoding_name; /* "7bit" when nothing is said */
    /* Without a pointer: not there. */
    struct slice id, description, md5, disposition, location;
    /* For message_map_parameter_next(). */
    struct slice parameters, disposition_parameters;
    struct slice languages; /* for message_map_language_next() */
    struct message_map_envelope envelope;
};

struct message_map {
    uint64_t size;
    bool has_attachment; /* see docs/mime.md */
    bool has_date;       /* the Date field can be read */
    bool is_answer;      /* by its subject, it answers or forwards another (RFC 5256 §2.1) */
    bool is_cut;         /* something was left out for its length or number */
    usec_t date;
    struct slice base_subject; /* UTF-8 (message/map/subject.h) */
    struct slice preview;      /* UTF-8 (message/mime/preview.h) */
    uint64_t message_id;       /* as message_ids_read() gives it; 0: none */

    /* The messages that it is said to follow, the oldest first: References, or without any the
     * first of In-Reply-To (RFC 5256 §3). */
    uint64_t *references;
    size_t reference_count;

    struct message_map_part *parts; /* in the order of their headers; 0 is the message */
    size_t part_count;
};

/* Whether the present version made the map, with which it begins. */
static inline bool message_map_is_current(struct slice blob) {
    return blob.len > 0 && (uint8_t)blob.ptr[0] == MESSAGE_MAP_VERSION;
}

/*
 * Reads a map; what it has points into `blob` and the arena. 0; -E_VERSION when another version
 * made it, -E_CORRUPT when the bytes are no map. Linear, bounded by the length of the blob.
 */
int message_map_read(struct arena *a, struct slice blob, struct message_map *ret);

/* The next member of a list, or false; the list gets shorter by it. */
bool message_map_address_next(struct slice *list, struct listed *ret);
bool message_map_parameter_next(struct slice *list, struct mime_parameter *ret);
bool message_map_language_next(struct slice *list, struct slice *ret);

/*
 * Part numbers as IMAP and others count them (RFC 3501 §6.4.5): in a multipart from 1, and in a
 * message that is none its only part is 1. The part with such a path, or -1. With count 0, part 0.
 */
ssize_t message_map_find(const struct message_map *map, const unsigned *path, size_t count);

/* Appends the path of a part, such as "2.1"; a multipart that is itself a message has that of the
 * part around it, or nothing. */
void message_map_path(const struct message_map *map, size_t part, struct buf *to);

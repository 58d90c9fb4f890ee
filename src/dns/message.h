/* SPDX-License-Identifier: ISC */
/*
 * DNS data as values (RFC 1035, 3596, 6698): names and record data between wire form and something
 * to compute with, and a whole answer in a flat form that travels between roles. Pure, total and
 * bounded. Name compression is not known here: the resolver library hands out names in full.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"

/* The record types that mail asks for; others travel as raw record data. */
enum dns_type {
    DNS_A = 1,
    DNS_CNAME = 5,
    DNS_PTR = 12,
    DNS_MX = 15,
    DNS_TXT = 16,
    DNS_AAAA = 28,
    DNS_TLSA = 52,
};

/* "MX", or "TYPE99" for one without a name here; in the arena or constant. */
struct slice dns_type_name(struct arena *a, uint16_t type);

/* ------------------------------------------------------------------ names */

#define DNS_NAME_WIRE  255U /* RFC 1035 §2.3.4, with all length bytes */
#define DNS_LABEL_SIZE 63U
#define DNS_NAME_TEXT  1024U /* a name's text with every byte escaped fits */

/*
 * Reads one uncompressed name from the front of `*wire` and drops it. The text has lower case, no
 * dot at the end and "\." or "\DDD" for bytes that are not plain (RFC 1035 §5.1); the root is ".".
 */
int dns_name_read(struct slice *wire, struct arena *a, struct slice *ret_text);

/*
 * Text, with or without a dot at its end, to wire form. -E_SYNTAX: empty label, bad escape, a bare
 * space, control or byte beyond ASCII (an internationalised name has to be made A-labels first);
 * -E_LIMIT: too long.
 */
int dns_name_write(struct slice text, char wire[static DNS_NAME_WIRE], size_t *ret_len);

/* Whether two texts are the same name, whatever their case and closing dot. */
bool dns_name_same(struct slice one, struct slice other);

/* The name to ask for PTR: "1.2.0.192.in-addr.arpa" from the 4 or 16 bytes of an address. */
struct slice dns_reverse_name(struct arena *a, struct slice address);

/* ------------------------------------------------------------------ records */

/* One record's data. What a type does not have is zero. */
struct dns_record {
    uint16_t preference; /* MX */
    struct slice name;   /* MX, CNAME, PTR: text as of dns_name_read() */
    struct slice bytes;  /* A: 4; AAAA: 16; TXT: its strings joined; others: raw record data */
};

/* Decodes record data in wire form. Memory from the arena or cut from `data`; -E_SYNTAX. */
int dns_record_read(uint16_t type, struct slice data, struct arena *a, struct dns_record *ret);

/* ------------------------------------------------------------------ answers */

enum dns_code {
    DNS_OK,       /* there are records */
    DNS_NXDOMAIN, /* the name does not exist */
    DNS_NODATA,   /* the name exists, without records of this type */
    DNS_SERVFAIL, /* the servers responsible failed; later may help */
    DNS_TIMEOUT,  /* no answer within the time allowed */
    DNS_BOGUS,    /* DNSSEC says that the answer was tampered with or is badly signed */
    DNS_CODES,
};

const char *dns_code_text(enum dns_code code); /* "no such name" */

#define DNS_RECORDS_MAX 256U
#define DNS_ANSWER_SIZE 65536U /* of the flat form */

struct dns_answer {
    enum dns_code code;
    uint16_t type;
    bool secure;            /* validated by DNSSEC; also for DNS_NXDOMAIN and DNS_NODATA */
    uint32_t ttl;           /* seconds; 0 when not known */
    struct slice canonical; /* the name at the end of the CNAME chain; empty: the name asked for */
    struct slice problem;   /* more words for DNS_SERVFAIL and DNS_BOGUS, may be empty */
    struct slice *data;     /* record data in wire form */
    struct dns_record *records;
    size_t count; /* of both; not 0 only with DNS_OK */
};

/*
 * Decodes `data[0..count)` into `records`. Records that do not follow their type's form are left
 * out, those beyond DNS_RECORDS_MAX or DNS_ANSWER_SIZE too; with none left the code becomes
 * DNS_SERVFAIL.
 */
void dns_answer_decode_records(struct dns_answer *answer, struct arena *a);

/* The flat form of an answer whose records are decoded, and back: 0 or -E_SYNTAX. The decoded one
 * points into `flat` and the arena. */
void dns_answer_encode(struct buf *to, const struct dns_answer *answer);
int dns_answer_decode(struct slice flat, struct arena *a, struct dns_answer *ret);

/* SPDX-License-Identifier: ISC */
/*
 * What can be said of a server's certificates before anybody connects: for whom they are, how long
 * they are good, and whether a client will find its way from the first of them to an authority
 * (RFC 5280 §6, RFC 8446 §4.4.2: the server's own first, each next one certifies the one before).
 * Nothing here decides whether they are used: tls_server_new() does.
 */
#pragma once

#include "base/error.h"
#include "base/slice.h"
#include "base/time.h"

/* Of the first certificate. */
struct tls_certificate_facts {
    usec_t not_before, not_after; /* wall time */
    char subject[256];            /* its common name, or else the first name */
};
int tls_certificate_facts(struct slice chain_pem, struct tls_certificate_facts *ret);

/*
 * Whether it is time to get a new one: 30 days before its end, for one that lives less than 120
 * days a quarter of its life.
 */
bool tls_certificate_ends_soon(const struct tls_certificate_facts *facts, usec_t now);

#define TLS_CHAIN_MAX 16U /* certificates of one chain that are looked at */

struct tls_chain_question {
    struct slice chain_pem;
    struct slice host_name; /* whom it should be for */
    const char *place;      /* what the sentences call the file */
    const char *anchors;    /* PEM file of authorities; NULL: it is not asked who is trusted */
    usec_t now;             /* wall time */
};

/* Sentences without a full stop at their end. */
struct tls_finding {
    bool bad; /* no client accepts that; else some will not */
    char text[400];
};

#define TLS_FINDINGS_MAX 8U
struct tls_judgement {
    char summary[1024]; /* "the certificate for NAME by AUTHORITY with 1 intermediate, good until …"
                         */
    struct tls_finding list[TLS_FINDINGS_MAX];
    size_t count;
};

/* -E_SYNTAX with a sentence when there is no certificate, or one that cannot be read. */
int tls_chain_judge(const struct tls_chain_question *q, struct tls_judgement *ret,
                    struct problem *problem);

#define TLS_ANCHORS "/etc/ssl/certs/ca-certificates.crt" /* of the package ca-certificates */

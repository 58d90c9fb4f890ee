/* SPDX-License-Identifier: ISC */
/* A DMARC policy record (RFC 9989 §4.7). Pure. */
#pragma once

#include "base/arena.h"

enum dmarc_policy { DMARC_POLICY_NONE, DMARC_POLICY_QUARANTINE, DMARC_POLICY_REJECT };

const char *dmarc_policy_name(enum dmarc_policy policy); /* "quarantine" */

enum dmarc_psd { DMARC_PSD_UNKNOWN, DMARC_PSD_YES, DMARC_PSD_NO };

struct dmarc_record {
    bool has_policy; /* p= says one, and sp= and np= nothing else than policies; or reports are
                        asked for, which makes all of them "none" (§4.10.1) */
    enum dmarc_policy p, sp, np; /* sp and np are those that count where they do not stand */
    bool strict_dkim, strict_spf;
    bool testing; /* t=y */
    enum dmarc_psd psd;
    struct slice rua, ruf; /* as they stand there: addresses with "," between */
    struct slice fo;       /* "0" if nothing is said */
};

/* Whether the text of a TXT record is of DMARC: other texts do not count, right or wrong. */
bool dmarc_record_is(struct slice text);

/*
 * Reads one of which that is true. What else cannot be read in it, or is unknown, is as if it did
 * not stand there (§4.7). Slices are the arena's.
 */
void dmarc_record_read(struct slice text, struct arena *a, struct dmarc_record *ret);

/*
 * The next address of `rua` or `ruf`: "mailto:" taken off, percent signs decoded, a size limit
 * ("!10m") dropped (RFC 9990 §3.1). False: there is none any more; what is no such address is
 * passed over.
 */
bool dmarc_next_address(struct slice *rest, struct arena *a, struct slice *ret);

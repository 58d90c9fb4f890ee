/* SPDX-License-Identifier: ISC */
/*
 * A DNS server made of a table, for tests: answers in no time, or after a delay. A name with other
 * records gives DNS_NODATA, a name without any DNS_NXDOMAIN, CNAMEs are followed.
 */
#pragma once

#include "base/time.h"
#include "dns/client.h"

struct fake_record {
    const char *name;
    uint16_t type;
    const char
        *value; /* "10 mx1.example.net", "192.0.2.1", "2001:db8::1", "3 1 1 0a1b", a name, a text */
    enum dns_code code; /* other than DNS_OK: the answer instead of a value */
    bool secure;
    int error; /* not 0: nobody could be asked */
};

struct fake_dns {
    const struct fake_record *records; /* ends with a record without name */
    usec_t delay;
    unsigned asked;          /* questions so far */
    unsigned asking, widest; /* questions at this moment, and at most */
};

struct dns_client fake_dns_client(struct fake_dns *fake);

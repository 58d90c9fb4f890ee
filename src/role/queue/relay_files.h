/* SPDX-License-Identifier: ISC */
/*
 * The files of relay.password-file and relay.authorities. Relay and fetcher may open none, so the
 * master hands them the descriptors, and does not read them: no password stands in its memory, in a
 * call or in a log. `hayauma check` looks at them as the master does.
 */
#pragma once

#include "proc/process.h"

struct relay_files {
    int passwords, authorities; /* -1: no path is set, or nothing needs it */
};

/*
 * Those of `given` (enum process_given) that are set and needed: authorities where a route demands
 * that certificates are verified, or a policy of MTA-STS may. Negative with a sentence that
 * names setting and path; the other file is open nevertheless.
 */
int relay_files_open(const struct conf *conf, unsigned given, struct relay_files *ret,
                     struct problem *problem);
void relay_files_close(struct relay_files *f); /* for _cleanup_ as well */

/*
 * All of a file, at most `max` bytes, on the heap with room for nothing else. The descriptor stays
 * the caller's; -1 gives an empty text. 0, a negative errno, or -E_LIMIT.
 */
int relay_files_read(int file, size_t max, struct slice *ret) WAITS;
void relay_files_forget(struct slice *text); /* wipes and frees */

#define RELAY_PASSWORDS_MAX   65536U
#define RELAY_AUTHORITIES_MAX (4U << 20)

/* SPDX-License-Identifier: ISC */
/*
 * The reports that came, in a database of their own, so that they are there when somebody asks for
 * weeks. All of it blocks and is called within offload(OFFLOAD_DISK), one call at a time.
 *
 * What strangers send is bounded: reports go after KEPT_FOR, and before when there are more than
 * KEPT_SOURCES_MAX rows (the oldest of the domain that has sent most of them), KEPT_FAILURES_MAX
 * failures or KEPT_BAD_MAX bad ones (the oldest).
 */
#pragma once

#include "reports/failure.h"
#include "reports/tally.h"

#define KEPT_FOR                (400 * USEC_DAY)
#define KEPT_SOURCES_OF_ONE_MAX 2000U /* of one report: those of most messages */
#define KEPT_SOURCES_MAX        200000U
#define KEPT_FAILURES_MAX       10000U
#define KEPT_BAD_MAX            1000U

struct kept;

/* Errors are those of db/db.h. A file that is damaged is the caller's to put aside. */
int kept_open(const char *path, struct kept **ret, struct problem *problem);
void kept_close(struct kept *k); /* NULL is fine */

/* Whether nothing goes for its age now, since the clock is not believed (base/even_clock.h). At
 * first what is old goes. */
void kept_spare_old(struct kept *k, bool spare);

/* -EEXIST: the report is there already (RFC 9990 §3.6). */
int kept_add_report(struct kept *k, const struct kept_report *report,
                    const struct tally_row *sources, size_t count);
int kept_add_failure(struct kept *k, const struct failure_report *report);
int kept_add_bad(struct kept *k, const struct kept_bad *bad);

/*
 * What is asked for: a page of a list. Of sources and reports by the end of what they are about, of
 * the others by when they came. Each page moves `after` on to its last row, so that all pages
 * together cost no more than one reading of the list, however long strangers have made it.
 */
struct kept_place {
    uint64_t id;
    struct slice source; /* the arena's; of sources only */
};

struct kept_question {
    usec_t since, until;     /* wall times; 0: any */
    struct slice domain;     /* empty: all */
    struct kept_place after; /* zero: from the beginning */
    size_t most;
};

/* Slices are the arena's. Sources are those of each report, to be added up (tally_add_row()). */
int kept_sources(struct kept *k, struct kept_question *q, struct arena *a, struct tally_row **ret,
                 size_t *ret_count);
int kept_reports(struct kept *k, struct kept_question *q, struct arena *a, struct kept_report **ret,
                 size_t *ret_count);
int kept_failures(struct kept *k, struct kept_question *q, struct arena *a,
                  struct failure_report **ret, size_t *ret_count);
int kept_bads(struct kept *k, struct kept_question *q, struct arena *a, struct kept_bad **ret,
              size_t *ret_count);

/* SPDX-License-Identifier: ISC */
/*
 * What is parked is small and lives long; the work before it (SQLite, a TLS handshake, a message)
 * is large and short. It leaves holes between the small things, which malloc keeps: measured, five
 * sixths of the memory of a mail process with a thousand parked readers. Giving free pages back
 * takes 10 µs when there is little to do and some milliseconds after a storm. So that is done when
 * a storm is over, once more a while later, and now and then in a long one.
 *
 * Each thread keeps its own arena, so that what SQLite leaves behind lies apart from what fibers
 * made. The thresholds are fixed, since the automatic ones map and unmap memory, or move the end of
 * an arena, for each message.
 */
#include "proc/memory.h"

#include <malloc.h>

#define KIB         1024
#define MAPPED_FROM (1024 * KIB)
#define FREE_KEPT   (128 * KIB)
#define GROWS_BY    (64 * KIB)
#define LOOK        USEC_SEC
#define BUSY        200 /* switches of fibers within it */
#define SOON        1U  /* so many looks after the last busy one */
#define AGAIN       6U  /* by then files and threads that nobody needs any more are gone, too */
#define LONG        10U /* so many busy ones on end */

void memory_tune(void) {
    (void)mallopt(M_MMAP_THRESHOLD, MAPPED_FROM);
    (void)mallopt(M_TRIM_THRESHOLD, FREE_KEPT);
    (void)mallopt(M_TOP_PAD, GROWS_BY);
}

void memory_one_arena(void) {
    (void)mallopt(M_ARENA_MAX, 1);
}

void memory_give_back(void *nothing) {
    struct fiber_stats stats = {0};
    uint64_t before = 0;
    unsigned busy = 0, calm = AGAIN;
    (void)nothing;
    while (fiber_sleep(LOOK) == 0) {
        fiber_stats(&stats);
        bool works = stats.switches - before >= BUSY;
        before = stats.switches;
        busy = works ? busy + 1 : 0;
        calm = works ? 0 : calm + 1;
        if (calm == SOON || calm == AGAIN || (busy > 0 && busy % LONG == 0))
            (void)malloc_trim(0);
    }
}

/* SPDX-License-Identifier: ISC */
/*
 * A counter in a page of memory that several processes see: its maker counts there what changes,
 * and whoever remembers something that the maker has said looks whether it may still be so. That
 * costs neither of them a call, and what was counted is seen at once, by all.
 *
 * The page is one of a file without a name, of which others get a descriptor for reading only.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

struct change_page {
    _Atomic uint64_t *counter;
    int fd; /* for reading; the maker's to duplicate and hand out */
};

/*
 * Makes the page, by means of a file of this name that is gone when it returns. Negative errno: it
 * cannot be had, for example on a full disk. `ret` is then as change_page_done() leaves it.
 */
int change_page_make(const char *name, struct change_page *ret);

/* From now on everybody sees that something has changed; for one without a page it does nothing. */
void change_page_count(struct change_page *p);

void change_page_done(struct change_page *p);

/*
 * Opens the page of another process; the descriptor may be closed then. -EINVAL: it is no such
 * page. change_page_leave(): NULL is fine.
 */
int change_page_join(int fd, const _Atomic uint64_t **ret_counter);
void change_page_leave(const _Atomic uint64_t *counter);

/* SPDX-License-Identifier: ISC */
/*
 * Every store makes the blank database that new accounts begin with, which takes SQLite as long as
 * many of a test's other steps together. These tests open thousands of stores: the blank one is
 * made by the first and copied to the others (the linker's --wrap).
 */
#include <pthread.h>

#include "store/solo/index.h"

int __real_index_blank_make(struct buf *to);
int __wrap_index_blank_make(struct buf *to);

int __wrap_index_blank_make(struct buf *to) {
    static pthread_mutex_t making = PTHREAD_MUTEX_INITIALIZER;
    static struct buf blank;
    (void)pthread_mutex_lock(&making);
    int error = blank.len > 0 ? 0 : __real_index_blank_make(&blank);
    if (!error)
        buf_add(to, buf_slice(&blank));
    (void)pthread_mutex_unlock(&making);
    return error;
}

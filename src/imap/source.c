/* SPDX-License-Identifier: ISC */
#include "imap/source.h"

#include <stdlib.h>

#include "fiber/wait.h"

#define SORT_AT_ONCE 1000U /* more names take another thread */

static int by_name(const void *a, const void *b) {
    return slice_cmp(*(const struct slice *)a, *(const struct slice *)b);
}

struct sort {
    struct slice *names;
    size_t count;
};

static int run_sort(void *arg) {
    struct sort *s = arg;
    qsort(s->names, s->count, sizeof *s->names, by_name);
    return 0;
}

struct imap_source imap_source_sort(const struct imap_source *source, struct arena *a) {
    struct imap_source sorted = *source;
    if (source->mailbox_count == 0)
        return sorted;
    struct slice *names = arena_array(a, source->mailbox_count, sizeof *names);
    memcpy(names, source->mailboxes, source->mailbox_count * sizeof *names);
    struct sort s = {names, source->mailbox_count};
    if (s.count > SORT_AT_ONCE)
        (void)offload(OFFLOAD_DISK, run_sort, &s);
    else
        (void)run_sort(&s);
    sorted.mailboxes = names;
    return sorted;
}

static bool is_named(const struct imap_source *source, struct slice path) {
    return bsearch(&path, source->mailboxes, source->mailbox_count, sizeof path, by_name);
}

/* It, or one of those above it. */
static bool is_below_named(const struct imap_source *source, struct slice path) {
    for (size_t len = 1; len < path.len; len++)
        if (path.ptr[len] == IMAP_UNDER && is_named(source, slice_first(path, len)))
            return true;
    return is_named(source, path);
}

bool imap_source_has(const struct imap_session *s, const struct imap_source *source,
                     struct slice path) {
    ssize_t under = slice_rfind_byte(path, IMAP_UNDER);
    switch (source->kind) {
    case IMAP_SOURCE_INBOXES:
        return slice_eq(path, S("INBOX"));
    case IMAP_SOURCE_PERSONAL:
        return true;
    case IMAP_SOURCE_SUBSCRIBED:
        return imap_is_subscribed(s->account, path);
    case IMAP_SOURCE_SUBTREE:
        return is_below_named(source, path);
    case IMAP_SOURCE_SUBTREE_ONE:
        return is_named(source, path) ||
               (under >= 0 && is_named(source, slice_first(path, (size_t)under)));
    case IMAP_SOURCE_MAILBOXES:
        return is_named(source, path);
    case IMAP_SOURCE_SELECTED:
    case IMAP_SOURCE_SELECTED_DELAYED:
        break;
    }
    return false;
}

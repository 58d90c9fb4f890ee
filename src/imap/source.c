/* SPDX-License-Identifier: ISC */
#include "imap/source.h"

#include <stdlib.h>

static int by_name(const void *a, const void *b) {
    return slice_cmp(*(const struct slice *)a, *(const struct slice *)b);
}

struct imap_source imap_source_sort(const struct imap_source *source, struct arena *a) {
    struct imap_source sorted = *source;
    if (source->mailbox_count == 0)
        return sorted;
    struct slice *names = arena_array(a, source->mailbox_count, sizeof *names);
    memcpy(names, source->mailboxes, source->mailbox_count * sizeof *names);
    qsort(names, source->mailbox_count, sizeof *names, by_name);
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

static bool is_subscribed(const struct imap_session *s, struct slice path) {
    _cleanup_(buf_done) struct buf name = {0};
    buf_add(&name, path);
    for (size_t i = 0; i < name.len; i++)
        if (name.ptr[i] == IMAP_UNDER)
            name.ptr[i] = STORE_UNDER[0];
    return store_is_subscribed(s->account, buf_slice(&name));
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
        return is_subscribed(s, path);
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

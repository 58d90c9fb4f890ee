/* SPDX-License-Identifier: ISC */
/* What lies in the state directory: whether it is all there, and whose it is. */
#include <errno.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "cli/directory/directory_access.h"
#include "cli/host/check.h"
#include "store/solo/replay.h"

/* ------------------------------------------------------------------ mailboxes */

struct holder {
    uint64_t id;
    struct slice address;
};

/* The accounts that have messages, onto `holders`; texts in the arena of the call. */
static int find_holders(struct check *k, struct buf *holders) WAITS {
    struct problem problem = {0};
    struct account *list = NULL;
    uint64_t after = 0;
    size_t count = 0;
    _cleanup_(directory_access_close_p) struct directory_access *x = NULL;
    int r = directory_access_open(k->c, &x, &problem);
    do {
        if (r == 0)
            r = access_account_list(x, false, S(""), after, ACCESS_PAGE, k->c->arena, &list, &count,
                                    &problem);
        for (size_t i = 0; r == 0 && i < count; i++) {
            struct holder h = {list[i].id, list[i].address};
            if (list[i].has_usage && list[i].messages > 0)
                buf_add_bytes(holders, &h, sizeof h);
            after = list[i].id;
        }
    } while (r == 0 && count > 0);
    return r;
}

/* The folder of a mailbox was moved away, or the disk with all of them is not mounted. */
void check_mailboxes(struct check *k) {
    char path[STATE_PATH];
    _cleanup_(buf_done) struct buf holders = {0};
    struct holder first = {0};
    struct stat st;
    uint64_t gone = 0;
    (void)state_path(path, k->c->directory, "accounts");
    if (find_holders(k, &holders) < 0)
        return; /* check_directory() has said why */
    const struct holder *list = (const void *)holders.ptr;
    for (size_t i = 0; i < holders.len / sizeof *list; i++) {
        _cleanup_(free_p) char *folder = replay_account_dir(path, list[i].id);
        if (stat(folder, &st) == 0 || errno != ENOENT)
            continue;
        first = gone++ == 0 ? list[i] : first;
    }
    if (gone == 0)
        return;
    _cleanup_(free_p) char *folder = replay_account_dir(path, first.id);
    check_add(
        k, CHECK_ERROR,
        _("%.*s without a folder in %s, such as %.*s (%s): was it moved, or is a disk not"
          " mounted? Stop the server, and put it back before you start it again"),
        SLICE_ARG(arena_printf(
            k->c->arena, P_("%llu account with messages", "%llu accounts with messages", gone),
            (unsigned long long)gone)),
        path, SLICE_ARG(first.address), folder);
}

/* ------------------------------------------------------------------ files of others */

static void add_stray(void *arg, const struct state_stray *s) {
    struct check *k = arg;
    struct slice found = arena_printf(k->c->arena, P_("%llu file", "%llu files", s->count),
                                      (unsigned long long)s->count);
    check_add(k, CHECK_ERROR,
              _("%.*s in %s (such as %s) must belong to %s, whose processes cannot open what is"
                " somebody else's: chown -R %u:%u %s"),
              SLICE_ARG(found), s->folder, s->path, s->owner->name, (unsigned)s->owner->uid,
              (unsigned)s->owner->gid, s->folder);
}

/* While a server runs, or it would have been made anew before this. */
static void check_folders(struct check *k) {
    size_t at = 0;
    for (const char *name; (name = state_next_missing(k->c->directory, &at));)
        check_add(
            k, CHECK_ERROR,
            _("the folder %s/%s is not there: was it moved, or is a disk not mounted? Stop the"
              " server, and put it back before you start it again, or it begins with an empty"
              " one"),
            k->c->directory, name);
}

void check_owners(struct check *k) {
    check_folders(k);
    state_each_stray(k->c->directory, &k->c->users, add_stray, k);
}

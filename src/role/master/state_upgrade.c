/* SPDX-License-Identifier: ISC */
/*
 * What older versions called otherwise: the event log was ledger/ledger.db.
 *
 * A database and its write-ahead log belong together by their names, so nobody may open them in
 * between: that is what the lock is for. The database itself is moved last. As long as it is in
 * the old folder, what was broken off goes on with the files that are left there.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "role/master/state.h"

#define FOLDER (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

static const struct {
    const char *former, *name;
} files[] = {
    {"ledger.db.damaged", "events.db.damaged"},
    {"ledger.db-wal", "events.db-wal"},
    {"ledger.db-shm", "events.db-shm"},
    {"ledger.db", "events.db"},
};

/* The folder that files are moved to; one that is made now belongs to whom the old one does. */
static int open_events(int state, int former) {
    struct stat st;
    bool made = mkdirat(state, "events", 0700) == 0;
    _cleanup_(close_p) int folder = openat(state, "events", FOLDER);
    if (folder < 0 ||
        (made && (fstat(former, &st) < 0 || fchown(folder, st.st_uid, st.st_gid) < 0)))
        return -errno;
    return TAKE_FD(folder);
}

bool state_upgrade(const char *directory, struct buf *ret_notes) {
    _cleanup_(close_p) int state = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    _cleanup_(close_p) int former = state < 0 ? -1 : openat(state, "ledger", FOLDER);
    _cleanup_(close_p) int now = former < 0 ? -1 : open_events(state, former);
    if (former < 0)
        return false;
    if (now >= 0 && faccessat(former, "ledger.db", F_OK, AT_SYMLINK_NOFOLLOW) == 0 &&
        faccessat(now, "events.db", F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
        if (ret_notes)
            buf_printf(ret_notes,
                       "The folder %s/ledger has the event log of an older version, which ran"
                       " again after this one. It is left as it is, and nothing reads it.\n",
                       directory);
        return false;
    }
    int r = MIN(now, 0);
    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(files); i++) {
        /* one that is not there has been moved already, or never was */
        if (renameat(former, files[i].former, now, files[i].name) < 0 && errno != ENOENT)
            r = -errno;
    }
    if (r == 0 && (fsync(now) < 0 || fsync(former) < 0 ||
                   unlinkat(state, "ledger", AT_REMOVEDIR) < 0 || fsync(state) < 0))
        r = -errno;
    (void)unlinkat(state, "run/ledger.sock", 0);
    if (r < 0 && ret_notes)
        buf_printf(ret_notes,
                   "The event log cannot be moved from %s/ledger to %s/events: %s. What is not"
                   " there yet is missing from the log and in journeys.\n",
                   directory, directory, error_text(r));
    return true;
}

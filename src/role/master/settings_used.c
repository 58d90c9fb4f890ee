/* SPDX-License-Identifier: ISC */
/*
 * Canonical values and not the text of the file: that may have become another one since it was
 * read. A setting that a newer version does not know any more is passed over.
 */
#include "role/master/settings_used.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/write.h"
#include "conf/share.h"
#include "role/master/state.h"

struct conf *settings_used_read(const char *directory) {
    char path[STATE_PATH];
    _cleanup_(conf_problems_done) struct conf_problems problems = {0};
    _cleanup_(conf_free_p) struct conf *conf = NULL;
    (void)conf_load_most(state_path(path, directory, "run/settings"), &conf, &problems);
    return conf && conf->hostname.len > 0 ? TAKE_PTR(conf) : NULL;
}

int settings_used_write(const char *directory, const struct conf *conf) {
    char path[STATE_PATH];
    _cleanup_(buf_done) struct buf text = {0};
    _cleanup_(close_p) int folder =
        open(state_path(path, directory, "run"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return -errno;
    _cleanup_(close_p) int fd =
        openat(folder, "settings.new", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    conf_write_all(conf, &text);
    int r = write_whole(fd, buf_slice(&text));
    if (r == 0 && (fsync(fd) < 0 || renameat(folder, "settings.new", folder, "settings") < 0))
        r = -errno;
    return r;
}

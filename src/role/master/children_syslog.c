/* SPDX-License-Identifier: ISC */
/*
 * The event log's socket to the syslog daemon. The event log cannot reach /dev/log from its root,
 * and a daemon that is started again makes another socket: it is looked for every few seconds.
 * Meanwhile the event log's lines go to stderr.
 */
#include <string.h>
#include <sys/stat.h>

#include "base/journal.h"
#include "events/kinds.h"
#include "journey/syslog.h"
#include "role/master/children.h"

/* The journal takes marked lines from stderr, and a syslog daemon beside it takes them from it. */
static bool is_wanted(const struct children *c) {
    return c->conf->log.destination == CONF_LOG_TO_SYSLOG && !journal_has_stderr();
}

/* Which socket it is; all zero: there is none. */
static struct children_socket look(void) {
    struct stat st;
    if (stat(SYSLOG_PATH, &st) < 0)
        return (struct children_socket){0};
    return (struct children_socket){
        .device = st.st_dev, .number = st.st_ino, .made = st.st_ctim.tv_sec};
}

int children_open_syslog(struct child *child) {
    struct children *c = child->all;
    if (!(child->role->given & GIVEN_LOG) || !is_wanted(c))
        return -1;
    c->syslog_given = look();
    int fd = syslog_open(SYSLOG_PATH);
    if (fd >= 0)
        return fd;
    c->syslog_given = (struct children_socket){0};
    children_event(c, KIND_WARNING,
                   "log.destination is syslog, and no syslog daemon takes lines at " SYSLOG_PATH
                   " (%s): they go to standard error until one does.",
                   error_text(fd));
    return -1;
}

bool children_syslog_changed(const struct children *c) {
    struct children_socket now = look();
    const struct children_socket *given = &c->syslog_given;
    if (!is_wanted(c) ||
        (now.device == given->device && now.number == given->number && now.made == given->made))
        return false;
    _cleanup_(close_p) int fd = syslog_open(SYSLOG_PATH);
    return fd >= 0; /* it takes lines */
}

/* SPDX-License-Identifier: ISC */
/*
 * Two sets of buffers: one fills, the other one is being written, and between two writes some time
 * is left, so that under load many lines share one. A descriptor that fails loses what could not be
 * written to it; there is nobody left to tell.
 */
#include "journey/lines.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>

#include "base/alloc.h"
#include "events/kinds.h"
#include "fiber/sync.h"
#include "fiber/wait.h"
#include "journey/show.h"
#include "journey/syslog.h"

#define PAUSE (20 * USEC_MS)

struct texts {
    struct buf standard, syslog, file;
};

struct lines {
    struct lines_options options;
    struct texts filling, writing;
    uint64_t lost;
    bool working, over, stopping;
    usec_t write_at; /* not before */
    struct fiber_mutex writes;
    struct fiber_cond filled, ended;
};

struct lines *lines_new(const struct lines_options *options) {
    struct lines *l = NEW(struct lines);
    l->options = *options;
    if (l->options.memory_max == 0)
        l->options.memory_max = LINES_MEMORY_MAX;
    fiber_mutex_init(&l->writes);
    fiber_cond_init(&l->filled);
    fiber_cond_init(&l->ended);
    return l;
}

static void texts_done(struct texts *t) {
    buf_done(&t->standard);
    buf_done(&t->syslog);
    buf_done(&t->file);
}

void lines_free(struct lines *l) {
    if (!l)
        return;
    MUST(!l->working);
    texts_done(&l->filling);
    texts_done(&l->writing);
    free(l);
}

void lines_set_level(struct lines *l, enum conf_log_level level) {
    l->options.level = level;
}

/* ------------------------------------------------------------------ lines */

static unsigned severity(enum conf_log_level level) {
    static const unsigned of_level[] = {
        [CONF_LOG_ERROR] = 3, [CONF_LOG_WARNING] = 4, [CONF_LOG_INFO] = 6, [CONF_LOG_DEBUG] = 7};
    return level < ARRAY_SIZE(of_level) ? of_level[level] : 6;
}

static void add_line(struct lines *l, const struct event *event, enum conf_log_level level) {
    struct texts *t = &l->filling;
    if (l->options.file >= 0)
        show_line(&t->file, event);
    if (l->options.syslog >= 0) {
        _cleanup_(buf_done) struct buf message = {0};
        show_message(&message, event);
        syslog_add(&t->syslog, severity(level), event->wall, slice_trim(buf_slice(&message)));
    } else if (l->options.standard >= 0 && l->options.marked) {
        buf_printf(&t->standard, "<%u>", severity(level));
        show_message(&t->standard, event);
    } else if (l->options.standard >= 0) {
        show_line(&t->standard, event);
    }
}

static size_t waiting(const struct lines *l) {
    return l->filling.standard.len + l->filling.syslog.len + l->filling.file.len;
}

void lines_add(struct lines *l, const struct event *event) {
    enum conf_log_level level = kind_level(event->kind);
    bool read = l->options.standard >= 0 || l->options.syslog >= 0 || l->options.file >= 0;
    if (level > l->options.level || !read)
        return;
    if (waiting(l) >= l->options.memory_max) {
        l->lost++;
        return;
    }
    bool first = waiting(l) == 0;
    add_line(l, event, level);
    if (first)
        fiber_cond_wake_one(&l->filled);
}

/* Said where there is room again. */
static void report_lost(struct lines *l) {
    char text[80];
    if (l->lost == 0)
        return;
    int len = snprintf(text, sizeof text, "Lines were left out here (%llu): nobody took them.",
                       (unsigned long long)l->lost);
    struct event event = {.wall = fiber_wall(),
                          .role = S("events"),
                          .kind = S(KIND_LOST),
                          .text = slice_of(text, (size_t)len)};
    l->lost = 0;
    add_line(l, &event, CONF_LOG_WARNING);
}

/* ------------------------------------------------------------------ writing */

static void write_all(int fd, struct slice text) {
    while (fd >= 0 && text.len > 0) {
        ssize_t n = write(fd, text.ptr, text.len);
        if (n < 0 && errno == EAGAIN) {
            struct pollfd room = {.fd = fd, .events = POLLOUT};
            (void)poll(&room, 1, 1000);
        } else if (n < 0 && errno != EINTR) {
            return;
        }
        text = slice_from(text, (size_t)MAX(n, (ssize_t)0));
    }
}

static int write_job(void *arg) {
    struct lines *l = arg;
    write_all(l->options.standard, buf_slice(&l->writing.standard));
    syslog_send(l->options.syslog, buf_slice(&l->writing.syslog));
    write_all(l->options.file, buf_slice(&l->writing.file));
    return 0;
}

static int write_some(struct lines *l) WAITS {
    int r = fiber_mutex_lock(&l->writes);
    if (r < 0)
        return r;
    struct texts empty = l->writing;
    l->writing = l->filling;
    l->filling = empty;
    report_lost(l);
    r = offload(OFFLOAD_DISK, write_job, l);
    buf_clear(&l->writing.standard);
    buf_clear(&l->writing.syslog);
    buf_clear(&l->writing.file);
    if (l->writing.standard.size + l->writing.syslog.size + l->writing.file.size >
        LINES_MEMORY_MAX / 4) {
        texts_done(&l->writing);
        l->writing = (struct texts){0};
    }
    fiber_mutex_unlock(&l->writes);
    return r;
}

void lines_work(void *arg) {
    struct lines *l = arg;
    int r = 0;
    l->working = true;
    while (r == 0 && (!l->stopping || waiting(l) > 0)) {
        if (waiting(l) == 0) {
            r = fiber_cond_wait(&l->filled);
        } else if (!l->stopping && fiber_now() < l->write_at) {
            r = fiber_cond_wait_until(&l->filled, l->write_at);
            r = r == -ETIMEDOUT ? 0 : r;
        } else {
            r = write_some(l);
            l->write_at = fiber_now() + PAUSE;
        }
    }
    l->working = false;
    l->over = true;
    fiber_cond_wake_all(&l->ended);
}

void lines_stop(struct lines *l) {
    l->stopping = true;
    fiber_cond_wake_all(&l->filled);
    while (!l->over && fiber_cond_wait(&l->ended) == 0)
        ;
}

static int replace(struct lines *l, int *fd, int other) WAITS {
    int before = *fd;
    if (fiber_mutex_lock(&l->writes) < 0)
        return other;
    *fd = other;
    fiber_mutex_unlock(&l->writes);
    return before;
}

int lines_set_file(struct lines *l, int file) {
    return replace(l, &l->options.file, file);
}

int lines_set_syslog(struct lines *l, int socket) {
    return replace(l, &l->options.syslog, socket);
}

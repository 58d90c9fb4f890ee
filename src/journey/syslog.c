/* SPDX-License-Identifier: ISC */
/*
 * syslog(3) would open the socket by its path, again whenever the daemon was started anew; the
 * process that writes the log has a root without it. So the master connects, and connects again
 * when there is another socket (role/master/children_syslog.c).
 */
#include "journey/syslog.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/macro.h"

#define HEAD_SIZE 64U

int syslog_open(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        return -ENAMETOOLONG;
    memcpy(address.sun_path, path, strlen(path));
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    int error = errno;
    (void)close(fd);
    return -error;
}

/* RFC 3164 §4.1.1 and §4.1.2: English names of months in any locale, a blank before one digit. */
static struct slice make_head(char head[static HEAD_SIZE], unsigned severity, usec_t wall) {
    static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t seconds = (time_t)(wall / USEC_SEC);
    struct tm tm = {0};
    (void)localtime_r(&seconds, &tm);
    int n = snprintf(head, HEAD_SIZE,
                     "<%u>%s %2d %02d:%02d:%02d hayauma[%d]: ", (unsigned)LOG_MAIL | severity,
                     months[(unsigned)tm.tm_mon % 12], tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
                     (int)getpid());
    return slice_of(head, MIN((size_t)n, (size_t)HEAD_SIZE - 1));
}

void syslog_add(struct buf *to, unsigned severity, usec_t wall, struct slice message) {
    char text[HEAD_SIZE];
    struct slice head = make_head(text, severity, wall);
    do {
        size_t max = SYSLOG_DATAGRAM_MAX - head.len, len = MIN(message.len, max);
        while (len < message.len && len > max - 4 &&
               ((unsigned char)message.ptr[len] & 0xC0) == 0x80)
            len--; /* no character of UTF-8 is cut */
        buf_add(to, head);
        buf_add(to, slice_first(message, len));
        buf_add_byte(to, '\n');
        message = slice_from(message, len);
    } while (message.len > 0);
}

static bool send_one(int socket, struct slice datagram) {
    for (int tries = 0; socket >= 0 && tries < 2; tries++) {
        ssize_t n = send(socket, datagram.ptr, datagram.len, MSG_NOSIGNAL);
        if (n >= 0)
            return true;
        struct pollfd room = {.fd = socket, .events = POLLOUT};
        if (errno != EINTR && (errno != EAGAIN || poll(&room, 1, 1000) <= 0))
            return false;
    }
    return false;
}

void syslog_send(int socket, struct slice datagrams) {
    struct slice line;
    while (slice_next(&datagrams, '\n', &line)) {
        if (line.len == 0 || send_one(socket, line)) /* behind the last line end is nothing */
            continue;
        socket = -1; /* a daemon that does not take one is not asked for each of the others */
        ssize_t n = write(STDERR_FILENO, line.ptr, line.len + 1);
        (void)n;
    }
}

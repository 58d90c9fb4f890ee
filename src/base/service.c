/* SPDX-License-Identifier: ISC */
#include "base/service.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"

void service_notify(const char *state) {
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    if (!path || slice_to_str(slice_of_str(path), to.sun_path, sizeof to.sun_path) < 0)
        return;
    if (to.sun_path[0] == '@')
        to.sun_path[0] = '\0';
    _cleanup_(close_p) int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    if (fd >= 0)
        (void)sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&to, len);
}

void service_status(struct slice line) {
    _cleanup_(buf_done) struct buf state = {0};
    struct slice first = {0};
    (void)slice_next(&line, '\n', &first); /* what follows would be another message */
    buf_printf(&state, "STATUS=%.*s", SLICE_ARG(first));
    service_notify(buf_str(&state));
}

/* SPDX-License-Identifier: ISC */
#include "wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/sha.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

bool wire_adopt(struct wire *w, int fd, int seconds) {
    int one = 1;
    struct timeval patience = {.tv_sec = seconds};
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    *w = (struct wire){.fd = fd, .in = malloc(WIRE_BUFFER)};
    if (w->in)
        return true;
    (void)close(fd);
    return false;
}

bool wire_connect(struct wire *w, const char *host, uint16_t port, int seconds) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    if (inet_pton(AF_INET, host, &to.sin_addr) == 1 &&
        connect(fd, (struct sockaddr *)&to, sizeof to) == 0)
        return wire_adopt(w, fd, seconds);
    (void)close(fd);
    return false;
}

void wire_close(struct wire *w) {
    if (w->in) {
        (void)close(w->fd);
        free(w->in);
    }
    *w = (struct wire){.fd = -1};
}

bool wire_send(struct wire *w, const void *bytes, size_t len) {
    const char *at = bytes;
    while (len > 0) {
        ssize_t n = send(w->fd, at, len, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            w->late = n < 0 && errno == EAGAIN;
            return false;
        }
        at += n;
        len -= (size_t)n;
    }
    return true;
}

/* Reads more behind what is there; false when there will be none. */
static bool fill(struct wire *w) {
    if (w->begin > 0) {
        memmove(w->in, w->in + w->begin, w->end - w->begin);
        w->end -= w->begin;
        w->begin = 0;
    }
    if (w->end == WIRE_BUFFER)
        return false;
    ssize_t n;
    do
        n = recv(w->fd, w->in + w->end, WIRE_BUFFER - w->end, 0);
    while (n < 0 && errno == EINTR);
    w->late = n < 0 && errno == EAGAIN;
    if (n <= 0)
        return false;
    w->end += (size_t)n;
    return true;
}

const char *wire_line(struct wire *w, size_t *ret_len) {
    size_t seen = 0;
    for (;;) {
        const char *from = w->in + w->begin;
        const char *lf = memchr(from + seen, '\n', w->end - w->begin - seen);
        if (lf) {
            *ret_len = (size_t)(lf - from) + 1;
            w->begin += *ret_len;
            return from;
        }
        seen = w->end - w->begin;
        if (!fill(w))
            return NULL;
    }
}

int wire_reply(struct wire *w, char *text, size_t size) {
    const char *line;
    size_t len = 0;
    do
        line = wire_line(w, &len);
    while (line && len > 4 && line[3] == '-');
    if (!line || len < 5)
        return 0;
    while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r'))
        len--;
    (void)snprintf(text, size, "%.*s", (int)len, line);
    return (int)strtol(text, NULL, 10);
}

void sum_of(const void *bytes, size_t len, char text[static SUM_SIZE]) {
    unsigned char sum[SHA256_DIGEST_LENGTH];
    (void)SHA256(bytes, len, sum);
    for (size_t i = 0; i < sizeof sum; i++)
        (void)snprintf(text + 2 * i, 3, "%02x", sum[i]);
}

void note(int fd, const char *format, ...) {
    char line[2048];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(line, sizeof line - 1, format, args);
    va_end(args);
    if (len < 0)
        return;
    if ((size_t)len > sizeof line - 2)
        len = (int)sizeof line - 2;
    for (int i = 0; i < len; i++)
        if (line[i] == '\n' || line[i] == '\r')
            line[i] = ' ';
    line[len++] = '\n';
    if (write(fd, line, (size_t)len) != len) {
        perror("notes");
        _exit(3); /* without notes nothing can be proven */
    }
}

void text_add(struct text *t, const void *bytes, size_t len) {
    if (t->len + len > t->room) {
        t->room = 2 * (t->len + len);
        t->ptr = realloc(t->ptr, t->room);
        if (!t->ptr)
            abort();
    }
    memcpy(t->ptr + t->len, bytes, len);
    t->len += len;
}

uint64_t number_option(const char *name, const char *text, uint64_t max) {
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 0);
    if (errno == 0 && end != text && *end == '\0' && number <= max)
        return number;
    (void)fprintf(stderr, "%s: \"%s\" is no number up to %llu\n", name, text,
                  (unsigned long long)max);
    exit(2);
}

/* SPDX-License-Identifier: ISC */
#include "client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define SILENCE_LIMIT 60 /* seconds */

double seconds(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ------------------------------------------------------------------ connecting */

static SSL_CTX *tls_settings;

static void make_tls_settings(void) {
    tls_settings = SSL_CTX_new(TLS_client_method());
    if (tls_settings)
        (void)SSL_CTX_set_mode(tls_settings, SSL_MODE_RELEASE_BUFFERS);
}

static bool start_tls(struct client *c) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, make_tls_settings);
    c->tls = tls_settings ? SSL_new(tls_settings) : NULL;
    return c->tls && SSL_set_fd(c->tls, c->fd) == 1 && SSL_connect(c->tls) == 1;
}

static int open_socket(const struct endpoint *to, unsigned source) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(to->port)};
    struct sockaddr_in from = {.sin_family = AF_INET};
    const struct timeval limit = {.tv_sec = SILENCE_LIMIT};
    int one = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    from.sin_addr.s_addr = htonl(to->from + source);
    if (inet_pton(AF_INET, to->host, &at.sin_addr) == 1 &&
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) == 0 &&
        setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one) == 0 &&
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0 &&
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) == 0 &&
        bind(fd, (struct sockaddr *)&from, sizeof from) == 0 &&
        connect(fd, (struct sockaddr *)&at, sizeof at) == 0)
        return fd;
    (void)close(fd);
    return -1;
}

bool client_open(struct client *c, const struct endpoint *to, unsigned source) {
    *c = (struct client){.fd = open_socket(to, source)};
    if (c->fd < 0)
        return false;
    c->in = malloc(CLIENT_BUFFER + 1);
    if (c->in && (!to->tls || start_tls(c)))
        return true;
    client_close(c);
    return false;
}

void client_close(struct client *c) {
    SSL_free(c->tls);
    free(c->in);
    if (c->fd >= 0)
        (void)close(c->fd);
    *c = (struct client){.fd = -1};
}

/* ------------------------------------------------------------------ talking */

static ssize_t write_some(struct client *c, const char *at, size_t len) {
    return c->tls ? SSL_write(c->tls, at, (int)len) : send(c->fd, at, len, MSG_NOSIGNAL);
}

bool client_send(struct client *c, const void *bytes, size_t len) {
    const char *at = bytes;
    while (len > 0) {
        ssize_t n = write_some(c, at, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        at += n;
        len -= (size_t)n;
    }
    return true;
}

bool client_printf(struct client *c, const char *format, ...) {
    char text[1024];
    va_list list;
    va_start(list, format);
    int len = vsnprintf(text, sizeof text, format, list);
    va_end(list);
    return len >= 0 && (size_t)len < sizeof text && client_send(c, text, (size_t)len);
}

/* More bytes behind those that are there. False: the buffer is full, or the connection ended. */
static bool read_more(struct client *c) {
    if (c->begin > 0) {
        memmove(c->in, c->in + c->begin, c->end - c->begin);
        c->end -= c->begin;
        c->begin = 0;
    }
    size_t room = CLIENT_BUFFER - c->end;
    if (room == 0)
        return false;
    ssize_t n;
    do
        n = c->tls ? SSL_read(c->tls, c->in + c->end, (int)room)
                   : recv(c->fd, c->in + c->end, room, 0);
    while (n < 0 && errno == EINTR);
    if (n <= 0)
        return false;
    c->end += (size_t)n;
    return true;
}

const char *client_line(struct client *c) {
    size_t searched = 0;
    for (;;) {
        char *line = c->in + c->begin;
        char *end = memchr(line + searched, '\n', c->end - c->begin - searched);
        if (end) {
            c->begin = (size_t)(end + 1 - c->in);
            if (end > line && end[-1] == '\r')
                end--;
            *end = '\0';
            return line;
        }
        searched = c->end - c->begin;
        if (!read_more(c))
            return NULL;
    }
}

/* The dot's line begins a line: the status line before it has been read, so this is one. */
bool client_to_dot(struct client *c, uint64_t *bytes) {
    static const char end_mark[] = "\r\n.\r\n";
    const size_t mark = sizeof end_mark - 1;
    bool first = true;
    for (;;) {
        char *at = c->in + c->begin;
        size_t len = c->end - c->begin;
        if (first && len >= 3 && memcmp(at, ".\r\n", 3) == 0) {
            c->begin += 3;
            *bytes += 3;
            return true;
        }
        char *end = len >= mark ? memmem(at, len, end_mark, mark) : NULL;
        size_t used = end ? (size_t)(end - at) + mark : len >= mark ? len - (mark - 1) : 0;
        first = first && used == 0;
        c->begin += used;
        *bytes += used;
        if (end)
            return true;
        if (!read_more(c))
            return false;
    }
}

static void count_blanks(struct client_blanks *b, const char *at, size_t len) {
    for (size_t i = 0; i < len; i++) {
        if (b->column == 2)
            b->passes_over = at[i] == 'O';
        b->count += at[i] == ' ' && !b->passes_over;
        b->column = at[i] == '\n' ? 0 : b->column + 1;
    }
}

const char *client_to_tagged(struct client *c, const char *tag, uint64_t *bytes,
                             struct client_blanks *blanks) {
    char mark[32];
    int n = snprintf(mark, sizeof mark, "\n%s ", tag);
    if (n < 0 || (size_t)n >= sizeof mark)
        return NULL;
    size_t size = (size_t)n;
    for (bool first = true;;) {
        char *at = c->in + c->begin;
        size_t len = c->end - c->begin;
        if (first && len >= size - 1 && memcmp(at, mark + 1, size - 1) == 0)
            return client_line(c);
        char *end = len >= size ? memmem(at, len, mark, size) : NULL;
        size_t used = end ? (size_t)(end + 1 - at) : len >= size ? len - (size - 1) : 0;
        first = first && used == 0;
        c->begin += used;
        *bytes += used;
        if (blanks)
            count_blanks(blanks, at, used);
        if (end)
            return client_line(c);
        if (!read_more(c))
            return NULL;
    }
}

/* ------------------------------------------------------------------ figures, words */

static int compare(const void *a, const void *b) {
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

double part_below(double *values, size_t count, double part) {
    if (count == 0)
        return 0;
    qsort(values, count, sizeof *values, compare);
    size_t at = (size_t)((double)count * part);
    return values[at < count ? at : count - 1];
}

bool fill_template(char *to, size_t size, const char *template, unsigned number) {
    const char *at = strchr(template, '%');
    int width = 0;
    int used = 0;
    if (at && sscanf(at, "%%0%1dd%n", &width, &used) < 1 &&
        (sscanf(at, "%%d%n", &used) < 0 || used == 0))
        return false;
    int n = at ? snprintf(to, size, "%.*s%0*u%s", (int)(at - template), template, width, number,
                          at + used)
               : snprintf(to, size, "%s", template);
    return n > 0 && (size_t)n < size;
}

unsigned number_option(const char *name, const char *text, unsigned min, unsigned max) {
    char *end = NULL;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (errno == 0 && end != text && *end == '\0' && value >= min && value <= max)
        return (unsigned)value;
    (void)fprintf(stderr, "%s: expected a number from %u to %u, found \"%s\"\n", name, min, max,
                  text);
    exit(2);
}

struct endpoint endpoint_option(const char *host, const char *port) {
    struct in_addr address;
    if (inet_pton(AF_INET, host, &address) != 1 || ntohl(address.s_addr) >> 24 != 127) {
        (void)fprintf(stderr, "host: expected a loopback address, 127.x.y.z, found \"%s\"\n", host);
        exit(2);
    }
    return (struct endpoint){.host = host,
                             .port = (uint16_t)number_option("port", port, 1, 65535),
                             .from = INADDR_LOOPBACK};
}

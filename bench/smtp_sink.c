/* SPDX-License-Identifier: ISC */
/*
 * An SMTP server that takes messages, of one field at least, and throws them away: the other end of
 * a relay. It answers what it is asked, offers PIPELINING, 8BITMIME and SIZE, and ends when it has
 * taken the number of messages that it was started for, saying when the last one came
 * (CLOCK_MONOTONIC, so that the time of another program on the machine can be compared), and how
 * many had a DKIM signature on top.
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client.h"

struct sink {
    unsigned wanted;
    atomic_uint taken, has_signature, connections;
};

struct guest {
    struct sink *sink;
    int fd;
};

static void finish(const struct sink *sink) {
    printf("messages %u\nlast_at %.6f\nconnections %u\nsigned %u\n", sink->wanted, seconds(),
           atomic_load(&sink->connections), atomic_load(&sink->has_signature));
    (void)fflush(stdout);
    _exit(0);
}

static bool take_message(struct sink *sink, struct client *c) {
    static const char signature[] = "DKIM-Signature:";
    uint64_t bytes = 0;
    const char *first = client_send(c, "354 go on\r\n", 11) ? client_line(c) : NULL;
    bool has_signature = first && strncasecmp(first, signature, sizeof signature - 1) == 0;
    if (!first || !client_to_dot(c, &bytes) || !client_send(c, "250 2.0.0 taken\r\n", 17))
        return false;
    atomic_fetch_add(&sink->has_signature, has_signature);
    if (atomic_fetch_add(&sink->taken, 1) + 1 == sink->wanted)
        finish(sink);
    return true;
}

static bool answer(struct sink *sink, struct client *c, const char *line) {
    static const char hello[] =
        "250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SIZE 52428800\r\n"
        "250 ENHANCEDSTATUSCODES\r\n";
    if (strncasecmp(line, "EHLO", 4) == 0)
        return client_send(c, hello, sizeof hello - 1);
    if (strncasecmp(line, "DATA", 4) == 0)
        return take_message(sink, c);
    if (strncasecmp(line, "QUIT", 4) == 0) {
        (void)client_send(c, "221 2.0.0 bye\r\n", 15);
        return false;
    }
    return client_send(c, "250 2.0.0 ok\r\n", 14);
}

static void *serve(void *data) {
    struct guest *guest = data;
    struct client c = {.fd = guest->fd, .in = malloc(CLIENT_BUFFER + 1)};
    const char *line = "";
    if (c.in && client_send(&c, "220 sink ESMTP\r\n", 16))
        while (line && (line = client_line(&c)) && answer(guest->sink, &c, line))
            ;
    client_close(&c);
    free(guest);
    return NULL;
}

static int listen_at(const struct endpoint *at) {
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(at->port)};
    int one = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && inet_pton(AF_INET, at->host, &here.sin_addr) == 1 &&
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0 &&
        bind(fd, (struct sockaddr *)&here, sizeof here) == 0 && listen(fd, 1000) == 0)
        return fd;
    perror("smtp_sink");
    exit(3);
}

int main(int argc, char **argv) {
    if (argc != 4) {
        (void)fputs("usage: smtp_sink HOST PORT MESSAGES\n", stderr);
        return 2;
    }
    struct endpoint at = endpoint_option(argv[1], argv[2]);
    struct sink sink = {.wanted = number_option("MESSAGES", argv[3], 1, 10000000)};
    int listener = listen_at(&at);
    printf("ready\n");
    (void)fflush(stdout);
    for (;;) {
        int one = 1;
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        struct guest *guest = fd >= 0 ? malloc(sizeof *guest) : NULL;
        pthread_t thread;
        if (!guest)
            continue;
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        *guest = (struct guest){&sink, fd};
        atomic_fetch_add(&sink.connections, 1);
        if (pthread_create(&thread, NULL, serve, guest) != 0)
            return 3;
        (void)pthread_detach(thread);
    }
}

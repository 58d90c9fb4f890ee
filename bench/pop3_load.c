/* SPDX-License-Identifier: ISC */
/*
 * Asks a POP3 server for what mail programs ask for.
 *
 *     login   many short sessions: connect, USER, PASS, STAT, QUIT
 *     fetch   one session that reads a whole mailbox: STAT, UIDL, then RETR of each message
 *     park    many sessions that log in and then stay silent until standard input ends; then a
 *             sample of them is asked whether they are still there
 *
 * Prints "name value" lines; exit code 1 when anything was not as it should be. Connections come
 * from many loopback addresses.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "client.h"

static const char usage[] =
    "usage: pop3_load login|fetch|park [options] HOST PORT\n"
    "  -s N     sessions at a time: login, and opening in park (20)\n"
    "  -m N     sessions in all: login, park (1000)\n"
    "  -t TEXT  name to log in with: %d or %03d stands for a number (user%03d@bench.test)\n"
    "  -u N     so many users, from 0; not fewer than sessions at a time (100)\n"
    "  -w TEXT  password (secret)\n"
    "  -d N     depth of pipelining: RETR commands sent ahead in fetch (1: none)\n"
    "  -T       TLS from the first byte\n";

struct load {
    struct endpoint to;
    unsigned sessions, count, users, depth;
    const char *template, *password;
    atomic_uint next, done, complaints, threads;
    double *took;
    struct client *parked; /* NULL unless they are to stay */
};

static bool complain(struct load *load, const char *where, const char *line) {
    if (atomic_fetch_add(&load->complaints, 1) < 5)
        (void)fprintf(stderr, "pop3_load: %s: %s\n", where, line ? line : "connection lost");
    return false;
}

/* ------------------------------------------------------------------ steps */

/* The line of a positive answer, or NULL. */
static const char *answer(struct load *load, struct client *c, const char *where) {
    const char *line = client_line(c);
    if (line && strncmp(line, "+OK", 3) == 0)
        return line;
    complain(load, where, line);
    return NULL;
}

static bool log_in(struct load *load, struct client *c, unsigned number) {
    char name[256];
    if (!fill_template(name, sizeof name, load->template, number % load->users))
        return complain(load, "-t", load->template);
    if (!client_open(c, &load->to, number % 250))
        return complain(load, "connect", NULL);
    return answer(load, c, "greeting") && client_printf(c, "USER %s\r\n", name) &&
           answer(load, c, "USER") && client_printf(c, "PASS %s\r\n", load->password) &&
           answer(load, c, "PASS");
}

/* Messages in the mailbox, or -1. */
static long stat_mailbox(struct load *load, struct client *c) {
    const char *line = client_printf(c, "STAT\r\n") ? answer(load, c, "STAT") : NULL;
    return line && strlen(line) > 4 ? strtol(line + 4, NULL, 10) : -1;
}

static bool quit(struct load *load, struct client *c) {
    return client_printf(c, "QUIT\r\n") && answer(load, c, "QUIT");
}

/* ------------------------------------------------------------------ login, park */

static void one_session(struct load *load, unsigned number, unsigned user) {
    struct client c = {.fd = -1};
    double began = seconds();
    bool good = log_in(load, &c, user) && stat_mailbox(load, &c) >= 0;
    if (good)
        load->took[atomic_fetch_add(&load->done, 1)] = seconds() - began;
    if (load->parked && good) {
        load->parked[number] = c;
        return;
    }
    if (good)
        (void)quit(load, &c);
    if (c.fd >= 0)
        client_close(&c);
}

/*
 * A mailbox takes one session at a time: sessions that stay are each of another user, and of those
 * that come and go each thread has users of its own.
 */
static void *run_sessions(void *data) {
    struct load *load = data;
    unsigned mine = atomic_fetch_add(&load->threads, 1);
    unsigned turns = load->users / load->sessions;
    unsigned number;
    for (unsigned turn = 0; (number = atomic_fetch_add(&load->next, 1)) < load->count &&
                            atomic_load(&load->complaints) < 100;
         turn++)
        one_session(load, number, load->parked ? number : mine + load->sessions * (turn % turns));
    return NULL;
}

static void run_threads(struct load *load) {
    pthread_t threads[1000];
    double began = seconds();
    for (unsigned i = 0; i < load->sessions; i++)
        if (pthread_create(&threads[i], NULL, run_sessions, load) != 0)
            exit(3);
    for (unsigned i = 0; i < load->sessions; i++)
        (void)pthread_join(threads[i], NULL);
    double spent = seconds() - began;
    unsigned done = atomic_load(&load->done);
    printf("sessions %u\nfailed %u\nseconds %.4f\nper_second %.1f\n", done, load->count - done,
           spent, done / spent);
    printf("p50_ms %.3f\np95_ms %.3f\n", part_below(load->took, done, 0.5) * 1e3,
           part_below(load->took, done, 0.95) * 1e3);
    (void)fflush(stdout);
}

static bool run_login(struct load *load) {
    run_threads(load);
    return atomic_load(&load->done) == load->count;
}

static bool run_park(struct load *load) {
    struct rlimit files = {load->count + 100, load->count + 100};
    (void)setrlimit(RLIMIT_NOFILE, &files);
    load->parked = calloc(load->count, sizeof *load->parked);
    if (!load->parked)
        return false;
    for (unsigned i = 0; i < load->count; i++)
        load->parked[i].fd = -1;
    run_threads(load);
    printf("parked\n");
    (void)fflush(stdout);
    while (getchar() != EOF)
        ;
    unsigned asked = 0;
    unsigned alive = 0;
    for (unsigned i = 0; i < load->count; i += 1 + load->count / 100) {
        struct client *c = &load->parked[i];
        asked++;
        alive += c->fd >= 0 && client_printf(c, "NOOP\r\n") && answer(load, c, "NOOP");
    }
    printf("asked %u\nalive %u\n", asked, alive);
    for (unsigned i = 0; i < load->count; i++)
        if (load->parked[i].fd >= 0)
            client_close(&load->parked[i]);
    free(load->parked);
    return atomic_load(&load->done) == load->count && alive == asked;
}

/* ------------------------------------------------------------------ fetch */

/* Asks for messages a .. b in one packet. */
static bool ask_for(struct client *c, long a, long b) {
    char packet[8192];
    size_t len = 0;
    for (; a <= b; a++)
        len += (size_t)snprintf(packet + len, sizeof packet - len, "RETR %ld\r\n", a);
    return client_send(c, packet, len);
}

static bool read_all(struct load *load, struct client *c, long messages, uint64_t *bytes) {
    long depth = (long)load->depth;
    for (long i = 1; i <= messages; i += depth) {
        long last = i + depth - 1 < messages ? i + depth - 1 : messages;
        if (!ask_for(c, i, last))
            return complain(load, "RETR", NULL);
        for (long k = i; k <= last; k++)
            if (!answer(load, c, "RETR") || !client_to_dot(c, bytes))
                return complain(load, "RETR", NULL);
    }
    return true;
}

static bool run_fetch(struct load *load) {
    struct client c = {.fd = -1};
    uint64_t listed = 0;
    uint64_t bytes = 0;
    double began = seconds();
    long messages = log_in(load, &c, 0) ? stat_mailbox(load, &c) : -1;
    double ready = seconds();
    bool good = messages >= 0 && client_printf(&c, "UIDL\r\n") && answer(load, &c, "UIDL") &&
                client_to_dot(&c, &listed);
    double uids = seconds();
    good = good && read_all(load, &c, messages, &bytes);
    double done = seconds();
    good = good && quit(load, &c);
    printf("messages %ld\nready_ms %.3f\nuidl_ms %.3f\nseconds %.4f\nper_second %.1f\nmb_s %.2f\n",
           messages, (ready - began) * 1e3, (uids - ready) * 1e3, done - uids,
           (double)messages / (done - uids), (double)bytes / 1e6 / (done - uids));
    if (c.fd >= 0)
        client_close(&c);
    return good;
}

/* ------------------------------------------------------------------ options */

static const struct {
    const char *name;
    bool (*run)(struct load *load);
} modes[] = {{"login", run_login}, {"fetch", run_fetch}, {"park", run_park}};

static bool read_options(struct load *load, int argc, char **argv) {
    bool tls = false;
    int option;
    while ((option = getopt(argc, argv, "s:m:t:u:w:d:T")) != -1) {
        switch (option) {
        case 's':
            load->sessions = number_option("-s", optarg, 1, 1000);
            break;
        case 'm':
            load->count = number_option("-m", optarg, 1, 1000000);
            break;
        case 't':
            load->template = optarg;
            break;
        case 'u':
            load->users = number_option("-u", optarg, 1, 1000000);
            break;
        case 'w':
            load->password = optarg;
            break;
        case 'd':
            load->depth = number_option("-d", optarg, 1, 200);
            break;
        case 'T':
            tls = true;
            break;
        default:
            return false;
        }
    }
    if (argc - optind != 2)
        return false;
    load->to = endpoint_option(argv[optind], argv[optind + 1]);
    load->to.tls = tls;
    return load->users >= load->sessions;
}

int main(int argc, char **argv) {
    struct load load = {.sessions = 20,
                        .count = 1000,
                        .users = 100,
                        .depth = 1,
                        .template = "user%03d@bench.test",
                        .password = "secret"};
    for (size_t i = 0; argc > 1 && i < sizeof modes / sizeof *modes; i++) {
        if (strcmp(argv[1], modes[i].name) != 0 || !read_options(&load, argc - 1, argv + 1))
            continue;
        load.took = calloc(load.count, sizeof *load.took);
        bool good = load.took && modes[i].run(&load);
        free(load.took);
        return good ? 0 : 1;
    }
    (void)fputs(usage, stderr);
    return 2;
}

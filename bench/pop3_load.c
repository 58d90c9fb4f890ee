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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sessions.h"

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
    struct sessions all;
    unsigned depth;
    atomic_uint threads;
};

/* ------------------------------------------------------------------ steps */

/* The line of a positive answer, or NULL. */
static const char *answer(struct load *load, struct client *c, const char *where) {
    const char *line = client_line(c);
    if (line && strncmp(line, "+OK", 3) == 0)
        return line;
    (void)sessions_complain(&load->all, where, line);
    return NULL;
}

static bool log_in(struct load *load, struct client *c, unsigned user) {
    char name[256];
    if (!sessions_connect(&load->all, c, user, name))
        return false;
    return answer(load, c, "greeting") && client_printf(c, "USER %s\r\n", name) &&
           answer(load, c, "USER") && client_printf(c, "PASS %s\r\n", load->all.password) &&
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
        sessions_note(&load->all, began);
    if (load->all.parked && good) {
        load->all.parked[number] = c;
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
    struct sessions *all = &load->all;
    unsigned mine = atomic_fetch_add(&load->threads, 1);
    unsigned turns = all->users / all->at_a_time;
    unsigned number;
    for (unsigned turn = 0; sessions_next(all, &number); turn++)
        one_session(load, number, all->parked ? number : mine + all->at_a_time * (turn % turns));
    return NULL;
}

static bool run_login(void *data) {
    struct load *load = data;
    return sessions_run(&load->all, run_sessions, load);
}

static bool is_there(void *load, struct client *c) {
    return client_printf(c, "NOOP\r\n") && answer(load, c, "NOOP");
}

static bool run_park(void *data) {
    struct load *load = data;
    return sessions_park(&load->all, run_sessions, is_there, load);
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
            return sessions_complain(&load->all, "RETR", NULL);
        for (long k = i; k <= last; k++)
            if (!answer(load, c, "RETR") || !client_to_dot(c, bytes))
                return sessions_complain(&load->all, "RETR", NULL);
    }
    return true;
}

static bool run_fetch(void *data) {
    struct load *load = data;
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

static const struct sessions_mode modes[] = {
    {"login", run_login}, {"fetch", run_fetch}, {"park", run_park}, {0}};

static bool read_options(void *data, int argc, char **argv) {
    struct load *load = data;
    int option;
    while ((option = getopt(argc, argv, "s:m:t:u:w:d:T")) != -1) {
        if (option == 'd')
            load->depth = number_option("-d", optarg, 1, 200);
        else if (!sessions_option(&load->all, option, optarg))
            return false;
    }
    if (argc - optind != 2)
        return false;
    sessions_endpoint(&load->all, argv[optind], argv[optind + 1]);
    return load->all.users >= load->all.at_a_time;
}

int main(int argc, char **argv) {
    struct load load = {.all = sessions_of("pop3_load"), .depth = 1};
    return sessions_main(&load.all, modes, read_options, &load, argc, argv, usage);
}

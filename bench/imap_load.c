/* SPDX-License-Identifier: ISC */
/*
 * Asks an IMAP server for what mail programs ask for.
 *
 *     fill    messages (letters.h) go into a mailbox by APPEND
 *     visit   many short sessions: LOGIN, SELECT, FETCH of one message, LOGOUT
 *     ask     one session: connect, LOGIN and SELECT, then the commands that are given; the time of
 * each park    many sessions that SELECT and stay in IDLE until standard input ends; then a sample
 *             of them is asked whether they are still there
 *
 * Prints "name value" lines; exit code 1 when anything was not as it should be. Connections come
 * from many loopback addresses.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "letters.h"
#include "sessions.h"

static const char usage[] =
    "usage: imap_load fill|visit|park [options] HOST PORT\n"
    "       imap_load ask [options] HOST PORT NAME=COMMAND...\n"
    "  -s N     sessions at a time: fill, visit, and opening in park (20)\n"
    "  -m N     messages: fill; sessions in all: visit, park (1000)\n"
    "  -n N     messages in one APPEND (1)\n"
    "  -o N     number of the first message in fill (0)\n"
    "  -t TEXT  name to log in with: %d or %03d stands for a number (user%03d@bench.test)\n"
    "  -u N     so many users, from 0 (100)\n"
    "  -w TEXT  password (secret)\n"
    "  -b NAME  mailbox (INBOX)\n"
    "  -T       TLS from the first byte\n";

#define TOGETHER_MAX 100U

struct load {
    struct sessions all;
    unsigned together, first;
    const char *mailbox;
    char **commands; /* ask: NAME=COMMAND */
};

/* ------------------------------------------------------------------ steps */

struct answer {
    uint64_t bytes;
    struct client_blanks *blanks; /* or NULL */
};

/* Reads to the end of the answer to the command `tag`. */
static bool answered(struct load *load, struct client *c, const char *tag, struct answer *a) {
    struct answer unused = {0};
    a = a ? a : &unused;
    const char *line = client_to_tagged(c, tag, &a->bytes, a->blanks);
    if (line && strncmp(line + strlen(tag), " OK", 3) == 0)
        return true;
    return sessions_complain(&load->all, tag, line);
}

static bool log_in(struct load *load, struct client *c, unsigned user) {
    char name[256];
    if (!sessions_connect(&load->all, c, user, name))
        return false;
    const char *line = client_line(c);
    if (!line || strncmp(line, "* OK", 4) != 0)
        return sessions_complain(&load->all, "greeting", line);
    return client_printf(c, "login LOGIN %s %s\r\n", name, load->all.password) &&
           answered(load, c, "login", NULL);
}

static bool select_mailbox(struct load *load, struct client *c) {
    return client_printf(c, "select SELECT %s\r\n", load->mailbox) &&
           answered(load, c, "select", NULL);
}

static bool log_out(struct load *load, struct client *c) {
    return client_printf(c, "logout LOGOUT\r\n") && answered(load, c, "logout", NULL);
}

/* ------------------------------------------------------------------ fill */

/* One APPEND with messages `number` .. `number` + `count` - 1. */
static bool append(struct load *load, struct client *c, char *packet, unsigned number,
                   unsigned count) {
    char letter[LETTER_MAX];
    size_t len = (size_t)sprintf(packet, "append APPEND %s", load->mailbox);
    for (unsigned i = 0; i < count; i++) {
        size_t size = letter_write(letter, number + i);
        len += (size_t)sprintf(packet + len, " {%zu+}\r\n", size);
        memcpy(packet + len, letter, size);
        len += size;
    }
    len += (size_t)sprintf(packet + len, "\r\n");
    return client_send(c, packet, len) && answered(load, c, "append", NULL);
}

static void *fill_thread(void *data) {
    struct load *load = data;
    struct client c = {.fd = -1};
    char *packet = malloc((size_t)load->together * (LETTER_MAX + 16) + 512);
    bool good = packet && log_in(load, &c, 0);
    while (good) {
        unsigned number = atomic_fetch_add(&load->all.next, load->together);
        if (number >= load->all.count)
            break;
        unsigned left = load->all.count - number;
        unsigned count = left < load->together ? left : load->together;
        double began = seconds();
        good = append(load, &c, packet, load->first + number, count);
        for (unsigned i = 0; good && i < count; i++)
            sessions_note(&load->all, began);
    }
    if (good)
        (void)log_out(load, &c);
    if (c.fd >= 0)
        client_close(&c);
    free(packet);
    return NULL;
}

static bool run_fill(void *data) {
    struct load *load = data;
    return sessions_run(&load->all, fill_thread, load);
}

/* ------------------------------------------------------------------ visit, park */

static bool visit(struct load *load, struct client *c, unsigned number) {
    double began = seconds();
    bool good = log_in(load, c, number) && select_mailbox(load, c);
    if (good && load->all.parked) {
        const char *line = client_printf(c, "idle IDLE\r\n") ? client_line(c) : NULL;
        good = line && line[0] == '+' ? true : sessions_complain(&load->all, "IDLE", line);
    } else if (good) {
        good = client_printf(c, "fetch FETCH 1 BODY.PEEK[]\r\n") &&
               answered(load, c, "fetch", NULL) && log_out(load, c);
    }
    if (good)
        sessions_note(&load->all, began);
    return good;
}

static void *visit_thread(void *data) {
    struct load *load = data;
    unsigned number;
    while (sessions_next(&load->all, &number)) {
        struct client c = {.fd = -1};
        bool good = visit(load, &c, number);
        if (good && load->all.parked)
            load->all.parked[number] = c;
        else if (c.fd >= 0)
            client_close(&c);
    }
    return NULL;
}

static bool run_visit(void *data) {
    struct load *load = data;
    return sessions_run(&load->all, visit_thread, load);
}

static bool is_there(void *load, struct client *c) {
    return client_printf(c, "DONE\r\n") && answered(load, c, "idle", NULL);
}

static bool run_park(void *data) {
    struct load *load = data;
    return sessions_park(&load->all, visit_thread, is_there, load);
}

/* ------------------------------------------------------------------ ask */

/* NAME=COMMAND: what it took, what came, and how many numbers SEARCH and SORT answered with. */
static bool ask_one(struct load *load, struct client *c, const char *word) {
    const char *command = strchr(word, '=');
    if (!command)
        return sessions_complain(&load->all, "expected NAME=COMMAND", word);
    int name = (int)(command++ - word);
    struct client_blanks blanks = {0};
    struct answer a = {.blanks = strncmp(command, "FETCH", 5) != 0 ? &blanks : NULL};
    double began = seconds();
    if (!client_send(c, "ask ", 4) || !client_send(c, command, strlen(command)) ||
        !client_send(c, "\r\n", 2) || !answered(load, c, "ask", &a))
        return sessions_complain(&load->all, "ask", command);
    double took = seconds() - began;
    printf("%.*s_ms %.3f\n%.*s_mb_s %.2f\n", name, word, took * 1e3, name, word,
           (double)a.bytes / 1e6 / took);
    printf("%.*s_bytes %llu\n", name, word, (unsigned long long)a.bytes);
    if (a.blanks) /* "* SEARCH 3 5" */
        printf("%.*s_numbers %lld\n", name, word, (long long)blanks.count - 1);
    return true;
}

static bool run_ask(void *data) {
    struct load *load = data;
    struct client c = {.fd = -1};
    double began = seconds();
    bool good = log_in(load, &c, 0) && select_mailbox(load, &c);
    printf("select_ms %.3f\n", (seconds() - began) * 1e3);
    for (char **word = load->commands; good && *word; word++)
        good = ask_one(load, &c, *word);
    good = good && log_out(load, &c);
    if (c.fd >= 0)
        client_close(&c);
    return good;
}

/* ------------------------------------------------------------------ options */

static const struct sessions_mode modes[] = {
    {"fill", run_fill}, {"visit", run_visit}, {"ask", run_ask}, {"park", run_park}, {0}};

static bool take_option(struct load *load, int option) {
    switch (option) {
    case 'n':
        load->together = number_option("-n", optarg, 1, TOGETHER_MAX);
        return true;
    case 'o':
        load->first = number_option("-o", optarg, 0, 1000000000);
        return true;
    case 'b':
        load->mailbox = optarg;
        return true;
    default:
        return sessions_option(&load->all, option, optarg);
    }
}

static bool read_options(void *data, int argc, char **argv) {
    struct load *load = data;
    int option;
    while ((option = getopt(argc, argv, "s:m:n:o:t:u:w:b:T")) != -1)
        if (!take_option(load, option))
            return false;
    if (argc - optind < 2)
        return false;
    load->commands = argv + optind + 2;
    sessions_endpoint(&load->all, argv[optind], argv[optind + 1]);
    return true;
}

int main(int argc, char **argv) {
    struct load load = {.all = sessions_of("imap_load"), .together = 1, .mailbox = "INBOX"};
    return sessions_main(&load.all, modes, read_options, &load, argc, argv, usage);
}

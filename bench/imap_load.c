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
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "client.h"
#include "letters.h"

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
    struct endpoint to;
    unsigned sessions, count, users, together, first;
    const char *template, *password, *mailbox;
    char **commands; /* ask: NAME=COMMAND */
    atomic_uint next, done, complaints;
    double *took;
    struct client *parked; /* NULL unless they are to stay */
};

static bool complain(struct load *load, const char *where, const char *line) {
    if (atomic_fetch_add(&load->complaints, 1) < 5)
        (void)fprintf(stderr, "imap_load: %s: %s\n", where, line ? line : "connection lost");
    return false;
}

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
    return complain(load, tag, line);
}

static bool log_in(struct load *load, struct client *c, unsigned number) {
    char name[256];
    if (!fill_template(name, sizeof name, load->template, number % load->users))
        return complain(load, "-t", load->template);
    if (!client_open(c, &load->to, number % 250))
        return complain(load, "connect", NULL);
    const char *line = client_line(c);
    if (!line || strncmp(line, "* OK", 4) != 0)
        return complain(load, "greeting", line);
    return client_printf(c, "login LOGIN %s %s\r\n", name, load->password) &&
           answered(load, c, "login", NULL);
}

static bool select_mailbox(struct load *load, struct client *c) {
    return client_printf(c, "select SELECT %s\r\n", load->mailbox) &&
           answered(load, c, "select", NULL);
}

static bool log_out(struct load *load, struct client *c) {
    return client_printf(c, "logout LOGOUT\r\n") && answered(load, c, "logout", NULL);
}

/* ------------------------------------------------------------------ threads */

static void print_rate(struct load *load, double spent) {
    unsigned done = atomic_load(&load->done);
    printf("done %u\nfailed %u\nseconds %.4f\nper_second %.1f\n", done, load->count - done, spent,
           done / spent);
    printf("p50_ms %.3f\np95_ms %.3f\n", part_below(load->took, done, 0.5) * 1e3,
           part_below(load->took, done, 0.95) * 1e3);
    (void)fflush(stdout);
}

static bool run_threads(struct load *load, void *(*work)(void *load)) {
    pthread_t threads[1000];
    double began = seconds();
    for (unsigned i = 0; i < load->sessions; i++)
        if (pthread_create(&threads[i], NULL, work, load) != 0)
            exit(3);
    for (unsigned i = 0; i < load->sessions; i++)
        (void)pthread_join(threads[i], NULL);
    print_rate(load, seconds() - began);
    return atomic_load(&load->done) == load->count;
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
        unsigned number = atomic_fetch_add(&load->next, load->together);
        if (number >= load->count)
            break;
        unsigned count =
            load->count - number < load->together ? load->count - number : load->together;
        double began = seconds();
        good = append(load, &c, packet, load->first + number, count);
        double took = seconds() - began;
        for (unsigned i = 0; good && i < count; i++)
            load->took[atomic_fetch_add(&load->done, 1)] = took;
    }
    if (good)
        (void)log_out(load, &c);
    if (c.fd >= 0)
        client_close(&c);
    free(packet);
    return NULL;
}

static bool run_fill(struct load *load) {
    return run_threads(load, fill_thread);
}

/* ------------------------------------------------------------------ visit, park */

static bool visit(struct load *load, struct client *c, unsigned number) {
    double began = seconds();
    bool good = log_in(load, c, number) && select_mailbox(load, c);
    if (good && load->parked) {
        const char *line = client_printf(c, "idle IDLE\r\n") ? client_line(c) : NULL;
        good = line && line[0] == '+' ? true : complain(load, "IDLE", line);
    } else if (good) {
        good = client_printf(c, "fetch FETCH 1 BODY.PEEK[]\r\n") &&
               answered(load, c, "fetch", NULL) && log_out(load, c);
    }
    if (good)
        load->took[atomic_fetch_add(&load->done, 1)] = seconds() - began;
    return good;
}

static void *visit_thread(void *data) {
    struct load *load = data;
    unsigned number;
    while ((number = atomic_fetch_add(&load->next, 1)) < load->count &&
           atomic_load(&load->complaints) < 100) {
        struct client c = {.fd = -1};
        bool good = visit(load, &c, number);
        if (good && load->parked)
            load->parked[number] = c;
        else if (c.fd >= 0)
            client_close(&c);
    }
    return NULL;
}

static bool run_visit(struct load *load) {
    return run_threads(load, visit_thread);
}

static bool run_park(struct load *load) {
    struct rlimit files = {load->count + 100, load->count + 100};
    (void)setrlimit(RLIMIT_NOFILE, &files);
    load->parked = calloc(load->count, sizeof *load->parked);
    if (!load->parked)
        return false;
    for (unsigned i = 0; i < load->count; i++)
        load->parked[i].fd = -1;
    bool good = run_threads(load, visit_thread);
    printf("parked\n");
    (void)fflush(stdout);
    while (getchar() != EOF)
        ;
    unsigned asked = 0;
    unsigned alive = 0;
    for (unsigned i = 0; i < load->count; i += 1 + load->count / 100) {
        struct client *c = &load->parked[i];
        asked++;
        alive += c->fd >= 0 && client_printf(c, "DONE\r\n") && answered(load, c, "idle", NULL);
    }
    printf("asked %u\nalive %u\n", asked, alive);
    for (unsigned i = 0; i < load->count; i++)
        if (load->parked[i].fd >= 0)
            client_close(&load->parked[i]);
    free(load->parked);
    return good && alive == asked;
}

/* ------------------------------------------------------------------ ask */

/* NAME=COMMAND: what it took, what came, and how many numbers SEARCH and SORT answered with. */
static bool ask_one(struct load *load, struct client *c, const char *word) {
    const char *command = strchr(word, '=');
    if (!command)
        return complain(load, "expected NAME=COMMAND", word);
    int name = (int)(command++ - word);
    struct client_blanks blanks = {0};
    struct answer a = {.blanks = strncmp(command, "FETCH", 5) != 0 ? &blanks : NULL};
    double began = seconds();
    if (!client_send(c, "ask ", 4) || !client_send(c, command, strlen(command)) ||
        !client_send(c, "\r\n", 2) || !answered(load, c, "ask", &a))
        return complain(load, "ask", command);
    double took = seconds() - began;
    printf("%.*s_ms %.3f\n%.*s_mb_s %.2f\n", name, word, took * 1e3, name, word,
           (double)a.bytes / 1e6 / took);
    printf("%.*s_bytes %llu\n", name, word, (unsigned long long)a.bytes);
    if (a.blanks) /* "* SEARCH 3 5" */
        printf("%.*s_numbers %lld\n", name, word, (long long)blanks.count - 1);
    return true;
}

static bool run_ask(struct load *load) {
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

static const struct {
    const char *name;
    bool (*run)(struct load *load);
} modes[] = {{"fill", run_fill}, {"visit", run_visit}, {"ask", run_ask}, {"park", run_park}};

static bool read_options(struct load *load, int argc, char **argv) {
    bool tls = false;
    int option;
    while ((option = getopt(argc, argv, "s:m:n:o:t:u:w:b:T")) != -1) {
        switch (option) {
        case 's':
            load->sessions = number_option("-s", optarg, 1, 1000);
            break;
        case 'm':
            load->count = number_option("-m", optarg, 1, 10000000);
            break;
        case 'n':
            load->together = number_option("-n", optarg, 1, TOGETHER_MAX);
            break;
        case 'o':
            load->first = number_option("-o", optarg, 0, 1000000000);
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
        case 'b':
            load->mailbox = optarg;
            break;
        case 'T':
            tls = true;
            break;
        default:
            return false;
        }
    }
    if (argc - optind < 2)
        return false;
    load->to = endpoint_option(argv[optind], argv[optind + 1]);
    load->to.tls = tls;
    load->commands = argv + optind + 2;
    return true;
}

int main(int argc, char **argv) {
    struct load load = {.sessions = 20,
                        .count = 1000,
                        .users = 100,
                        .together = 1,
                        .template = "user%03d@bench.test",
                        .password = "secret",
                        .mailbox = "INBOX"};
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

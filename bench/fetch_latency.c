/* SPDX-License-Identifier: ISC */
/*
 * How long after the server has taken a message (250) a reader has it: one message at a time goes
 * in by SMTP; then POP3 sessions are begun one after the other until one has the message. The time
 * ends when its last byte has come, so it holds a whole login and RETR. Or a reader waits in IDLE
 * of IMAP, and the time ends when he is told that the message exists.
 *
 * Prints "name value" lines.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client.h"

#define MESSAGES_PER_CONNECTION 50U
#define GIVE_UP_AFTER           10.0 /* seconds */

static const char usage[] =
    "usage: fetch_latency [options] HOST SMTP-PORT POP3-PORT\n"
    "  -i       the last port is one of IMAP: IDLE until EXISTS\n"
    "  -m N     messages (100)\n"
    "  -t TEXT  recipient and login: %d or %03d stands for a number (user%03d@bench.test)\n"
    "  -u N     so many users, from 0; message i goes to i modulo N (100)\n"
    "  -w TEXT  password (secret)\n";

struct run {
    struct endpoint smtp, reading; /* POP3, or IMAP */
    unsigned messages, users;
    const char *template, *password;
    struct client sender;
    bool connected, idles;
    double *took;
};

static bool expect(struct client *c, const char *start) {
    const char *line;
    do
        line = client_line(c);
    while (line && strlen(line) >= 4 && line[3] == '-');
    if (line && strncmp(line, start, strlen(start)) == 0)
        return true;
    (void)fprintf(stderr, "fetch_latency: expected %s, came %s\n", start, line ? line : "nothing");
    return false;
}

/* ------------------------------------------------------------------ sending */

static bool greet(struct run *run) {
    run->connected = client_open(&run->sender, &run->smtp, 1);
    return run->connected && expect(&run->sender, "220") &&
           client_printf(&run->sender, "EHLO load.elsewhere.test\r\n") &&
           expect(&run->sender, "250");
}

static void hang_up(struct run *run) {
    if (run->connected && client_printf(&run->sender, "QUIT\r\n"))
        (void)client_line(&run->sender);
    client_close(&run->sender);
    run->connected = false;
}

static bool send_message(struct run *run, unsigned number, const char *address) {
    struct client *c = &run->sender;
    if (number % MESSAGES_PER_CONNECTION == 0)
        hang_up(run);
    if (!run->connected && !greet(run))
        return false;
    return client_printf(c, "MAIL FROM:<load@elsewhere.test>\r\n") && expect(c, "250") &&
           client_printf(c, "RCPT TO:<%s>\r\n", address) && expect(c, "250") &&
           client_printf(c, "DATA\r\n") && expect(c, "354") &&
           client_printf(c,
                         "From: <load@elsewhere.test>\r\nTo: <%s>\r\nSubject: message %u\r\n"
                         "Date: Sun, 22 Nov 2026 11:00:00 +0000\r\n"
                         "Message-ID: <latency.%u.%d@elsewhere.test>\r\n\r\n"
                         "A short message.\r\n.\r\n",
                         address, number, number, (int)getpid()) &&
           expect(c, "250");
}

/* ------------------------------------------------------------------ fetching */

/* Messages in the mailbox; when there are more than `known` the last one is fetched. -1: failed. */
static long look(struct run *run, const char *address, long known) {
    struct client c;
    uint64_t bytes = 0;
    long count = -1;
    if (!client_open(&c, &run->reading, 2))
        return -1;
    if (expect(&c, "+OK") && client_printf(&c, "USER %s\r\n", address) && expect(&c, "+OK") &&
        client_printf(&c, "PASS %s\r\n", run->password) && expect(&c, "+OK") &&
        client_printf(&c, "STAT\r\n")) {
        const char *line = client_line(&c);
        count = line && strncmp(line, "+OK ", 4) == 0 ? strtol(line + 4, NULL, 10) : -1;
    }
    if (count > known && known >= 0 &&
        !(client_printf(&c, "RETR %ld\r\n", count) && expect(&c, "+OK") &&
          client_to_dot(&c, &bytes)))
        count = -1;
    if (client_printf(&c, "QUIT\r\n"))
        (void)client_line(&c);
    client_close(&c);
    return count;
}

/* ------------------------------------------------------------------ waiting */

/* Reads up to a line that has some words. */
static bool line_with(struct client *c, const char *words) {
    const char *line;
    do
        line = client_line(c);
    while (line && !strstr(line, words));
    return line || expect(c, words);
}

static bool begin_idle(struct run *run, struct client *c, const char *address) {
    return expect(c, "* OK") && client_printf(c, "l LOGIN %s %s\r\n", address, run->password) &&
           line_with(c, "l OK") && client_printf(c, "s SELECT INBOX\r\n") && line_with(c, "s OK") &&
           client_printf(c, "i IDLE\r\n") && line_with(c, "+ ");
}

static bool one_awaited(struct run *run, unsigned number, const char *address) {
    struct client c;
    if (!client_open(&c, &run->reading, 2))
        return false;
    bool good = begin_idle(run, &c, address) && send_message(run, number, address);
    double taken = seconds();
    good = good && line_with(&c, " EXISTS");
    run->took[number] = seconds() - taken;
    good = good && client_printf(&c, "DONE\r\n") && line_with(&c, "i OK");
    client_close(&c);
    return good;
}

static bool one_message(struct run *run, unsigned number) {
    char address[256];
    if (!fill_template(address, sizeof address, run->template, number % run->users))
        return false;
    if (run->idles)
        return one_awaited(run, number, address);
    long before = look(run, address, -1);
    if (before < 0 || !send_message(run, number, address))
        return false;
    double taken = seconds();
    while (seconds() - taken < GIVE_UP_AFTER) {
        long now = look(run, address, before);
        if (now < 0)
            return false;
        if (now > before) {
            run->took[number] = seconds() - taken;
            return true;
        }
    }
    return false;
}

/* ------------------------------------------------------------------ options */

static bool read_options(struct run *run, int argc, char **argv) {
    int option;
    while ((option = getopt(argc, argv, "im:t:u:w:")) != -1) {
        switch (option) {
        case 'i':
            run->idles = true;
            break;
        case 'm':
            run->messages = number_option("-m", optarg, 1, 100000);
            break;
        case 't':
            run->template = optarg;
            break;
        case 'u':
            run->users = number_option("-u", optarg, 1, 1000000);
            break;
        case 'w':
            run->password = optarg;
            break;
        default:
            return false;
        }
    }
    if (argc - optind != 3)
        return false;
    run->smtp = endpoint_option(argv[optind], argv[optind + 1]);
    run->reading = endpoint_option(argv[optind], argv[optind + 2]);
    return true;
}

int main(int argc, char **argv) {
    struct run run = {.messages = 100,
                      .users = 100,
                      .template = "user%03d@bench.test",
                      .password = "secret",
                      .sender = {.fd = -1}};
    if (!read_options(&run, argc, argv)) {
        (void)fputs(usage, stderr);
        return 2;
    }
    run.took = calloc(run.messages, sizeof *run.took);
    if (!run.took)
        return 3;
    unsigned done = 0;
    while (done < run.messages && one_message(&run, done))
        done++;
    hang_up(&run);
    printf("messages %u\np50_ms %.3f\np95_ms %.3f\nmax_ms %.3f\n", done,
           part_below(run.took, done, 0.5) * 1e3, part_below(run.took, done, 0.95) * 1e3,
           part_below(run.took, done, 1.0) * 1e3);
    free(run.took);
    return done == run.messages ? 0 : 1;
}

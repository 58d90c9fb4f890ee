/* SPDX-License-Identifier: ISC */
/*
 * Hands messages to an SMTP (or LMTP) server over many connections at once, and says how fast they
 * were acknowledged. One thread for each session: its conversation reads top to bottom.
 *
 * A message counts when its last reply is 250. Prints "name value" lines; exit code 1 unless all
 * messages were acknowledged.
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client.h"

#define MESSAGE_MAX ((size_t)1 << 20) /* bytes of a file */

static const char usage[] =
    "usage: smtp_load [options] HOST PORT\n"
    "  -s N     sessions at a time (20)\n"
    "  -m N     messages in all (1000)\n"
    "  -l N     bytes of a message (4096)\n"
    "  -n N     messages on one connection before the next one (100)\n"
    "  -t TEXT  recipients: %d or %03d stands for a number (user%03d@bench.test)\n"
    "  -u N     so many recipients, from 0; message i goes to i modulo N (100)\n"
    "  -f TEXT  sender (load@elsewhere.test)\n"
    "  -p       pipelining: MAIL, RCPT and DATA in one packet\n"
    "  -L       LMTP\n"
    "  -F FILE  the one message to send, with line ends as in SMTP and no line that begins with a "
    "dot\n"
    "  -b ADDR  connect from this address of the machine and those above (127.0.0.1)\n";

struct load {
    struct endpoint to;
    unsigned sessions, messages, size, per_connection, users;
    const char *template, *sender;
    bool pipelined, lmtp;
    const char *file; /* NULL: each message has a header of its own */
    char *body;       /* `size` bytes without leading dots, for all messages */
    double *took;     /* of each acknowledged message, seconds */
    atomic_uint next, acknowledged, complaints;
    atomic_bool give_up;
};

struct session {
    struct load *load;
    struct client client;
    bool connected;
    unsigned number, sent; /* on this connection */
    pthread_t thread;
};

/* ------------------------------------------------------------------ one conversation */

static bool complain(struct load *load, const char *where, const char *line) {
    if (atomic_fetch_add(&load->complaints, 1) < 5)
        (void)fprintf(stderr, "smtp_load: %s: %s\n", where, line ? line : "connection lost");
    return false;
}

/* Reads one reply, of any number of lines; whether its code is the expected one. */
static bool reply(struct session *s, const char *where, const char *code) {
    const char *line;
    do
        line = client_line(&s->client);
    while (line && strlen(line) >= 4 && line[3] == '-');
    return line && strncmp(line, code, 3) == 0 ? true : complain(s->load, where, line);
}

static bool greet(struct session *s) {
    if (!client_open(&s->client, &s->load->to, s->number % 200))
        return complain(s->load, "connect", NULL);
    s->connected = true;
    s->sent = 0;
    return reply(s, "greeting", "220") &&
           client_printf(&s->client, "%s load.elsewhere.test\r\n",
                         s->load->lmtp ? "LHLO" : "EHLO") &&
           reply(s, "hello", "250");
}

static void hang_up(struct session *s) {
    if (s->connected && client_printf(&s->client, "QUIT\r\n"))
        (void)client_line(&s->client);
    client_close(&s->client);
    s->connected = false;
}

static bool say_envelope(struct session *s, const char *recipient) {
    const char *sender = s->load->sender;
    if (s->load->pipelined)
        return client_printf(&s->client, "MAIL FROM:<%s>\r\nRCPT TO:<%s>\r\nDATA\r\n", sender,
                             recipient) &&
               reply(s, "MAIL", "250") && reply(s, "RCPT", "250") && reply(s, "DATA", "354");
    return client_printf(&s->client, "MAIL FROM:<%s>\r\n", sender) && reply(s, "MAIL", "250") &&
           client_printf(&s->client, "RCPT TO:<%s>\r\n", recipient) && reply(s, "RCPT", "250") &&
           client_printf(&s->client, "DATA\r\n") && reply(s, "DATA", "354");
}

static bool say_message(struct session *s, unsigned id, const char *recipient) {
    struct load *load = s->load;
    char packet[4096];
    int head = load->file ? 0
                          : snprintf(packet, sizeof packet,
                                     "From: Load <%s>\r\nTo: <%s>\r\nSubject: message %u\r\n"
                                     "Date: Sun, 22 Nov 2026 11:00:00 +0000\r\n"
                                     "Message-ID: <%u.%d@elsewhere.test>\r\n\r\n",
                                     load->sender, recipient, id, id, (int)getpid());
    if (head < 0 || (size_t)head >= sizeof packet)
        return false;
    size_t body = load->size > (unsigned)head ? load->size - (unsigned)head : 0;
    char *whole = malloc((size_t)head + body + 5);
    if (!whole)
        return false;
    memcpy(whole, packet, (size_t)head);
    memcpy(whole + head, load->body, body);
    memcpy(whole + head + body, "\r\n.\r\n", 5);
    bool sent = client_send(&s->client, whole, (size_t)head + body + 5);
    free(whole);
    return sent && reply(s, "end of message", "250");
}

static bool send_one(struct session *s, unsigned id) {
    struct load *load = s->load;
    char recipient[256];
    if (s->connected && s->sent >= load->per_connection)
        hang_up(s);
    double began = seconds();
    if (!fill_template(recipient, sizeof recipient, load->template, id % load->users) ||
        (!s->connected && !greet(s)) || !say_envelope(s, recipient) ||
        !say_message(s, id, recipient))
        return false;
    s->sent++;
    load->took[atomic_fetch_add(&load->acknowledged, 1)] = seconds() - began;
    return true;
}

static void *run_session(void *data) {
    struct session *s = data;
    struct load *load = s->load;
    for (;;) {
        unsigned id = atomic_fetch_add(&load->next, 1);
        if (id >= load->messages || atomic_load(&load->give_up))
            break;
        if (send_one(s, id))
            continue;
        hang_up(s);
        if (atomic_load(&load->complaints) > 100)
            atomic_store(&load->give_up, true);
    }
    hang_up(s);
    return NULL;
}

/* ------------------------------------------------------------------ the whole */

static char *make_body(size_t size) {
    static const char *const words[] = {"message", "horse", "town",  "the",   "road",   "and",
                                        "post",    "rider", "river", "under", "bridge", "evening"};
    char *body = malloc(size + 16);
    size_t at = 0;
    size_t column = 0;
    for (unsigned i = 0; body && at < size; i++) {
        const char *word = words[(i * 7 + i / 12) % (sizeof words / sizeof *words)];
        size_t len = strlen(word);
        if (column > 64) {
            memcpy(body + at, "\r\n", 2);
            at += 2;
            column = 0;
        }
        memcpy(body + at, word, len);
        body[at + len] = ' ';
        at += len + 1;
        column += len + 1;
    }
    return body;
}

/* What the file has; NULL, after a complaint, when it cannot be read or is none to send. */
static char *read_message(struct load *load) {
    FILE *file = fopen(load->file, "rb");
    char *bytes = malloc(MESSAGE_MAX);
    size_t len = file && bytes ? fread(bytes, 1, MESSAGE_MAX, file) : 0;
    if (file)
        (void)fclose(file);
    if (len > 2 && len < MESSAGE_MAX && memcmp(bytes + len - 2, "\r\n", 2) == 0 &&
        bytes[0] != '.' && !memmem(bytes, len, "\n.", 2)) {
        load->size = (unsigned)len - 2; /* the line end is sent with the dot */
        return bytes;
    }
    (void)fprintf(stderr, "smtp_load: %s: not a message to send\n", load->file);
    free(bytes);
    return NULL;
}

static bool read_options(struct load *load, int argc, char **argv) {
    const char *from = "127.0.0.1";
    struct in_addr first;
    int option;
    while ((option = getopt(argc, argv, "s:m:l:n:t:u:f:pLF:b:")) != -1) {
        switch (option) {
        case 's':
            load->sessions = number_option("-s", optarg, 1, 1000);
            break;
        case 'm':
            load->messages = number_option("-m", optarg, 1, 10000000);
            break;
        case 'l':
            load->size = number_option("-l", optarg, 0, 64U << 20);
            break;
        case 'n':
            load->per_connection = number_option("-n", optarg, 1, 1000000);
            break;
        case 'u':
            load->users = number_option("-u", optarg, 1, 1000000);
            break;
        case 't':
            load->template = optarg;
            break;
        case 'f':
            load->sender = optarg;
            break;
        case 'p':
            load->pipelined = true;
            break;
        case 'L':
            load->lmtp = true;
            break;
        case 'F':
            load->file = optarg;
            break;
        case 'b':
            from = optarg;
            break;
        default:
            return false;
        }
    }
    if (argc - optind != 2 || inet_pton(AF_INET, from, &first) != 1)
        return false;
    load->to = endpoint_option(argv[optind], argv[optind + 1]);
    load->to.from = ntohl(first.s_addr);
    return true;
}

static bool run(struct load *load) {
    struct session *sessions = calloc(load->sessions, sizeof *sessions);
    load->took = calloc(load->messages, sizeof *load->took);
    load->body = load->file ? read_message(load) : make_body(load->size);
    if (!sessions || !load->took || !load->body)
        return false;
    double began = seconds();
    for (unsigned i = 0; i < load->sessions; i++) {
        sessions[i] = (struct session){.load = load, .number = i, .client = {.fd = -1}};
        if (pthread_create(&sessions[i].thread, NULL, run_session, &sessions[i]) != 0)
            exit(3);
    }
    for (unsigned i = 0; i < load->sessions; i++)
        (void)pthread_join(sessions[i].thread, NULL);
    double spent = seconds() - began;
    unsigned done = atomic_load(&load->acknowledged);
    printf("messages %u\nfailed %u\nseconds %.4f\nper_second %.1f\nbegan_at %.6f\n", done,
           load->messages - done, spent, done / spent, began);
    printf("p50_ms %.3f\np95_ms %.3f\np99_ms %.3f\n", part_below(load->took, done, 0.5) * 1e3,
           part_below(load->took, done, 0.95) * 1e3, part_below(load->took, done, 0.99) * 1e3);
    free(sessions);
    free(load->took);
    free(load->body);
    return done == load->messages;
}

int main(int argc, char **argv) {
    struct load load = {.sessions = 20,
                        .messages = 1000,
                        .size = 4096,
                        .per_connection = 100,
                        .users = 100,
                        .template = "user%03d@bench.test",
                        .sender = "load@elsewhere.test"};
    if (!read_options(&load, argc, argv)) {
        (void)fputs(usage, stderr);
        return 2;
    }
    return run(&load) ? 0 : 1;
}

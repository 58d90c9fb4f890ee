/* SPDX-License-Identifier: ISC */
/*
 * Hands messages in over SMTP on many connections and notes what became of each, until its standard
 * input ends. Losing the connection is part of the game: it connects again and goes on with new
 * messages. What the messages are follows from the seed.
 *
 * Notes, a line each:
 *
 *     A <id> <recipients>          250: the host has promised to keep it
 *     U <id> <recipients>          the connection was lost while the reply was due
 *     R <id> <stage> <reply>       not taken, and the reply says why
 *     L <stage>                    the connection was lost before the end of a message
 *     H <stage>                    no reply within the time that a client should wait here
 *
 * An id and its line are written before anything else happens to the message.
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "wire.h"

#define RECIPIENTS 5U
#define AUTHORS    50U

static const char usage[] =
    "usage: messages [options] HOST PORT NOTES\n"
    "  -s N     seed (1)\n"
    "  -f N     number of the first message (0)\n"
    "  -r TEXT  name of the run, in ids (run)\n"
    "  -c N     connections at a time (12)\n"
    "  -p N     messages per second, 0: as fast as it goes (0)\n"
    "  -u N     accounts: f000@DOMAIN, f001@DOMAIN ... (8)\n"
    "  -d TEXT  their domain (example.test)\n"
    "  -o N     percent of messages that go to another host as well, or only (25)\n"
    "  -l N     of 1000 messages, how many are large (5)\n"
    "  -a TEXT  logs in with it, the Base64 of AUTH PLAIN (not at all)\n"
    "  -m TEXT  sender and author; # stands for one of 50 numbers (fault@outside.test)\n"
    "  -w N     seconds to wait for a reply (60)\n";

static struct {
    const char *host, *run, *domain, *login, *author;
    uint16_t port;
    int notes;
    uint64_t seed, pace;
    unsigned connections, accounts, elsewhere, large;
    int patience;
    atomic_ullong next;
    atomic_bool over;
} load = {.run = "run",
          .domain = "example.test",
          .author = "fault@outside.test",
          .seed = 1,
          .connections = 12,
          .accounts = 8,
          .elsewhere = 25,
          .large = 5,
          .patience = 60};

struct message {
    char id[64], author[64];
    unsigned count;
    char recipients[RECIPIENTS][64];
    bool accepted[RECIPIENTS];
    bool eight_bit, pipelined;
    struct text sent; /* with dots doubled, and the final dot */
};

/* ------------------------------------------------------------------ chance that can be repeated */

static uint64_t draw(uint64_t *state) {
    uint64_t z = (*state += 0x9e3779b97f4a7c15U);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

static unsigned below(uint64_t *state, unsigned limit) {
    return (unsigned)(draw(state) % limit);
}

/* ------------------------------------------------------------------ messages */

static size_t choose_size(uint64_t *chance) {
    unsigned kind = below(chance, 1000);
    if (kind < load.large)
        return (260U << 10) + below(chance, 800U << 10);
    if (kind < 60)
        return (30U << 10) + below(chance, 150U << 10);
    if (kind < 300)
        return (4U << 10) + below(chance, 26U << 10);
    return 1 + below(chance, 4U << 10);
}

static void choose_recipients(struct message *l, uint64_t *chance) {
    bool away = below(chance, 100) < load.elsewhere;
    unsigned local = below(chance, 5) > 0 ? 1 : 1 + below(chance, RECIPIENTS - 1);
    if (away && below(chance, 2) == 0)
        local = 0;
    unsigned first = below(chance, load.accounts);
    if (local > load.accounts)
        local = load.accounts;
    for (unsigned i = 0; i < local; i++)
        (void)snprintf(l->recipients[l->count++], sizeof l->recipients[0], "f%03u@%s",
                       (first + i) % load.accounts, load.domain);
    if (away)
        (void)snprintf(l->recipients[l->count++], sizeof l->recipients[0], "r%u@there%u.test",
                       below(chance, 100), below(chance, 3));
}

static void choose_author(struct message *l, uint64_t *chance) {
    const char *number = strchr(load.author, '#');
    if (number)
        (void)snprintf(l->author, sizeof l->author, "%.*s%u%s", (int)(number - load.author),
                       load.author, below(chance, AUTHORS), number + 1);
    else
        (void)snprintf(l->author, sizeof l->author, "%s", load.author);
}

/* A line of text, sometimes of the kind that is easily spoilt on the way. */
static void add_line(struct text *t, uint64_t *chance, bool eight_bit) {
    static const char letters[] = "abcdefghij klmnopqrst uvwxyz.,-=ABCDEFGHIJ";
    unsigned kind = below(chance, 40);
    unsigned len = kind == 0 ? 998 : below(chance, 77);
    if (kind < 4 && kind > 0)
        text_add(t, "....", kind);
    if (kind == 4)
        text_add(t, "From here", 9);
    if (kind == 5 && eight_bit)
        text_add(t, "\xe6\x97\xa9\xe9\xa6\xac\xff\x80", 8);
    for (unsigned i = kind < 6 && kind > 0 ? 10 : 0; i < len; i++)
        text_add(t, &letters[below(chance, sizeof letters - 1)], 1);
    text_add(t, "\r\n", 2);
}

static void add_stuffed(struct text *to, const char *bytes, size_t len) {
    while (len > 0) {
        const char *lf = memchr(bytes, '\n', len);
        size_t line = lf ? (size_t)(lf - bytes) + 1 : len;
        if (bytes[0] == '.')
            text_add(to, ".", 1);
        text_add(to, bytes, line);
        bytes += line;
        len -= line;
    }
}

static void make_message(struct message *l, uint64_t number) {
    uint64_t chance = load.seed * 0x2545f4914f6cdd1dU + number;
    char head[512], sum[SUM_SIZE];
    struct text rest = {0};
    *l = (struct message){0};
    (void)snprintf(l->id, sizeof l->id, "%s-%llu", load.run, (unsigned long long)number);
    choose_recipients(l, &chance);
    choose_author(l, &chance);
    l->eight_bit = below(&chance, 3) == 0;
    l->pipelined = below(&chance, 2) == 0;
    size_t size = choose_size(&chance);
    int len = snprintf(head, sizeof head,
                       "From: Fault <%s>\r\nTo: %s\r\nSubject: message %s\r\n"
                       "Date: Sun, 22 Nov 2026 11:00:00 +0000\r\nMessage-ID: <%s@outside.test>\r\n"
                       "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
                       "Content-Transfer-Encoding: %s\r\n\r\n",
                       l->author, l->recipients[0], l->id, l->id, l->eight_bit ? "8bit" : "7bit");
    text_add(&rest, head, (size_t)len);
    while (rest.len < size)
        add_line(&rest, &chance, l->eight_bit);
    sum_of(rest.ptr, rest.len, sum);
    len = snprintf(head, sizeof head, MARK "%s %zu %s\r\n", l->id, rest.len, sum);
    text_add(&l->sent, head, (size_t)len);
    add_stuffed(&l->sent, rest.ptr, rest.len);
    text_add(&l->sent, ".\r\n", 3);
    free(rest.ptr);
}

/* ------------------------------------------------------------------ one conversation */

enum outcome { NEXT, LOST }; /* whether the connection can be used for another message */

static bool tell(struct wire *w, const char *stage, const void *bytes, size_t len) {
    if (wire_send(w, bytes, len))
        return true;
    note(load.notes, "%c %s", w->late ? 'H' : 'L', stage);
    return false;
}

/*
 * The code of a reply; `telling`: notes what is not of the class `good`. 0: the connection is lost
 * or about to be closed.
 */
static int hear(struct wire *w, const char *id, const char *stage, int good, bool telling) {
    char text[1024];
    int code = wire_reply(w, text, sizeof text);
    if (code == 0)
        note(load.notes, "%c %s", w->late ? 'H' : 'L', stage);
    else if (code / 100 != good && telling)
        note(load.notes, "R %s %s %s", id, stage, text);
    return code == 421 ? 0 : code;
}

static int ask(struct wire *w, const struct message *l, const char *stage, const char *command,
               int good, bool telling) {
    if (!l->pipelined && !tell(w, stage, command, strlen(command)))
        return 0;
    return hear(w, l->id, stage, good, telling);
}

static void write_commands(const struct message *l, char mail[static 128],
                           char rcpt[static RECIPIENTS][128]) {
    (void)snprintf(mail, 128, "MAIL FROM:<%s>%s\r\n", l->author,
                   l->eight_bit ? " BODY=8BITMIME" : "");
    for (unsigned i = 0; i < l->count; i++)
        (void)snprintf(rcpt[i], 128, "RCPT TO:<%s>\r\n", l->recipients[i]);
}

static bool send_at_once(struct wire *w, const struct message *l, const char *mail,
                         char rcpt[static RECIPIENTS][128]) {
    char all[1024];
    size_t at = (size_t)snprintf(all, sizeof all, "%s", mail);
    for (unsigned i = 0; i < l->count; i++)
        at += (size_t)snprintf(all + at, sizeof all - at, "%s", rcpt[i]);
    at += (size_t)snprintf(all + at, sizeof all - at, "DATA\r\n");
    return tell(w, "MAIL", all, at);
}

/* MAIL, RCPT, DATA, one by one or at once; *ret_go: the text is wanted. */
static enum outcome say_envelope(struct wire *w, struct message *l, bool *ret_go) {
    char mail[128], rcpt[RECIPIENTS][128];
    unsigned wanted = 0;
    *ret_go = false;
    write_commands(l, mail, rcpt);
    if (l->pipelined && !send_at_once(w, l, mail, rcpt))
        return LOST;
    int code = ask(w, l, "MAIL", mail, 2, true);
    bool taken = code / 100 == 2;
    if (code == 0 || (!taken && !l->pipelined))
        return code == 0 ? LOST : NEXT;
    for (unsigned i = 0; i < l->count; i++) {
        code = ask(w, l, "RCPT", rcpt[i], 2, taken);
        if (code == 0)
            return LOST;
        l->accepted[i] = code / 100 == 2;
        wanted += l->accepted[i];
    }
    if (wanted == 0 && !l->pipelined)
        return NEXT;
    code = ask(w, l, "DATA", "DATA\r\n", 3, wanted > 0);
    *ret_go = code == 354 && wanted > 0;
    return code == 0 || (code == 354 && wanted == 0) ? LOST : NEXT;
}

static void list_accepted(const struct message *l, char list[static 512]) {
    size_t at = 0;
    list[0] = '\0';
    for (unsigned i = 0; i < l->count; i++)
        if (l->accepted[i])
            at +=
                (size_t)snprintf(list + at, 512 - at, "%s%s", at > 0 ? "," : "", l->recipients[i]);
}

static enum outcome say_text(struct wire *w, const struct message *l) {
    char list[512], text[1024];
    list_accepted(l, list);
    /* Up to its last line nobody can take the message; behind it both may happen. */
    if (!tell(w, "TEXT", l->sent.ptr, l->sent.len - 3))
        return LOST;
    int code = wire_send(w, ".\r\n", 3) ? wire_reply(w, text, sizeof text) : 0;
    if (code == 250) {
        note(load.notes, "A %s %s", l->id, list);
    } else if (code > 0) {
        note(load.notes, "R %s END %s", l->id, text);
    } else {
        note(load.notes, "U %s %s", l->id, list);
        if (w->late)
            note(load.notes, "H END");
    }
    return code == 0 || code == 421 ? LOST : NEXT;
}

static enum outcome send_one(struct wire *w, uint64_t number) {
    struct message l;
    bool go;
    make_message(&l, number);
    enum outcome outcome = say_envelope(w, &l, &go);
    if (outcome == NEXT && go)
        outcome = say_text(w, &l);
    else if (outcome == NEXT &&
             (!wire_send(w, "RSET\r\n", 6) || hear(w, l.id, "RSET", 2, true) == 0))
        outcome = LOST;
    free(l.sent.ptr);
    return outcome;
}

/* ------------------------------------------------------------------ connections */

static void pause_for(double seconds) {
    struct timespec span = {.tv_sec = (time_t)seconds,
                            .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)};
    (void)nanosleep(&span, NULL);
}

static bool log_in(struct wire *w) {
    char command[256];
    int len = snprintf(command, sizeof command, "AUTH PLAIN %s\r\n", load.login);
    return tell(w, "AUTH", command, (size_t)len) && hear(w, "-", "AUTH", 2, true) == 235;
}

static bool greet(struct wire *w) {
    if (hear(w, "-", "GREETING", 2, true) != 220)
        return false;
    return tell(w, "EHLO", "EHLO load.outside.test\r\n", 24) &&
           hear(w, "-", "EHLO", 2, true) == 250 && (!load.login || log_in(w));
}

/* One connection, for some messages. */
static void converse(struct wire *w, uint64_t *chance) {
    unsigned messages = 1 + below(chance, 40);
    enum outcome outcome = greet(w) ? NEXT : LOST;
    while (outcome == NEXT && messages-- > 0 && !atomic_load(&load.over)) {
        outcome = send_one(w, atomic_fetch_add(&load.next, 1));
        if (load.pace > 0)
            pause_for((double)load.connections / (double)load.pace);
    }
    char text[256];
    if (outcome == NEXT && wire_send(w, "QUIT\r\n", 6))
        (void)wire_reply(w, text, sizeof text);
}

static void *work(void *arg) {
    uint64_t chance = load.seed + (uint64_t)(uintptr_t)arg;
    while (!atomic_load(&load.over)) {
        struct wire w;
        if (wire_connect(&w, load.host, load.port, load.patience)) {
            converse(&w, &chance);
            wire_close(&w);
        } else {
            pause_for(0.02);
        }
    }
    return NULL;
}

/* ------------------------------------------------------------------ the whole */

static bool read_options(int argc, char **argv) {
    int option;
    while ((option = getopt(argc, argv, "s:f:r:c:p:u:d:o:l:w:a:m:")) != -1) {
        switch (option) {
        case 's':
            load.seed = number_option("-s", optarg, UINT64_MAX);
            break;
        case 'f':
            load.next = number_option("-f", optarg, UINT64_MAX);
            break;
        case 'r':
            load.run = optarg;
            break;
        case 'c':
            load.connections = (unsigned)number_option("-c", optarg, 500);
            break;
        case 'p':
            load.pace = number_option("-p", optarg, 1000000);
            break;
        case 'u':
            load.accounts = (unsigned)number_option("-u", optarg, 1000);
            break;
        case 'd':
            load.domain = optarg;
            break;
        case 'o':
            load.elsewhere = (unsigned)number_option("-o", optarg, 100);
            break;
        case 'l':
            load.large = (unsigned)number_option("-l", optarg, 1000);
            break;
        case 'a':
            load.login = optarg;
            break;
        case 'm':
            load.author = optarg;
            break;
        case 'w':
            load.patience = (int)number_option("-w", optarg, 3600);
            break;
        default:
            return false;
        }
    }
    if (argc - optind != 3 || load.connections == 0 || load.accounts == 0)
        return false;
    load.host = argv[optind];
    load.port = (uint16_t)number_option("PORT", argv[optind + 1], 65535);
    load.notes = open(argv[optind + 2], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (load.notes < 0)
        perror(argv[optind + 2]);
    return load.notes >= 0;
}

int main(int argc, char **argv) {
    if (!read_options(argc, argv)) {
        (void)fputs(usage, stderr);
        return 2;
    }
    pthread_t *threads = calloc(load.connections, sizeof *threads);
    for (unsigned i = 0; i < load.connections; i++)
        if (!threads || pthread_create(&threads[i], NULL, work, (void *)(uintptr_t)(i + 1)) != 0)
            return 3;
    char nothing[64];
    while (read(STDIN_FILENO, nothing, sizeof nothing) > 0)
        ;
    atomic_store(&load.over, true);
    for (unsigned i = 0; i < load.connections; i++)
        (void)pthread_join(threads[i], NULL);
    free(threads);
    printf("next %llu\n", (unsigned long long)atomic_load(&load.next));
    return fdatasync(load.notes) == 0 ? 0 : 3;
}

/* SPDX-License-Identifier: ISC */
/*
 * The other host: an SMTP server that checks each message and notes it before it says 250. It can
 * be a difficult one, who refuses messages for now and hangs up between taking a message and saying
 * so; then the message has to come again. Runs until its standard input ends.
 *
 * Notes, a line each:
 *
 *     T <id> <recipients>          taken, as it was sent
 *     D <id> <recipients> <why>    taken, but not as it was sent
 *     S <recipients> <subject>     taken, a message without the mark: a report
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire.h"

static const char usage[] =
    "usage: elsewhere [options] HOST PORT NOTES\n"
    "  -r N     of 1000 messages, how many are refused for now (0)\n"
    "  -h N     of 1000 messages, how often it hangs up before the 250 (0)\n"
    "  -k TEXT  a folder in which each message that it notes is kept, as a file (none)\n"
    "  -s N     seed (1)\n";

static struct {
    const char *host, *folder;
    uint16_t port;
    int notes;
    unsigned refuse, hang_up;
    uint64_t seed;
    atomic_ullong messages;
} sink = {.seed = 1};

struct guest {
    struct wire w;
    char recipients[4096];
    size_t len;
};

static unsigned chance_of_message(uint64_t number) {
    uint64_t z = (sink.seed + number) * 0x9e3779b97f4a7c15U;
    return (unsigned)((z ^ (z >> 29)) * 0xbf58476d1ce4e5b9U >> 33) % 1000;
}

static bool say(struct guest *g, const char *line) {
    return wire_send(&g->w, line, strlen(line));
}

/* ------------------------------------------------------------------ messages */

static bool read_text(struct guest *g, struct text *t) {
    size_t len;
    for (const char *line; (line = wire_line(&g->w, &len));) {
        if (len == 3 && line[0] == '.')
            return true;
        if (line[0] == '.')
            text_add(t, line + 1, len - 1);
        else
            text_add(t, line, len);
    }
    return false;
}

static void find_subject(const struct text *t, char subject[static 128]) {
    const char *field = t->len > 0 ? memmem(t->ptr, t->len, "\nSubject:", 9) : NULL;
    size_t len = field ? t->len - (size_t)(field - t->ptr) - 1 : 0;
    const char *end = field ? memchr(field + 1, '\r', len) : NULL;
    (void)snprintf(subject, 128, "%.*s", end ? (int)(end - field - 1) : 0, end ? field + 1 : "");
}

static void note_message(const struct guest *g, const struct text *t) {
    char id[64], wanted[SUM_SIZE], sum[SUM_SIZE], line[MARK_MAX + 1] = "", subject[128];
    size_t len = 0;
    const char *mark = t->len > 0 ? memmem(t->ptr, t->len, MARK, strlen(MARK)) : NULL;
    const char *lf = mark ? memchr(mark, '\n', t->len - (size_t)(mark - t->ptr)) : NULL;
    if (lf && lf - mark < (ptrdiff_t)MARK_MAX)
        (void)snprintf(line, sizeof line, "%.*s", (int)(lf - mark), mark);
    if (sscanf(line, MARK "%63s %zu %64s", id, &len, wanted) != 3) {
        find_subject(t, subject);
        note(sink.notes, "S %s %s", g->recipients, subject);
        return;
    }
    size_t there = t->len - (size_t)(lf + 1 - t->ptr);
    sum_of(lf + 1, there, sum);
    if (there != len)
        note(sink.notes, "D %s %s %zu bytes instead of %zu", id, g->recipients, there, len);
    else if (strcmp(sum, wanted) != 0)
        note(sink.notes, "D %s %s other bytes", id, g->recipients);
    else
        note(sink.notes, "T %s %s", id, g->recipients);
}

/* Under its number, which no other has. */
static void keep_message(uint64_t number, const struct text *t) {
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%llu", sink.folder, (unsigned long long)number);
    FILE *file = fopen(path, "we");
    if (!file || fwrite(t->ptr, 1, t->len, file) != t->len || fclose(file) != 0) {
        perror(path);
        exit(3);
    }
}

static bool take_message(struct guest *g) {
    struct text t = {0};
    uint64_t number = atomic_fetch_add(&sink.messages, 1);
    unsigned chance = chance_of_message(number);
    bool whole = say(g, "354 go on\r\n") && read_text(g, &t);
    bool goes_on = whole;
    if (whole && chance < sink.refuse) {
        goes_on = say(g, "451 4.3.0 not now\r\n");
    } else if (whole) {
        if (sink.folder)
            keep_message(number, &t);
        note_message(g, &t);
        goes_on = chance < 1000 - sink.hang_up && say(g, "250 2.0.0 taken\r\n");
    }
    free(t.ptr);
    return goes_on;
}

/* ------------------------------------------------------------------ commands */

static bool add_recipient(struct guest *g, const char *line, size_t len) {
    const char *from = memchr(line, '<', len);
    const char *to = memchr(line, '>', len);
    if (!from || !to || from > to)
        return say(g, "501 5.5.4 no path\r\n");
    size_t size = (size_t)(to - from) - 1;
    if (g->len + size + 2 > sizeof g->recipients)
        return say(g, "452 4.5.3 too many\r\n");
    if (g->len > 0)
        g->recipients[g->len++] = ',';
    memcpy(g->recipients + g->len, from + 1, size);
    g->len += size;
    g->recipients[g->len] = '\0';
    return say(g, "250 2.1.5 ok\r\n");
}

static bool answer(struct guest *g, const char *line, size_t len) {
    if (len > 5 && strncasecmp(line, "EHLO ", 5) == 0)
        return say(g, "250-elsewhere\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SIZE 52428800\r\n"
                      "250 ENHANCEDSTATUSCODES\r\n");
    if (len > 5 && strncasecmp(line, "RCPT ", 5) == 0)
        return add_recipient(g, line, len);
    if (len > 4 && strncasecmp(line, "DATA", 4) == 0)
        return take_message(g);
    if (len > 4 && strncasecmp(line, "QUIT", 4) == 0) {
        (void)say(g, "221 2.0.0 bye\r\n");
        return false;
    }
    g->len = 0; /* MAIL, RSET */
    g->recipients[0] = '\0';
    return say(g, "250 2.0.0 ok\r\n");
}

static void *serve(void *arg) {
    struct guest *g = arg;
    const char *line;
    size_t len;
    if (say(g, "220 elsewhere ESMTP\r\n"))
        while ((line = wire_line(&g->w, &len)) && answer(g, line, len))
            ;
    wire_close(&g->w);
    free(g);
    return NULL;
}

static void *welcome(void *arg) {
    for (;;) {
        pthread_t thread;
        int fd = accept4(*(int *)arg, NULL, NULL, SOCK_CLOEXEC);
        struct guest *g = fd >= 0 ? calloc(1, sizeof *g) : NULL;
        if (g && wire_adopt(&g->w, fd, 600) && pthread_create(&thread, NULL, serve, g) == 0)
            (void)pthread_detach(thread);
    }
    return NULL;
}

/* ------------------------------------------------------------------ the whole */

static int listen_here(void) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(sink.port)};
    int one = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && inet_pton(AF_INET, sink.host, &at.sin_addr) == 1 &&
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0 &&
        bind(fd, (struct sockaddr *)&at, sizeof at) == 0 && listen(fd, 1000) == 0)
        return fd;
    perror("elsewhere");
    exit(3);
}

static bool read_options(int argc, char **argv) {
    int option;
    while ((option = getopt(argc, argv, "r:h:s:k:")) != -1) {
        switch (option) {
        case 'r':
            sink.refuse = (unsigned)number_option("-r", optarg, 1000);
            break;
        case 'h':
            sink.hang_up = (unsigned)number_option("-h", optarg, 1000);
            break;
        case 'k':
            sink.folder = optarg;
            break;
        case 's':
            sink.seed = number_option("-s", optarg, UINT64_MAX);
            break;
        default:
            return false;
        }
    }
    if (argc - optind != 3)
        return false;
    sink.host = argv[optind];
    sink.port = (uint16_t)number_option("PORT", argv[optind + 1], 65535);
    sink.notes = open(argv[optind + 2], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (sink.notes < 0)
        perror(argv[optind + 2]);
    return sink.notes >= 0;
}

int main(int argc, char **argv) {
    pthread_t door;
    char nothing[64];
    if (!read_options(argc, argv)) {
        (void)fputs(usage, stderr);
        return 2;
    }
    int fd = listen_here();
    if (pthread_create(&door, NULL, welcome, &fd) != 0)
        return 3;
    printf("ready\n");
    (void)fflush(stdout);
    while (read(STDIN_FILENO, nothing, sizeof nothing) > 0)
        ;
    return fdatasync(sink.notes) == 0 ? 0 : 3;
}

/* SPDX-License-Identifier: ISC */
#include "sessions.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

struct sessions sessions_of(const char *program) {
    return (struct sessions){.program = program,
                             .at_a_time = 20,
                             .count = 1000,
                             .users = 100,
                             .template = "user%03d@bench.test",
                             .password = "secret"};
}

bool sessions_complain(struct sessions *s, const char *where, const char *line) {
    if (atomic_fetch_add(&s->complaints, 1) < 5)
        (void)fprintf(stderr, "%s: %s: %s\n", s->program, where, line ? line : "connection lost");
    return false;
}

bool sessions_next(struct sessions *s, unsigned *number) {
    *number = atomic_fetch_add(&s->next, 1);
    return *number < s->count && atomic_load(&s->complaints) < 100;
}

bool sessions_connect(struct sessions *s, struct client *c, unsigned user, char name[256]) {
    if (!fill_template(name, 256, s->template, user % s->users))
        return sessions_complain(s, "-t", s->template);
    return client_open(c, &s->to, user % 250) || sessions_complain(s, "connect", NULL);
}

void sessions_note(struct sessions *s, double began) {
    s->took[atomic_fetch_add(&s->done, 1)] = seconds() - began;
}

static void print_rate(struct sessions *s, double spent) {
    unsigned done = atomic_load(&s->done);
    printf("done %u\nfailed %u\nseconds %.4f\nper_second %.1f\n", done, s->count - done, spent,
           done / spent);
    printf("p50_ms %.3f\np95_ms %.3f\n", part_below(s->took, done, 0.5) * 1e3,
           part_below(s->took, done, 0.95) * 1e3);
    (void)fflush(stdout);
}

bool sessions_run(struct sessions *s, void *(*work)(void *load), void *load) {
    pthread_t *threads = calloc(s->at_a_time, sizeof *threads);
    double began = seconds();
    for (unsigned i = 0; i < s->at_a_time; i++)
        if (!threads || pthread_create(&threads[i], NULL, work, load) != 0)
            exit(3);
    for (unsigned i = 0; i < s->at_a_time; i++)
        (void)pthread_join(threads[i], NULL);
    free(threads);
    print_rate(s, seconds() - began);
    return atomic_load(&s->done) == s->count;
}

/* ------------------------------------------------------------------ parked ones */

static bool ask_sample(struct sessions *s, bool (*is_there)(void *load, struct client *c),
                       void *load) {
    unsigned asked = 0;
    unsigned alive = 0;
    for (unsigned i = 0; i < s->count; i += 1 + s->count / 100) {
        asked++;
        alive += s->parked[i].fd >= 0 && is_there(load, &s->parked[i]);
    }
    printf("asked %u\nalive %u\n", asked, alive);
    return alive == asked;
}

bool sessions_park(struct sessions *s, void *(*work)(void *load),
                   bool (*is_there)(void *load, struct client *c), void *load) {
    struct rlimit files = {s->count + 100, s->count + 100};
    (void)setrlimit(RLIMIT_NOFILE, &files);
    s->parked = calloc(s->count, sizeof *s->parked);
    if (!s->parked)
        return false;
    for (unsigned i = 0; i < s->count; i++)
        s->parked[i].fd = -1;
    bool good = sessions_run(s, work, load);
    printf("parked\n");
    (void)fflush(stdout);
    while (getchar() != EOF)
        ;
    good = ask_sample(s, is_there, load) && good;
    for (unsigned i = 0; i < s->count; i++)
        if (s->parked[i].fd >= 0)
            client_close(&s->parked[i]);
    free(s->parked);
    return good;
}

/* ------------------------------------------------------------------ options */

bool sessions_option(struct sessions *s, int option, const char *value) {
    switch (option) {
    case 's':
        s->at_a_time = number_option("-s", value, 1, 1000);
        return true;
    case 'm':
        s->count = number_option("-m", value, 1, 10000000);
        return true;
    case 't':
        s->template = value;
        return true;
    case 'u':
        s->users = number_option("-u", value, 1, 1000000);
        return true;
    case 'w':
        s->password = value;
        return true;
    case 'T':
        s->to.tls = true;
        return true;
    default:
        return false;
    }
}

void sessions_endpoint(struct sessions *s, const char *host, const char *port) {
    bool tls = s->to.tls;
    s->to = endpoint_option(host, port);
    s->to.tls = tls;
}

int sessions_main(struct sessions *s, const struct sessions_mode *modes,
                  bool (*read)(void *load, int argc, char **argv), void *load, int argc,
                  char **argv, const char *usage) {
    for (; argc > 1 && modes->name; modes++) {
        if (strcmp(argv[1], modes->name) != 0 || !read(load, argc - 1, argv + 1))
            continue;
        s->took = calloc(s->count, sizeof *s->took);
        bool good = s->took && modes->run(load);
        free(s->took);
        return good ? 0 : 1;
    }
    (void)fputs(usage, stderr);
    return 2;
}

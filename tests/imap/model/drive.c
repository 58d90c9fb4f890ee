/* SPDX-License-Identifier: ISC */
/*
 * The clients of the model test at a real server, whose processes are killed in their midst:
 *
 *     imap_model_drive HOST IMAP-PORT SMTP-PORT POP3-PORT OWNER VISITOR PASSWORD SEED SECONDS
 * [trace]
 *
 * It does not touch processes: on its output it says "kill mail" or "kill all", and whoever has
 * started it does so, sees to it that the server is back, and says a line. "settle" asks for a line
 * when the queue has nothing left. Both accounts have nothing but an INBOX, and nobody else uses
 * them.
 *
 * What a client has read before "kill" was said counts as told; the rest may have been done or not.
 * With a seed the clients ask for the same things, but when they meet is the machine's affair.
 * Ends with 0 and a line of figures, or as model_fail() does. tests/faults/test_imap_model.py.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "acts.h"
#include "base/alloc.h"
#include "inspect.h"
#include "io/net.h"
#include "trace.h"

#define CLIENTS  8U
#define PATIENCE (60 * USEC_SEC)

struct drive {
    struct run run;
    struct client clients[CLIENTS];
    struct net_addr imap, smtp, pop3;
    const char *password;
    struct stream *asker; /* who has started us */
    usec_t until;
    unsigned rounds, kills;
    uint32_t *accepted; /* messages that SMTP has taken in this round */
    size_t accepted_count;
};

/* ------------------------------------------------------------------ connections */

/* Reads until a line begins so; false: the connection is lost. */
static bool hear(struct stream *s, const char *text) WAITS {
    struct slice line;
    do {
        if (stream_read_line(s, STREAM_WINDOW, &line) < 0)
            return false;
    } while (!slice_starts(line, slice_of_str(text)));
    return true;
}

static bool connect_to(struct run *run, struct client *c) {
    struct drive *d = (struct drive *)run;
    if (net_connect(&d->imap, NULL, fiber_now() + PATIENCE, &c->stream) < 0) {
        c->stream = NULL;
        (void)fiber_sleep(50 * USEC_MS);
        return false;
    }
    stream_set_timeout(c->stream, PATIENCE);
    stream_printf(c->stream, "in LOGIN %s %s\r\n", c->visits ? run->visitor : run->owner,
                  d->password);
    return hear(c->stream, "in OK") && !run->over;
}

static void disconnect(struct run *run, struct client *c) {
    stream_free(c->stream);
}

static bool deliver(struct run *run, unsigned wish, uint32_t serial) {
    struct drive *d = (struct drive *)run;
    _cleanup_(buf_done) struct buf text = {0};
    struct stream *s;
    message_text(serial, &text);
    if (net_connect(&d->smtp, NULL, fiber_now() + PATIENCE, &s) < 0)
        return false;
    stream_set_timeout(s, PATIENCE);
    stream_printf(s, "EHLO model.test\r\nMAIL FROM:<model@far.test>\r\nRCPT TO:<%s>\r\nDATA\r\n",
                  run->owner);
    bool taken = hear(s, "354 ");
    if (taken) {
        stream_write(s, buf_slice(&text));
        stream_str(s, ".\r\n");
        taken = hear(s, "250 ");
    }
    if (taken && !run->over) { /* it is somewhere, and has to come */
        d->accepted = mem_grow(d->accepted, (d->accepted_count + 1) * sizeof *d->accepted);
        d->accepted[d->accepted_count++] = serial;
    }
    stream_free(s);
    return false;
}

static bool pop3(struct run *run, struct stream **ret) {
    struct drive *d = (struct drive *)run;
    struct slice line;
    struct stream *s;
    if (net_connect(&d->pop3, NULL, fiber_now() + PATIENCE, &s) < 0)
        return false;
    stream_set_timeout(s, PATIENCE);
    stream_printf(s, "USER %s\r\nPASS %s\r\n", run->owner, d->password);
    bool in = hear(s, "+OK"); /* the greeting */
    in = in && hear(s, "+OK") && stream_read_line(s, STREAM_WINDOW, &line) == 0;
    if (in && !run->over && slice_starts(line, S("+OK"))) {
        *ret = s;
        return true;
    }
    stream_free(s); /* another session may have the maildrop */
    return false;
}

/* ------------------------------------------------------------------ rounds */

static void ask(struct drive *d, const char *what) WAITS {
    struct slice line;
    printf("%s\n", what);
    (void)fflush(stdout);
    RULE(stream_read_line(d->asker, 4096, &line) == 0, "nobody answers to \"%s\"", what);
}

struct part {
    struct client *client;
    usec_t until;
};

static void client_main(void *arg) {
    const struct part *part = arg;
    struct client *c = part->client;
    while (!c->run->over && fiber_now() < part->until) {
        if (c->dropped)
            client_connect(c);
        if (!c->dropped)
            act(c);
        c->run->steps++;
        if (c->dropped)
            client_drop(c);
    }
}

static bool is_known(const struct truth *t, uint32_t serial) {
    for (size_t i = 0; i < t->box_count; i++)
        for (size_t k = 0; k < t->boxes[i]->count; k++)
            if (t->boxes[i]->messages[k]->serial == serial)
                return true;
    return false;
}

/* One that somebody has moved to a mailbox which was deleted then, nobody may have seen. */
static bool may_be_unseen(const struct truth *t) {
    for (size_t i = 0; i < t->box_count; i++)
        if (t->boxes[i]->may_be_deleted && !t->boxes[i]->was_deleted)
            return true;
    return t->is_loose;
}

static void look(struct drive *d) WAITS {
    bool unseen = may_be_unseen(&d->run.truth);
    ask(d, "settle");
    inspect(&d->run, d->clients, CLIENTS);
    for (size_t i = 0; i < d->accepted_count && !unseen; i++)
        RULE(is_known(&d->run.truth, d->accepted[i]), "message %u was taken, and never came",
             d->accepted[i]);
    d->accepted_count = 0;
}

static void run_round(struct drive *d) WAITS {
    struct run *run = &d->run;
    struct part parts[CLIENTS];
    struct fiber *fibers[CLIENTS];
    bool kills = rng_below(&run->rng, 4) > 0, all = rng_one_in(&run->rng, 3);
    usec_t until = fiber_now() + USEC_SEC;
    run->is_quarrel = rng_one_in(&run->rng, 6);
    for (size_t i = 0; i < CLIENTS; i++) {
        parts[i] = (struct part){&d->clients[i], until};
        MUST(fiber_start("client", client_main, &parts[i], &fibers[i]) == 0);
    }
    if (kills) {
        (void)fiber_sleep(rng_below(&run->rng, USEC_SEC));
        trace_line(run->trace, "   (%s)", all ? "kill all" : "kill mail");
        run->over = true;
        ask(d, all ? "kill all" : "kill mail");
        d->kills++;
    }
    for (size_t i = 0; i < CLIENTS; i++)
        fiber_join(fibers[i]);
    for (size_t i = 0; i < CLIENTS && kills; i++)
        client_drop(&d->clients[i]);
    run->over = false;
    trace_line(run->trace, "   (all is looked at)");
    look(d);
    d->rounds++;
}

/* The UIDVALIDITY of an INBOX. */
static uint32_t look_at_inbox(struct run *run, bool visits) WAITS {
    struct client c;
    client_init(&c, run, 0);
    c.visits = visits;
    client_connect(&c);
    RULE(act_select(&c, visits ? NAME_HOME : "INBOX", false), "the INBOX cannot be selected");
    uint32_t validity = c.box->validity;
    if (!visits) {
        (void)client_begin(&c, V_OTHER, "SETACL INBOX %s lrswipkxtea", run->visitor);
        client_finish(&c);
    }
    client_done(&c);
    return validity;
}

static void drive_main(void *arg) {
    struct drive *d = arg;
    MUST(stream_from_fd(STDIN_FILENO, &d->asker) == 0);
    names_init(&d->run.names, 0);
    d->run.inbox = look_at_inbox(&d->run, false);
    d->run.home = look_at_inbox(&d->run, true);
    for (unsigned i = 0; i < CLIENTS; i++) {
        client_init(&d->clients[i], &d->run, i);
        d->clients[i].dropped = true;
    }
    d->until += fiber_now();
    while (fiber_now() < d->until)
        run_round(d);
    for (size_t i = 0; i < CLIENTS; i++)
        client_done(&d->clients[i]);
    stream_free(d->asker);
    fprintf(stderr, "%u rounds, %" PRIu64 " steps, %u kills, %u messages\n", d->rounds,
            d->run.steps, d->kills, d->run.serial);
}

static bool take_addr(const char *host, const char *port, struct net_addr *ret) {
    return net_parse(slice_of_str(host), (uint16_t)strtoul(port, NULL, 10), ret) == 0;
}

int main(int argc, char **argv) {
    struct drive *d = NEW(struct drive);
    struct fiber_config config = {0};
    if (argc < 10 || !take_addr(argv[1], argv[2], &d->imap) ||
        !take_addr(argv[1], argv[3], &d->smtp) || !take_addr(argv[1], argv[4], &d->pop3))
        return 2;
    (void)signal(SIGPIPE, SIG_IGN);
    d->run.owner = argv[5];
    d->run.visitor = argv[6];
    d->password = argv[7];
    d->run.rng.state = strtoull(argv[8], NULL, 10);
    d->until = (usec_t)strtoull(argv[9], NULL, 10) * USEC_SEC;
    d->run.trace = argc > 10;
    d->run.connect = connect_to;
    d->run.disconnect = disconnect;
    d->run.deliver = deliver;
    d->run.pop3 = pop3;
    trace_begin("again: seed %s", argv[8]);
    int r = fiber_run(&config, drive_main, d);
    truth_done(&d->run.truth);
    free(d->run.uidls);
    free(d->accepted);
    free(d);
    return r == 0 ? 0 : 1;
}

/* SPDX-License-Identifier: ISC */
/*
 * Whole conversations after login: any bytes from a client, at once and in parts of any size, over
 * a mailbox with a few messages of several kinds, and over those that another account shares with
 * his. All that is said is in the grammar, and however the bytes were cut the client hears the
 * same. What comes compressed is not looked at. Of what is not shared nothing is heard, nor of what
 * a session and its visits say to each other.
 *
 * Byte 0: the size of parts.
 */
#include <stdio.h>

#include "base/alloc.h"
#include "dialogue/parts.h"
#include "fiber/fiber.h"
#include "judge.h"
#include "neighbours.h"
#include "store/memory/memory.h"
#include "store/rights.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#define ACCOUNT 4711U
#define TAMA    "tama@example.test"
#define SECRET  "qx7hidden"

struct client {
    struct parts parts;
    struct buf heard;
    struct neighbour tama;
    const struct imap_others *others;
    char mark[IMAP_MARK_HEX]; /* of the visit that began last */
};

static void remember(struct parts *p, struct slice said) {
    struct client *c = CONTAINER_OF(p, struct client, parts);
    buf_add(&c->heard, said);
}

static const char *const messages[] = {
    "Subject: plain\r\nFrom: tama@example.test\r\nMessage-ID: <1@a>\r\n\r\nbody\r\n",
    "Subject: Re: plain\r\nDate: Mon, 2 Feb 2026 10:00:00 +0900\r\nIn-Reply-To: <1@a>\r\n\r\n",
    ("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\none\r\n--b\r\n"
     "Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\ntwo\r\n--b--\r\n"),
    "Subject: =?iso-2022-jp?B?GyRCMnE1RBsoQg==?=\r\nContent-Type: text/html\r\n\r\n<p>three &amp;",
    "",
    "Subject: " SECRET "\r\n\r\n" SECRET "\r\n",
};

static void deliver(struct store *s, uint64_t account, uint32_t mailbox, size_t i) WAITS {
    struct slice part = slice_of_str(messages[i]), keyword = S("$Forwarded");
    struct store_delivered d;
    struct store_delivery delivery = {
        .mailbox = mailbox,
        .parts = &part,
        .part_count = 1,
        .flags = i % 2 ? (uint64_t)STORE_SEEN : 0,
        .keywords = &keyword,
        .keyword_count = i % 3 == 0,
    };
    MUST(store_deliver(s, account, &delivery, &d) == 0);
}

static int note_mark(void *arg, struct slice owner, const struct imap_terms *terms,
                     struct stream **ret) WAITS {
    struct client *c = CONTAINER_OF((struct neighbour *)arg, struct client, tama);
    memcpy(c->mark, terms->mark, sizeof c->mark);
    return c->others->visit(arg, owner, terms, ret);
}

/* Mike's mailboxes: tama may do nearly everything in one, read one, and not know of the third. */
static void share(struct store *s) WAITS {
    static const struct {
        const char *name, *rights;
    } mailboxes[] = {{"Cats", "lrswipkxte"}, {"Dogs", "lr"}, {SECRET, ""}};
    struct store_account *a;
    MUST(store_account_open(s, ACCOUNT + 1, &a) == 0);
    for (size_t i = 0; i < ARRAY_SIZE(mailboxes); i++) {
        uint32_t id;
        MUST(store_create_mailbox(a, 0, slice_of_str(mailboxes[i].name), STORE_ROLE_NONE, &id) ==
             0);
        MUST(store_set_rights(a, id, S(TAMA), slice_of_str(mailboxes[i].rights)) == 0);
        deliver(s, ACCOUNT + 1, id, mailboxes[i].rights[0] ? i : ARRAY_SIZE(messages) - 1);
    }
    store_account_close(a);
}

static void run_session(void *arg) WAITS {
    struct client *c = arg;
    struct imap_session_counts counts;
    struct stream *s = parts_stream(&c->parts);
    (void)imap_session(s, &c->tama.config, *c->tama.all->store, ACCOUNT, &counts);
    (void)stream_flush(s);
    stream_free(s);
}

static void converse(void *arg) WAITS {
    struct client *c = arg;
    struct memory_options memory = {.memory = memory_new()};
    struct store_options options = {.backend = memory_open, .backend_options = &memory};
    struct imap_session_config config = imap_session_defaults;
    const uint64_t quota = 100000;
    struct fiber *session;
    struct store *store;
    struct neighbours all = {.store = &store,
                             .first = ACCOUNT,
                             .count = 2,
                             .people = {S(TAMA), S("mike@example.test")},
                             .quotas = {&quota, &quota}};
    MUST(store_open(&options, &store, NULL) == 0);
    for (size_t i = 0; i + 1 < ARRAY_SIZE(messages); i++)
        deliver(store, ACCOUNT, STORE_INBOX, i);
    share(store);
    config.tag = S("in");
    config.message_max = 10000;
    neighbour_init(&c->tama, &all, 0, &config);
    c->others = c->tama.config.others;
    struct imap_others others = *c->others;
    others.visit = note_mark;
    c->tama.config.others = &others;
    MUST(fiber_start("session", run_session, c, &session) == 0); /* it ends behind its visits */
    fiber_join(session);
    store_close(store);
    memory_free(memory.memory);
}

/* How far it can be read. */
static void cut_compressed(struct client *c) {
    const struct slice last = S(" OK compressed from here on\r\n");
    ssize_t at = slice_find(buf_slice(&c->heard), last);
    if (at >= 0)
        c->heard.len = (size_t)at + last.len;
}

static bool has(const struct client *c, struct slice text) {
    return text.ptr[0] != '\0' && slice_find(buf_slice(&c->heard), text) >= 0;
}

static void check(struct client *c, struct slice said) {
    struct problem problem;
    MUST(!has(c, slice_of(c->mark, IMAP_MARK_HEX)));
    MUST(!has(c, S(SECRET)) || slice_find(said, S(SECRET)) >= 0);
    cut_compressed(c);
    int error = judge_responses(buf_slice(&c->heard), &problem);
    if (error)
        (void)fprintf(stderr, "%s\n", problem.text);
    MUST(error == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
    if (len < 1)
        return 0;
    struct slice said = slice_of(bytes + 1, len - 1);
    struct client clients[] = {{.parts = {said, SIZE_MAX, 0, remember}},
                               {.parts = {said, (size_t)bytes[0] + 1, 0, remember}}};
    for (size_t i = 0; i < ARRAY_SIZE(clients); i++) {
        const struct fiber_config config = {.simulate_from = 1795345200 * USEC_SEC};
        MUST(fiber_run(&config, converse, &clients[i]) == 0);
        check(&clients[i], said);
    }
    struct slice whole = buf_slice(&clients[0].heard), cut = buf_slice(&clients[1].heard);
    /* What stands behind a literal that was refused decides, if it is there by then. */
    static const char *const refused[] = {"a message came with a command that was refused",
                                          "the command is too long, closing",
                                          /* and keys are not the same twice */
                                          "* GENURLAUTH"};
    bool decided = false;
    for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
        decided |= slice_find(whole, slice_of_str(refused[i])) >= 0 ||
                   slice_find(cut, slice_of_str(refused[i])) >= 0;
    MUST(decided || slice_eq(whole, cut));
    for (size_t i = 0; i < ARRAY_SIZE(clients); i++)
        buf_done(&clients[i].heard);
    return 0;
}

/* SPDX-License-Identifier: ISC */
/*
 * Inside the edge role: one SMTP conversation, and the message that is coming in over it.
 */
#pragma once

#include "role/edge/edge.h"
#include "smtp/session.h"

/* What the journey keeps of the dialogue before a message. */
#define EDGE_DIALOGUE_MAX   12000U
#define EDGE_DIALOGUE_USUAL 1024U

struct edge_message;

/* Bytes that a mailbox may hold at all, and can take now; UINT64_MAX: no bound. */
struct edge_room {
    uint64_t ever, now;
    usec_t asked; /* when the first of them was */
};

struct edge_smtp {
    struct edge_connection *connection;
    struct smtp_listener listener;
    uint64_t account; /* who logged in; 0: nobody */
    char account_address[320];
    struct edge_room room; /* of those accepted since MAIL, the one who can take least */
    bool leads_on;         /* one of them leads to another host */
    struct buf dialogue;   /* since the last message, or the beginning */
    size_t dialogue_memory, envelope_memory; /* as counted in the edge's sum */
};

/* The doors: port 25, and users who send. */
void edge_serve_receiving(struct edge_connection *c) WAITS;
void edge_serve_submission(struct edge_connection *c) WAITS;

/* edge_dialogue.c: keeps a line of the dialogue; forgets it all, and gives its memory back. */
void edge_dialogue_add(struct edge_smtp *m, enum smtp_event_kind kind, struct slice text);
void edge_dialogue_end(struct edge_smtp *m);

/*
 * The relay rule (edge_judge.c): inside may send anywhere, outside may send inside, outside to
 * outside is refused. Whether the client may send anywhere: a user, or a network that is trusted.
 */
bool edge_may_relay(const struct edge_smtp *m);
bool edge_is_trusted(const struct edge_smtp *m);

/* What a user can do who was refused an address as sender; behind a sentence. */
#define EDGE_OWN_SENDER "; write under your own, or ask the postmaster to allow it"

/*
 * edge_judge.c: at MAIL; and at RCPT, whether the mailboxes behind `address` can take a message of
 * that size (0: not said), by what was `asked` then (fiber_now()). Code 0: they can; else the text
 * is in the arena.
 */
void edge_room_begin(struct edge_smtp *m);
struct smtp_reply edge_room_judge(struct edge_smtp *m, struct slice address,
                                  const struct route *route, usec_t asked, uint64_t size,
                                  struct arena *a);

/* The functions of struct smtp_host that take a message; `arg` is the struct edge_smtp. */
int edge_message_begin(void *arg, const struct smtp_client *client, struct smtp_transaction *t,
                       struct arena *a, struct smtp_reply *ret_reply);
int edge_message_write(void *arg, struct smtp_transaction *t, struct slice chunk) WAITS;
int edge_message_end(void *arg, const struct smtp_client *client, struct smtp_transaction *t,
                     const struct message_scan *facts, struct arena *a,
                     struct smtp_reply *ret_reply) WAITS;
void edge_message_abort(void *arg, const struct smtp_client *client, struct smtp_transaction *t,
                        const struct smtp_reply *reply) WAITS;

/*
 * What the journey hears (edge_log.c): a sender or a recipient that was refused; a message that was
 * taken, refused or, when the reply has no code, lost for the reason that is its text.
 */
void edge_log_sender(const struct edge_smtp *m, const struct smtp_transaction *t,
                     const struct smtp_reply *reply, struct arena *a);
void edge_log_recipient(const struct edge_smtp *m, const struct smtp_transaction *t,
                        struct slice address, const struct smtp_reply *reply, struct arena *a);

/* What the scan role has found of a message, which is taken or not. */
void edge_log_judgement(const struct edge_smtp *m, queue_id id, bool taken,
                        const struct event_fact *facts, size_t count);

struct edge_logged {
    struct slice message_id, subject; /* as far as they came */
    const struct message_scan *whole; /* NULL: the message is not */
};
void edge_log_message(const struct edge_smtp *m, const struct smtp_client *client,
                      const struct smtp_transaction *t, const struct edge_logged *told,
                      const struct smtp_reply *reply, struct arena *a);

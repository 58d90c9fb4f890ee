/* SPDX-License-Identifier: ISC */
/*
 * Inside the edge role: a message that is coming in (edge_message.c), what it is refused for
 * (edge_judge.c), who has sent it (edge_sender.c), what is done to its header (edge_header.c) and
 * its lines (edge_lines.c), and the file in which it may be (edge_file.c).
 */
#pragma once

#include "role/edge/edge_smtp.h"

struct edge_message {
    struct edge_smtp *smtp;
    const struct envelope *envelope;
    queue_id id;
    struct buf bytes; /* not in the file yet */
    struct buf head;  /* the header as it goes on, when `fixed` */
    int file;         /* of the queue, or -1 */
    uint64_t written; /* bytes in the file */
    bool fixed;       /* the header is in `head`, `bytes` begins with the body */
    bool header_ended;
    bool headless;                    /* nothing of a header: the first line is no field */
    bool tls_waived;                  /* its header says TLS-Required: No */
    bool sent_on;                     /* its header names an address that has sent it on */
    struct smtp_reply refusal;        /* of the header, or of who has sent it; code 0: none */
    struct slice results;             /* Authentication-Results; empty: it is not judged */
    uint8_t verdict;                  /* enum message_verdict */
    size_t searched;                  /* so far into `bytes` there is no empty line */
    size_t memory;                    /* as counted in the edge's sum */
    struct slice message_id, subject; /* for the journey; in `facts` */
    struct arena facts;
};

#define EDGE_SMALL_MAX ((size_t)256 * 1024) /* bytes that stay in memory */

/*
 * Moves what has gathered into the file, which is opened if need be and begins with `head`. 0 too
 * when there can be no file for now and it may stay in memory, or when the header was refused.
 */
int edge_message_spill(struct edge_message *l) WAITS;

/* Writes to the file behind what is there. */
int edge_message_put(struct edge_message *l, struct slice bytes) WAITS;

void edge_message_close_file(struct edge_message *l);

/* Closes the file and gives it back to the queue. */
void edge_message_drop_file(struct edge_message *l) WAITS;

/* Counts all that the message holds in the edge's sum, and `more`, which somebody holds for it. */
void edge_message_count(struct edge_message *l, size_t more);

/*
 * When the header is whole, or the message: reads it, judges that of a user, and puts it right.
 * More calls give the same result. 0; -E_REFUSED with `refusal`; another error: try again later.
 */
int edge_header_finish(struct edge_message *l) WAITS;

/*
 * edge_judge.c: whether an address that the message is for has sent it on before, by the header in
 * `bytes`; whether all mailboxes it is for can hold it. 0; -E_REFUSED with `refusal`; another
 * error.
 */
int edge_message_loops(struct edge_message *l) WAITS;
int edge_message_fits(struct edge_message *l) WAITS;

/*
 * edge_sender.c: has the scan role judge who has sent the message, which is whole and in its last
 * form: in memory, or with `in_file` in the file. Nobody's are judged who may send anywhere, or who
 * comes from this machine itself. 0, with `results`; -E_REFUSED with `refusal`; another error: try
 * again later.
 */
int edge_sender_judge(struct edge_message *l, const struct smtp_client *client) WAITS;

/* Of a message that goes nowhere: only reads what the journey tells. */
void edge_header_read(struct edge_message *l);

/* SPDX-License-Identifier: ISC */
#include "role/doors.h"

#include "role/edge/edge_imap.h"
#include "role/edge/edge_pop3.h"
#include "role/edge/edge_smtp.h"
#include "role/mail/mail_imap.h"
#include "role/mail/mail_pop3.h"

#define SMTP_REPLIES                                                                               \
    .too_many = "421 4.7.0 Too many connections from your address, try again later\r\n",           \
    .full = "421 4.3.2 Too many connections, try again later\r\n",                                 \
    .no_memory = "421 4.3.1 The server is short of memory, try again later\r\n"

static const struct door rows[] = {
    {
        .service = {"smtp", 4},
        .protocol = "SMTP",
        .kind = CROWD_STRANGERS,
        .ports = {{{"smtp", 4}, 25, false}},
        SMTP_REPLIES,
        .serve = edge_serve_receiving,
    },
    {
        .service = {"submission", 10},
        .protocol = "submission",
        .kind = CROWD_SENDERS,
        .ports = {{{"submission", 10}, 587, false}, {{"submissions", 11}, 465, true}},
        SMTP_REPLIES,
        .serve = edge_serve_submission,
    },
    {
        .service = {"pop3", 4},
        .protocol = "POP3",
        .kind = CROWD_READERS,
        .ports = {{{"pop3", 4}, 110, false}, {{"pop3s", 5}, 995, true}},
        .too_many = "-ERR [SYS/TEMP] too many connections, try again later\r\n",
        .full = "-ERR [SYS/TEMP] too many connections, try again later\r\n",
        .no_memory = "-ERR [SYS/TEMP] the server is short of memory, try again later\r\n",
        .away = "-ERR [SYS/TEMP] the mailbox cannot be opened now\r\n",
        .crowded = "-ERR [SYS/TEMP] the account has too many connections, close some of them\r\n",
        .serve = edge_serve_pop3,
        .session = mail_serve_pop3,
    },
    {
        .service = {"imap", 4},
        .protocol = "IMAP",
        .kind = CROWD_KEEPERS,
        .ports = {{{"imap", 4}, 143, false}, {{"imaps", 5}, 993, true}},
        .too_many = "* BYE [LIMIT] too many connections from your address, try again later\r\n",
        .full = "* BYE [UNAVAILABLE] too many connections, try again later\r\n",
        .no_memory = "* BYE [UNAVAILABLE] the server is short of memory, try again later\r\n",
        .away = "* BYE [UNAVAILABLE] the mailbox cannot be opened now\r\n",
        .crowded = "* BYE [LIMIT] the account has too many connections, close some of them\r\n",
        .serve = edge_serve_imap,
        .session = mail_serve_imap,
    },
};

const struct doors all_doors = {rows, ARRAY_SIZE(rows)};

const struct door_port *doors_port(const struct doors *doors, size_t n, const struct door **ret) {
    for (size_t i = 0; i < doors->count; i++) {
        *ret = &doors->list[i];
        for (size_t k = 0; k < DOOR_PORTS && (*ret)->ports[k].name.len > 0; k++) {
            if (n-- == 0)
                return &(*ret)->ports[k];
        }
    }
    return NULL;
}

const struct door *doors_find_port(const struct doors *doors, struct slice name,
                                   const struct door_port **ret_port) {
    const struct door *door = NULL;
    for (size_t n = 0; (*ret_port = doors_port(doors, n, &door)); n++) {
        if (slice_eq((*ret_port)->name, name))
            return door;
    }
    return NULL;
}

const struct door *doors_find_session(const struct doors *doors, struct slice service) {
    for (size_t i = 0; i < doors->count; i++) {
        if (doors->list[i].session && slice_eq(doors->list[i].service, service))
            return &doors->list[i];
    }
    return NULL;
}

/* SPDX-License-Identifier: ISC */
/* What `verify` and `seal` share: a message from a file, and DNS without a running server. */
#pragma once

#include "cli/cli.h"
#include "dns/resolver.h"
#include "sender/judge.h"

#define JUDGED_MAX (64U << 20) /* bytes of a message */

/* A file, "-" for standard input, with line ends CRLF. */
int judging_read(struct slice name, struct buf *to, struct problem *problem);

/* The same line ends for a message that is there. */
void judging_lines(struct slice message, struct buf *to);

/* A resolver of this program, which asks the server of --dns, or those of /etc/resolv.conf. */
struct judging_dns {
    struct resolver *resolver;
    struct fiber *driver;
};

int judging_dns_open(const struct cli *c, struct judging_dns *ret, struct problem *problem);
void judging_dns_close(struct judging_dns *d) WAITS; /* of the zero value, too */

/* What is known of the way in which a message came. */
struct judging_arrival {
    struct slice client_ip, helo, mail_from, host;
    int64_t now;
};

/* What the options say, and defaults. */
struct judging_arrival judging_arrival_of(const struct cli *c);

/* Judges a message. The question is what was made of the arrival. */
int judging_judge(const struct judging_arrival *from, struct slice message,
                  const struct dns_client *dns, struct arena *a, struct sender_question *q,
                  struct sender_verdict *ret, struct problem *problem) WAITS;

/* Rows of the command line (cli/terminal/row.h). */
#define JUDGING_OPTIONS                                                                            \
    OPTION("client-ip", "IP",                                                                      \
           .about = N_("the address that it came from; without it, 127.0.0.1")),                   \
        OPTION("helo", "NAME", .about = N_("what was said in HELO")),                              \
        OPTION("mail-from", "ADDRESS",                                                             \
               .about = N_("what was said in MAIL FROM; without it, nothing")),                    \
        OPTION("dns", "ADDR:PORT",                                                                 \
               .about = N_("the DNS server to ask; without it, those of /etc/resolv.conf")),       \
        OPTION("time", "UNIX", .kind = CLI_NUMBER, .max = 253402300799,                            \
               .about = N_("when it came, in seconds since 1970; without it, now")),               \
        OPTION("authserv-id", "NAME",                                                              \
               .about = N_("who judges, in Authentication-Results; without it, localhost"))

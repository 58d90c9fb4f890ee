/* SPDX-License-Identifier: ISC */
/*
 * Inside the scan role: judging messages, each in a fiber of its own (its call), so that one whose
 * sender's DNS is slow keeps no other waiting.
 *
 *     scan.c         its life, what it answers
 *     scan_judge.c   who has sent a message, and what is to become of it
 *     scan_body.c    the bytes of a message, which may be in a file
 *     scan_sign.c    signing what leaves in our name, sealing what is sent on
 *     scan_vault.c   the keys for it, which the keys role has
 *     scan_reports.c what is told of a message to its author's domain, and what others tell
 */
#pragma once

#include "base/map.h"
#include "dns/recent.h"
#include "fiber/sync.h"
#include "proc/process.h"
#include "sender/decide.h"
#include "sender/outgoing.h"
#include "sender/patience.h"

struct scan {
    struct recent_answers *recent; /* of the resolver */
    unsigned judging;              /* messages at this moment, and being signed */
    struct patience *patience;     /* with those domains that fall to this process */
    struct map signers;            /* which keys sign, by domain: scan_vault.c */
    struct fiber_mutex reporting;  /* one message with reports is read at a time */
};

/* So many at a time; then whoever asks is to come again. A message that waits for DNS takes about
 * 30 KiB beside its own bytes, of which RPC_IN_MAX bounds the sum. */
#define SCAN_MESSAGES_MAX 5000U

/* What DNS does not answer within this is not answered: the client waits for 10 minutes at least
 * (RFC 5321 §4.5.3.2.6). */
#define SCAN_DNS_LIMIT (60 * USEC_SEC)

/* Answers scan.judge. -E_LIMIT: too many at a time. */
int scan_on_judge(void *arg, const struct rpc_caller *caller, const struct rpc_scan_judge_in *in,
                  struct arena *a, struct rpc_scan_judge_out *out, struct problem *problem) WAITS;

/* Answers scan.sign. -EPIPE: the keys role is away, -E_BUSY: another try will do. */
int scan_on_sign(void *arg, const struct rpc_caller *caller, const struct rpc_scan_sign_in *in,
                 struct arena *a, struct rpc_scan_sign_out *out, struct problem *problem) WAITS;

/* The keys role, asked for the keys of our domains; with the process. */
struct outgoing_vault scan_vault(struct process *p);

/* Where the bytes of a message are, as a call brings them. */
struct scan_message {
    struct slice header; /* empty: it stands at the front of `bytes` */
    struct slice bytes;
    int file; /* instead of both; or -1 */
    uint64_t file_len;
};

/*
 * Reads a message into a new judge; what that needs of the header stays in `header` (buf_done()
 * behind the judge's end). 0, -E_CORRUPT: the file is shorter than it was said to be, or an errno.
 */
int scan_read(const struct scan_message *message, int64_t now, struct buf *header,
              struct sender_judge **ret) WAITS;

/* Tells the events role what was seen, if the author's domain wants reports and the message is
 * neither a report nor a bounce, which count towards none. */
void scan_tell_seen(struct process *p, const struct rpc_scan_judge_in *in,
                    const struct sender_verdict *v, const struct sender_decision *d,
                    struct arena *a);

/* Reads a message that is for an address of reports, and has what it reports kept. Nothing of it
 * matters to the message. */
void scan_keep_reports(struct process *p, const struct rpc_scan_judge_in *in,
                       const struct sender_verdict *v) WAITS;

int scan_on_report_destinations(void *arg, const struct rpc_caller *caller,
                                const struct rpc_scan_report_destinations_in *in, struct arena *a,
                                struct rpc_scan_report_destinations_out *out,
                                struct problem *problem) WAITS;

/* SPDX-License-Identifier: ISC */
/*
 * The MTA-STS policies of other domains: found when a message is to be sent, and kept for as long
 * as they say, over restarts too (RFC 8461 §3.3, §5.1).
 *
 *     keeper = sts_keeper_new(&ops);
 *     sts_keeper_load(keeper, text);                       what sts_keeper_save() wrote
 *     sts_keeper_find(keeper, domain, arena, &found);      from any number of fibers
 *
 * When something is asked:
 * - the TXT record when a message is sent and the last look at it is a minute old;
 * - the policy when the id of the record is another one than that of the policy we have. If it
 *   cannot be had the old one stays;
 * - the policy when it was fetched a day ago, although the id is the same: people forget to change
 *   it. The message does not wait for that;
 * - the policy when a message has failed by it (sts_keeper_doubt()), so that one that has changed
 *   without a new id is found before anything comes back.
 * What could not be fetched is not asked for again for five minutes.
 *
 * Of a domain that has a policy of ours nothing weakens it before it runs out: neither a record
 * that is gone, nor DNS or a server that does not answer. A policy "none" ends it.
 */
#pragma once

#include "base/time.h"
#include "dns/client.h"
#include "fiber/fiber.h"
#include "policy/sts_policy.h"
#include "policy/sts_record.h"

struct sts_keeper;

/* Copied; what `arg` and `dns` point at outlives the keeper. */
struct sts_keeper_ops {
    struct dns_client dns;
    /* Fetches the text of a domain's policy: 0, -ECANCELED, or negative with a sentence. */
    int (*fetch)(void *arg, struct slice domain, struct arena *a, struct slice *ret_text,
                 struct problem *problem) WAITS;
    void *arg;
    struct fiber *root; /* what nobody waits for runs under it; lives as long as the keeper */
};

struct sts_keeper *sts_keeper_new(const struct sts_keeper_ops *ops);
void sts_keeper_free(struct sts_keeper *k); /* when no fiber is in it */
DEFINE_CLEANUP(struct sts_keeper, sts_keeper_free)

/* Domains, and bytes of their policies; those that were used least recently go. */
#define STS_KEPT_MAX       10000U
#define STS_KEPT_BYTES_MAX (64U << 20)

/* What holds for a domain now. Slices are the arena's. */
struct sts_found {
    bool has_policy; /* of mode testing or enforce */
    struct sts_policy policy;
    struct slice id;
    usec_t fetched;    /* wall time */
    usec_t runs_out;   /* wall time */
    struct slice text; /* of the policy, as sts_policy_write() has it */
    /* What failed: the policy that is announced cannot be had, or the newer one of that. */
    int error;        /* 0: nothing; codes of the fetch, -E_SYNTAX */
    struct slice why; /* then, a sentence */
};

/* `domain` as dns names are written, in any case. 0 or -ECANCELED. */
int sts_keeper_find(struct sts_keeper *k, struct slice domain, struct arena *a,
                    struct sts_found *ret) WAITS;

/*
 * A message has failed by the policy of a domain: it is fetched anew, unless that was done within
 * the last five minutes. True: the policy is another one now.
 */
bool sts_keeper_doubt(struct sts_keeper *k, struct slice domain) WAITS;

/* How often something that is to be saved has changed. */
uint64_t sts_keeper_changes(const struct sts_keeper *k);

/* All policies as text, and back; what cannot be read, or has run out, is passed over. */
void sts_keeper_save(const struct sts_keeper *k, struct buf *to);
void sts_keeper_load(struct sts_keeper *k, struct slice text);

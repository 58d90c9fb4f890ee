/* SPDX-License-Identifier: ISC */
/* Looking at an account of the store: pictures of its mailboxes, in the model's words. */
#pragma once

#include "../world.h"
#include "model.h"
#include "rng.h"

/*
 * Keywords are bits of a flag word behind the flags: the model treats both alike. Names of the bits
 * of a word, small or large; and the bits of names with spaces between them.
 */
#define LOOK_KEYWORDS 6U
#define LOOK_BITS     (STORE_FLAGS | ((1U << LOOK_KEYWORDS) - 1) << 8)
size_t look_names(uint64_t word, bool large, struct slice names[static LOOK_KEYWORDS]);
uint64_t look_bits(struct slice names);

/* Options of every kind, small ones mostly, so that packs, handles and accounts come and go. */
void look_vary(struct world *w, struct rng *rng);

/* One mailbox, seen at one moment, and held: it does not change, and can be read. */
struct look;
int look_open(struct store_account *a, uint32_t mailbox, struct look **ret);
void look_close(struct look *l);
const struct picture *look_picture(const struct look *l);

/* What QRESYNC tells somebody who knows an older picture (RFC 7162 §3.2.5) makes it the new one. */
int look_resync(struct store_account *a, const struct look *old, const struct look *now) WAITS;

/* Whether the picture would be the same now. */
bool look_is_unchanged(const struct look *l);

/*
 * Reads a message of it, in one of three ways, and compares all of its bytes; or its map, which is
 * compared with one that is made here. 0, -E_UNKNOWN when it is gone, or an error.
 */
#define LOOK_WAYS 4U
int look_read(struct look *l, size_t place, uint32_t way);

/* The place of a message in it that has come from elsewhere: no copy, and not known to the model.
 */
bool look_find(const struct look *l, struct model_mailbox *b, const struct model_change *arrival,
               struct model_entry *ret);

/* Paths of the model have '/' between names; text of the store's. */
struct slice look_path(const char *path, char text[static MODEL_NAME]);

/* The properties of an account, at one moment. */
void look_properties(const struct store_account *a, struct album *ret);

/* What the store says has changed since a MODSEQ makes the older properties the new ones. */
void look_property_changes(const struct store_account *a, const struct album *old, uint64_t since);

/* All of an account in which nothing goes on; values of metadata are read. */
int look_all(struct store_account *a, struct album *ret) WAITS;

/* SPDX-License-Identifier: ISC */
/*
 * Properties of an account in memory: sorted, each with its value when that is small. Large values
 * stay with the backend. A removed one leaves its name and MODSEQ, so that a change feed can tell;
 * of those only the newest are kept.
 */
#pragma once

#include "store/account.h"
#include "store/properties.h"

/* From a record, or from the backend; the newer MODSEQ counts. */
void properties_put(struct store_account *a, const struct record_property *r);
void properties_drop_mailbox(struct store_account *a, uint32_t mailbox);
void properties_free(struct store_account *a);

/* Whether it is set. */
bool properties_has(const struct store_account *a, uint32_t mailbox, enum store_property_kind kind,
                    struct slice name);

/* The property if it is set; its name is valid until something changes. */
bool property_find(const struct store_account *a, uint32_t mailbox, enum store_property_kind kind,
                   struct slice name, struct store_property *ret);

/* The value of a small one that is set, until something changes; false: there is none, or it is
 * large. */
bool property_value(const struct store_account *a, uint32_t mailbox, enum store_property_kind kind,
                    struct slice name, struct slice *ret);

/* Whether there is room for the property with this value; 0 or -E_LIMIT. */
int properties_have_room(const struct store_account *a, uint32_t mailbox,
                         enum store_property_kind kind, struct slice name, size_t size);

/* Whether there is room for so many more, and so many bytes of names and values; 0 or -E_LIMIT. */
int properties_have_room_for(const struct store_account *a, size_t count, size_t bytes);

/* ------------------------------------------------------------------ properties.c */

/* For prepare: adds a record, with a copy of the name. The value stays where it is until the group
 * is done. */
void property_add(struct group *g, uint64_t modseq, const struct store_property *p,
                  const struct slice *value);

/* For prepare: how a mailbox with another path takes subscriptions along, and what a new one
 * inherits. -E_LIMIT: it is too much, or a path becomes longer than a name may be. */
int subscriptions_rename(struct store_account *a, struct group *g, uint64_t modseq,
                         struct slice from, struct slice to);
int rights_inherit(struct store_account *a, struct group *g, uint64_t modseq, uint32_t from,
                   uint32_t to);

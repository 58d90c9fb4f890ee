/* SPDX-License-Identifier: ISC */
/*
 * Who changes something: for the history. The kernel says which user is at the other end of a
 * control socket; what the command says of him beside that is a hint, and shown as one.
 *
 *     root                     the user 0
 *     root (sudo: tama)        the same, and the command was called through sudo
 *     uid 1000 (tama)          any other user, and what the command calls him
 */
#pragma once

#include "base/arena.h"
#include "rpc/rpc.h"

#define AUTHOR_HINT_MAX 128U

/* For commands: what to send along of oneself. May be empty. */
struct slice author_hint(struct arena *a);

struct slice author_text(uid_t uid, struct slice hint, struct arena *a);

/* The same of a caller through a control socket. */
struct slice author_of_caller(const struct rpc_caller *caller, struct slice hint, struct arena *a);

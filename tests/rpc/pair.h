/* SPDX-License-Identifier: ISC */
/*
 * Two roles at the ends of one connection, in one scheduler: an edge that calls a directory, and a
 * directory that may call nobody.
 */
#pragma once

#include "unit.h"

#include "rpc/calls.h"

struct pair {
    struct rpc_link *edge;  /* the edge's link to the other role */
    struct rpc_link *other; /* the other role's link to the edge */
    char misbehaved[256];   /* what the other role said of the edge */
};

/* Connects an edge with a role that answers `handlers`; without `arg` they get the pair. */
void pair_open(struct pair *p, enum role role, const void *handlers, void *arg);
void pair_connect(struct pair *p);
void pair_close(struct pair *p);

/* A hello, as hello.c has it; says ours on a raw connection, and reads the other one. */
void pair_hello(struct buf *to, uint64_t protocol, const char *program);
void pair_exchange_hello(int fd);

/* The same, but the test holds the raw end of the edge's side, which has said its hello. */
int pair_open_raw(struct pair *p, enum role role, const void *handlers);

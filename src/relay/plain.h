/* SPDX-License-Identifier: ISC */
/*
 * Hosts with which TLS has failed, so that the next tries go without it for a while (RFC 7435: TLS
 * that nobody asked for must not keep a letter back). Pure: time is passed in.
 */
#pragma once

#include "io/net.h"

/* Longer than the longest wait between two attempts as the settings have it unless changed. */
#define PLAIN_FOR (6 * USEC_HOUR)
#define PLAIN_MAX 1000U /* hosts remembered; the oldest makes room */

struct plain_hosts;

struct plain_hosts *plain_new(void);
void plain_free(struct plain_hosts *p);

void plain_add(struct plain_hosts *p, const struct net_addr *host, usec_t now);
void plain_remove(struct plain_hosts *p, const struct net_addr *host); /* it was not TLS */
bool plain_has(struct plain_hosts *p, const struct net_addr *host, usec_t now);

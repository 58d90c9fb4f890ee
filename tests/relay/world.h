/* SPDX-License-Identifier: ISC */
/*
 * A relay with its surroundings: a network of fake hosts, a fake DNS, and what the relay tells of
 * its way. example.net has mx1 (192.0.2.1) and behind it mx2 (192.0.2.2).
 */
#pragma once

#include "unit.h"

#include "dns/fake.h"
#include "relay/network.h"
#include "relay/relay.h"

struct world {
    struct fake_host *hosts;
    struct fake_dns dns;
    struct network *network;
    struct relay_options options; /* may be changed between begin() and open_relay() */
    struct relay *relay;
    struct fiber *keeper;
    struct arena a;
    struct buf told; /* "step: sentence\n" */
    struct relay_outcome outcome;
};

void begin(struct world *w, struct fake_host *hosts);
void open_relay(struct world *w);
void end(struct world *w);

struct relay_job job_for(struct world *w, const char *domain, const struct recipient *recipients,
                         size_t count);

/* Sends one message to one recipient of the domain. */
const struct relay_result *transmit(struct world *w, const char *domain);

struct slice reply_text(struct world *w, const struct relay_result *result);

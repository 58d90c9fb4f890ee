/* SPDX-License-Identifier: ISC */
/*
 * Who asks DNS questions does not know who answers them: in a role the call travels to the resolver
 * role, in tests a table answers.
 */
#pragma once

#include "dns/message.h"

struct dns_client {
    /*
     * Asks for records of a type. CNAMEs are followed by whoever answers. 0 with an answer,
     * whatever its code; -ECANCELED; another negative number when nobody could be asked (-EPIPE:
     * the resolver is gone, -ETIMEDOUT). The answer's memory is the arena's.
     */
    int (*query)(void *arg, struct slice name, uint16_t type, struct arena *a,
                 struct dns_answer *ret) WAITS;
    void *arg;
};

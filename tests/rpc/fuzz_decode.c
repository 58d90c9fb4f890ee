/* SPDX-License-Identifier: ISC */
/*
 * Any bytes as the payload of any call or answer: first byte the role, second the call, third
 * whether it is an answer. What decodes must encode to bytes that decode to themselves; to the
 * same ones at once, where no envelope is in it, whose fields may come in any order.
 */
#include <stdlib.h>
#include <string.h>

#include "rpc/calls.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static bool has_envelope(const struct rpc_call *call, bool answer) {
    static const char *const names[] = {"queue.submit", "relay.transmit"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!answer && strcmp(call->name, names[i]) == 0)
            return true;
    return false;
}

static void decode_one(const struct rpc_call *call, bool answer, struct slice payload) {
    rpc_decode_fn *decode = answer ? call->decode_out : call->decode_in;
    rpc_encode_fn *encode = answer ? call->encode_out : call->encode_in;
    if (!decode)
        return;
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(buf_done) struct buf again = {0};
    struct rpc_fds fds = {.count = 1, .fd = {3}}, out = {0};
    struct reader r = {payload, false};
    void *value = arena_alloc(&a, answer ? call->out_size : call->in_size);
    if (!decode(&r, &a, value, &fds) || r.bad || r.rest.len > 0)
        return;
    bool encoded = encode(&again, value, &out);
    if (!encoded || (!has_envelope(call, answer) && !slice_eq(buf_slice(&again), payload)))
        abort();
    if (has_envelope(call, answer) && !slice_eq(buf_slice(&again), payload))
        decode_one(call, answer, buf_slice(&again));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
    if (len < 3)
        return 0;
    const struct rpc_service *service = rpc_services[bytes[0] % ROLES];
    if (service)
        decode_one(&service->calls[bytes[1] % service->count], bytes[2] & 1,
                   slice_of(bytes + 3, len - 3));
    return 0;
}

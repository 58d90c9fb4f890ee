/* SPDX-License-Identifier: ISC */
/*
 * Any bytes as the payload of any call or answer: first byte the role, second the call, third
 * whether it is an answer. What decodes must encode to the same bytes.
 */
#include <stdlib.h>
#include <string.h>

#include "rpc/calls.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void decode_one(const struct rpc_call *call, bool answer, struct slice payload) {
    rpc_decode_fn *decode = answer ? call->decode_out : call->decode_in;
    rpc_encode_fn *encode = answer ? call->encode_out : call->encode_in;
    if (!decode)
        return;
    struct arena a = {0};
    struct buf again = {0};
    struct rpc_fds fds = {.count = 1, .fd = {3}};
    struct reader r = {payload, false};
    void *value = arena_alloc(&a, answer ? call->out_size : call->in_size);
    if (decode(&r, &a, value, &fds) && !r.bad && r.rest.len == 0) {
        struct rpc_fds out = {0};
        if (!encode(&again, value, &out) || !slice_eq(buf_slice(&again), payload))
            abort();
    }
    buf_done(&again);
    arena_done(&a);
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

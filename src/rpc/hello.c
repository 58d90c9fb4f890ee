/* SPDX-License-Identifier: ISC */
/*
 * The first frame on each connection, in both directions: a number made of the schema, and the name
 * and version of the program. A program with another schema would take one call for another. The
 * processes of a server come from one file; but a command may be newer than the server that runs.
 */
#include <stdio.h>
#include <sys/socket.h>

#include "base/words.h"
#include "rpc/calls.h"
#include "rpc/link.h"

#define PROGRAM     "hayauma " HAYAUMA_VERSION
#define PROGRAM_MAX 64U

int hello_send(int fd) {
    _cleanup_(buf_done) struct buf frame = {0};
    buf_add_u32(&frame, sizeof(uint64_t) + sizeof PROGRAM - 1);
    buf_add_u16(&frame, 0);
    buf_add_u8(&frame, FRAME_HELLO);
    buf_add_u8(&frame, 0);
    buf_add_u64(&frame, 0); /* tag, status */
    buf_add_u64(&frame, RPC_PROTOCOL);
    buf_add_str(&frame, PROGRAM);
    ssize_t n = send(fd, frame.ptr, frame.len, MSG_NOSIGNAL);
    return n == (ssize_t)frame.len ? 0 : n < 0 ? -errno : -EPIPE;
}

/* "hayauma 0.9.0 (calls 1a2b3c4d)": two builds may have the same version. */
static void print_program(struct slice name, uint64_t protocol, char *to, size_t size) {
    (void)snprintf(to, size, "%.*s (calls %08x)", SLICE_ARG(name), (unsigned)(protocol >> 32));
}

const char *hello_judge(struct rpc_link *l, struct slice payload) {
    struct reader r = {payload, false};
    uint64_t protocol = read_u64(&r);
    bool printable = true;
    for (size_t i = 0; i < r.rest.len; i++)
        printable &= r.rest.ptr[i] >= ' ' && r.rest.ptr[i] < 0x7f;
    if (r.bad || r.rest.len > PROGRAM_MAX || !printable || l->greeted)
        return "sent a malformed hello";
    l->greeted = protocol == RPC_PROTOCOL;
    if (l->greeted)
        return NULL;
    print_program(r.rest, protocol, l->other_program, sizeof l->other_program);
    return "is of another version";
}

int hello_explain_end(const struct rpc_link *l, bool amid_call, struct problem *problem) {
    const char *other = role_name(l->options.other);
    bool command = l->options.self == ROLE_CLI;
    if (l->other_program[0]) {
        char own[96];
        print_program(S(PROGRAM), RPC_PROTOCOL, own, sizeof own);
        return problem_set(
            problem, -E_VERSION,
            command ? N_("the %s process is %.*s, and this command is %.*s: restart the "
                         "server, or use the command that belongs to it")
                    : N_("the %s process is %.*s, and this process is %.*s: restart the "
                         "server, so that all its processes are of one program"),
            other, SLICE_ARG(slice_of_str(l->other_program)), SLICE_ARG(slice_of_str(own)));
    }
    if (!amid_call)
        return problem_set(problem, -EPIPE,
                           N_("the %s process is not there; it is being restarted"), other);
    if (!l->greeted && command)
        return problem_set(problem, -EPIPE,
                           N_("the %s process hung up before it said its version: it has ended, or "
                              "it is older than this command; restart the server"),
                           other);
    return problem_set(problem, -EPIPE, N_("the %s process ended during the call"), other);
}

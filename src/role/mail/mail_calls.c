/* SPDX-License-Identifier: ISC */
/* Calls that use an account: whose it is, and that the store stays open under them. */
#include <errno.h>

#include "role/directory/directory_files.h"
#include "role/mail/mail.h"

bool mail_owns(const struct process *p, uint64_t account) {
    const struct mail *m = p->state;
    return account % DIRECTORY_SHARDS % MAX(m->workers, 1U) == p->worker;
}

struct mail *mail_call_begin(struct process *p, uint64_t account, struct problem *problem) {
    struct mail *m = p->state;
    if (m->stopping || (account && !mail_owns(p, account))) {
        (void)problem_set(problem, -E_TEMPORARY,
                          m->stopping ? "the server is being stopped"
                                      : "the account belongs to another mail process");
        return NULL;
    }
    m->calls++;
    return m;
}

void mail_call_end(struct mail **m) {
    if (*m && --(*m)->calls == 0)
        fiber_cond_wake_all(&(*m)->calls_done);
}

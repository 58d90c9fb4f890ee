/* SPDX-License-Identifier: ISC */
/* Who shares mailboxes with whom, for the mail processes. */
#include "directory/sharing.h"
#include "role/directory/directory_role.h"

/* What is told of others' mailboxes counts for nothing. */
int directory_on_share(void *arg, const struct rpc_caller *caller,
                       const struct rpc_directory_share_in *in, struct arena *a,
                       struct rpc_directory_share_out *out, struct problem *problem) {
    unsigned workers = MAX(process_workers(arg, ROLE_MAIL), 1U);
    (void)a;
    (void)out;
    if (!directory_usage_is_of(in->account, caller->worker, workers))
        return 0;
    return directory_set_shares(directory_of(arg), in->account, in->identifiers,
                                in->identifiers_count, problem);
}

int directory_on_owner(void *arg, const struct rpc_caller *caller,
                       const struct rpc_directory_owner_in *in, struct arena *a,
                       struct rpc_directory_owner_out *out, struct problem *problem) {
    struct share_owner owner;
    (void)caller;
    int r = directory_find_owner(directory_of(arg), in->user, in->owner, a, &owner, problem);
    if (r == 0)
        *out = (struct rpc_directory_owner_out){
            .account = owner.account,
            .shard = owner.shard,
            .quota = owner.quota,
            .address = owner.address,
        };
    return r;
}

int directory_on_owners(void *arg, const struct rpc_caller *caller,
                        const struct rpc_directory_owners_in *in, struct arena *a,
                        struct rpc_directory_owners_out *out, struct problem *problem) {
    (void)caller;
    return directory_owners(directory_of(arg), in->user, a, &out->owners, &out->owners_count,
                            problem);
}

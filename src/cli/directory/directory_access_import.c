/* SPDX-License-Identifier: ISC */
#include "cli/directory/directory_access_inside.h"

/* What the server sends is believed only as far as it fits the list. */
static int checked(const struct import_result *result, size_t most, struct import_result *ret) {
    for (size_t i = 0; i < result->count; i++)
        if (result->notes[i].index >= most)
            return -E_CORRUPT;
    *ret = *result;
    return 0;
}

int access_account_import(struct directory_access *x, const struct account_new *list, size_t count,
                          bool trial, struct arena *a, struct import_result *ret,
                          struct problem *problem) {
    CLI_WITHIN(BULK_PATIENCE);
    struct rpc_directory_account_import_in in = {.by = x->hint,
                                                 .trial = trial,
                                                 .accounts = (struct account_new *)(uintptr_t)list,
                                                 .accounts_count = count};
    struct rpc_directory_account_import_out out;
    if (!x->link)
        return directory_account_import(x->directory, &x->order, list, count, trial, a, ret,
                                        problem);
    int r = call_directory_account_import(x->link, &in, a, &out, problem);
    return r < 0 ? r : checked(&out.result, count, ret);
}

int access_alias_import(struct directory_access *x, const struct alias *list, size_t count,
                        bool trial, struct arena *a, struct import_result *ret,
                        struct problem *problem) {
    CLI_WITHIN(BULK_PATIENCE);
    struct rpc_directory_alias_import_in in = {.by = x->hint,
                                               .trial = trial,
                                               .aliases = (struct alias *)(uintptr_t)list,
                                               .aliases_count = count};
    struct rpc_directory_alias_import_out out;
    if (!x->link)
        return directory_alias_import(x->directory, &x->order, list, count, trial, a, ret, problem);
    int r = call_directory_alias_import(x->link, &in, a, &out, problem);
    return r < 0 ? r : checked(&out.result, count, ret);
}

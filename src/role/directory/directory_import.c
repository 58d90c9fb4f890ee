/* SPDX-License-Identifier: ISC */
/* The directory role's answers to imports. */
#include "directory/import.h"

#include "role/author.h"
#include "role/directory/directory_role.h"

int directory_on_account_import(void *arg, const struct rpc_caller *caller,
                                const struct rpc_directory_account_import_in *in, struct arena *a,
                                struct rpc_directory_account_import_out *out,
                                struct problem *problem) {
    struct order order = {.by = author_of_caller(caller, in->by, a)};
    for (size_t i = 0; i < in->accounts_count; i++)
        if (in->accounts[i].password.len == 0) /* on the way here empty and none became the same */
            in->accounts[i].password = (struct slice){0};
    int r = directory_account_import(directory_of(arg), &order, in->accounts, in->accounts_count,
                                     in->trial, a, &out->result, problem);
    if (r == 0 && !in->trial)
        directory_report_history(arg);
    return r;
}

int directory_on_alias_import(void *arg, const struct rpc_caller *caller,
                              const struct rpc_directory_alias_import_in *in, struct arena *a,
                              struct rpc_directory_alias_import_out *out, struct problem *problem) {
    struct order order = {.by = author_of_caller(caller, in->by, a)};
    int r = directory_alias_import(directory_of(arg), &order, in->aliases, in->aliases_count,
                                   in->trial, a, &out->result, problem);
    if (r == 0 && !in->trial)
        directory_report_history(arg);
    return r;
}

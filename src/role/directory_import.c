/* SPDX-License-Identifier: ISC */
/* The directory role's answers to imports. */
#include "directory/import.h"

#include "role/author.h"
#include "role/directory_role.h"

static struct rpc_import_note *notes_of(const struct import_result *result, struct arena *a) {
    struct rpc_import_note *list = arena_array(a, result->count, sizeof *list);
    for (size_t i = 0; i < result->count; i++) {
        const struct import_note *note = &result->notes[i];
        _cleanup_(buf_done) struct buf sentence = {0};
        if (!note->exists)
            problem_write(&sentence, &note->problem);
        list[i] = (struct rpc_import_note){.index = (uint32_t)note->index,
                                           .exists = note->exists,
                                           .problem = arena_copy(a, buf_slice(&sentence))};
    }
    return list;
}

int directory_on_account_import(void *arg, const struct rpc_caller *caller,
                                const struct rpc_directory_account_import_in *in, struct arena *a,
                                struct rpc_directory_account_import_out *out,
                                struct problem *problem) {
    struct order order = {.by = author_of_caller(caller, in->by, a)};
    struct account_new *list = arena_array(a, in->accounts_count, sizeof *list);
    struct import_result result;
    for (size_t i = 0; i < in->accounts_count; i++) {
        const struct rpc_new_account *from = &in->accounts[i];
        list[i] = (struct account_new){
            .address = from->address,
            .name = from->name,
            .password = from->password.len > 0 ? from->password : (struct slice){0},
            .imported = from->imported,
            .quota = from->quota,
            .accept_weak = in->accept_weak,
        };
    }
    int r = directory_account_import(directory_of(arg), &order, list, in->accounts_count, in->trial,
                                     a, &result, problem);
    if (r < 0)
        return r;
    out->faults = result.faults;
    out->notes = notes_of(&result, a);
    out->notes_count = result.count;
    if (!in->trial)
        directory_report_history(arg);
    return 0;
}

int directory_on_alias_import(void *arg, const struct rpc_caller *caller,
                              const struct rpc_directory_alias_import_in *in, struct arena *a,
                              struct rpc_directory_alias_import_out *out, struct problem *problem) {
    struct order order = {.by = author_of_caller(caller, in->by, a)};
    struct alias *list = arena_array(a, in->aliases_count, sizeof *list);
    struct import_result result;
    for (size_t i = 0; i < in->aliases_count; i++) {
        const struct rpc_alias *from = &in->aliases[i];
        list[i] =
            (struct alias){.address = from->address,
                           .targets = arena_array(a, from->targets_count, sizeof(struct slice)),
                           .target_count = from->targets_count};
        for (size_t k = 0; k < from->targets_count; k++)
            list[i].targets[k] = from->targets[k].text;
    }
    int r = directory_alias_import(directory_of(arg), &order, list, in->aliases_count, in->trial, a,
                                   &result, problem);
    if (r < 0)
        return r;
    out->faults = result.faults;
    out->notes = notes_of(&result, a);
    out->notes_count = result.count;
    if (!in->trial)
        directory_report_history(arg);
    return 0;
}

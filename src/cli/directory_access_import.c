/* SPDX-License-Identifier: ISC */
#include "cli/directory_access_inside.h"

/* What the server sends is believed only as far as it fits the list. */
static int result_from(const struct rpc_import_note *notes, size_t count, uint64_t faults,
                       size_t most, struct arena *a, struct import_result *ret) {
    *ret = (struct import_result){.notes = arena_array(a, count, sizeof *ret->notes),
                                  .count = count,
                                  .faults = (size_t)faults};
    for (size_t i = 0; i < count; i++) {
        if (notes[i].index >= most)
            return -E_CORRUPT;
        ret->notes[i] = (struct import_note){.index = notes[i].index, .exists = notes[i].exists};
        if (!notes[i].exists)
            problem_read(&ret->notes[i].problem, notes[i].problem);
    }
    return 0;
}

int access_account_import(struct directory_access *x, const struct account_new *list, size_t count,
                          bool trial, struct arena *a, struct import_result *ret,
                          struct problem *problem) {
    CLI_WITHIN(BULK_PATIENCE);
    struct rpc_new_account *accounts = arena_array(a, count, sizeof *accounts);
    struct rpc_directory_account_import_in in = {
        .by = x->hint, .trial = trial, .accounts = accounts, .accounts_count = count};
    struct rpc_directory_account_import_out out;
    if (!x->link)
        return directory_account_import(x->directory, &x->order, list, count, trial, a, ret,
                                        problem);
    for (size_t i = 0; i < count; i++) {
        in.accept_weak = list[i].accept_weak;
        accounts[i] = (struct rpc_new_account){.address = list[i].address,
                                               .name = list[i].name,
                                               .password = list[i].password,
                                               .imported = list[i].imported,
                                               .quota = list[i].quota};
    }
    int r = call_directory_account_import(x->link, &in, a, &out, problem);
    return r < 0 ? r : result_from(out.notes, out.notes_count, out.faults, count, a, ret);
}

int access_alias_import(struct directory_access *x, const struct alias *list, size_t count,
                        bool trial, struct arena *a, struct import_result *ret,
                        struct problem *problem) {
    CLI_WITHIN(BULK_PATIENCE);
    struct rpc_alias *aliases = arena_array(a, count, sizeof *aliases);
    struct rpc_directory_alias_import_in in = {
        .by = x->hint, .trial = trial, .aliases = aliases, .aliases_count = count};
    struct rpc_directory_alias_import_out out;
    if (!x->link)
        return directory_alias_import(x->directory, &x->order, list, count, trial, a, ret, problem);
    for (size_t i = 0; i < count; i++) {
        aliases[i].address = list[i].address;
        aliases[i].targets_count = list[i].target_count;
        aliases[i].targets = arena_array(a, list[i].target_count, sizeof(struct rpc_word));
        for (size_t k = 0; k < list[i].target_count; k++)
            aliases[i].targets[k].text = list[i].targets[k];
    }
    int r = call_directory_alias_import(x->link, &in, a, &out, problem);
    return r < 0 ? r : result_from(out.notes, out.notes_count, out.faults, count, a, ret);
}

/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "store/solo/inside.h"
#include "store/solo/map_file.h"
#include "store/solo/replay.h"

static int repair(const char *dir, uint64_t account, struct backend_repaired *ret,
                  struct problem *problem) {
    _cleanup_(free_p) char *account_dir = replay_account_dir(dir, account);
    struct stat st;
    if (stat(account_dir, &st) < 0)
        return problem_set(problem, -errno, "%s: %s", account_dir, error_text(errno));
    _cleanup_(index_close_p) struct index *ix = NULL;
    struct replay_result r;
    _cleanup_(buf_done) struct buf blank = {0};
    _cleanup_(free_p) char *maps = mem_printf("%s/" MAP_FILE_NAME, account_dir);
    int error = index_blank_make(&blank);
    if (error)
        return problem_set(problem, error, "%s: %s", account_dir, error_text(error));
    struct replay_where where = {dir, account, buf_slice(&blank), &pack_io_system,
                                 .gives_up = true};
    error = replay_open(&where, true, &ix, &r, problem);
    (void)map_file_remove(maps); /* its owner shall be whoever serves */
    if (!error) {
        struct index_account row;
        *ret = (struct backend_repaired){.packs = r.packs, .damaged = r.damaged};
        error = index_account(ix, &row);
        if (!error)
            error = index_deleted_count(ix, &ret->deleted);
        if (error)
            (void)problem_set(problem, error, "%s: %s", account_dir, error_text(error));
        else
            ret->messages = row.bodies;
    }
    replay_result_done(&r);
    return error;
}

const struct backend_offline solo_offline = {
    .repair = repair,
    .purge = solo_purge_files,
};

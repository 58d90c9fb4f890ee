/* SPDX-License-Identifier: ISC */
#include "directory/importing.h"

#include <errno.h>

struct importing importing_of(const struct order *order, bool trial, struct arena *a,
                              size_t count) {
    return (struct importing){
        .trial = trial,
        .author = author_of(order),
        .arena = a,
        .result.notes = arena_array(a, count, sizeof(struct import_note)),
    };
}

int importing_fault(struct importing *in, size_t index, int error, const struct problem *problem) {
    struct import_result *result = &in->result;
    if (error != -E_SYNTAX && error != -E_UNKNOWN && error != -E_REFUSED && error != -E_LIMIT &&
        error != -EEXIST)
        return error;
    if (result->faults < IMPORT_FAULTS_MAX) {
        _cleanup_(buf_done) struct buf reason = {0};
        problem_write(&reason, problem);
        result->notes[result->count++] = (struct import_note){
            .index = index, .reason = arena_copy(in->arena, buf_slice(&reason))};
    }
    result->faults++;
    return 0;
}

void importing_exists(struct importing *in, size_t index) {
    in->result.notes[in->result.count++] = (struct import_note){.index = index, .exists = true};
}

int importing_end(struct importing *in) {
    in->undone = in->trial || in->result.faults > 0;
    return in->undone ? -ECANCELED : 0;
}

int importing_run(struct directory *d, struct importing *in, db_job *fn, void *arg,
                  struct import_result *ret, struct problem *problem) {
    int r = directory_run(d, JOB_WRITE, fn, arg, problem);
    if (r < 0 && !in->undone)
        return r;
    *ret = in->result;
    return 0;
}

/* SPDX-License-Identifier: ISC */
/* How the two imports keep their notes, and end. */
#pragma once

#include "directory/import.h"
#include "directory/internal.h"

struct importing {
    bool trial;
    bool undone; /* out: a trial, or there were faults */
    struct author author;
    struct arena *arena;
    struct import_result result;
};

/* Room for the notes of `count`. */
struct importing importing_of(const struct order *order, bool trial, struct arena *a, size_t count);

/*
 * Notes one that a rule refuses, and returns 0; an error that is not about this one comes back. Of
 * more than IMPORT_FAULTS_MAX only the number is kept.
 */
#define IMPORT_FAULTS_MAX 1000U
int importing_fault(struct importing *in, size_t index, int error, const struct problem *problem);
void importing_exists(struct importing *in, size_t index);

/* What the job returns: an error undoes the transaction, also that of a trial. */
int importing_end(struct importing *in);

/* Runs the job; 0 also when it was undone by intent. */
int importing_run(struct directory *d, struct importing *in, db_job *fn, void *arg,
                  struct import_result *ret, struct problem *problem) WAITS;

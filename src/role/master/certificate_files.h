/* SPDX-License-Identifier: ISC */
/*
 * The files of tls.certificate and tls.key, for those who can open them: the master hands the
 * descriptors to the keys role, `hayauma check` reads them as that would.
 */
#pragma once

#include <sys/stat.h>

#include "conf/conf.h"

struct certificate_files {
    int certificate, key;  /* -1: no paths are set */
    struct stat states[2]; /* of what is behind links; zeros: not there */
};

/* Negative with a sentence that names setting and path, then nothing is open. */
int certificate_files_open(const struct conf *conf, struct certificate_files *ret,
                           struct problem *problem);

/*
 * -EPERM with a sentence when others than its owner and its group can read the key of the settings.
 * `ret_loose`: its own mode lets them, also when a folder on the way does not.
 */
int certificate_files_judge(const struct conf *conf, const struct certificate_files *f,
                            bool *ret_loose, struct problem *problem);
void certificate_files_close(struct certificate_files *f); /* for _cleanup_ as well */

/* The states alone, to find out whether something has changed. False: no paths are set. */
bool certificate_files_look(const struct conf *conf, struct stat ret[static 2]);
bool certificate_files_same(const struct stat a[static 2], const struct stat b[static 2]);

/* SPDX-License-Identifier: ISC */
/*
 * The keys role sees nothing outside of its folder, so the master opens the files of
 * tls.certificate and tls.key for it, and does not read them. They are looked at every few seconds:
 * a renewal needs no reload. A file that is just being written looks different each time and waits
 * until it looks the same twice.
 *
 * Between the two steps of a renewal key and certificate do not belong together. The keys role then
 * says so and goes on with the pair that it has; that is told once for each state of the files. A
 * process that is started again meanwhile gets the descriptors of the last pair that was taken:
 * they still lead to the old files, unless those were written over.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "role/master/children.h"

int children_open_certificate(struct child *child, bool anew, struct certificate_files *ret,
                              struct problem *problem) {
    struct children *c = child->all;
    *ret = (struct certificate_files){.certificate = -1, .key = -1};
    if (!(child->role->given & GIVEN_CERTIFICATE))
        return 0;
    (void)certificate_files_look(c->conf, c->certificate_given);
    if (!anew && c->certificate_taken.certificate >= 0) {
        *ret = c->certificate_taken;
        ret->certificate = fcntl(c->certificate_taken.certificate, F_DUPFD_CLOEXEC, 0);
        ret->key = fcntl(c->certificate_taken.key, F_DUPFD_CLOEXEC, 0);
        if (ret->certificate < 0 || ret->key < 0) {
            certificate_files_close(ret);
            return -EMFILE;
        }
    } else {
        bool loose;
        int r = certificate_files_open(c->conf, ret, problem);
        if (r < 0)
            return r;
        r = certificate_files_judge(c->conf, ret, &loose, problem);
        if (r < 0) {
            certificate_files_close(ret);
            return r;
        }
    }
    memcpy(c->certificate_given, ret->states, sizeof ret->states);
    return 0;
}

void children_keep_certificate(struct child *child, struct certificate_files *taken) {
    static const struct certificate_files none = {.certificate = -1, .key = -1};
    struct children *c = child->all;
    if (!(child->role->given & GIVEN_CERTIFICATE))
        return;
    certificate_files_close(&c->certificate_taken);
    c->certificate_taken = taken ? *taken : none;
    if (taken)
        *taken = none;
}

bool children_certificate_changed(struct children *c) {
    struct stat now[2];
    bool named = certificate_files_look(c->conf, now);
    bool settled = certificate_files_same(now, c->certificate_seen);
    memcpy(c->certificate_seen, now, sizeof now);
    return named && settled && !certificate_files_same(now, c->certificate_given);
}

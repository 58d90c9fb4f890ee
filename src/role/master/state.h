/* SPDX-License-Identifier: ISC */
/*
 * The state directory: its folders, who owns them, and the lock that says whether the system runs.
 *
 *     hayauma.conf            settings (or /etc/hayauma/hayauma.conf)
 *     run/                    lock, control sockets (ROLE.sock, mail-N.sock), an empty directory,
 * and the settings as last read (settings_used.h) directory/, keys/, spool/, accounts/, events/ one
 * for each role that owns something
 */
#pragma once

#include <sys/types.h>

#include "base/buf.h"
#include "conf/conf.h"

/* Whom a process runs as. */
struct state_user {
    char name[64]; /* "hayauma-edge", or "uid 61840" where there is no such user */
    uid_t uid;
    gid_t gid;
};

struct state_users {
    bool change;  /* we are root: processes change to these users */
    bool made_up; /* some of the users do not exist; numbers kept for this stand in */
    struct state_user edge, vault, mail;
};

/* The users of the settings; without root all are the one that we are. */
void state_find_users(const struct conf *conf, struct state_users *ret);

/* The same when there are no settings: those who own the folders. */
void state_find_owners(const char *directory, struct state_users *ret);

/* Makes what is missing and gives each folder to its owner, following no symbolic link inside.
 * Negative with a sentence. A folder into which others could look is closed to them, and a line
 * says so in `ret_tightened` (or NULL).
 */
int state_prepare(const char *directory, const struct state_users *users, struct buf *ret_tightened,
                  struct problem *problem);

/*
 * Gives what an older version called otherwise its present name; for whoever has the lock. What
 * cannot be moved stays, with a line in `ret_notes` (or NULL): no mail waits for that. True when
 * something has been moved: then state_prepare() has to give it to its user.
 */
bool state_upgrade(const char *directory, struct buf *ret_notes);

/*
 * Whether others than root (or this user) can change the state directory, a folder in it or the
 * settings, or read a private key: negative with a sentence. What this user cannot see is passed
 * over.
 */
int state_check_rights(const char *directory, const char *conf_path, struct problem *problem);

/*
 * The next folder of a role that is not there, by its name; NULL: no more. `*at` begins with 0. Who
 * starts a server makes them anew.
 */
const char *state_next_missing(const char *directory, size_t *at);

/* What in one folder of a role has another owner than the folder: `path` is the first. */
struct state_stray {
    const char *folder, *path;
    const struct state_user *owner;
    uint64_t count;
};

/*
 * Looks through all that the roles own, at any depth, and calls `fn` for each folder with such
 * files. Follows no symbolic link and passes over what this user cannot see. Reads a large store
 * for seconds.
 */
void state_each_stray(const char *directory, const struct state_users *users,
                      void (*fn)(void *arg, const struct state_stray *stray), void *arg);

/*
 * Takes the lock of a state directory: a descriptor that holds it until it and all its copies are
 * closed; each process of the system has one. -E_BUSY: the system runs (or a command works on the
 * files directly).
 */
int state_lock(const char *directory, int *ret_fd, struct problem *problem);

/* "DIRECTORY/NAME"; a longer path is cut, and then not found. The buffer is the caller's. */
#define STATE_PATH 1024
const char *state_path(char path[static STATE_PATH], const char *directory, const char *name);

/*
 * The greatest number of an account that has a folder in accounts/; 0: none has. After an older
 * directory/ was put back it may be greater than any that is known there. Reads names only.
 */
int state_last_account(const char *directory, uint64_t *ret, struct problem *problem);

/*
 * What the resolver needs to read and cannot open: "resolv.conf" and "trust-anchor". Texts in the
 * arena; a file that is not there is left out. The number of fields.
 */
#define STATE_FILES 2U /* at most */
struct rpc_field;
size_t state_resolver_files(const struct conf *conf, struct arena *a, struct rpc_field *ret);

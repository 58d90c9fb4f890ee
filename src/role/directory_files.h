/* SPDX-License-Identifier: ISC */
/*
 * How the directory is opened and changed, for the directory role and for the command line, which
 * does the same while the system is down.
 */
#pragma once

#include "conf/conf.h"
#include "directory/admin.h"

/* In the folder directory/, which is the working directory. */
#define DIRECTORY_FILE "directory.db"
#define DIRECTORY_KEY  "apop.key"

/*
 * Accounts are spread over so many shards, which the mail processes share out among them: many
 * more than there will ever be processes, so that any number of them gets even shares.
 */
#define DIRECTORY_SHARDS 240U

struct directory_options directory_files_options(const struct conf *conf);

/* What accounts without limits of their own may send. */
struct sending_limits directory_files_limits(const struct conf *conf);

/*
 * Changes one thing of an account, by its name: "password", "apop", "enabled" (yes or no), "admin"
 * (yes or no), "quota" (bytes), "name". Errors as in directory/admin.h; -EINVAL for another name.
 */
int directory_files_set(struct directory *d, const struct order *order, struct slice address,
                        struct slice what, struct slice value, bool accept_weak,
                        struct problem *problem) WAITS;

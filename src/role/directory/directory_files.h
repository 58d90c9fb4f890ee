/* SPDX-License-Identifier: ISC */
/*
 * How the directory is opened and changed, for the directory role and for the command line, which
 * does the same while the system is down.
 */
#pragma once

#include "base/words.h"
#include "conf/conf.h"
#include "directory/admin.h"

/* In the folder directory/, which is the working directory. */
#define DIRECTORY_FILE "directory.db"
#define DIRECTORY_KEY  "apop.key"
#define DIRECTORY_SRS  "srs.key"

/*
 * Accounts are spread over so many shards, which the mail processes share out among them: many
 * more than there will ever be processes, so that any number of them gets even shares.
 */
#define DIRECTORY_SHARDS 240U

struct directory_options directory_files_options(const struct conf *conf);

/* The name under which the master tells the role its last_account (process_text()). */
#define DIRECTORY_LAST_ACCOUNT "last-account"

/* What whoever opened it says when directory_was_behind(): last_account, the last known. */
#define DIRECTORY_IS_BEHIND                                                                        \
    N_("The folder directory/ is older than accounts/: there are mailboxes up to number %llu, and" \
       " it has given no number above %llu. New accounts get greater ones, so nobody gets the"     \
       " mailbox of somebody else. To have the missing accounts again, put back the directory/"    \
       " that belongs to accounts/.")

/* Why the server does not start without a domain and beside mailboxes: last_account. */
#define DIRECTORY_IS_LOST                                                                          \
    N_("the folder directory/ knows no domain, and accounts/ has mailboxes up to number %llu: "    \
       "with"                                                                                      \
       " it all mail would be refused for good. Put back the directory/ that belongs to "          \
       "accounts/;"                                                                                \
       " if there is none any more, begin a new one with: hayauma domain add DOMAIN")

/* What accounts without limits of their own may send. */
struct sending_limits directory_files_limits(const struct conf *conf);

/*
 * Changes one thing of an account, by its name: "password", "apop", "enabled" (yes or no), "admin"
 * (yes or no), "quota" (bytes), "name". Errors as in directory/admin.h; -EINVAL for another name.
 */
int directory_files_set(struct directory *d, const struct order *order, struct slice address,
                        struct slice what, struct slice value, bool accept_weak,
                        struct problem *problem) WAITS;

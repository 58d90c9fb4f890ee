/* SPDX-License-Identifier: ISC */
#include "role/mailboxes.h"

#include "store/solo/solo.h"

const struct backend_offline *const mailboxes_offline = &solo_offline;

uint64_t mailboxes_min_free(const struct conf *conf) {
    return conf->queue.disk_reserve / 4;
}

int mailboxes_open(const struct conf *conf, struct store_options *options, struct store **ret,
                   struct problem *problem) {
    struct solo_options solo = {.dir = ".", .min_free = mailboxes_min_free(conf)};
    options->backend = solo_open;
    options->backend_options = &solo;
    return store_open(options, ret, problem);
}

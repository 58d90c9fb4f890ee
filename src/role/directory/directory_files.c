/* SPDX-License-Identifier: ISC */
#include "role/directory/directory_files.h"

#include "base/words.h"

#include <errno.h>

struct directory_options directory_files_options(const struct conf *conf) {
    return (struct directory_options){
        .key_path = DIRECTORY_KEY,
        .srs_path = DIRECTORY_SRS,
        .hostname = conf->hostname,
        .plus_separator = conf->delivery.plus_separator.len > 0
                              ? conf->delivery.plus_separator.ptr[0]
                              : DIRECTORY_NO_PLUS,
        .shards = DIRECTORY_SHARDS,
        .removed_keep = conf->accounts.removed_keep,
        .cost = {(uint32_t)(conf->password.memory / 1024), conf->password.passes},
    };
}

struct sending_limits directory_files_limits(const struct conf *conf) {
    return (struct sending_limits){{
        [SENDING_MESSAGES_HOUR] = conf->sending.messages_per_hour,
        [SENDING_MESSAGES_DAY] = conf->sending.messages_per_day,
        [SENDING_NEW_HOUR] = conf->sending.new_recipients_per_hour,
        [SENDING_NEW_DAY] = conf->sending.new_recipients_per_day,
    }};
}

static int set_quota(struct directory *d, const struct order *order, struct slice address,
                     struct slice value, struct problem *problem) WAITS {
    uint64_t quota = 0;
    int r = slice_to_u64(value, INT64_MAX, &quota);
    if (r < 0)
        return problem_set(problem, r, N_("found \"%.*s\" as quota, expected a number of bytes"),
                           SLICE_ARG(value));
    return directory_account_set_quota(d, order, address, quota, problem);
}

static int set_limit(struct directory *d, const struct order *order, struct slice address,
                     enum sending_limit limit, struct slice value, struct problem *problem) WAITS {
    uint64_t most = 0;
    if (slice_eq(value, S("default")))
        return directory_account_set_limit(d, order, address, limit, SENDING_DEFAULT, problem);
    int r = slice_to_u64(value, INT64_MAX, &most);
    if (r < 0)
        return problem_set(problem, r, N_("found \"%.*s\" as %s, expected a number or \"default\""),
                           SLICE_ARG(value), sending_limit_name(limit));
    return directory_account_set_limit(d, order, address, limit, (int64_t)most, problem);
}

int directory_files_set(struct directory *d, const struct order *order, struct slice address,
                        struct slice what, struct slice value, bool accept_weak,
                        struct problem *problem) {
    bool yes = slice_eq(value, S("yes"));
    if (slice_eq(what, S("password")))
        return directory_account_set_password(d, order, address, value, accept_weak, problem);
    if (slice_eq(what, S("apop")))
        return directory_account_set_apop(d, order, address, value, problem);
    if (slice_eq(what, S("enabled")))
        return directory_account_set_enabled(d, order, address, yes, problem);
    if (slice_eq(what, S("admin")))
        return directory_account_set_admin(d, order, address, yes, problem);
    if (slice_eq(what, S("quota")))
        return set_quota(d, order, address, value, problem);
    if (slice_eq(what, S("name")))
        return directory_account_set_name(d, order, address, value, problem);
    if (slice_eq(what, S("send-as")))
        return directory_account_set_send_as(d, order, address, value, problem);
    enum sending_limit limit;
    if (sending_limit_find(what, &limit))
        return set_limit(d, order, address, limit, value, problem);
    return problem_set(problem, -EINVAL, N_("an account has no \"%.*s\""), SLICE_ARG(what));
}

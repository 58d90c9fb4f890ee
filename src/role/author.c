/* SPDX-License-Identifier: ISC */
#include "role/author.h"

#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

struct slice author_hint(struct arena *a) {
    const char *sudo = getenv("SUDO_USER");
    if (getuid() == 0)
        return sudo && sudo[0]
                   ? slice_first(arena_printf(a, "sudo: %s", sudo), (size_t)AUTHOR_HINT_MAX)
                   : S("");
    const struct passwd *pw = getpwuid(getuid());
    return pw ? slice_first(arena_copy(a, slice_of_str(pw->pw_name)), (size_t)AUTHOR_HINT_MAX)
              : S("");
}

struct slice author_text(uid_t uid, struct slice hint, struct arena *a) {
    struct slice user = uid == 0 ? S("root") : arena_printf(a, "uid %u", (unsigned)uid);
    return hint.len > 0 ? arena_printf(a, "%.*s (%.*s)", SLICE_ARG(user), SLICE_ARG(hint)) : user;
}

struct slice author_of_caller(const struct rpc_caller *caller, struct slice hint, struct arena *a) {
    uid_t uid = 0;
    if (rpc_link_user(caller->link, &uid) < 0)
        return hint.len > 0 ? arena_printf(a, "somebody (%.*s)", SLICE_ARG(hint)) : S("somebody");
    return author_text(uid, hint, a);
}

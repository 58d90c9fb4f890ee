/* SPDX-License-Identifier: ISC */
/* The way back is in resolve.c. A name of one label, "localhost" say, leads nobody back. */
#include "directory/internal.h"

struct srs directory_srs(const struct directory *d) {
    return (struct srs){.key = d->srs.bytes, .host = d->hostname, .day = fiber_wall() / USEC_DAY};
}

int directory_send_on(struct directory *d, struct slice address, struct arena *a,
                      struct slice *ret) {
    struct name name;
    struct facts domain;
    *ret = address;
    if (!d->srs.present || slice_find_byte(d->hostname, '.') < 0 ||
        name_parse(a, address, &name, NULL) < 0 || slice_eq(name.domain, d->hostname))
        return 0;
    int r = directory_lookup(d, name_domain_key(&name), a, &domain, NULL);
    if (r < 0 || domain.known)
        return r;
    const struct srs srs = directory_srs(d);
    struct slice made = srs_forward(&srs, address, a);
    if (made.len > 0)
        *ret = made;
    return 0;
}

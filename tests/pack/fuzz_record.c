/* SPDX-License-Identifier: ISC */
/*
 * Any bytes as a pack: parsed as one record, as a file head, and walked both ways as a file of the
 * generation 0x0807060504030201. Whatever comes out lies within the bytes.
 */
#include <sys/mman.h>

#include "pack/pack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk(struct pack_reader *r, int (*step)(struct pack_reader *, struct pack_entry *)) {
    struct pack_entry e;
    uint64_t before = r->at;
    while (step(r, &e) > 0) {
        MUST(r->at != before && e.from < e.to && e.to <= r->to);
        before = r->at;
    }
}

static void walk_file(struct slice bytes) {
    _cleanup_(close_p) int fd = memfd_create("fuzz", MFD_CLOEXEC);
    MUST(fd >= 0 && write(fd, bytes.ptr, bytes.len) == (ssize_t)bytes.len);
    for (int verify = 0; verify < 2; verify++) {
        _cleanup_(pack_reader_done) struct pack_reader r = {.fd = fd,
                                                            .generation = 0x0807060504030201ULL,
                                                            .at = 0,
                                                            .to = bytes.len,
                                                            .verify_body = verify};
        walk(&r, pack_next);
        r.at = r.to;
        walk(&r, pack_previous);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct slice bytes = slice_of(data, size), body;
    struct pack_record r;
    struct pack_file_head head;
    if (pack_check(bytes, 0, &r, &body) == 0)
        MUST(pack_record_len(&r) <= size && body.len == r.body_len);
    (void)pack_file_decode(bytes, &head);
    walk_file(bytes);
    return 0;
}

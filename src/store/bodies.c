/* SPDX-License-Identifier: ISC */
#include "store/bodies.h"

#include "store/account.h"

int store_bodies(struct store_account *a, uint64_t above, struct store_body *list, size_t size,
                 size_t *ret_count) {
    return a->below->backend->ops->bodies(a->below, above, list, size, ret_count);
}

int store_newest_body(struct store_account *a, uint64_t up_to, struct store_body *ret) {
    return a->below->backend->ops->newest_body(a->below, up_to, ret);
}

int store_count_bodies(struct store_account *a, uint64_t up_to, uint64_t *ret_count,
                       uint64_t *ret_above) {
    return a->below->backend->ops->count_bodies(a->below, up_to, ret_count, ret_above);
}

uint64_t store_last_body(const struct store_account *a) {
    return a->given.body_next - 1;
}

int store_read_bodies(struct store_account *a, const struct store_body *list, size_t count,
                      struct buf *to, struct store_piece *ret_pieces) {
    count = MIN(count, STORE_READ_MAX);
    struct backend_body bodies[STORE_READ_MAX];
    for (size_t i = 0; i < count; i++)
        bodies[i] = (struct backend_body){list[i].number, list[i].size};
    return a->below->backend->ops->read_many(a->below, bodies, count, STORE_SPAN_MAX, to,
                                             ret_pieces);
}

int store_read_body(struct store_account *a, const struct store_body *b, uint64_t skip, void *to,
                    size_t len) {
    struct backend_body body = {b->number, b->size};
    return a->below->backend->ops->read(a->below, body, skip, to, len);
}

const char *store_index_path(const struct store_account *a) {
    return a->below->backend->ops->index_path(a->below);
}

bool store_has_index(const struct store_account *a) {
    return a->below->backend->ops->has_index(a->below);
}

void store_note_index(struct store_account *a, bool there) {
    a->below->backend->ops->note_index(a->below, there);
}

int store_room_for_index(struct store_account *a) {
    return a->below->backend->ops->has_room(a->below, 0);
}

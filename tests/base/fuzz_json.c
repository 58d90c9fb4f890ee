/* SPDX-License-Identifier: ISC */
/* What is read as JSON is written and read again as the same. */
#include "base/json.h"
#include "base/json_read.h"

static void write_value(struct json *j, const struct json_value *v) {
    int64_t number;
    switch (v->type) {
    case JSON_NULL:
        json_null(j);
        break;
    case JSON_BOOL:
        json_bool(j, v->is_true);
        break;
    case JSON_NUMBER:
        if (json_to_int(v, &number) == 0)
            json_int(j, number);
        else
            json_null(j);
        break;
    case JSON_STRING:
        json_slice(j, v->text);
        break;
    case JSON_ARRAY:
    case JSON_OBJECT:
        if (v->type == JSON_ARRAY)
            json_array(j);
        else
            json_object(j);
        for (const struct json_value *m = v->first; m; m = m->next) {
            if (v->type == JSON_OBJECT)
                json_key(j, "x");
            write_value(j, m);
        }
        json_end(j);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const struct json_limits limits = {.depth = 16, .values = 1000};
    struct arena a = {0};
    struct json_value v, again;
    size_t at;
    int r = json_read(slice_of(data, size), &limits, &a, &v, &at);
    MUST(r == 0 || r == -E_SYNTAX || r == -E_LIMIT);
    MUST(at <= size);
    if (r == 0) {
        struct buf text = {0};
        struct json j = {.to = &text};
        write_value(&j, &v);
        r = json_read(buf_slice(&text), &limits, &a, &again, &at);
        MUST(r == 0 || v.count > 1); /* members of one name */
        MUST(r != 0 || again.count == v.count);
        buf_done(&text);
    }
    arena_done(&a);
    return 0;
}

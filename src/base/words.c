/* SPDX-License-Identifier: ISC */
#include "base/words.h"

#include <errno.h>
#include <string.h>

#include "base/arena.h"
#include "base/error.h"

/* What a command most often meets; the other errnos are told in English. */
static const struct {
    int code;
    const char *text;
} usual_texts[] = {
    {EPERM, N_("Operation not permitted")},
    {ENOENT, N_("No such file or directory")},
    {EIO, N_("Input/output error")},
    {EACCES, N_("Permission denied")},
    {EEXIST, N_("File exists")},
    {ENOTDIR, N_("Not a directory")},
    {EISDIR, N_("Is a directory")},
    {EINVAL, N_("Invalid argument")},
    {EMFILE, N_("Too many open files")},
    {ENOSPC, N_("No space left on device")},
    {EROFS, N_("Read-only file system")},
    {EPIPE, N_("Broken pipe")},
    {EDQUOT, N_("Disk quota exceeded")},
    {ENAMETOOLONG, N_("File name too long")},
    {ENOTEMPTY, N_("Directory not empty")},
    {EADDRINUSE, N_("Address already in use")},
    {EADDRNOTAVAIL, N_("Cannot assign requested address")},
    {ECONNREFUSED, N_("Connection refused")},
    {ECONNRESET, N_("Connection reset by peer")},
    {ETIMEDOUT, N_("Connection timed out")},
};

/* An empty msgid would find the header of the catalogue. */
const char *translated(const char *text) {
    return text && text[0] != '\0' ? gettext(text) : text;
}

bool words_are_japanese(void) {
    /* TRANSLATORS: the code of the language of this file. */
    return strcmp(_("en"), "ja") == 0;
}

const char *problem_words(struct arena *a, const struct problem *p) {
    _cleanup_(buf_done) struct buf text = {0};
    struct slice parts = slice_of(p->parts, p->parts_len);
    const char *format = p->parts_len > 0 ? p->parts : "";
    const char *ours = translated(format);
    if (ours == format || !parts_fill(&text, parts, ours))
        return p->text;
    return arena_str(a, buf_slice(&text));
}

struct slice parts_words(struct arena *a, struct slice parts) {
    _cleanup_(buf_done) struct buf text = {0};
    ssize_t end = slice_find_byte(parts, '\0');
    if (end < 0)
        return parts;
    if (!parts_fill(&text, parts, translated(parts.ptr)))
        return slice_first(parts, (size_t)end);
    return arena_copy(a, buf_slice(&text));
}

const char *error_words(int code) {
    int number = code < 0 ? -code : code;
    for (size_t i = 0; i < ARRAY_SIZE(usual_texts); i++) {
        if (usual_texts[i].code == number)
            return translated(usual_texts[i].text);
    }
    return translated(error_text(code));
}

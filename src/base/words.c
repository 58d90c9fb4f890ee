/* SPDX-License-Identifier: ISC */
#include "base/words.h"

#include <errno.h>
#include <string.h>

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

const char *error_words(int code) {
    int number = code < 0 ? -code : code;
    for (size_t i = 0; i < ARRAY_SIZE(usual_texts); i++) {
        if (usual_texts[i].code == number)
            return translated(usual_texts[i].text);
    }
    return translated(error_text(code));
}

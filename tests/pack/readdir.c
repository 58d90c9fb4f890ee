/* SPDX-License-Identifier: ISC */
#include "pack/readdir.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>

int readdir_fails_after = -1;

struct dirent *readdir(DIR *dir) {
    static struct dirent *(*real)(DIR * dir);
    if (readdir_fails_after == 0) {
        errno = EIO;
        return NULL;
    }
    if (readdir_fails_after > 0)
        readdir_fails_after--;
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "readdir64");
    return real(dir);
}

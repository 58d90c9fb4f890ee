/* SPDX-License-Identifier: ISC */
/*
 * Runs a fuzz target over every file of a corpus folder: what the fuzzer once found stays tested.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static int replay(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        return -1;
    }
    uint8_t *bytes = NULL;
    size_t len = 0;
    size_t got;
    do {
        bytes = realloc(bytes, len + 65536);
        if (!bytes)
            abort();
        got = fread(bytes + len, 1, 65536, file);
        len += got;
    } while (got > 0);
    (void)fclose(file);
    (void)LLVMFuzzerTestOneInput(bytes, len);
    free(bytes);
    return 0;
}

int main(int argc, char **argv) {
    unsigned count = 0;
    DIR *dir = argc == 2 ? opendir(argv[1]) : NULL;
    if (!dir) {
        (void)fprintf(stderr, "usage: %s CORPUS-FOLDER (must exist)\n", argv[0]);
        return 2;
    }
    for (struct dirent *entry; (entry = readdir(dir));) {
        char path[4096];
        struct stat st;
        (void)snprintf(path, sizeof path, "%s/%s", argv[1], entry->d_name);
        if (stat(path, &st) == 0 && S_ISREG(st.st_mode)) {
            if (replay(path) < 0)
                return 1;
            count++;
        }
    }
    (void)closedir(dir);
    printf("%u inputs replayed\n", count);
    return count > 0 ? 0 : 1;
}

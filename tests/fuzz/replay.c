/* Runs a fuzz target over the files of its corpus folder: the fuzz targets as ordinary tests, and
 * every crash once found as a regression test by adding its file. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    uint8_t *data = NULL;
    long size = -1;

    if (f && fseek(f, 0, SEEK_END) == 0)
        size = ftell(f);
    if (size < 0 || fseek(f, 0, SEEK_SET) != 0) {
        fprintf(stderr, "%s: cannot read\n", path);
        if (f)
            fclose(f);
        return -1;
    }
    data =
        malloc((size_t)size ? (size_t)size : 1); /* exact, so that ASan sees a read past the end */
    if (data && fread(data, 1, (size_t)size, f) == (size_t)size)
        LLVMFuzzerTestOneInput(data, (size_t)size);
    free(data);
    fclose(f);
    return 0;
}

int main(int argc, char **argv)
{
    unsigned files = 0;
    DIR *dir = argc == 2 ? opendir(argv[1]) : NULL;

    if (!dir) {
        fprintf(stderr, "usage: %s CORPUS-FOLDER (it must exist)\n", argv[0]);
        return 2;
    }
    for (struct dirent *d; (d = readdir(dir));) {
        char path[4096];

        if (d->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", argv[1], d->d_name);
        if (replay_file(path) < 0)
            return 1;
        files++;
    }
    closedir(dir);
    printf("%u files replayed\n", files);
    return files ? 0 : 1; /* an empty corpus shows nothing */
}

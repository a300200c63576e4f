#include "worker/cli/define/text_file.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

const char *text_file_name(const char *path)
{
    return strcmp(path, "-") == 0 ? "standard input" : path;
}

int text_file_read(const char *path, struct buf *text, struct err *err)
{
    char chunk[8192];
    size_t len;
    bool is_stdin = strcmp(path, "-") == 0;
    FILE *file = is_stdin ? stdin : fopen(path, "re");

    if (file == NULL) {
        return err_set(err, ERR_INVALID, "cannot read %s: %s", path, strerror(errno));
    }
    while ((len = fread(chunk, 1, sizeof chunk, file)) > 0) {
        buf_append(text, chunk, len);
    }
    bool failed = ferror(file) != 0;
    int failure = errno;
    if (!is_stdin) {
        (void)fclose(file);
    }
    if (text->no_memory) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    if (failed || buf_check(text, err) != 0) {
        return err_set(err, ERR_INVALID, "cannot read %s: %s", path,
                       failed ? strerror(failure) : "such a file has at most 8 MiB");
    }
    return 0;
}

#include "server/files/uploads_private.h"

#include <stdlib.h>

struct content_count *uploads_counted(struct uploads *uploads, const char *path)
{
    char digits[] = {path[0], path[1], '\0'};

    return &uploads->counts[strtoul(digits, NULL, 16) % UPLOAD_FOLDERS];
}

void uploads_count(struct uploads *uploads, const char *path, int64_t files, int64_t bytes)
{
    struct content_count *count = uploads_counted(uploads, path);

    count->files += files;
    count->bytes += bytes;
    atomic_fetch_add(&uploads->files, files);
    atomic_fetch_add(&uploads->bytes, bytes);
}

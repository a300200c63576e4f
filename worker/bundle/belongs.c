#include "worker/bundle/belongs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/json.h"

#define HEADER_BYTES 512

/* The number in "00007.part" and "00007.ndjson"; 0: it is no result. */
static size_t number_of(const char *name)
{
    char *end;
    size_t number = strtoul(name, &end, 10);

    return end != name && (strcmp(end, ".part") == 0 || strcmp(end, ".ndjson") == 0) ? number : 0;
}

/* NULL: the file has no whole first line, or is not there any more. */
static json_t *read_header(int folder, const char *name)
{
    char text[HEADER_BYTES];
    json_t *header = NULL;
    struct err err;
    OWN(fd) int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof text);
    const char *end = got <= 0 ? NULL : memchr(text, '\n', (size_t)got);

    if (end == NULL
        || json_parse(text, (size_t)(end - text), &json_limits_default, &header, &err) != 0) {
        return NULL;
    }
    return header;
}

static int check(const struct results *results, const struct bundle *bundle, int folder,
                 const char *name, struct err *err)
{
    size_t number = number_of(name);
    json_auto_t *header = number == 0 ? NULL : read_header(folder, name);
    const char *found = json_string_value(json_object_get(header, "lease"));
    const char *study = json_string_value(json_object_get(header, "study"));

    if (found == NULL
        || (number <= bundle->n && strcmp(found, bundle_lease_id(bundle, number - 1)) == 0)) {
        return 0;
    }
    return err_set(err, ERR_INVALID,
                   "%s has results of another bundle (%s, of study '%s'); bring them home with "
                   "'hone absorb %s' and move the folder away, or name another one with --results",
                   results->folder, name, study == NULL ? "?" : study, results->folder);
}

int results_check_bundle(const struct results *results, const struct bundle *bundle,
                         struct err *err)
{
    DIR *folder = opendir(results->folder);
    const struct dirent *entry;
    int rc = 0;

    if (folder == NULL) {
        return err_set(err, ERR_IO, "%s: %s", results->folder, strerror(errno));
    }
    while (rc == 0 && (entry = readdir(folder)) != NULL) {
        rc = check(results, bundle, dirfd(folder), entry->d_name, err);
    }
    (void)closedir(folder);
    return rc;
}

#include "worker/bundle/bundle.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/crc32c.h"
#include "common/json.h"
#include "common/wire/wire.h"
#include "worker/bundle/results.h"
#include "worker/bundle/tar.h"

#define VERSION 1
#define LEASE_BYTES ((size_t)8 << 20)
#define FILE_NAME_BYTES 48

void bundle_finish(struct bundle *bundle)
{
    for (size_t i = 0; i < bundle->n; i++) {
        json_decref(bundle->leases[i]);
    }
    free(bundle->leases);
    free(bundle->study);
    free(bundle->server);
    *bundle = (struct bundle){0};
}

const char *bundle_lease_id(const struct bundle *bundle, size_t index)
{
    return json_string_value(
        json_object_get(json_object_get(bundle->leases[index], "lease"), "id"));
}

void bundle_name(const struct bundle *bundle, char name[BUNDLE_NAME_BYTES])
{
    const char *first = bundle->n == 0 ? "" : bundle_lease_id(bundle, 0);

    (void)snprintf(name, BUNDLE_NAME_BYTES, "%.400s/bundle-%08" PRIx32, bundle->server,
                   crc32c(0, first, strlen(first)));
}

/* ---- writing ---- */

static int add_about(struct tar_writer *tar, const struct bundle *bundle, struct err *err)
{
    OWN(buf) struct buf text;
    struct json_writer w;

    buf_init(&text, LEASE_BYTES);
    json_writer_init(&w, &text);
    json_object_begin(&w);
    json_put_int(&w, "version", VERSION);
    json_put_string(&w, "study", bundle->study);
    json_put_string(&w, "server", bundle->server);
    json_put_int(&w, "leases", (int64_t)bundle->n);
    json_object_end(&w);
    buf_putc(&text, '\n');
    TRY(buf_check(&text, err));
    return tar_add(tar, "bundle.json", text.data, text.len, err);
}

static int add_lease(struct tar_writer *tar, const struct bundle *bundle, size_t i, struct err *err)
{
    char name[FILE_NAME_BYTES];
    OWN(buf) struct buf text;
    struct json_writer w;

    buf_init(&text, LEASE_BYTES);
    json_writer_init(&w, &text);
    json_write_value(&w, bundle->leases[i]);
    buf_putc(&text, '\n');
    TRY(buf_check(&text, err));
    (void)snprintf(name, sizeof name, "leases/%05zu.json", i + 1);
    return tar_add(tar, name, text.data, text.len, err);
}

static int write_all(const char *path, const struct bundle *bundle, struct err *err)
{
    OWN(tar_writer) struct tar_writer *tar = NULL;

    TRY(tar_create(path, &tar, err));
    TRY(add_about(tar, bundle, err));
    for (size_t i = 0; i < bundle->n; i++) {
        TRY(add_lease(tar, bundle, i, err));
    }
    return tar_close(tar, err);
}

int bundle_write(const char *path, const struct bundle *bundle, struct err *err)
{
    OWN(buf) struct buf beside;

    buf_init(&beside, 4096);
    buf_printf(&beside, "%s.new-%ld", path, (long)getpid());
    TRY(buf_check(&beside, err));
    if (write_all(buf_text(&beside), bundle, err) != 0) {
        (void)unlink(buf_text(&beside));
        return -1;
    }
    if (rename(buf_text(&beside), path) != 0) {
        (void)unlink(buf_text(&beside));
        return err_set(err, ERR_IO, "%s cannot be made: %s", path, strerror(errno));
    }
    return 0;
}

/* ---- reading ---- */

struct reading_bundle {
    struct bundle bundle;
    const char *path;
    bool has_about;
};

static int read_about(struct reading_bundle *reading, const json_t *about, struct err *err)
{
    const char *study = json_string_value(json_object_get(about, "study"));
    const char *server = json_string_value(json_object_get(about, "server"));
    int64_t version = json_integer_value(json_object_get(about, "version"));

    if (version != VERSION) {
        return err_set(err, ERR_INVALID,
                       "%s is a bundle of version %lld; this program reads version %d",
                       reading->path, (long long)version, VERSION);
    }
    if (study == NULL || server == NULL || reading->has_about) {
        return err_set(err, ERR_INVALID, "%s: bundle.json lacks the study or the server",
                       reading->path);
    }
    reading->bundle.study = strdup(study);
    reading->bundle.server = strdup(server);
    reading->has_about = true;
    return reading->bundle.study == NULL || reading->bundle.server == NULL
               ? err_set(err, ERR_NOMEM, "out of memory")
               : 0;
}

/* With the run behind it (offline.h) it must be an id that the agent takes. */
static bool is_lease_id(const char *id)
{
    size_t len = strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");

    return len > 0 && id[len] == '\0' && len + sizeof "." - 1 + CLAIM_RUN_BYTES <= LEASE_ID_BYTES;
}

static int check_lease(const struct reading_bundle *reading, const char *name, const json_t *lease,
                       struct err *err)
{
    OWN(lease_grant) struct lease_grant grant = {0};

    if (!reading->has_about) {
        return err_set(err, ERR_INVALID, "%s is no bundle: bundle.json does not stand first",
                       reading->path);
    }
    if (lease_grant_from_json(lease, &grant, err) != 0) {
        return err_wrap(err, "%s, %s", reading->path, name);
    }
    if (!is_lease_id(grant.id)) {
        return err_set(err, ERR_INVALID, "%s, %s: \"%s\" is no id of a lease", reading->path, name,
                       grant.id);
    }
    if (strcmp(grant.study, reading->bundle.study) != 0) {
        return err_set(err, ERR_INVALID, "%s, %s: it is of study %s, the bundle of %s",
                       reading->path, name, grant.study, reading->bundle.study);
    }
    return 0;
}

static int take_text(void *context, const char *name, const char *text, size_t len, struct err *err)
{
    struct reading_bundle *reading = context;
    struct bundle *bundle = &reading->bundle;
    json_auto_t *value = NULL;

    if (json_parse(text, len, &json_limits_default, &value, err) != 0) {
        return err_wrap(err, "%s, %s", reading->path, name);
    }
    if (strcmp(name, "bundle.json") == 0) {
        return read_about(reading, value, err);
    }
    TRY(check_lease(reading, name, value, err));
    if (bundle->n == BUNDLE_LEASES_MAX) {
        return err_set(err, ERR_TOO_LARGE, "%s has more than %d leases", reading->path,
                       BUNDLE_LEASES_MAX);
    }
    bundle->leases[bundle->n++] = json_incref(value);
    return 0;
}

static int by_text(const void *a, const void *b)
{
    const char *const *left = a;
    const char *const *right = b;

    return strcmp(*left, *right);
}

/* A lease is found by its id. */
static int check_ids(const struct reading_bundle *reading, struct err *err)
{
    size_t n = reading->bundle.n;
    OWN(memory) const char **ids = calloc(n + 1, sizeof *ids);

    if (ids == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    for (size_t i = 0; i < n; i++) {
        ids[i] = bundle_lease_id(&reading->bundle, i);
    }
    qsort(ids, n, sizeof *ids, by_text);
    for (size_t i = 1; i < n; i++) {
        if (strcmp(ids[i - 1], ids[i]) == 0) {
            return err_set(err, ERR_INVALID, "%s: lease %s stands there twice", reading->path,
                           ids[i]);
        }
    }
    return 0;
}

int bundle_read(const char *path, struct bundle *bundle, struct err *err)
{
    struct reading_bundle reading = {.path = path};
    json_t **leases = calloc(BUNDLE_LEASES_MAX, sizeof *leases);

    if (leases == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    reading.bundle.leases = leases;
    int rc = tar_each(path, ".json", take_text, &reading, err);
    if (rc == 0 && !reading.has_about) {
        rc = err_set(err, ERR_INVALID, "%s is no bundle: it has no bundle.json", path);
    }
    rc = rc == 0 ? check_ids(&reading, err) : rc;
    if (rc != 0) {
        bundle_finish(&reading.bundle);
        return -1;
    }
    *bundle = reading.bundle;
    return 0;
}

#include "common/http/trust.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const files[] = {
    "/etc/ssl/certs/ca-certificates.crt",                /* Debian, Ubuntu, Arch, Gentoo, NixOS */
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", /* RHEL 7 and later, Fedora */
    "/etc/pki/tls/certs/ca-bundle.crt",                  /* RHEL and Fedora before */
    "/etc/ssl/ca-bundle.pem",                            /* SUSE */
    "/etc/ssl/cert.pem",                                 /* Alpine, BSD */
    "/etc/ca-certificates/extracted/tls-ca-bundle.pem",  /* Arch without its symbolic link */
};
enum { N_FILES = sizeof files / sizeof files[0] };

static const char *variable(const char *name)
{
    const char *value = getenv(name);

    return value == NULL || value[0] == '\0' ? NULL : value;
}

/* What a variable of the environment names must be there. */
static int take_named(const char *name, char **out, struct err *err)
{
    const char *value = variable(name);

    if (value == NULL) {
        return 0;
    }
    if (access(value, R_OK) != 0) {
        return err_set(err, ERR_INVALID,
                       "%s names %.200s, which cannot be read: %s; correct or unset it", name,
                       value, strerror(errno));
    }
    *out = strdup(value);
    return *out == NULL ? err_set(err, ERR_NOMEM, "out of memory") : 0;
}

static int take_first(const char *root, char **out, struct err *err)
{
    char path[4096];

    for (size_t i = 0; i < N_FILES; i++) {
        int len = snprintf(path, sizeof path, "%s%s", root, files[i]);
        if (len > 0 && (size_t)len < sizeof path && access(path, R_OK) == 0) {
            *out = strdup(path);
            return *out == NULL ? err_set(err, ERR_NOMEM, "out of memory") : 0;
        }
    }
    return 0;
}

int trust_find(const char *root, struct trust *trust, struct err *err)
{
    OWN(trust) struct trust found = {0};

    TRY(take_named("SSL_CERT_FILE", &found.file, err));
    TRY(take_named("SSL_CERT_DIR", &found.dir, err));
    if (found.file == NULL && found.dir == NULL) {
        TRY(take_first(root, &found.file, err));
    }
    *trust = found;
    found = (struct trust){0};
    return 0;
}

void trust_places(char *text, size_t size)
{
    size_t used = 0;

    text[0] = '\0';
    for (size_t i = 0; i < N_FILES && used < size; i++) {
        int len = snprintf(text + used, size - used, "%s%s", i == 0 ? "" : ", ", files[i]);
        used += len < 0 ? 0 : (size_t)len;
    }
}

void trust_finish(struct trust *trust)
{
    free(trust->file);
    free(trust->dir);
    *trust = (struct trust){0};
}

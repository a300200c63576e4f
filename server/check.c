#include "server/check.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "common/findings.h"
#include "common/regular_file.h"
#include "server/store/inspect_backups.h"
#include "server/store/sqlite/inspect.h"
#include "server/store/tokens.h"

/* ---- the token of its operator ---- */

struct admin {
    char text[256]; /* of the file; "": there is none */
    int64_t now_ms;
    bool is_known, is_usable, other_is_usable; /* in the database */
};

static void read_admin_token(const char *directory, char text[256])
{
    char path[4096];

    (void)snprintf(path, sizeof path, "%s/admin.token", directory);
    FILE *file = NULL;
    struct err ignored;
    if (regular_file_stream(path, &file, &ignored) != 0 || fgets(text, 256, file) == NULL) {
        text[0] = '\0';
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    text[strcspn(text, "\r\n")] = '\0';
}

static int compare_token(void *context, const struct token_row *row, struct err *err)
{
    struct admin *admin = context;
    bool is_usable = row->revoked_at_ms == 0
                     && (row->expires_at_ms == 0 || row->expires_at_ms > admin->now_ms)
                     && (row->scopes & HTTP_SCOPE_ADMIN) != 0;

    (void)err;
    if (http_token_is(admin->text, row->id, row->sha256)) {
        admin->is_known = true;
        admin->is_usable = is_usable;
    } else if (is_usable) {
        admin->other_is_usable = true;
    }
    return 0;
}

static void tell_admin(const struct admin *admin, struct findings *findings)
{
    const char *wrong = admin->text[0] == '\0' ? "is missing or empty"
                        : !admin->is_known     ? "is not a token of this database"
                                               : "is revoked, has expired or lacks the scope admin";

    if (admin->is_usable) {
        finding_add(findings, FINDING_OK, "admin.token", "is accepted");
    } else if (admin->other_is_usable) {
        finding_add(findings, FINDING_WARN, "admin.token",
                    "%s; another token with the scope admin is valid: whoever has it can make a "
                    "new one with 'hone token create'",
                    wrong);
    } else {
        finding_add(findings, FINDING_WARN, "admin.token",
                    "%s, and no token with the scope admin is valid: restart honed, which then "
                    "writes a new one",
                    wrong);
    }
}

/* ---- the rest ---- */

static void look_at_certificate(const struct settings *settings, struct findings *findings)
{
    char text[HTTP_CERTIFICATE_TEXT_BYTES];
    bool is_well = false;
    struct err err;

    if (settings->tls_cert == NULL && settings->tls_key == NULL) {
        return;
    }
    if (settings->tls_cert == NULL || settings->tls_key == NULL) {
        finding_add(findings, FINDING_BAD, "certificate",
                    "--tls-cert and --tls-key belong together; give both");
    } else if (http_check_certificate(settings->tls_cert, settings->tls_key, clock_system(),
                                      &is_well, text, &err)
               != 0) {
        finding_err(findings, FINDING_BAD, "certificate", &err, "");
    } else {
        finding_add(findings, is_well ? FINDING_OK : FINDING_WARN, "certificate", "%s", text);
    }
}

static void tell_libraries(struct findings *findings)
{
    char text[128];

    http_library_versions(text, sizeof text);
    finding_add(findings, FINDING_OK, "libraries", "%s, jansson %s", text, jansson_version_str());
}

int check_all(const struct settings *settings, bool *is_well, struct err *err)
{
    struct findings findings;
    const struct clock *clock = clock_system();
    struct admin admin = {.now_ms = clock->wall_ms(clock)};
    struct store_token_reader tokens = {.each = compare_token, .context = &admin};

    if (settings->data == NULL) {
        return err_set(err, ERR_INVALID, "a store in memory has nothing to check");
    }
    findings_init(&findings, stdout, NULL);
    finding_add(&findings, FINDING_OK, "honed", "%s", HONE_VERSION);
    tell_libraries(&findings);
    read_admin_token(settings->data, admin.text);
    store_inspect(settings->data, &tokens, &findings);
    if (tokens.done && !settings->open) {
        tell_admin(&admin, &findings);
    }
    if (settings->backup_directory != NULL) {
        inspect_backups(settings->backup_directory, settings->data, admin.now_ms, &findings);
    }
    look_at_certificate(settings, &findings);
    TRY(findings_check(&findings, err));
    *is_well = findings.worst != FINDING_BAD;
    return 0;
}

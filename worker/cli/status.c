#include "worker/cli/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/buf.h"
#include "common/json.h"
#include "common/own.h"
#include "worker/cli/text.h"
#include "worker/cli/wording.h"

static enum exit_status status_of(enum err_code code)
{
    switch (code) {
    case ERR_NONE:
        return EXIT_STATUS_OK;
    case ERR_MALFORMED:
    case ERR_INVALID:
        return EXIT_STATUS_USAGE;
    case ERR_NOT_FOUND:
        return EXIT_STATUS_NOT_FOUND;
    case ERR_STUDY_EXISTS:
    case ERR_LEASE_SUPERSEDED:
    case ERR_RESULT_CONFLICT:
    case ERR_WRONG_STATE:
    case ERR_LEASE_ENDED:
    case ERR_EPOCH_CHANGED:
    case ERR_EVENTS_GONE:
    case ERR_REVISION_CHANGED:
    case ERR_KEY_REUSED:
        return EXIT_STATUS_CONFLICT;
    case ERR_LOCKED:
        return EXIT_STATUS_LATER;
    case ERR_UNREACHABLE:
    case ERR_RATE_LIMITED:
    case ERR_OVERLOADED:
    case ERR_STARTING:
        return EXIT_STATUS_UNREACHABLE;
    case ERR_UNAUTHORIZED:
    case ERR_FORBIDDEN:
    case ERR_METHOD_NOT_ALLOWED:
    case ERR_TOO_LARGE:
    case ERR_UNSUPPORTED_TYPE:
    case ERR_UPGRADE_REQUIRED:
    case ERR_READ_ONLY:
    case ERR_STORAGE_FULL:
    case ERR_NUMERIC:
    case ERR_EXHAUSTED:
    case ERR_IO:
    case ERR_NOMEM:
    case ERR_CODE_COUNT:
        break;
    }
    return EXIT_STATUS_FAILED;
}

void say(const char *fmt, ...)
{
    OWN(memory) char *text = NULL;
    va_list args;

    va_start(args, fmt);
    int len = vasprintf(&text, fmt, args);
    va_end(args);
    if (len < 0) {
        text = NULL;
        return;
    }
    (void)fputs("hone: ", stderr);
    text_print(stderr, text);
}

int exit_with(const struct err *err)
{
    struct err said = *err;

    wording_apply(&said);
    say("%s%s%s", said.where, said.where[0] == '\0' ? "" : ": ", said.text);
    return (int)status_of(err->code);
}

int exit_after(int rc, const struct err *err)
{
    struct err lacking;

    if (rc != 0) {
        return exit_with(err);
    }
    if (json_failures() + buf_failures() > 0) {
        (void)err_set(&lacking, ERR_NOMEM, "out of memory; what was printed may lack a part");
        return exit_with(&lacking);
    }
    return (int)EXIT_STATUS_OK;
}

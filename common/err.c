#include "common/err.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/utf8.h"

static const char *const code_names[ERR_CODE_COUNT] = {
    [ERR_NONE] = "none",
    [ERR_MALFORMED] = "malformed",
    [ERR_UNAUTHORIZED] = "unauthorized",
    [ERR_FORBIDDEN] = "forbidden",
    [ERR_NOT_FOUND] = "not-found",
    [ERR_METHOD_NOT_ALLOWED] = "method-not-allowed",
    [ERR_STUDY_EXISTS] = "study-exists",
    [ERR_LEASE_SUPERSEDED] = "lease-superseded",
    [ERR_RESULT_CONFLICT] = "result-conflict",
    [ERR_WRONG_STATE] = "wrong-state",
    [ERR_LEASE_ENDED] = "lease-ended",
    [ERR_EPOCH_CHANGED] = "epoch-changed",
    [ERR_EVENTS_GONE] = "events-gone",
    [ERR_REVISION_CHANGED] = "revision-changed",
    [ERR_TOO_LARGE] = "too-large",
    [ERR_UNSUPPORTED_TYPE] = "unsupported-type",
    [ERR_INVALID] = "invalid",
    [ERR_KEY_REUSED] = "key-reused",
    [ERR_UPGRADE_REQUIRED] = "upgrade-required",
    [ERR_RATE_LIMITED] = "rate-limited",
    [ERR_OVERLOADED] = "overloaded",
    [ERR_STARTING] = "starting",
    [ERR_READ_ONLY] = "read-only",
    [ERR_STORAGE_FULL] = "storage-full",
    [ERR_NUMERIC] = "numeric",
    [ERR_EXHAUSTED] = "exhausted",
    [ERR_IO] = "io",
    [ERR_NOMEM] = "nomem",
    [ERR_UNREACHABLE] = "unreachable",
    [ERR_LOCKED] = "locked",
};

const char *err_code_name(enum err_code code)
{
    return code_names[code];
}

bool err_may_pass(enum err_code code)
{
    return code == ERR_UNREACHABLE || code == ERR_OVERLOADED || code == ERR_STARTING
           || code == ERR_RATE_LIMITED;
}

enum err_code err_code_from_name(const char *name)
{
    for (int code = ERR_NONE; code < ERR_CODE_COUNT; code++) {
        if (strcmp(name, code_names[code]) == 0) {
            return (enum err_code)code;
        }
    }
    return ERR_NONE;
}

/* A text of a client may be in it, cut by its format or by `size`. */
__attribute__((format(printf, 3, 0))) static void format_whole(char *out, size_t size,
                                                               const char *fmt, va_list args)
{
    (void)vsnprintf(out, size, fmt, args);
    utf8_mend(out);
}

int err_set(struct err *err, enum err_code code, const char *fmt, ...)
{
    if (err != NULL) {
        va_list args;

        err->code = code;
        err->where[0] = '\0';
        va_start(args, fmt);
        format_whole(err->text, sizeof err->text, fmt, args);
        va_end(args);
    }
    return -1;
}

int err_wrap(struct err *err, const char *fmt, ...)
{
    if (err != NULL) {
        char before[sizeof err->text];
        char after[sizeof err->text];
        va_list args;

        memcpy(after, err->text, sizeof after);
        va_start(args, fmt);
        format_whole(before, sizeof before, fmt, args);
        va_end(args);
        size_t used = strlen(before);
        memcpy(err->text, before, used + 1);
        size_t space = sizeof err->text - used;
        if (space > 3) {
            (void)snprintf(err->text + used, space, ": %.*s", (int)(space - 3), after);
            utf8_mend(err->text);
        }
    }
    return -1;
}

int err_at(struct err *err, const char *fmt, ...)
{
    if (err != NULL) {
        va_list args;

        va_start(args, fmt);
        format_whole(err->where, sizeof err->where, fmt, args);
        va_end(args);
    }
    return -1;
}

void faults_add(struct faults *faults, const char *pointer, const char *fmt, ...)
{
    char text[sizeof((struct err *)0)->text];
    va_list args;

    faults->total++;
    if (faults->items == NULL) {
        faults->items = calloc(FAULTS_MAX, sizeof *faults->items);
    }
    if (faults->items == NULL) {
        faults->no_memory = true;
        return;
    }
    if (faults->n == FAULTS_MAX) {
        return; /* still counted */
    }
    va_start(args, fmt);
    format_whole(text, sizeof text, fmt, args);
    va_end(args);
    struct fault fault = {.pointer = strdup(pointer), .detail = strdup(text)};
    if (fault.pointer != NULL) {
        utf8_mend(fault.pointer);
    }
    if (fault.pointer == NULL || fault.detail == NULL) {
        free(fault.pointer);
        free(fault.detail);
        faults->no_memory = true;
        return;
    }
    faults->items[faults->n++] = fault;
}

void faults_no_memory(struct faults *faults)
{
    faults->total++;
    faults->no_memory = true;
}

void faults_take(struct faults *faults, const char *pointer, const struct err *err)
{
    if (err->code == ERR_NOMEM) {
        faults_no_memory(faults);
    } else {
        faults_add(faults, pointer, "%s", err->text);
    }
}

void faults_prefix(struct faults *faults, size_t first, const char *prefix)
{
    for (size_t i = first; i < faults->n; i++) {
        size_t size = strlen(prefix) + strlen(faults->items[i].pointer) + 1;
        char *longer = malloc(size);
        if (longer == NULL) {
            faults->no_memory = true;
            return;
        }
        (void)snprintf(longer, size, "%s%s", prefix, faults->items[i].pointer);
        free(faults->items[i].pointer);
        faults->items[i].pointer = longer;
    }
}

void faults_finish(struct faults *faults)
{
    for (size_t i = 0; i < faults->n; i++) {
        free(faults->items[i].pointer);
        free(faults->items[i].detail);
    }
    free(faults->items);
    *faults = (struct faults){0};
}

int faults_result(const struct faults *faults, struct err *err)
{
    if (faults->total == 0) {
        return 0;
    }
    if (faults->no_memory) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    const struct fault *first = &faults->items[0];
    char more[64] = "";
    if (faults->total > 1) {
        (void)snprintf(more, sizeof more, " (and %zu more)", faults->total - 1);
    }
    (void)err_set(err, ERR_INVALID, "%s%s%.380s%s", first->pointer,
                  first->pointer[0] == '\0' ? "" : ": ", first->detail, more);
    return err_at(err, "%s", first->pointer);
}

int err_at_pointer(struct err *err, const char *pointer, const char *fmt, ...)
{
    char text[sizeof err->text];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    (void)err_set(err, ERR_INVALID, "%s", text);
    return err_at(err, "%s", pointer);
}

bool errno_is_full_disk(int number)
{
    return number == ENOSPC || number == EFBIG || number == EDQUOT;
}

enum err_code err_code_of_errno(int number)
{
    switch (number) {
    case EMFILE:
    case ENFILE:
    case EAGAIN:
    case ENOBUFS:
    case EADDRINUSE:
    case EADDRNOTAVAIL:
        return ERR_OVERLOADED;
    case ENOMEM:
        return ERR_NOMEM;
    default:
        return errno_is_full_disk(number) ? ERR_STORAGE_FULL : ERR_IO;
    }
}

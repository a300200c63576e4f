/* Errors as values.
 *
 * A function that can fail returns 0, or -1 with a `struct err` filled in: `code` for the program,
 * `text` for a person (a sentence that says what to do), `where` a JSON pointer or a place in the
 * input. Where many faults can be reported at once, `struct faults` collects them all.
 * The function that handles an error logs it, once; those below only pass it up.
 *
 * Nothing here allocates except faults_add(); nothing is shared between threads. */
#ifndef COMMON_ERR_H
#define COMMON_ERR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#define MUST_USE __attribute__((warn_unused_result))

/* The published problem types of the API first, in its order, then a few of our own. */
enum err_code {
    ERR_NONE = 0,
    ERR_MALFORMED,
    ERR_UNAUTHORIZED,
    ERR_FORBIDDEN,
    ERR_NOT_FOUND,
    ERR_METHOD_NOT_ALLOWED,
    ERR_STUDY_EXISTS,
    ERR_LEASE_SUPERSEDED,
    ERR_RESULT_CONFLICT,
    ERR_WRONG_STATE,
    ERR_LEASE_ENDED,
    ERR_EPOCH_CHANGED,
    ERR_EVENTS_GONE,
    ERR_REVISION_CHANGED,
    ERR_TOO_LARGE,
    ERR_UNSUPPORTED_TYPE,
    ERR_INVALID,
    ERR_KEY_REUSED,
    ERR_UPGRADE_REQUIRED,
    ERR_RATE_LIMITED,
    ERR_OVERLOADED,
    ERR_STARTING,
    ERR_READ_ONLY,
    ERR_STORAGE_FULL,
    /* never sent to a client by these names */
    ERR_NUMERIC,   /* a matrix that cannot be factored, a fit that diverged */
    ERR_EXHAUSTED, /* a strategy has nothing left to propose */
    ERR_IO,
    ERR_NOMEM,
    ERR_UNREACHABLE, /* the server did not answer */
    ERR_LOCKED,      /* another process has what is needed; later it may work */
    ERR_CODE_COUNT
};

struct err {
    enum err_code code;
    char text[512];
    char where[192];
};

/* The last part of a problem's type, "lease-ended" of /problems/lease-ended; our own codes have
 * names too. An unknown name gives ERR_NONE. */
const char *err_code_name(enum err_code code);
/* Returns the code of that name, ERR_NONE where there is none. */
enum err_code err_code_from_name(const char *name);
/* Did a call fail for a reason that may pass: the server is not reached, or cannot serve now? */
bool err_may_pass(enum err_code code);

/* Fills *err; always -1, so that `return err_set(…)` reads well. `err` may be NULL. Here and below
 * the text is UTF-8 whatever went into it: what does not fit, or was cut by its format, ends with a
 * whole character. */
int err_set(struct err *err, enum err_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Puts words before the text that is there; always -1. */
int err_wrap(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* ERR_INVALID at a JSON pointer of the input; always -1. */
int err_at_pointer(struct err *err, const char *pointer, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Sets `where`; always -1. */
int err_at(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Does this errno say that there is no space? A quota (EDQUOT) and a limit on the size of files
 * (EFBIG, as ulimit -f sets it) mean so, too: there is no fault of the disk, reading goes on, and
 * writing too once there is space again. */
bool errno_is_full_disk(int number);
/* The code of a system call that failed so: ERR_STORAGE_FULL, as above; ERR_NOMEM; ERR_OVERLOADED
 * for what lacks now and may be there later, and is nothing that a person must mend (descriptors,
 * processes, buffers, an address that another process has); else ERR_IO. */
enum err_code err_code_of_errno(int number);

/* Returns -1 when the step does not return 0. At home only where everything owned is OWN(…). */
#define TRY(step)                                                                                  \
    do {                                                                                           \
        if ((step) != 0) {                                                                         \
            return -1;                                                                             \
        }                                                                                          \
    } while (0)

/* Many faults of one input, each with a JSON pointer. At most FAULTS_MAX are kept; more are only
 * counted. What reads with faults reports a failed allocation here, too: nothing is read by half.
 * It makes the whole ERR_NOMEM, whatever other faults there are: a list that lacks memory cannot
 * tell which of them are real. Zero-initialise; finish with faults_finish(). */
#define FAULTS_MAX 64

struct fault {
    char *pointer;
    char *detail;
};

struct faults {
    size_t n;            /* kept */
    size_t total;        /* found, want of memory among them */
    bool no_memory;      /* something could not be read, or no fault be kept, for want of memory */
    struct fault *items; /* NULL while there are none */
};

/* Adds a fault at this JSON pointer: a sentence. Counted in `total` also where it is not kept. */
void faults_add(struct faults *faults, const char *pointer, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* An allocation failed in what reads the input. */
void faults_no_memory(struct faults *faults);
/* Takes an error of a part of the input as a fault; ERR_NOMEM stays want of memory. */
void faults_take(struct faults *faults, const char *pointer, const struct err *err);
/* Puts `prefix` before the pointers of the faults from index `first` on: their input is a part of a
 * larger one. */
void faults_prefix(struct faults *faults, size_t first, const char *prefix);
void faults_finish(struct faults *faults);
/* 0 when there are none; -1 with ERR_NOMEM when memory was wanting; else -1 with ERR_INVALID, the
 * first fault as text, its pointer in front, and how many more there are. */
MUST_USE int faults_result(const struct faults *faults, struct err *err);

#endif

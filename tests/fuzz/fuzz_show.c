/* What the verbs of `hone` that show something make of any answers.
 *
 * An input is a line with two numbers, which verb and in which form, and then answers, each behind
 * a byte 0x1e: a line with the status, the type, and perhaps where the next page begins, and the
 * body. The n-th request gets the n-th answer; behind the last the server cannot be reached.
 *
 * What must hold on a terminal: the verb ends, and nothing that a server has said commands the
 * terminal: in what is meant for people, and in every message, stands no control character but ends
 * of lines and tabs. */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/http/async.h"
#include "common/http/client.h"
#include "common/log.h"
#include "tests/fuzz/fuzz.h"
#include "worker/cli/verbs.h"

#define ANSWERS_MAX 64
#define ANSWER_MARK 0x1e
#define CALLS_MAX 16

/* ---- the server ---- */

struct canned {
    int status;
    char type[80];
    char next[HTTP_CURSOR_BYTES];
    const char *body;
    size_t len;
};

static struct canned answers[ANSWERS_MAX];
static size_t n_answers;
static size_t n_taken;

static const char *add_answer(const char *at, const char *end)
{
    struct canned *answer = &answers[n_answers];
    const char *mark = memchr(at, ANSWER_MARK, (size_t)(end - at));
    const char *stop = mark == NULL ? end : mark;
    const char *line = memchr(at, '\n', (size_t)(stop - at));
    char head[256] = "";

    if (line != NULL && n_answers < ANSWERS_MAX) {
        size_t len = (size_t)(line - at) < sizeof head ? (size_t)(line - at) : sizeof head - 1;
        memcpy(head, at, len);
        *answer = (struct canned){.body = line + 1, .len = (size_t)(stop - line - 1)};
        if (sscanf(head, "%3d %79s %127s", &answer->status, answer->type, answer->next) >= 1
            && answer->status >= 100) {
            n_answers++;
        }
    }
    return mark == NULL ? end : mark + 1;
}

static int take(const struct http_call *call, struct http_answer *answer, struct err *err)
{
    if (n_taken == n_answers) {
        return err_set(err, ERR_UNREACHABLE, "nobody answers");
    }
    const struct canned *canned = &answers[n_taken++];
    *answer = (struct http_answer){.status = canned->status, .retry_after_seconds = -1};
    buf_init(&answer->body, HTTP_ANSWER_BYTES);
    memcpy(answer->content_type, canned->type, sizeof answer->content_type);
    memcpy(answer->next_cursor, canned->next, sizeof answer->next_cursor);
    if (call->take == NULL || canned->status / 100 != 2) {
        buf_append(&answer->body, canned->body, canned->len);
        return 0;
    }
    size_t half = canned->len / 2;
    return call->take(call->take_context, canned->body, half)
                   && call->take(call->take_context, canned->body + half, canned->len - half)
               ? 0
               : err_set(err, ERR_IO, "the answer cannot be taken");
}

int __wrap_http_client_call(struct http_client *client, const struct http_call *call,
                            struct http_answer *answer, struct err *err);
int __wrap_http_client_call(struct http_client *client, const struct http_call *call,
                            struct http_answer *answer, struct err *err)
{
    (void)client;
    return take(call, answer, err);
}

/* ---- … for many calls at once ---- */

struct http_transfer {
    struct http_call call;
    http_done *done; /* NULL: there is none */
    void *context;
};

static struct http_transfer transfers[CALLS_MAX];

int __wrap_http_async_start(struct http_async *async, const struct http_call *call, http_done *done,
                            void *context, struct http_transfer **transfer, struct err *err);
int __wrap_http_async_start(struct http_async *async, const struct http_call *call, http_done *done,
                            void *context, struct http_transfer **transfer, struct err *err)
{
    (void)async;
    for (size_t i = 0; i < CALLS_MAX; i++) {
        if (transfers[i].done == NULL) {
            transfers[i] = (struct http_transfer){*call, done, context};
            *transfer = &transfers[i];
            return 0;
        }
    }
    return err_set(err, ERR_NOMEM, "out of memory");
}

void __wrap_http_async_cancel(struct http_transfer *transfer);
void __wrap_http_async_cancel(struct http_transfer *transfer)
{
    transfer->done = NULL;
}

void __wrap_http_async_wait(struct http_async *async, int fd, int64_t timeout_ms);
void __wrap_http_async_wait(struct http_async *async, int fd, int64_t timeout_ms)
{
    (void)async;
    (void)fd;
    (void)timeout_ms;
    for (size_t i = 0; i < CALLS_MAX; i++) {
        struct http_transfer ended = transfers[i];
        OWN(http_answer) struct http_answer answer = {0};
        struct err err = {0};
        if (ended.done == NULL) {
            continue;
        }
        transfers[i].done = NULL;
        int rc = take(&ended.call, &answer, &err);
        ended.done(ended.context, rc, rc == 0 ? &answer : NULL, &err);
    }
}

/* ---- a terminal ---- */

int __wrap_isatty(int fd);
int __wrap_isatty(int fd)
{
    return fd <= 2;
}

/* ---- verbs ---- */

/* Verbs that neither wait for a change nor start anything. */
static const struct shown {
    int (*run)(int argc, char **argv);
    const char *words[5];
    bool has_form;
    bool is_for_people; /* whatever the form */
} shown[] = {
    {verb_study_list, {"hone study list"}, true, false},
    {verb_study_show, {"hone study show", "s"}, true, false},
    {verb_study_best, {"hone study best", "s"}, true, false},
    {verb_study_trials, {"hone study trials", "s"}, true, false},
    {verb_study_history, {"hone study history", "s"}, true, false},
    {verb_study_events, {"hone study events", "s"}, true, false},
    {verb_study_brackets, {"hone study brackets", "s", "--all"}, true, false},
    {verb_study_explain, {"hone study explain", "s", "1"}, true, false},
    {verb_study_importance, {"hone study importance", "s"}, true, false},
    {verb_study_diff, {"hone study diff", "s", "t"}, true, false},
    {verb_trial_show, {"hone trial show", "s", "1"}, true, false},
    {verb_study_paper, {"hone study paper", "s"}, false, true},
    {verb_workers, {"hone workers"}, true, false},
    {verb_token_list, {"hone token list"}, true, false},
    {verb_backup_list, {"hone backup list"}, true, false},
    {verb_audit, {"hone audit"}, true, false},
    {verb_logs, {"hone logs", "s", "1", "--tail=3"}, false, true},
    {verb_top, {"hone top", "--once"}, false, true},
    {verb_top, {"hone top", "--once", "s"}, false, true},
    {verb_study_pause, {"hone study pause", "s"}, true, false},
    {verb_trial_cancel, {"hone trial cancel", "s", "1"}, true, false},
};

static const char *const forms[][2] = {
    {"-otable", "--width=60"}, {"-owide", "--width=100"}, {"-ojson", NULL},
    {"-ondjson", NULL},        {"-ocsv", NULL},           {"-oname", NULL},
};

static int said[2]; /* what the verb has written to stdout and stderr */
static int real[2];

static void redirect(int fd, int to)
{
    MUST(dup2(to, fd) == fd);
}

/* The first byte that would command a terminal, or NULL. */
static const char *find_command(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char byte = (unsigned char)text[i];
        bool is_second = i > 0 && (unsigned char)text[i - 1] == 0xc2;
        if ((byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7f
            || (is_second && byte >= 0x80 && byte < 0xa0)) {
            return text + i;
        }
    }
    return NULL;
}

static void check_said(int fd)
{
    static char text[1 << 20];
    ssize_t len = pread(fd, text, sizeof text, 0);

    MUST(len >= 0);
    const char *found = find_command(text, (size_t)len);
    if (found != NULL) {
        size_t at = (size_t)(found - text);
        (void)fprintf(stderr, "byte 0x%02x at %zu of: %.*s\n", (unsigned char)*found, at,
                      (int)(at + 40 < (size_t)len ? at + 40 : (size_t)len), text);
        abort();
    }
}

static void run(const struct shown *verb, size_t form)
{
    char *argv[12] = {NULL};
    int argc = 0;
    bool is_table = verb->is_for_people || (verb->has_form && form < 2);

    for (size_t i = 0; i < 5 && verb->words[i] != NULL; i++) {
        argv[argc++] = strdup(verb->words[i]);
    }
    for (size_t i = 0; verb->has_form && i < 2 && forms[form][i] != NULL; i++) {
        argv[argc++] = strdup(forms[form][i]);
    }
    argv[argc++] = strdup("--server=http://127.0.0.1:9");
    for (int i = 0; i < 2; i++) {
        MUST(ftruncate(said[i], 0) == 0 && lseek(said[i], 0, SEEK_SET) == 0);
        redirect(i + 1, said[i]);
    }
    (void)verb->run(argc, argv);
    (void)fflush(stdout);
    (void)fflush(stderr);
    redirect(1, real[0]);
    redirect(2, real[1]);
    for (int i = 0; i < argc; i++) {
        free(argv[i]);
    }
    check_said(said[1]);
    if (is_table) {
        check_said(said[0]);
    }
}

void fuzz_start(void)
{
    static const char *const unset[] = {"HONE_URL", "HONE_TOKEN_FILE", "COLUMNS", "XDG_STATE_HOME"};

    for (size_t i = 0; i < sizeof unset / sizeof unset[0]; i++) {
        (void)unsetenv(unset[i]);
    }
    (void)setenv("HOME", "/nonexistent", 1);
    (void)setenv("NO_COLOR", "1", 1); /* its own commands, too */
    log_start("hone", LOG_LEVEL_ERROR);
    json_start();
    for (int i = 0; i < 2; i++) {
        said[i] = memfd_create("said", MFD_CLOEXEC);
        real[i] = fcntl(i + 1, F_DUPFD_CLOEXEC, 10);
        MUST(said[i] >= 0 && real[i] >= 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    const char *end = text + size;
    const char *at = memchr(text, ANSWER_MARK, size);
    char head[32] = "";
    size_t verb = 0;
    size_t form = 0;

    n_answers = n_taken = 0;
    memcpy(head, text, size < sizeof head ? size : sizeof head - 1);
    if (at == NULL || sscanf(head, "%2zu %2zu", &verb, &form) != 2) {
        return 0;
    }
    for (at++; at < end;) {
        at = add_answer(at, end);
    }
    run(&shown[verb % (sizeof shown / sizeof shown[0])], form % (sizeof forms / sizeof forms[0]));
    return 0;
}

/* hone absorb: brings the results of a bundle home. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "worker/bundle/results.h"
#include "worker/cli/session.h"
#include "worker/cli/status.h"
#include "worker/cli/verbs.h"

const struct usage usage_absorb = {
    .arguments = "RESULTS...",
    .doc = "Tells the server what became of the trials of a bundle.\v"
           "RESULTS is the folder that 'hone worker --bundle' has written, or a tar file of it. To "
           "bring the same results twice changes nothing.",
    .flags = USAGE_SERVER,
    .n_min = 1,
    .n_max = -1,
    .missing = "name the folder of results, or a tar file of it",
};

struct absorption {
    struct session *session;
    size_t n_taken, n_overtaken, n_unknown, n_refused;
};

/* One lease while its lines are sent. */
struct absorbed_lease {
    struct absorption *all;
    const char *name; /* of the file */
    char *lease;      /* NULL: the first line has not been read yet; owned */
    char *study;      /* the same */
    bool skips;       /* its measurements: it has ended, as it has once all is absorbed */
    bool ended;       /* the server has the result, or will never take it */
};

static int send(struct absorbed_lease *lease, const char *method, const char *part,
                const json_t *body, struct err *err)
{
    OWN(buf) struct buf path;

    buf_init(&path, 256);
    buf_puts(&path, "/v1/leases/");
    http_escape(&path, lease->lease);
    buf_puts(&path, part);
    return session_send(lease->all->session, method, buf_text(&path), body, NULL, err);
}

/* The trial is another worker's, or the study is gone: what was measured is in vain. */
static bool is_overtaken(const struct err *err)
{
    return err->code == ERR_LEASE_SUPERSEDED || err->code == ERR_LEASE_ENDED
           || err->code == ERR_NOT_FOUND;
}

/* For what it says, and for ever: the other leases go on. */
static int tell_refused(struct absorbed_lease *lease, const char *what, const struct err *err)
{
    if (err->code != ERR_INVALID && err->code != ERR_RESULT_CONFLICT) {
        return -1;
    }
    lease->ended = true;
    lease->all->n_refused++;
    say("%s: the server refuses %s: %s", lease->name, what, err->text);
    return 0;
}

static int send_measurements(struct absorbed_lease *lease, const json_t *line, struct err *err)
{
    if (lease->skips || send(lease, "POST", "/measurements", line, err) == 0) {
        return 0;
    }
    lease->skips = is_overtaken(err);
    return lease->skips ? 0 : tell_refused(lease, "measurements", err);
}

static int send_result(struct absorbed_lease *lease, const json_t *result, struct err *err)
{
    if (send(lease, "PUT", "/result", result, err) == 0) {
        lease->all->n_taken++;
    } else if (err->code == ERR_NOT_FOUND) {
        lease->all->n_unknown++;
        say("%s: the server knows no such lease of study '%s'", lease->name, lease->study);
    } else if (is_overtaken(err)) {
        lease->all->n_overtaken++;
        say("%s: %s", lease->name, err->text);
    } else {
        return tell_refused(lease, "the result", err);
    }
    lease->ended = true;
    return 0;
}

static int read_header(struct absorbed_lease *lease, const json_t *line, struct err *err)
{
    const char *id = json_string_value(json_object_get(line, "lease"));
    const char *study = json_string_value(json_object_get(line, "study"));

    if (id == NULL || study == NULL) {
        return err_set(err, ERR_INVALID, "%s is no result of a bundle", lease->name);
    }
    lease->lease = strdup(id);
    lease->study = strdup(study);
    return lease->lease == NULL || lease->study == NULL ? err_set(err, ERR_NOMEM, "out of memory")
                                                        : 0;
}

static int send_line(struct absorbed_lease *lease, const json_t *line, struct err *err)
{
    const json_t *result = json_object_get(line, "result");

    if (lease->lease == NULL) {
        return read_header(lease, line, err);
    }
    return result == NULL ? send_measurements(lease, line, err) : send_result(lease, result, err);
}

static int absorb_one(void *context, const char *name, const char *text, size_t len,
                      struct err *err)
{
    struct absorbed_lease lease = {.all = context, .name = name};
    const char *end = text + len;
    int rc = 0;

    while (rc == 0 && text < end && !lease.ended) {
        const char *line_end = memchr(text, '\n', (size_t)(end - text));
        size_t line_len = (size_t)((line_end == NULL ? end : line_end) - text);
        json_auto_t *line = NULL;
        rc = json_parse(text, line_len, &json_limits_default, &line, err);
        rc = rc != 0 ? err_wrap(err, "%s", name) : send_line(&lease, line, err);
        text += line_len + 1;
    }
    free(lease.lease);
    free(lease.study);
    return rc;
}

static int absorb(const struct options *options, size_t *n_refused, struct err *err)
{
    OWN(session) struct session session = {0};
    struct absorption all = {.session = &session};

    TRY(session_open(options, &session, err));
    if (session_previews(&session, "PUT", "/v1/leases/LEASE/result", NULL)) {
        return 0;
    }
    for (int i = 0; i < options->n_arguments; i++) {
        TRY(results_each(options->arguments[i], absorb_one, &all, err));
    }
    size_t n_others = all.n_overtaken + all.n_unknown + all.n_refused;
    say("%zu results are home%s", all.n_taken, n_others > 0 ? ";" : "");
    if (all.n_overtaken > 0) {
        say("%zu do not count: their leases had ended, and others have their trials",
            all.n_overtaken);
    }
    if (all.n_unknown > 0) {
        say("%zu do not count: they are of another server", all.n_unknown);
    }
    *n_refused = all.n_refused;
    return 0;
}

int verb_absorb(int argc, char **argv)
{
    size_t n_refused = 0;
    struct options options;
    struct err err = {0};

    options_read(&usage_absorb, argc, argv, NULL, &options);
    int rc = absorb(&options, &n_refused, &err);
    return rc == 0 && n_refused > 0 ? EXIT_STATUS_FAILED : exit_after(rc, &err);
}

#include "worker/agent/agent_setup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/json.h"
#include "common/names.h"
#include "worker/agent/expand.h"
#include "worker/agent/runner.h"

static int add_program(struct agent_context *context, const char *runner, char *const *argv,
                       struct err *err)
{
    struct program *program = &context->programs[context->n_programs];

    if (expand_check(argv, err) != 0 || runner_find(argv[0], &program->path, err) != 0) {
        return runner == NULL ? -1 : err_wrap(err, "runner %s", runner);
    }
    program->runner = runner;
    program->argv = argv;
    context->n_programs++;
    return 0;
}

int agent_setup_programs(struct agent_context *context, struct err *err)
{
    const struct agent_settings *settings = context->settings;

    if ((settings->study != NULL) == (settings->n_runners > 0)) {
        return err_set(err, ERR_INVALID,
                       "say which trials to run: either a study and the command for it "
                       "(--study NAME -- COMMAND…) or a command by name (--runner NAME=COMMAND)");
    }
    if (settings->study != NULL && !name_is_study(settings->study)) {
        return err_set(err, ERR_INVALID, "\"%.80s\" is no name of a study", settings->study);
    }
    context->programs = calloc(settings->n_runners + 1, sizeof *context->programs);
    if (context->programs == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    if (settings->study != NULL) {
        static char *const nothing[] = {NULL};
        return add_program(context, NULL, settings->command == NULL ? nothing : settings->command,
                           err);
    }
    for (size_t i = 0; i < settings->n_runners; i++) {
        TRY(add_program(context, settings->runners[i].name, settings->runners[i].argv, err));
    }
    return 0;
}

/* ---- the offer that is sent with each request ---- */

static int copy_text(char **out, const char *text, struct err *err)
{
    *out = strdup(text);
    return *out == NULL ? err_set(err, ERR_NOMEM, "out of memory") : 0;
}

static int take_labels(struct agent_context *context, struct err *err)
{
    struct lease_ask *offer = &context->offer;
    size_t failures = json_failures();

    for (size_t i = 0; i < context->settings->n_labels; i++) {
        const char *label = context->settings->labels[i];
        const char *equals = strchr(label, '=');
        if (equals == NULL || equals == label) {
            return err_set(err, ERR_INVALID, "the label \"%.80s\" is not KEY=VALUE", label);
        }
        OWN(memory) char *key = strndup(label, (size_t)(equals - label));
        offer->labels = offer->labels == NULL ? json_object() : offer->labels;
        if (key == NULL) {
            return err_set(err, ERR_NOMEM, "out of memory");
        }
        if (json_object_set_new(offer->labels, key, json_string(equals + 1)) != 0) {
            TRY(json_check(failures, err));
            return err_set(err, ERR_INVALID, "the label \"%.80s\" is not UTF-8", label);
        }
    }
    return 0;
}

int agent_setup_offer(struct agent_context *context, struct err *err)
{
    const struct agent_settings *settings = context->settings;
    struct lease_ask *offer = &context->offer;

    offer->studies = calloc(ASK_LIST_MAX, sizeof *offer->studies);
    offer->runners = calloc(ASK_LIST_MAX, sizeof *offer->runners);
    if (offer->studies == NULL || offer->runners == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    offer->wait_seconds = settings->wait_seconds;
    (void)snprintf(offer->host, sizeof offer->host, "%s", context->host);
    if (settings->study != NULL) {
        TRY(copy_text(&offer->studies[0], settings->study, err));
        offer->n_studies = 1;
    }
    if (settings->n_runners > ASK_LIST_MAX) {
        return err_set(err, ERR_INVALID, "more than %d runners", ASK_LIST_MAX);
    }
    offer->has_runners = settings->n_runners > 0;
    for (size_t i = 0; i < settings->n_runners; i++) {
        TRY(copy_text(&offer->runners[i], settings->runners[i].name, err));
        offer->n_runners = i + 1;
    }
    return take_labels(context, err);
}

/* ---- the work directory ---- */

int agent_default_workdir(struct buf *path, struct err *err)
{
    const char *state = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");

    if (state != NULL && state[0] == '/') {
        buf_printf(path, "%s/hone/work", state);
    } else if (home != NULL && home[0] == '/') {
        buf_printf(path, "%s/.local/state/hone/work", home);
    } else {
        buf_printf(path, "/var/tmp/hone-%u/work", (unsigned)geteuid());
    }
    return buf_check(path, err);
}

int agent_setup_workdir(struct agent_context *context, struct err *err)
{
    OWN(buf) struct buf path;

    buf_init(&path, 3000);
    if (context->settings->workdir == NULL) {
        TRY(agent_default_workdir(&path, err));
    } else {
        buf_puts(&path, context->settings->workdir);
        TRY(buf_check(&path, err));
    }
    TRY(folder_make(buf_text(&path), err));
    context->workdir = realpath(buf_text(&path), NULL);
    if (context->workdir == NULL) {
        return err_set(err, ERR_IO, "the work directory %s cannot be used: %s", buf_text(&path),
                       strerror(errno));
    }
    return 0;
}

/* hone study enqueue: configurations to try next. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/json.h"
#include "worker/cli/define/configuration.h"
#include "worker/cli/define/configurations.h"
#include "worker/cli/define/text_file.h"
#include "worker/cli/session.h"
#include "worker/cli/show/printed_list.h"
#include "worker/cli/status.h"
#include "worker/cli/verbs.h"

enum { BATCH = 1000, FILE_BYTES = 8 << 20 };

struct enqueue_options {
    json_t *one; /* of -P; owned */
    const char *file;
};

static const struct argp_option own[] = {
    {"param", 'P', "NAME=VALUE", 0,
     "a value of the configuration to try; all of them make one\v"
     "A parameter that is left out takes its default.",
     1},
    {"file", 'f', "FILE", 0,
     "configurations in CSV, one a row, titled by the parameters; - reads standard input\v"
     "Of an export of trials (hone study export) the columns called parameters.NAME are read.",
     1},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct enqueue_options *given = state->input;

    switch (key) {
    case 'P':
        given->one = given->one == NULL ? json_object() : given->one;
        if (!configuration_add(given->one, arg, strlen(arg))) {
            argp_error(state, "-P %s: write a value, such as -P lr=0.1, each name once", arg);
        }
        return 0;
    case 'f':
        given->file = arg;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct usage usage_study_enqueue = {
    .arguments = "NAME [NAME=VALUE,...]...",
    .doc = "Adds configurations that are tried before anything that the strategy suggests.\v"
           "One is made of the options -P, another of each argument, such as lr=0.1,units=32, or a "
           "JSON object; more come from a file. They are added all or none, a thousand at a time.",
    .flags = USAGE_SERVER | USAGE_OUTPUT | USAGE_DRY_RUN,
    .n_min = 1,
    .n_max = -1,
    .missing = "name the study; 'hone study list' shows which there are",
    .own = own,
    .parse_own = parse,
};

static int add_argument(const char *argument, json_t *list, struct err *err)
{
    json_t *values = configuration_read(argument);

    if (values == NULL) {
        return err_set(err, ERR_INVALID,
                       "'%s' is no configuration; write the values as lr=0.1,units=32, or as a "
                       "JSON object, each name once",
                       argument);
    }
    (void)json_array_append_new(list, json_pack("{s:o}", "parameters", values));
    return 0;
}

static int add_file(const char *path, json_t *list, struct err *err)
{
    OWN(buf) struct buf text = {0};

    buf_init(&text, FILE_BYTES);
    TRY(text_file_read(path, &text, err));
    if (configurations_from_csv(buf_text(&text), list, err) != 0) {
        return err_wrap(err, "%s", text_file_name(path));
    }
    return 0;
}

static int gather(const struct options *options, const struct enqueue_options *given, json_t *list,
                  struct err *err)
{
    if (given->one != NULL) {
        (void)json_array_append_new(list, json_pack("{s:O}", "parameters", given->one));
    }
    for (int i = 1; i < options->n_arguments; i++) {
        TRY(add_argument(options->arguments[i], list, err));
    }
    if (given->file != NULL) {
        TRY(add_file(given->file, list, err));
    }
    return json_array_size(list) > 0
               ? 0
               : err_set(err, ERR_INVALID,
                         "say what to try: -P lr=0.1, an argument such as lr=0.1,units=32, or a "
                         "file with -f");
}

static void tell(const struct options *options, const json_t *items)
{
    size_t n = json_array_size(items);
    int64_t first = int_at(json_array_get(items, 0), "number", 0);
    int64_t last = int_at(json_array_get(items, n - 1), "number", 0);
    size_t i;
    json_t *item;

    if (n == 1) {
        say("trial %" PRId64 " of '%s' is queued", first, options->arguments[0]);
    } else {
        say("trials %" PRId64 " to %" PRId64 " of '%s' are queued", first, last,
            options->arguments[0]);
    }
    json_array_foreach (json_unconst(items), i, item) {
        if (options->output == OUTPUT_JSON || options->output == OUTPUT_NDJSON) {
            print_json(stdout, item);
        } else {
            (void)printf("%" PRId64 "\n", int_at(item, "number", 0));
        }
    }
}

/* *n ← how many were added, the whole batch or none. */
static int send_batch(struct session *session, const char *path, const json_t *list, size_t from,
                      size_t *n, struct err *err)
{
    json_auto_t *batch = json_array();
    json_auto_t *answer = NULL;

    for (size_t i = from; i < json_array_size(list) && i < from + BATCH; i++) {
        (void)json_array_append(batch, json_array_get(list, i));
    }
    *n = json_array_size(batch);
    if (session_previews(session, "POST", path, batch)) {
        return 0;
    }
    TRY(session_send(session, "POST", path, batch, &answer, err));
    tell(session->options, json_object_get(answer, "items"));
    return 0;
}

static int enqueue(const struct options *options, const struct enqueue_options *given,
                   struct err *err)
{
    OWN(session) struct session session = {0};
    OWN(buf) struct buf path = {0};
    json_auto_t *list = json_array();
    size_t n;

    TRY(gather(options, given, list, err));
    (void)study_path(&path, options->arguments[0], "/trials");
    TRY(session_open(options, &session, err));
    for (size_t at = 0; at < json_array_size(list); at += n) {
        TRY(send_batch(&session, buf_text(&path), list, at, &n, err));
    }
    return 0;
}

int verb_study_enqueue(int argc, char **argv)
{
    struct enqueue_options given = {0};
    struct options options;
    struct err err = {0};

    options_read(&usage_study_enqueue, argc, argv, &given, &options);
    int rc = enqueue(&options, &given, &err);
    json_decref(given.one);
    return exit_after(rc, &err);
}

/* hone advise: which strategy suits the problem that the options describe. The server decides; this
 * verb asks it, and shows its page or its figures. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "worker/cli/define/definition.h"
#include "worker/cli/define/pointers.h"
#include "worker/cli/define/run_line.h"
#include "worker/cli/define/scalar.h"
#include "worker/cli/define/span.h"
#include "worker/cli/session.h"
#include "worker/cli/show/printed_list.h"
#include "worker/cli/status.h"
#include "worker/cli/text.h"
#include "worker/cli/verbs.h"

enum {
    KEY_EVALUATION = 0x3000,
    KEY_AVAILABLE,
    KEY_WORKER_TIME,
    KEY_WORKERS,
    KEY_NOISY,
    KEY_NO_CHECKPOINTS,
    KEY_CHECKPOINTS,
    KEY_EXPERIENCE
};
enum { PAGE_BYTES = 4 << 20 };

struct advice_request {
    struct definition definition; /* first: its parser gets the same pointer */
    json_t *factors;              /* what stands beside the study's members, owned */
};

static void advice_request_finish(struct advice_request *request)
{
    definition_finish(&request->definition);
    json_decref(request->factors);
}
OWN_VALUE(advice_request)

static const struct argp_option own[] = {
    {"evaluation-time", KEY_EVALUATION, "SPAN", 0,
     "a full training takes this long: 90s, 15m, 2h\vWithout it no time can be told, and none be "
     "kept.",
     5},
    {"workers", KEY_WORKERS, "N", 0, "so many train at once (default: --parallel, or 1)", 5},
    {"available", KEY_AVAILABLE, "SPAN", 0,
     "the result is needed by then: 12h, 3d\vBecomes a limit of the study.", 5},
    {"worker-time", KEY_WORKER_TIME, "SPAN", 0, "spend this much, all workers together", 5},
    {"noisy", KEY_NOISY, NULL, 0, "the same configuration gives another value each time", 5},
    {"checkpoints", KEY_CHECKPOINTS, NULL, 0,
     "a paused training goes on where it was (the default)", 5},
    {"no-checkpoints", KEY_NO_CHECKPOINTS, NULL, 0, "it starts again from zero", 5},
    {"experience", KEY_EXPERIENCE, "WORD", 0,
     "new, some or expert\vNewcomers are offered what asks little of the training program before "
     "what is measured a little better.",
     5},
    {0},
};

/* ---- options --------------------------------------------------------------------------------- */

static void add_span(struct advice_request *request, const char *key, const char *option,
                     const char *text, const struct argp_state *state)
{
    double seconds = span_seconds(text);

    if (!(seconds > 0)) {
        argp_error(state, "--%s %s: write seconds or a span such as 90s, 15m, 2h, 1d", option,
                   text);
    }
    (void)json_object_set_new(request->factors, key, json_real(seconds));
}

static void add_workers(struct advice_request *request, const char *text,
                        const struct argp_state *state)
{
    json_t *number = scalar_number(text);

    if (!json_is_integer(number) || json_integer_value(number) < 1) {
        argp_error(state, "--workers %s: write a whole number from 1 on", text);
    }
    (void)json_object_set_new(request->factors, "workers", number);
}

static void add_experience(struct advice_request *request, const char *text,
                           const struct argp_state *state)
{
    if (strcmp(text, "new") != 0 && strcmp(text, "some") != 0 && strcmp(text, "expert") != 0) {
        argp_error(state, "--experience %s: write new, some or expert", text);
    }
    (void)json_object_set_new(request->factors, "experience", json_string(text));
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct advice_request *request = state->input;

    switch (key) {
    case ARGP_KEY_INIT:
        request->factors = json_object();
        return 0;
    case KEY_EVALUATION:
        add_span(request, "evaluation_seconds", "evaluation-time", arg, state);
        return 0;
    case KEY_AVAILABLE:
        add_span(request, "available_seconds", "available", arg, state);
        return 0;
    case KEY_WORKER_TIME:
        add_span(request, "worker_seconds", "worker-time", arg, state);
        return 0;
    case KEY_WORKERS:
        add_workers(request, arg, state);
        return 0;
    case KEY_NOISY:
        (void)json_object_set_new(request->factors, "noisy", json_true());
        return 0;
    case KEY_CHECKPOINTS:
    case KEY_NO_CHECKPOINTS:
        (void)json_object_set_new(request->factors, "checkpoints",
                                  json_boolean(key == KEY_CHECKPOINTS));
        return 0;
    case KEY_EXPERIENCE:
        add_experience(request, arg, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct option_group definition_group[] = {{"definition", &definition_argp, 0}, {0}};

const struct usage usage_advise = {
    .arguments = "[NAME]",
    .doc = "Ranks the strategies for a problem: what each would try, cost and be worth, when it "
           "would be done, and why.\v"
           "The problem is described as for 'hone study create', by options, a file or both; only "
           "the parameters are needed. What is not said is assumed, and told. Nothing is created: "
           "the page ends with the line of 'hone run' that does it.\n\n"
           "Without HONE_URL and --server, a private server is started for this account, or joined "
           "if one runs.",
    .flags = USAGE_SERVER | USAGE_OUTPUT,
    .n_max = 1,
    .own = own,
    .parse_own = parse,
    .groups = definition_group,
};

/* ---- answers --------------------------------------------------------------------------------- */

static void add_row(struct printed_list *list, json_t *item)
{
    const json_t *expected = json_object_get(item, "expected");
    static const char *const keys[] = {"trials", "full_evaluations", "finish_seconds", "regret"};
    char numbers[4][TEXT_NUMBER_BYTES];
    char rank[24];

    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        numbers[i][0] = '\0';
        if (json_is_number(json_object_get(expected, keys[i]))) {
            (void)text_number(number_at(expected, keys[i]), 15, numbers[i]);
        }
    }
    (void)snprintf(rank, sizeof rank, "%" PRId64, int_at(item, "rank", 0));
    const char *const cells[] = {
        text_at(item, "title"),
        rank,
        json_is_true(json_object_get(item, "usable")) ? "yes" : "no",
        numbers[0],
        numbers[1],
        numbers[2],
        numbers[3],
    };
    printed_list_row(list, item, cells);
}

/* For another program: an item a line. */
static void list_items(const struct options *options, const json_t *answer)
{
    static const struct column columns[] = {
        {"strategy", false, false},        {"rank", true, false},
        {"usable", false, false},          {"trials", true, false},
        {"full_evaluations", true, false}, {"finish_seconds", true, false},
        {"regret", true, false},
    };
    struct printed_list list;
    size_t i;
    json_t *item;

    printed_list_begin(&list, options, columns, sizeof columns / sizeof columns[0]);
    json_array_foreach (json_object_get(answer, "items"), i, item) {
        add_row(&list, item);
    }
    printed_list_end(&list, true, "no strategy fits");
}

/* The page of the server up to the study to create. */
static void print_without_study(const char *page)
{
    OWN(memory) char *text = strdup(page);
    char *end = text == NULL ? NULL : strstr(text, "\nTo do what stands first");

    if (end != NULL) {
        *end = '\0';
    }
    text_print_page(stdout, text == NULL ? page : text);
}

static const json_t *first_usable(const json_t *answer)
{
    size_t i;
    json_t *item;

    json_array_foreach (json_object_get(answer, "items"), i, item) {
        if (json_is_object(json_object_get(item, "study"))) {
            return item;
        }
    }
    return NULL;
}

/* A file that says what only advice takes makes no study, so no line can name it. */
static bool can_be_run(const struct advice_request *request, const json_t *body,
                       const json_t *study)
{
    const char *key;
    json_t *value;

    json_object_foreach (json_unconst(body), key, value) {
        if (json_object_get(study, key) == NULL && json_object_get(request->factors, key) == NULL) {
            return false;
        }
    }
    return json_is_object(study);
}

/* The server refuses the definition in terms of the request; people typed options. */
static int name_options(const struct advice_request *request, const json_t *body, struct err *err)
{
    pointers_to_options(&request->definition, body, err);
    return -1;
}

static int ask_for_page(struct session *session, const struct advice_request *request,
                        const json_t *body, struct err *err)
{
    OWN(buf) struct buf page = {0};
    OWN(buf) struct buf line = {0};
    json_auto_t *answer = NULL;

    buf_init(&page, PAGE_BYTES);
    buf_init(&line, PAGE_BYTES);
    TRY(session_page(session, "POST", "/v1/advice?format=text", body, &page, err));
    TRY(session_send(session, "POST", "/v1/advice", body, &answer, err));
    const json_t *item = first_usable(answer);
    const json_t *study = json_object_get(item, "study");
    if (!can_be_run(request, body, study)) {
        text_print_page(stdout, buf_text(&page));
        return 0;
    }
    print_without_study(buf_text(&page));
    run_line_append(&request->definition, study, &line);
    (void)printf("\nTo do what stands first (%s), with your program as COMMAND:\n\n",
                 text_at(item, "title"));
    text_print_page(stdout, buf_text(&line));
    return 0;
}

static int advise(struct options *options, const struct advice_request *request, struct err *err)
{
    struct private_server server;
    OWN(session) struct session session = {0};
    json_auto_t *body = NULL;
    json_auto_t *answer = NULL;
    bool for_people = options->output == OUTPUT_TABLE || options->output == OUTPUT_WIDE;

    TRY(definition_merge(&request->definition,
                         options->n_arguments > 0 ? options->arguments[0] : NULL, &body, err));
    (void)json_object_update(body, request->factors);
    if (json_object_get(body, "parameters") == NULL) {
        return err_set(err, ERR_INVALID,
                       "say what is to be tuned: -P NAME=DOMAIN, such as -P lr=log:1e-5..1e-1");
    }
    TRY(session_find_server(options, &server, err));
    TRY(session_open(options, &session, err));
    if (session_previews(&session, "POST", for_people ? "/v1/advice?format=text" : "/v1/advice",
                         body)) {
        return 0;
    }
    if (for_people) {
        return ask_for_page(&session, request, body, err) == 0 ? 0
                                                               : name_options(request, body, err);
    }
    if (session_send(&session, "POST", "/v1/advice", body, &answer, err) != 0) {
        return name_options(request, body, err);
    }
    if (options->output == OUTPUT_JSON) {
        print_json(stdout, answer);
    } else {
        list_items(options, answer);
    }
    return 0;
}

int verb_advise(int argc, char **argv)
{
    OWN(advice_request) struct advice_request request = {0};
    struct options options;
    struct err err = {0};

    options_read(&usage_advise, argc, argv, &request, &options);
    return exit_after(advise(&options, &request, &err), &err);
}

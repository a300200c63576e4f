/* The tools. What they do is up to the routes they name; here stands how their arguments are
 * called. */
#include "server/mcp/steps.h"

#define STUDY                                                                                      \
    {                                                                                              \
        .name = "study", .kind = ARGUMENT_NAME, .place = PLACE_PATH, .required = true,             \
        .description = "Name of the study"                                                         \
    }
#define TRIAL                                                                                      \
    {                                                                                              \
        .name = "trial", .kind = ARGUMENT_INTEGER, .place = PLACE_PATH, .required = true,          \
        .low = 1, .high = 4294967295, .description = "Number of the trial"                         \
    }

#define SKIP                                                                                       \
    {                                                                                              \
        .name = "skip", .kind = ARGUMENT_INTEGER, .place = PLACE_ANSWER, .low = 0,                 \
        .high = 10000000, .description = "Lines of the answer that were seen already"              \
    }

#define PAGE_ARGUMENTS                                                                             \
    {.name = "limit",                                                                              \
     .kind = ARGUMENT_INTEGER,                                                                     \
     .place = PLACE_QUERY,                                                                         \
     .low = 1,                                                                                     \
     .high = 100,                                                                                  \
     .fallback = "10",                                                                             \
     .description = "How many at most; 10 unless said"},                                           \
    {                                                                                              \
        .name = "cursor", .kind = ARGUMENT_STRING, .place = PLACE_QUERY,                           \
        .description = "Where the last page ended, as it said"                                     \
    }

#define OBJECTIVE_ARGUMENTS                                                                        \
    {.name = "metric", .kind = ARGUMENT_STRING, .description = "Name of the metric, as reported"}, \
        {.name = "direction",                                                                      \
         .kind = ARGUMENT_CHOICE,                                                                  \
         .choices = {"minimize", "maximize"},                                                      \
         .description = "Of the metric"},                                                          \
        {.name = "objectives",                                                                     \
         .kind = ARGUMENT_JSON,                                                                    \
         .schema = "\"type\":\"array\",\"items\":{\"type\":\"object\"}",                           \
         .description = "Instead of metric and direction: [{metric, direction}, …]"},              \
        {.name = "parameters",                                                                     \
         .kind = ARGUMENT_JSON,                                                                    \
         .required = true,                                                                         \
         .schema = "\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{\"name\":"   \
                   "{\"type\":\"string\"},\"type\":{\"type\":\"string\",\"enum\":[\"float\","      \
                   "\"int\",\"categorical\",\"ordinal\",\"bool\",\"constant\"]},\"low\":{\"type\"" \
                   ":\"number\"},\"high\":{\"type\":\"number\"},\"scale\":{\"type\":\"string\","   \
                   "\"enum\":[\"linear\",\"log\",\"reverse_log\"]},\"step\":{\"type\":\"number\"}" \
                   ",\"choices\":{\"type\":\"array\"},\"default\":{},\"value\":{},\"when\":"       \
                   "{\"type\":\"object\"}},\"required\":[\"name\",\"type\"]}",                     \
         .description = "What is tuned: {name, type: float, low, high, scale: log}, {name, type: " \
                        "int, low, high}, {name, type: categorical, choices}; `when` {parent: "    \
                        "[values]} makes it conditional"},                                         \
        {.name = "constraints",                                                                    \
         .kind = ARGUMENT_JSON,                                                                    \
         .schema = "\"type\":\"array\",\"items\":{\"type\":\"string\"}",                           \
         .description = "Such as \"units * layers <= 1024\""},                                     \
        {.name = "subject_to",                                                                     \
         .kind = ARGUMENT_JSON,                                                                    \
         .schema = "\"type\":\"array\",\"items\":{\"type\":\"string\"}",                           \
         .description = "Bounds on metrics that trials report, such as \"p99_ms <= 500\""},        \
        {.name = "resource",                                                                       \
         .kind = ARGUMENT_JSON,                                                                    \
         .schema = "\"type\":\"object\"",                                                          \
         .description = "What a trial is trained with, where it reports as it trains: {name: "     \
                        "epochs, min: 1, max: 81}"},                                               \
        {.name = "strategy",                                                                       \
         .kind = ARGUMENT_JSON,                                                                    \
         .schema = "\"type\":[\"string\",\"object\"]",                                             \
         .description = "Name, or {name, options}; auto unless said"},                             \
        {.name = "stopping",                                                                       \
         .kind = ARGUMENT_JSON,                                                                    \
         .schema = "\"type\":\"object\"",                                                          \
         .description = "{rule: median}, or {rule: threshold, step, value}"},                      \
    {                                                                                              \
        .name = "limits", .kind = ARGUMENT_JSON, .schema = "\"type\":\"object\"",                  \
        .description = "{trials, parallel, seconds, resource, target, failures, guest_share, …}" \
    }

#define SITUATION_ARGUMENTS                                                                        \
    {.name = "evaluation_seconds",                                                                 \
     .kind = ARGUMENT_JSON,                                                                        \
     .schema = "\"type\":\"number\"",                                                              \
     .description = "What one full training takes"},                                               \
        {.name = "available_seconds",                                                              \
         .kind = ARGUMENT_JSON,                                                                    \
         .schema = "\"type\":\"number\"",                                                          \
         .description = "How long it may take, by the clock"},                                     \
        {.name = "worker_seconds",                                                                 \
         .kind = ARGUMENT_JSON,                                                                    \
         .schema = "\"type\":\"number\"",                                                          \
         .description = "What all workers together may spend"},                                    \
        {.name = "workers",                                                                        \
         .kind = ARGUMENT_INTEGER,                                                                 \
         .low = 1,                                                                                 \
         .high = 1000000,                                                                          \
         .description = "How many trials can run at once"},                                        \
        {.name = "noisy",                                                                          \
         .kind = ARGUMENT_BOOLEAN,                                                                 \
         .description = "The same configuration gives another value each time"},                   \
        {.name = "checkpoints",                                                                    \
         .kind = ARGUMENT_BOOLEAN,                                                                 \
         .description = "The program goes on where it was paused"},                                \
    {                                                                                              \
        .name = "experience", .kind = ARGUMENT_CHOICE, .choices = {"new", "some", "expert"},       \
        .description = "With tuning, of who reads the advice"                                      \
    }

static const struct argument advise_arguments[] = {
    OBJECTIVE_ARGUMENTS,
    SITUATION_ARGUMENTS,
    SKIP,
    {0},
};

static const struct argument create_arguments[] = {
    {.name = "name",
     .kind = ARGUMENT_NAME,
     .required = true,
     .description = "Of the study; the same name and definition again is no new study"},
    OBJECTIVE_ARGUMENTS,
    {.name = "description", .kind = ARGUMENT_STRING, .description = "For people"},
    {.name = "labels",
     .kind = ARGUMENT_JSON,
     .schema = "\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"}",
     .description = "For people and queries"},
    {.name = "job",
     .kind = ARGUMENT_JSON,
     .schema = "\"type\":\"object\"",
     .description = "{runner: NAME}: only workers with this runner take its trials"},
    {.name = "after",
     .kind = ARGUMENT_JSON,
     .schema = "\"type\":\"array\",\"items\":{\"type\":\"string\"}",
     .description = "Finished studies to learn from"},
    {.name = "seed",
     .kind = ARGUMENT_INTEGER,
     .low = 0,
     .high = 9007199254740991,
     .description = "The same seed and definition give the same trials"},
    {.name = "requires",
     .kind = ARGUMENT_JSON,
     .schema = "\"type\":\"object\"",
     .description = "{gpus, gpu_memory_mib, labels} of the workers"},
    {.name = "advice_rank",
     .kind = ARGUMENT_INTEGER,
     .low = 1,
     .high = 100,
     .description = "Take the strategy at this rank of what advise says for the same arguments; "
                    "the situation (workers, evaluation_seconds, …) counts with it alone"},
    SITUATION_ARGUMENTS,
    {0},
};

static const struct argument list_arguments[] = {
    {.name = "state",
     .kind = ARGUMENT_CHOICE,
     .place = PLACE_QUERY,
     .choices = {"running", "paused", "stopped", "finished"},
     .description = "Only studies in this state"},
    PAGE_ARGUMENTS,
    {0},
};

static const struct argument status_arguments[] = {
    STUDY,
    {.name = "definition",
     .kind = ARGUMENT_BOOLEAN,
     .description = "Show what the study was made of as well: parameters, strategy, limits"},
    SKIP,
    {0},
};

static const struct argument study_arguments[] = {STUDY, SKIP, {0}};
static const struct argument trial_arguments[] = {STUDY, TRIAL, SKIP, {0}};

static const struct argument trials_arguments[] = {
    STUDY,
    {.name = "sort",
     .kind = ARGUMENT_STRING,
     .place = PLACE_QUERY,
     .fallback = "best",
     .description = "best (default), number, metric:NAME; -number is the newest first"},
    {.name = "state",
     .kind = ARGUMENT_STRING,
     .place = PLACE_QUERY,
     .description = "Only trials in these states, with commas: queued, running, paused, completed, "
                    "pruned, failed, infeasible, cancelled"},
    {.name = "source",
     .kind = ARGUMENT_CHOICE,
     .place = PLACE_QUERY,
     .choices = {"suggested", "enqueued", "imported"},
     .description = "Only trials that came this way"},
    {.name = "columns",
     .kind = ARGUMENT_STRING,
     .place = PLACE_QUERY,
     .query = "cols",
     .description =
         "Which columns, with commas: number,value,lr. Those that do not fit are left out"},
    PAGE_ARGUMENTS,
    {0},
};

static const struct argument propose_arguments[] = {
    STUDY,
    {.name = "trials",
     .kind = ARGUMENT_JSON,
     .required = true,
     .schema =
         "\"type\":\"array\",\"minItems\":1,\"maxItems\":1000,\"items\":{\"type\":\"object\","
         "\"properties\":{\"parameters\":{\"type\":\"object\"}},\"required\":[\"parameters\"],"
         "\"additionalProperties\":false}",
     .description = "[{parameters: {lr: 0.01, …}}, …], all or none; a parameter that is left out "
                    "takes its default"},
    {.name = "request_id",
     .kind = ARGUMENT_STRING,
     .description = "Any text: the same again within a day queues nothing twice"},
    {0},
};

static const struct argument log_arguments[] = {
    STUDY,
    TRIAL,
    {.name = "lines",
     .kind = ARGUMENT_INTEGER,
     .place = PLACE_QUERY,
     .query = "tail",
     .low = 1,
     .high = 1000,
     .fallback = "40",
     .description = "The last ones, 40 unless said; skip counts from the end"},
    {.name = "attempt",
     .kind = ARGUMENT_INTEGER,
     .place = PLACE_QUERY,
     .low = 1,
     .high = 2147483647,
     .description = "The newest unless said"},
    SKIP,
    {0},
};

static const struct argument steer_arguments[] = {
    STUDY,
    {.name = "action",
     .kind = ARGUMENT_CHOICE,
     .choices = {"pause", "resume", "stop"},
     .description =
         "pause: running trials go on, nothing new goes out; stop: running trials are told "
         "to stop, those that wait are cancelled for good; resume: after either"},
    {.name = "limits",
     .kind = ARGUMENT_JSON,
     .schema = "\"type\":\"object\"",
     .description =
         "Limits to set, null removes one: {trials: 200}. A study that had ended by a limit "
         "runs again once that is raised"},
    {0},
};

static const struct argument wait_arguments[] = {
    STUDY,
    {.name = "seconds",
     .kind = ARGUMENT_INTEGER,
     .place = PLACE_QUERY,
     .query = "wait",
     .low = 1,
     .high = 50,
     .fallback = "20",
     .description = "At most; 20 unless said"},
    {.name = "after",
     .kind = ARGUMENT_INTEGER,
     .place = PLACE_QUERY,
     .low = 0,
     .high = 9007199254740991,
     .description = "Answer at once if something has happened after this event: the number that an "
                    "earlier wait ended with"},
    {0},
};

#define READ HTTP_SCOPE_READ
#define SUBMIT HTTP_SCOPE_SUBMIT

const struct tool tools[] = {
    {.name = "advise",
     .title = "Which strategy?",
     .description =
         "Ranks all strategies for a described problem by what was measured, with reasons, "
         "cost and finish time. Stores nothing. The more of the situation is said, the "
         "better: evaluation_seconds, workers, available_seconds.",
     .scopes = READ,
     .repeatable = true,
     .passes_on = true,
     .arguments = advise_arguments,
     .method = "POST",
     .target = "/v1/advice?format=text"},
    {.name = "create_study",
     .title = "Create a study",
     .description =
         "Creates a study, of a whole definition, or with the strategy that advise puts at "
         "advice_rank for the same arguments. Its trials then wait for workers.",
     .scopes = SUBMIT,
     .writes = true,
     .repeatable = true,
     .passes_on = true,
     .arguments = create_arguments,
     .method = "POST",
     .target = "/v1/studies",
     .prepare = step_prepare_study,
     .next = step_after_study,
     .rest = "study_status has the study"},
    {.name = "list_studies",
     .title = "List the studies",
     .description = "The studies, a line each: state, trials by state, best value.",
     .scopes = READ,
     .repeatable = true,
     .arguments = list_arguments,
     .method = "GET",
     .target = "/v1/studies?format=table&width=180",
     .next = step_show_page,
     .rest = "ask with a smaller limit, and the cursor of its end"},
    {.name = "study_status",
     .title = "How a study stands",
     .description =
         "State, trials by state, best value; with definition also parameters, strategy and "
         "limits.",
     .scopes = READ,
     .repeatable = true,
     .arguments = status_arguments,
     .method = "GET",
     .target = "/v1/studies/{study}",
     .prepare = step_prepare_status,
     .next = step_show_status},
    {.name = "trials",
     .title = "List trials",
     .description = "Trials of a study as a table, the best first: state, value, configuration.",
     .scopes = READ,
     .repeatable = true,
     .arguments = trials_arguments,
     .method = "GET",
     .target = "/v1/studies/{study}/trials?format=table&width=180",
     .next = step_show_page,
     .rest = "ask with a smaller limit, and the cursor of its end"},
    {.name = "best",
     .title = "The best trial",
     .description = "The best trial with its configuration, and which one to use where that one "
                    "was lucky; the "
                    "Pareto front with several objectives.",
     .scopes = READ,
     .repeatable = true,
     .arguments = study_arguments,
     .method = "GET",
     .target = "/v1/studies/{study}/best?recommended=true",
     .next = step_show_best,
     .despite = step_show_best_despite},
    {.name = "explain_trial",
     .title = "Why a trial?",
     .description = "Why a trial was tried, and why it went on, waits, or was stopped.",
     .scopes = READ,
     .repeatable = true,
     .arguments = trial_arguments,
     .method = "GET",
     .target = "/v1/studies/{study}/trials/{trial}/explain?format=text"},
    {.name = "history",
     .title = "How the best improved",
     .description = "Each trial that was better than all before it, with the time and the training "
                    "spent until then.",
     .scopes = READ,
     .repeatable = true,
     .arguments = study_arguments,
     .method = "GET",
     .target = "/v1/studies/{study}/history?format=table",
     .end = TEXT_KEEPS_END},
    {.name = "brackets",
     .title = "Who goes on",
     .description =
         "For hyperband, successive_halving and asha: how many trials stand at each rung, "
         "what was promoted, what is waited for.",
     .scopes = READ,
     .repeatable = true,
     .arguments = study_arguments,
     .method = "GET",
     .target = "/v1/studies/{study}/brackets?format=text"},
    {.name = "importance",
     .title = "Which parameters matter",
     .description = "The share of each parameter in what makes a trial good.",
     .scopes = READ,
     .repeatable = true,
     .arguments = study_arguments,
     .method = "GET",
     .target = "/v1/studies/{study}/importance?format=table"},
    {.name = "trial_log",
     .title = "What a trial printed",
     .description = "The last lines that the program of a trial printed.",
     .scopes = READ,
     .repeatable = true,
     .arguments = log_arguments,
     .method = "GET",
     .target = "/v1/studies/{study}/trials/{trial}/log?format=table",
     .end = TEXT_KEEPS_END},
    {.name = "propose_trials",
     .title = "Propose configurations",
     .description =
         "Queues configurations of yours beside those of the strategy, which learns from "
         "them. They may be a share of all trials (limits.guest_share, 0.3 unless the study "
         "says otherwise): propose what you have a reason for, and leave the search to the "
         "strategy.",
     .scopes = SUBMIT,
     .writes = true,
     .arguments = propose_arguments,
     .method = "POST",
     .target = "/v1/studies/{study}/trials?guest=true",
     .prepare = step_prepare_proposals,
     .next = step_show_proposed,
     .faults_at = "/trials",
     .rest = ""},
    {.name = "steer",
     .title = "Pause, resume, stop",
     .description = "Pauses, resumes or stops a study, and changes its limits.",
     .scopes = SUBMIT,
     .writes = true,
     .destroys = true,
     .repeatable = true,
     .arguments = steer_arguments,
     .method = "PATCH",
     .target = "/v1/studies/{study}",
     .prepare = step_prepare_steer,
     .next = step_after_steer,
     .rest = "study_status has the study"},
    {.name = "wait",
     .title = "Wait for news",
     .description =
         "Answers when something has happened in a study, or the time is over, with how it "
         "stands.",
     .scopes = READ,
     .repeatable = true,
     .arguments = wait_arguments,
     .method = "GET",
     .target = "/v1/studies/{study}?format=text",
     .next = step_show_waited,
     .rest = "study_status has the study"},
    {0},
};

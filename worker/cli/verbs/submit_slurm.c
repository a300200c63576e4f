/* hone submit slurm: workers for a study, as a job array of Slurm. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/integer.h"
#include "worker/cli/agent_options/rights.h"
#include "worker/cli/define/span.h"
#include "worker/cli/show/study.h"
#include "worker/cli/status.h"
#include "worker/cli/submit/fit.h"
#include "worker/cli/submit/slurm.h"
#include "worker/cli/verbs.h"
#include "worker/cli/verbs/command_check.h"
#include "worker/cli/verbs/submit_follow.h"

enum {
    KEY_GPUS = 0x3000,
    KEY_ARRAY,
    KEY_SLOTS,
    KEY_TIME,
    KEY_PARTITION,
    KEY_SBATCH,
    KEY_WORKER,
    KEY_WORKER_TOKEN,
    KEY_FOLLOW,
    KEY_INTERVAL
};
enum { LIST_MAX = 64, TASKS_MAX = 100000, GPUS_MAX = 64 };

struct submit_options {
    struct submission submission;
    const char *sbatch[LIST_MAX];
    const char *worker[LIST_MAX + 1]; /* and --slots */
    const char *worker_token;
    int64_t slots; /* 0: not given */
    bool follow;
};

static const struct argp_option own[] = {
    {"array", KEY_ARRAY, "N[%M]", 0, "at most N tasks, M of them at once (default: 16)", 1},
    {"gpus", KEY_GPUS, "K", 0, "GPUs of each task, one slot each (default: none)", 1},
    {"time", KEY_TIME, "LIMIT", 0,
     "of each task, as sbatch takes it: 90 minutes, 4:00:00, 2-12 days and hours\vA worker is told "
     "to hand its trials back two to three minutes before. Where half of the last trials took "
     "longer than what is left, nothing is submitted, unless the study has a resource, whose "
     "trials go on from their checkpoints.",
     1},
    {"partition", KEY_PARTITION, "NAME", 0, "where to queue them", 1},
    {"sbatch", KEY_SBATCH, "OPTION", 0,
     "any other option of sbatch: --account=vision; may be given several times", 1},
    {"slots", KEY_SLOTS, "N", 0, "trials at once in each task, where it is not one a GPU", 2},
    {"worker", KEY_WORKER, "OPTION", 0,
     "any other option of hone worker: --workdir=/scratch/me; may be given several times", 2},
    {"worker-token-file", KEY_WORKER_TOKEN, "FILE", 0,
     "the workers' token, where every node can read it (default: --token-file)\vWithout it they "
     "use the one of --token-file, which then must have the scope worker beside read.",
     2},
    {"follow", KEY_FOLLOW, NULL, 0,
     "stay, and add and take back tasks as the study needs them, until it ends\vIt adds tasks when "
     "the study has use for more, and cancels tasks that wait in vain. A task that runs is never "
     "cancelled: its worker leaves by itself when the study ends, and when it had nothing to run "
     "for 10 minutes unless --worker=--exit-when-idle=SPAN says otherwise. Interrupted by "
     "control-C, it leaves the tasks that are there. Here no more than M tasks are in the queue, "
     "if it is given. A submission that fails, or whose tasks all end without asking the server, "
     "is repeated after 10 seconds, then 20, 40 and so on, and given up after the sixth. A "
     "preempted task is no failure, nor is one that was cancelled because the study has no use for "
     "it.",
     3},
    {"interval", KEY_INTERVAL, "SPAN", 0,
     "with --follow, look this often (default: 30s)\vEach time squeue is called once.", 3},
    {0},
};

static int64_t whole(const char *option, const char *arg, int64_t max,
                     const struct argp_state *state)
{
    int64_t n = 0;

    if (!integer_from_text(arg, 1, max, &n)) {
        argp_error(state, "%s %s: write a whole number from 1 to %" PRId64, option, arg, max);
    }
    return n;
}

/* N[%M]; cuts the text in two. */
static void read_array(char *arg, struct submission *submission, const struct argp_state *state)
{
    char *percent = strchr(arg, '%');

    if (percent != NULL) {
        *percent = '\0';
        submission->at_once = whole("--array N%", percent + 1, TASKS_MAX, state);
    }
    submission->tasks_max = whole("--array", arg, TASKS_MAX, state);
}

static void add(const char *option, const char *list[LIST_MAX], size_t *n, const char *arg,
                const struct argp_state *state)
{
    if (*n == LIST_MAX) {
        argp_error(state, "%s %s: one too many; %d are allowed", option, arg, LIST_MAX);
    }
    list[(*n)++] = arg;
}

static void read_time(const char *arg, struct submission *submission,
                      const struct argp_state *state)
{
    submission->script.time = arg;
    submission->limit_seconds = submit_time_seconds(arg);
    if (submission->limit_seconds < 0) {
        argp_error(state, "--time %s: write minutes, H:MM:SS or DAYS-HOURS", arg);
    }
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct submit_options *given = state->input;
    struct submission *submission = &given->submission;
    struct script *script = &submission->script;

    switch (key) {
    case KEY_ARRAY:
        read_array(arg, submission, state);
        return 0;
    case KEY_GPUS:
        script->gpus = whole("--gpus", arg, GPUS_MAX, state);
        return 0;
    case KEY_SLOTS:
        given->slots = whole("--slots", arg, 256, state);
        return 0;
    case KEY_TIME:
        read_time(arg, submission, state);
        return 0;
    case KEY_PARTITION:
        script->partition = arg;
        return 0;
    case KEY_SBATCH:
        add("--sbatch", given->sbatch, &script->n_sbatch, arg, state);
        return 0;
    case KEY_WORKER:
        add("--worker", given->worker, &script->n_worker, arg, state);
        return 0;
    case KEY_WORKER_TOKEN:
        given->worker_token = arg;
        return 0;
    case KEY_FOLLOW:
        given->follow = true;
        return 0;
    case KEY_INTERVAL:
        submission->interval_seconds = span_seconds(arg);
        if (!(submission->interval_seconds >= 0.1 && submission->interval_seconds <= 86400)) {
            argp_error(state, "--interval %s: write a span such as 30s or 2m", arg);
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct usage usage_submit_slurm = {
    .arguments = "STUDY -- COMMAND [ARGUMENT…]",
    .doc = "Submits workers for a study to Slurm: a job array whose tasks run hone worker. It is "
           "as large as --array allows and the study has use for.",
    .flags = USAGE_SERVER | USAGE_DRY_RUN | USAGE_TRAILING,
    .n_min = 2,
    .n_max = -1,
    .missing = "write: hone submit slurm STUDY -- COMMAND, with the command that trains",
    .own = own,
    .parse_own = parse,
};

/* ---- what the script must have -------------------------------------------------------------- */

/* path ← absolute, for tasks that start in another folder; "" stays "". */
static int absolute(const char *what, const char *file, char path[PATH_MAX], struct err *err)
{
    path[0] = '\0';
    if (file == NULL || *file == '\0' || realpath(file, path) != NULL) {
        return 0;
    }
    return err_set(err, ERR_INVALID, "%s: %s: %s", what, file, strerror(errno));
}

struct paths {
    char token[PATH_MAX], ca[PATH_MAX], program[PATH_MAX];
};

static int fill_script(struct submit_options *given, const struct options *options,
                       const struct session *session, struct paths *paths, struct err *err)
{
    struct script *script = &given->submission.script;
    ssize_t length = readlink("/proc/self/exe", paths->program, sizeof paths->program - 1);

    paths->program[length < 0 ? 0 : length] = '\0';
    TRY(absolute("the workers' token",
                 given->worker_token != NULL ? given->worker_token : session->worker_token_file,
                 paths->token, err));
    TRY(absolute("--ca-file", options->ca_file, paths->ca, err));
    script->leaves_when_idle = given->follow;
    script->study = options->arguments[0];
    script->url = http_client_url(session->client);
    script->token_file = paths->token;
    script->ca_file = paths->ca[0] == '\0' ? NULL : paths->ca;
    script->program = paths->program;
    script->sbatch = given->sbatch;
    script->worker = given->worker;
    script->command = options->arguments + 1;
    script->n_command = (size_t)options->n_arguments - 1;
    return 0;
}

/* --slots is handed on; without it a task has one slot a GPU, or one. */
static void fill_slots(struct submit_options *given, char slots[32])
{
    struct script *script = &given->submission.script;

    given->submission.slots_per_task = script->gpus > 0 ? script->gpus : 1;
    if (given->slots > 0) {
        (void)snprintf(slots, 32, "--slots=%" PRId64, given->slots);
        given->worker[script->n_worker++] = slots;
        given->submission.slots_per_task = given->slots;
    }
}

/* The jobs are those of who submits. */
static int check_rights(const struct script *script, struct err *err)
{
    bool allowed = false;

    for (size_t i = 0; i < script->n_worker; i++) {
        allowed = allowed || strcmp(script->worker[i], "--allow-root") == 0;
    }
    if (rights_suffice(allowed)) {
        return 0;
    }
    return err_set(
        err, ERR_INVALID,
        "this is root, and so would the workers be, which hone worker refuses; submit as "
        "another user, or say --worker=--allow-root (or HONE_ALLOW_ROOT=1) where that "
        "is meant");
}

static void warn_of_loopback(const char *url)
{
    if (strstr(url, "//127.") != NULL || strstr(url, "//localhost") != NULL
        || strstr(url, "//[::1]") != NULL) {
        say("%s is this machine only: a task on another node reaches no server there", url);
    }
}

/* ---- once ----------------------------------------------------------------------------------- */

static int nothing_to_do(const json_t *study, const struct submission_now *now, struct err *err)
{
    const struct submit_view *view = &now->view;

    if (view->slots_wanted == 0) {
        return err_set(err, ERR_WRONG_STATE, "%s is %s: it has no use for workers",
                       text_at(study, "name"), text_at(study, "state"));
    }
    if (view->slots_wanted < 0) {
        say("nothing is submitted: --array allows %" PRId64 " tasks, and %" PRId64
            " are in the queue already",
            view->tasks_max, view->pending + view->running);
        return 0;
    }
    say("nothing is submitted: %s has use for %" PRId64 " slots; %" PRId64
        " of its trials run elsewhere%s%s%s, and %" PRId64 " tasks are in the queue already",
        text_at(study, "name"), view->slots_wanted, view->elsewhere,
        view->elsewhere > 0 ? " (" : "", now->elsewhere.whose, view->elsewhere > 0 ? ")" : "",
        view->pending + view->running);
    return 0;
}

static int print_script(const struct submission *submission, int64_t tasks, struct err *err)
{
    OWN(buf) struct buf text = {0};

    buf_init(&text, 1 << 20);
    TRY(script_write(&submission->script, tasks, submission->at_once, &text, err));
    (void)fputs(buf_text(&text), stdout);
    return 0;
}

/* dry_run: decides the same, and shows the script instead. It must work where there is no Slurm. */
static int submit_once(struct session *session, const struct submission *submission,
                       const json_t *study, bool dry_run, struct err *err)
{
    OWN(submission_now) struct submission_now now = {0};
    char job[SLURM_JOB_BYTES];

    TRY(submission_look(session, submission, study, !dry_run, &now, err));
    int64_t tasks = submit_plan(&now.view).submit;
    if (tasks == 0) {
        return nothing_to_do(study, &now, err);
    }
    if (now.elsewhere.slots > 0) {
        say("%" PRId64 " of its trials run elsewhere: %s", now.elsewhere.slots,
            now.elsewhere.whose);
    }
    if (dry_run) {
        return print_script(submission, tasks, err);
    }
    TRY(slurm_submit(&submission->script, tasks, submission->at_once, job, err));
    say("submitted %" PRId64 " task%s; their output goes to hone-%s_*.log", tasks,
        tasks == 1 ? "" : "s", job);
    (void)printf("%s\n", job);
    return 0;
}

static int submit(struct submit_options *given, const struct options *options, struct err *err)
{
    OWN(session) struct session session = {0};
    struct submission *submission = &given->submission;
    OWN(buf) struct buf path = {0};
    struct paths paths;
    json_auto_t *study = NULL;
    char slots[32];

    TRY(session_open(options, &session, err));
    if (options->curl) {
        (void)session_previews(&session, "GET", study_path(&path, options->arguments[0], ""), NULL);
        return 0;
    }
    TRY(session_get_part(&session, "", &study, err));
    TRY(command_check(options->arguments + 1, study, false, err));
    TRY(fill_script(given, options, &session, &paths, err));
    TRY(check_rights(&submission->script, err));
    fill_slots(given, slots);
    warn_of_loopback(submission->script.url);
    if (submission->limit_seconds >= 0) {
        TRY(fit_time(&session, study, submission->limit_seconds, err));
    }
    if (given->follow && submission->at_once > 0) {
        submission->tasks_max = submission->at_once; /* of several arrays together */
    }
    return given->follow && !options->dry_run
               ? submission_follow(&session, submission, err)
               : submit_once(&session, submission, study, options->dry_run, err);
}

int verb_submit_slurm(int argc, char **argv)
{
    struct submit_options given = {
        .submission = {.tasks_max = 16, .limit_seconds = -1, .interval_seconds = 30}};
    struct options options;
    struct err err = {0};

    options_read(&usage_submit_slurm, argc, argv, &given, &options);
    return exit_after(submit(&given, &options, &err), &err);
}

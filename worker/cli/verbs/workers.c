/* workers, workers drain, workers resume: what runs trials, and which of it is given none. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "common/http/client.h"
#include "common/json_at.h"
#include "worker/cli/session.h"
#include "worker/cli/show/printed_list.h"
#include "worker/cli/show/study.h"
#include "worker/cli/show/trials_csv.h"
#include "worker/cli/status.h"
#include "worker/cli/text.h"
#include "worker/cli/verbs.h"

/* ---- the list ------------------------------------------------------------------------------- */

/* Narrow terminals show the first ones: who, whether it works, how fast. */
enum { NAME, HOST, STATE, PER_HOUR, GPU, RUNNING, COMPLETED, FAILED, REPORT, REASON, N_COLUMNS };
static const struct column columns[N_COLUMNS] = {
    [NAME] = {"name", false, false},          [HOST] = {"host", false, true},
    [STATE] = {"state", false, false},        [RUNNING] = {"running", true, false},
    [COMPLETED] = {"completed", true, false}, [FAILED] = {"failed", true, false},
    [PER_HOUR] = {"per hour", true, false},   [GPU] = {"gpu busy", true, true},
    [REPORT] = {"last report", false, false}, [REASON] = {"reason", false, false},
};

static int row(void *context, json_t *worker, struct err *err)
{
    struct printed_list *list = context;
    char running[24], completed[24], failed[24], per_hour[TEXT_NUMBER_BYTES] = "";
    char report[TEXT_MOMENT_BYTES];
    char busy[8] = "";
    const char *reported = text_at(worker, "last_report_at");
    double utilization = number_at(worker, "gpu_utilization");
    const json_t *rate = json_object_get(worker, "completed_per_hour");

    (void)err;
    (void)snprintf(running, sizeof running, "%zu",
                   json_array_size(json_object_get(worker, "leases")));
    (void)snprintf(completed, sizeof completed, "%" PRId64, int_at(worker, "completed", 0));
    (void)snprintf(failed, sizeof failed, "%" PRId64, int_at(worker, "failed", 0));
    if (json_is_number(rate)) {
        double speed = json_number_value(rate);
        (void)snprintf(per_hour, sizeof per_hour, speed < 1000 ? "%.4g" : "%.0f", speed);
    }
    if (!isnan(utilization)) {
        (void)snprintf(busy, sizeof busy, "%.0f %%", utilization * 100);
    }
    const char *cells[N_COLUMNS] = {
        [NAME] = text_at(worker, "name"),
        [HOST] = text_at(worker, "host"),
        [STATE] = text_at(worker, "state"),
        [RUNNING] = running,
        [COMPLETED] = completed,
        [FAILED] = failed,
        [PER_HOUR] = per_hour,
        [GPU] = busy,
        [REPORT] = *reported == '\0' ? reported : text_local(reported, report),
        [REASON] = text_at(worker, "reason"),
    };
    printed_list_row(list, worker, cells);
    return 0;
}

static int list(const struct options *options, struct err *err)
{
    OWN(session) struct session session = {0};
    struct printed_list list;

    TRY(session_open(options, &session, err));
    if (session_previews(&session, "GET", "/v1/workers", NULL)) {
        return 0;
    }
    if (options->output == OUTPUT_CSV) {
        return trials_print_csv(&session, "/v1/workers?format=csv", err);
    }
    printed_list_begin(&list, options, columns, N_COLUMNS);
    int rc = session_each(&session, "/v1/workers", row, &list, err);
    printed_list_end(&list, rc == 0,
                     "no worker has asked for a trial; start one with 'hone worker'");
    return rc;
}

const struct usage usage_workers = {
    .doc = "Lists the workers that the server knows: whether their nodes are given trials, why "
           "not, and what they have done since the server started.",
    .flags = USAGE_SERVER | USAGE_OUTPUT,
};

int verb_workers(int argc, char **argv)
{
    struct options options;
    struct err err = {0};

    options_read(&usage_workers, argc, argv, NULL, &options);
    return exit_after(list(&options, &err), &err);
}

/* ---- by hand -------------------------------------------------------------------------------- */

static int set(const struct options *options, const char *what, const char *meaning,
               struct err *err)
{
    OWN(session) struct session session = {0};
    OWN(buf) struct buf path = {0};
    json_auto_t *node = NULL;

    buf_init(&path, 1024);
    buf_puts(&path, "/v1/workers/");
    http_escape(&path, options->arguments[0]);
    buf_printf(&path, "/%s", what);
    TRY(buf_check(&path, err));
    TRY(session_open(options, &session, err));
    if (session_previews(&session, "POST", buf_text(&path), NULL)) {
        return 0;
    }
    TRY(session_send(&session, "POST", buf_text(&path), NULL, &node, err));
    say("'%s' is %s: %s", text_at(node, "worker"), text_at(node, "state"), meaning);
    if (options->output == OUTPUT_JSON || options->output == OUTPUT_NDJSON) {
        print_json(stdout, node);
    }
    return 0;
}

static int change(const struct usage *usage, int argc, char **argv, const char *what,
                  const char *meaning)
{
    struct options options;
    struct err err = {0};

    options_read(usage, argc, argv, NULL, &options);
    return exit_after(set(&options, what, meaning, &err), &err);
}

#define NODE_USAGE(text)                                                                           \
    {                                                                                              \
        .arguments = "NAME", .doc = (text), .flags = USAGE_SERVER | USAGE_OUTPUT | USAGE_DRY_RUN,  \
        .n_min = 1, .n_max = 1, .missing = "name a worker or its node; 'hone workers' lists them", \
    }

const struct usage usage_workers_drain = NODE_USAGE(
    "Gives the node of a worker no further trial; what runs on it goes on to its end, and then "
    "its workers leave.");
const struct usage usage_workers_resume =
    NODE_USAGE("Gives the node of a worker trials again, whether it drains or is quarantined.");

int verb_workers_drain(int argc, char **argv)
{
    return change(&usage_workers_drain, argc, argv, "drain",
                  "it gets no further trial; 'hone workers resume' goes on");
}

int verb_workers_resume(int argc, char **argv)
{
    return change(&usage_workers_resume, argc, argv, "resume", "it gets trials again");
}

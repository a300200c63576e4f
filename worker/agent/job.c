#include "worker/agent/job.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/digest.h"
#include "common/log.h"
#include "common/step.h"
#include "worker/agent/environment.h"
#include "worker/agent/expand.h"
#include "worker/agent/params_file.h"
#include "worker/agent/shim.h"
#include "worker/agent/short_end.h"
#include "worker/agent/slot_checkpoint.h"
#include "worker/agent/slot_kept.h"
#include "worker/agent/slot_spool.h"
#include "worker/agent/tree_remove.h"

#define COLLECT_READS 1024 /* more than a pipe holds: only a survivor of SIGKILL could write on */
#define PRINTED_READS 16   /* as much as a pipe may hold */
#define DETAIL_BYTES 4096
#define UNNAMED_BYTES 4096
#define SHOWN_BYTES 160 /* of a line that cannot be read */
#define SPAN_MOST_SECONDS 1e9

/* ---- what the job finds ---- */

static int write_params(const struct slot *slot, struct err *err)
{
    OWN(buf) struct buf text;
    struct json_writer w;
    struct lease_grant now = slot->grant; /* borrowed: from and to are those of this run */

    now.from = slot->from;
    now.to = slot->to;
    buf_init(&text, (size_t)1 << 20);
    json_writer_init(&w, &text);
    lease_grant_write_trial(&now, &w);
    buf_putc(&text, '\n');
    TRY(buf_check(&text, err));
    return folder_write(slot->folder.params, text.data, text.len, err);
}

void job_write_control(struct slot *slot, const struct action_reply *reply)
{
    struct err err = {0};
    struct json_writer w;

    buf_clear(&slot->control);
    json_writer_init(&w, &slot->control);
    json_object_begin(&w);
    json_put_string(&w, "action", action_name(reply->action));
    if (reply->has_until) {
        json_put_step(&w, "until", reply->until, reply->digits);
    }
    json_object_end(&w);
    buf_putc(&slot->control, '\n');
    if (slot->folder.control == NULL) {
        return;
    }
    bool fails =
        folder_write(slot->folder.control, buf_text(&slot->control), slot->control.len, &err) != 0;
    if (fails && !slot->control_fails) { /* told once, until it can be written again */
        log_warning("%s", err.text);
    }
    slot->control_fails = fails;
}

int job_open_output(struct slot *slot, struct err *err)
{
    struct output_settings output = {.patterns = slot->context->patterns,
                                     .digits = slot->grant.digits,
                                     .resource = slot->grant.resource_name,
                                     .log_path = slot->folder.log,
                                     .show_fd = slot->context->settings->passthrough_fd,
                                     .on_report = job_report,
                                     .context = slot};
    return output_open(&slot->output, &output, err);
}

static int prepare_files(struct slot *slot, struct err *err)
{
    struct action_reply start = {.action = ACTION_CONTINUE,
                                 .has_until = slot->grant.has_resource,
                                 .digits = slot->grant.digits,
                                 .until = slot->to};

    if (slot->from == 0) { /* whatever lies there belongs to no known step */
        TRY(tree_remove_below(slot->folder.checkpoint, err));
    }
    TRY(write_params(slot, err));
    job_write_control(slot, &start);
    return job_open_output(slot, err);
}

static struct program *program_for(const struct slot *slot)
{
    const char *wanted = json_string_value(json_object_get(slot->grant.values.job, "runner"));

    for (size_t i = 0; i < slot->context->n_programs; i++) {
        struct program *program = &slot->context->programs[i];
        if (program->runner == NULL || (wanted != NULL && strcmp(program->runner, wanted) == 0)) {
            return program;
        }
    }
    return NULL;
}

/* Has this text not been told about the command yet? */
static bool is_news(struct program *program, const char *text)
{
    uint64_t key = digest_text(text);

    for (size_t i = 0; i < program->n_told; i++) {
        if (program->told[i] == key) {
            return false;
        }
    }
    if (program->n_told == PROGRAM_TOLD_MAX) {
        return false;
    }
    program->told[program->n_told++] = key;
    return true;
}

static void tell_once(struct program *program, const struct expand_study *study,
                      const struct expand_found *found)
{
    OWN(buf) struct buf list;

    buf_init(&list, UNNAMED_BYTES);
    if (found->unchecked[0] != '\0' && is_news(program, "unchecked")) {
        log_warning("the server does not say which parameters its study has, so {%s} cannot be "
                    "checked; where a trial has no such parameter the argument is left out",
                    found->unchecked);
    }
    if (found->names_parameter && !found->names_all
        && expand_list_unnamed(program->argv, study, &list) && is_news(program, buf_text(&list))) {
        log_warning("the command names some parameters, but not: %s; the program gets those only "
                    "from HONE_PARAM_... or HONE_PARAMS_FILE",
                    buf_text(&list));
    }
}

int job_check(struct slot *slot, struct err *err)
{
    struct program *program = program_for(slot);
    const struct grant_values *values = &slot->grant.values;
    struct expand_study study = {.active = values->parameters,
                                 .inactive = values->inactive,
                                 .has_resource = slot->grant.has_resource};
    struct expand_found found;

    if (program == NULL) {
        return err_set(err, ERR_INVALID, "study %s wants a runner that this worker does not have",
                       slot->grant.study);
    }
    if (expand_check_names(program->argv, &study, &found, err) != 0) {
        return program->runner == NULL
                   ? -1
                   : err_wrap(err, "study %s, runner %s", slot->grant.study, program->runner);
    }
    tell_once(program, &study, &found);
    slot->program = program;
    return 0;
}

/* ---- reading it ---- */

/* A report or a fault, and the line it was found in. */
struct told {
    const char *line;
    size_t len;
};

static void emit(const struct slot *slot, const struct agent_event *event)
{
    const struct agent_settings *settings = slot->context->settings;

    if (settings->on_event != NULL) {
        settings->on_event(settings->context, event);
    }
}

static void emit_report(const struct slot *slot, int64_t step, const struct metric_report *report,
                        const struct told *told)
{
    struct agent_event event = {.kind = AGENT_REPORTED,
                                .slot = slot->index,
                                .grant = &slot->grant,
                                .step = step,
                                .n_metrics = report->n,
                                .metrics = report->items,
                                .outcome = "",
                                .state = "",
                                .detail = "",
                                .line = told->line,
                                .line_len = told->len,
                                .log_path = slot->folder.log};

    emit(slot, &event);
}

static void emit_fault(const struct slot *slot, const struct metric_fault *fault,
                       const struct told *told)
{
    struct agent_event event = {.kind = AGENT_UNREADABLE,
                                .slot = slot->index,
                                .grant = &slot->grant,
                                .outcome = "",
                                .state = "",
                                .detail = fault->text,
                                .line = told->line,
                                .line_len = told->len,
                                .log_path = slot->folder.log};

    emit(slot, &event);
}

/* Tried without a server, a job's measurements are collected where else they would be sent. */
static bool is_objective(const struct slot *slot, const char *metric)
{
    if (slot->tried != NULL) {
        return pending_is_objective(slot->tried, metric);
    }
    return slot->lease != NULL && lease_is_objective(slot->lease, metric);
}

static void measure(struct slot *slot, int64_t step, const struct metric_report *report)
{
    if (slot->tried != NULL) {
        pending_add(slot->tried, step, report->items, report->n);
    } else {
        lease_measure(slot->lease, step, report->items, report->n);
    }
}

static void tell_fault(struct slot *slot, const struct metric_fault *fault, const struct told *told)
{
    static const char *const subjects[] = {
        [METRIC_FAULT_FORM] = "form",    [METRIC_FAULT_STEP] = "step",
        [METRIC_FAULT_NUMBER] = "value", [METRIC_FAULT_NAME] = "name",
        [METRIC_FAULT_TWICE] = "value",  [METRIC_FAULT_REST] = "rest",
        [METRIC_FAULT_LIMIT] = "limit"};

    emit_fault(slot, fault, told);
    notes_tell(&slot->notes, subjects[fault->kind], fault->metric,
               "a report cannot be read: %s; the line was: %.*s%s", fault->text,
               (int)(told->len < SHOWN_BYTES ? told->len : SHOWN_BYTES), told->line,
               told->len < SHOWN_BYTES ? "" : "…");
}

/* For one run of a job, each fold may count its steps from the beginning. */
static void tell_step_back(struct slot *slot, int64_t step, const char *metric)
{
    if (slot->has_step && step < slot->last_step) {
        char last[STEP_BYTES];
        char now[STEP_BYTES];
        notes_tell(&slot->notes, "back", "",
                   "after step %s it reports %s at step %s again; of several values for one step "
                   "the last counts",
                   step_format(slot->last_step, slot->grant.digits, last), metric,
                   step_format(step, slot->grant.digits, now));
    }
}

/* Is there no step behind the last one, and the report has none of its own? */
static bool lacks_step(const struct slot *slot, const struct metric_report *report)
{
    return report->n > 0 && !report->has_step && slot->last_step >= METRIC_STEP_MAX;
}

#define NO_NEXT_STEP                                                                               \
    "it has no step, and the last one was the highest there is; give each report a step"

static void tell_no_next_step(struct slot *slot, const struct told *told)
{
    struct metric_fault fault = {.kind = METRIC_FAULT_STEP, .text = NO_NEXT_STEP};

    tell_fault(slot, &fault, told);
}

static void take_report(struct slot *slot, const struct metric_report *report,
                        const struct told *told)
{
    if (report->n == 0 || (slot->lease == NULL && slot->tried == NULL)) {
        return;
    }
    if (lacks_step(slot, report)) {
        tell_no_next_step(slot, told);
        return;
    }
    int64_t step = report->has_step ? report->step : slot->last_step + 1;
    tell_step_back(slot, step, report->items[0].metric);
    slot->stride = step > slot->last_step ? step - slot->last_step : slot->stride;
    slot->last_step = step;
    slot->furthest_step = step > slot->furthest_step ? step : slot->furthest_step;
    slot->has_step = true;
    supervisor_measured(&slot->supervisor, loop_now(&slot->context->loop));
    if (slot->replayed > 0) { /* an earlier worker has told it */
        slot->replayed--;
        return;
    }
    emit_report(slot, step, report, told);
    measure(slot, step, report);
}

void job_report(void *context, const struct metric_report *report, const char *line, size_t len)
{
    struct slot *slot = context;
    struct told told = {line, len};

    for (size_t i = 0; i < report->n_faults; i++) {
        const struct metric_fault *fault = &report->faults[i];
        bool is_beside = fault->is_label && report->n > 0; /* "phase": "train" beside metrics */
        if (!is_beside || is_objective(slot, fault->metric)) {
            tell_fault(slot, fault, &told);
        }
    }
    take_report(slot, report, &told);
}

/* Reads what the streams hold, each so many times at most. */
static void read_streams(struct slot *slot, size_t most)
{
    for (size_t i = 0; i < STREAM_COUNT; i++) {
        size_t left = most;
        bool has_source = slot->runner.streams[i] >= 0 || slot->kept.pages != NULL;
        while (left > 0 && has_source && slot_kept_read(slot, (enum runner_stream)i) > 0) {
            left--;
        }
    }
}

bool job_take_line(void *context, struct metric_report *report, const char *line, size_t len)
{
    struct slot *slot = context;

    if (slot->context->patterns != NULL && patterns_find_step(slot->context->patterns)) {
        read_streams(slot, PRINTED_READS); /* the step may be there */
    }
    if (!reader_read(&slot->output.reader, report, line, len)) {
        return false;
    }
    if (lacks_step(slot, report)) { /* answered as any fault is */
        metric_report_refuse(report, METRIC_FAULT_STEP, NO_NEXT_STEP);
    }
    if (report->n_faults == 0) {
        job_report(slot, report, line, len);
        slot_kept_commit(slot);
    }
    return true;
}

/* At the end of the stream its descriptor is only unwatched: a hung-up pipe is always ready. */
static void on_stream(void *context)
{
    struct stream_watch *watch = context;
    struct slot *slot = watch->slot;

    if (slot_kept_read(slot, watch->stream) == 0) {
        loop_unwatch(&slot->context->loop, &watch->watch);
    }
}

static void on_status(void *context)
{
    struct slot *slot = context;
    int fd = slot->runner.status_fd;

    /* the shim's last word closes the descriptor, and a closed one is watched no more */
    runner_advance(&slot->runner);
    if (slot->runner.ended || slot->runner.status_fd != fd) {
        slot->status_watch.fd = -1;
    }
}

static void unwatch_all(struct slot *slot)
{
    for (size_t i = 0; i < STREAM_COUNT; i++) {
        loop_unwatch(&slot->context->loop, &slot->streams[i].watch);
    }
    loop_unwatch(&slot->context->loop, &slot->status_watch);
}

int job_watch(struct slot *slot, struct err *err)
{
    struct loop *loop = &slot->context->loop;

    for (size_t i = 0; i < STREAM_COUNT; i++) {
        struct stream_watch *watch = &slot->streams[i];
        *watch = (struct stream_watch){
            .slot = slot, .stream = (enum runner_stream)i, .watch = {.fd = -1}};
        TRY(loop_watch(loop, &watch->watch, slot->runner.streams[i], on_stream, watch, err));
    }
    return loop_watch(loop, &slot->status_watch, slot->runner.status_fd, on_status, slot, err);
}

/* ---- its life ---- */

static int launch(struct slot *slot, struct err *err)
{
    OWN(argv_list) struct argv_list argv = {0};
    OWN(argv_list) struct argv_list envp = {0};
    char dropped[EXPAND_NAME_BYTES];
    char attempt_id[ATTEMPT_ID_BYTES];
    struct runner_keep keep;
    bool keeps;
    struct expand_values values = {.parameters = slot->grant.values.parameters,
                                   .inactive = slot->grant.values.inactive,
                                   .has_resource = slot->grant.has_resource,
                                   .digits = slot->grant.digits,
                                   .from = slot->from,
                                   .to = slot->to,
                                   .checkpoint = slot->folder.checkpoint,
                                   .params_file = slot->folder.parameters,
                                   .trial = slot->grant.trial,
                                   .attempt = slot->grant.attempt,
                                   .seed = slot->grant.seed};
    const struct agent_settings *settings = slot->context->settings;
    struct environment environment = {.inherited = environ,
                                      .choice = {.clean = settings->clean_env,
                                                 .given = settings->env,
                                                 .n_given = settings->n_env},
                                      .grant = &slot->grant,
                                      .parameters = slot->grant.values.parameters,
                                      .from = slot->from,
                                      .to = slot->to,
                                      .folder = &slot->folder,
                                      .attempt_id = attempt_id,
                                      .metrics_fd = SHIM_METRICS_FD,
                                      .report_socket = slot->reports.name,
                                      .devices =
                                          devices_of_job(&slot->context->devices, slot->gpu)};

    struct copy_tree copy = {.from = slot->folder.granted,
                             .made_at = slot->folder.made_at,
                             .beside = slot->folder.copying,
                             .to = slot->folder.checkpoint};

    TRY(params_file_write(slot->program->argv, &values, err));
    attempt_id_make(slot->grant.id, attempt_id);
    TRY(slot_kept_begin(slot, attempt_id, &keep, &keeps, err));
    TRY(expand_argv(slot->program->argv, &values, &argv, dropped, err));
    TRY(environment_build(&environment, &envp, err));
    if (dropped[0] != '\0') {
        log_debug("trial %" PRId64 ": no parameter %s here, its argument is left out",
                  slot->grant.trial, dropped);
    }
    struct runner_spec spec = {.path = slot->program->path,
                               .argv = argv.items,
                               .envp = envp.items,
                               .copy = copy.from == NULL ? NULL : &copy,
                               .boundary = &slot->context->boundary,
                               .attempt_id = attempt_id,
                               .keep = keeps ? &keep : NULL};
    TRY(runner_start(&slot->runner, &spec, err));
    slot_kept_started(slot);
    return 0;
}

/* Without it another worker leaves the folder as it is. */
static void own_folder(const struct slot *slot)
{
    struct err err = {0};

    if (folder_own(&slot->folder, slot->context->host, slot->runner.shim, &err) != 0) {
        log_warning("%s", err.text);
    }
}

/* Seconds from a server, whatever it says: 0 is no limit, and nothing overflows. */
static int64_t span_ms(double seconds)
{
    if (!(seconds > 0)) {
        return 0;
    }
    return seconds < SPAN_MOST_SECONDS ? (int64_t)(seconds * 1000) : 0;
}

void job_supervise(struct slot *slot)
{
    int64_t now_ms = loop_now(&slot->context->loop);

    slot->supervisor.leave_ms = slot->context->settings->leave_ms;
    slot->supervisor.grace_ms = slot->context->settings->grace_ms;
    int64_t spent_ms =
        now_ms - slot->started_ms; /* trial_seconds is of one attempt, restarts too */
    int64_t limit_ms = span_ms(slot->grant.trial_seconds);
    supervisor_start(&slot->supervisor, now_ms,
                     limit_ms == 0         ? 0
                     : limit_ms > spent_ms ? limit_ms - spent_ms
                                           : 1,
                     span_ms(slot->grant.stall_seconds));
}

int job_start(struct slot *slot, struct err *err)
{
    int64_t now_ms = loop_now(&slot->context->loop);

    slot->last_step = slot->furthest_step = slot->from;
    slot->stride = 0;
    slot->has_step = false;
    slot->until = slot->to;
    slot->run_started_ms = now_ms;
    oom_watch_finish(&slot->oom);
    oom_watch_begin(&slot->oom);
    TRY(prepare_files(slot, err));
    slot_spool_run(slot);
    TRY(launch(slot, err));
    own_folder(slot);
    job_supervise(slot);
    return job_watch(slot, err);
}

void job_collect(struct slot *slot)
{
    unwatch_all(slot);
    read_streams(slot, COLLECT_READS);
    slot_kept_close_output(slot);
    output_end(&slot->output);
}

void job_finish(struct slot *slot)
{
    unwatch_all(slot);
    runner_finish(&slot->runner);
    slot_kept_end(slot);
    oom_watch_finish(&slot->oom);
    output_finish(&slot->output);
}

void job_act(struct slot *slot, enum job_act act)
{
    runner_act(&slot->runner, act);
}

/* ---- summing up ---- */

/* Appends the end of the last lines, from a character's start, as far as `text` has room. */
static void append_end(struct buf *text, const struct buf *lines)
{
    const char *end = buf_text(lines);
    size_t room = DETAIL_BYTES - text->len;

    end += lines->len > room ? lines->len - room : 0;
    while ((*end & 0xc0) == 0x80) {
        end++;
    }
    buf_puts(text, end);
}

/* For a failure what happened and the last lines, as far as they fit, and always what was noted
 * about its reports. */
static int write_detail(const struct slot *slot, struct result_report *report, struct err *err)
{
    OWN(buf) struct buf text;
    OWN(buf) struct buf lines;
    bool failed = slot->exit_class.outcome != OUTCOME_COMPLETED;

    buf_init(&text, DETAIL_BYTES);
    buf_init(&lines, (size_t)TRANSCRIPT_TAIL_BYTES * 4); /* cleaned, a byte may take three */
    if (failed) {
        transcript_append_clean(&text, slot->exit_class.text, strlen(slot->exit_class.text));
    }
    if (slot->exit_class.outcome == OUTCOME_FAILED && slot->folder.base != NULL
        && folder_has_log(&slot->folder)) { /* the file stays, and people may look at it */
        buf_printf(&text, "\nits output is in %s", slot->folder.log);
    }
    buf_puts(&text, text.len > 0 ? "\n" : "");
    buf_puts(&text, notes_text(&slot->notes));
    if (failed) {
        transcript_last_lines(&slot->output.transcript, &lines);
        append_end(&text, &lines);
    }
    buf_check_part(&text, &lines);
    TRY(buf_check(&text, err));
    if (text.len == 0) {
        return 0;
    }
    report->detail = buf_steal(&text);
    return report->detail == NULL ? err_set(err, ERR_NOMEM, "out of memory") : 0;
}

static void fill_checkpoint(const struct slot *slot, struct result_report *report)
{
    const char *path = slot->folder.published;
    struct err err = {0};

    if (slot->folder.base == NULL) { /* of another machine */
        return;
    }
    if (folder_publish(&slot->folder, &err) != 0) {
        log_warning("trial %" PRId64 " of %s: %s; its result is sent without it", slot->grant.trial,
                    slot->grant.study, err.text);
        return;
    }
    if (folder_is_empty(path) || strlen(path) >= sizeof report->checkpoint.uri) {
        return;
    }
    slot_name_checkpoint(slot, path, &report->checkpoint);
}

int job_result(struct slot *slot, struct result_report *report, struct err *err)
{
    int64_t ran_ms = slot->ended_ms - slot->started_ms;

    *report = (struct result_report){.outcome = slot->exit_class.outcome,
                                     .digits = slot->grant.digits,
                                     .has_step = slot->has_step,
                                     .step = slot->furthest_step,
                                     .has_usage = true,
                                     .wall_seconds = (double)ran_ms / 1000,
                                     .gpu_seconds = (double)NAN,
                                     .peak_memory_mib = (double)NAN,
                                     .energy_joules = (double)NAN};
    size_t n_gpus = slot->resumed ? slot->n_gpus_resumed : device_set_count(&slot->devices);
    if (n_gpus > 0) {
        report->gpu_seconds = report->wall_seconds * (double)n_gpus;
    }
    if (slot->runner.peak_kib > 0) {
        report->peak_memory_mib = (double)slot->runner.peak_kib / 1024;
    }
    (void)snprintf(report->reason, sizeof report->reason, "%s", slot->exit_class.reason);
    fill_checkpoint(slot, report);
    short_end_tell(slot);
    return write_detail(slot, report, err);
}

/* Why the trials of a study go on, wait or stop: brackets, and one trial explained. Both replay the
 * study's facts, so that they need nothing of the writer. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "server/api/api.h"
#include "server/api/provenance.h"
#include "server/schedule/schedule.h"
#include "server/state/facts.h"

/* What a request reads: the study, and its facts in order. */
struct facts {
    struct live_view *view;
    const struct live_study_view *study; /* borrowed from the view */
    size_t n, cap;
    struct schedule_record *items;
};

static void facts_finish(struct facts *facts)
{
    free(facts->items);
    live_view_release(facts->view);
}
OWN_VALUE(facts)

static int keep_fact(void *context, const struct fact_row *row, struct err *err)
{
    struct facts *facts = context;

    if (facts->n == facts->cap) {
        size_t cap = facts->cap == 0 ? 256 : facts->cap * 2;
        struct schedule_record *grown = realloc(facts->items, cap * sizeof *grown);
        if (grown == NULL) {
            return err_set(err, ERR_NOMEM, "out of memory");
        }
        facts->items = grown;
        facts->cap = cap;
    }
    facts->items[facts->n++] = fact_record(row);
    return 0;
}

static int facts_read(struct api *api, struct store *reader, const char *name, struct facts *facts,
                      struct err *err)
{
    facts->view = engine_view(api->engine);
    facts->study = live_view_study(facts->view, name);
    if (facts->study == NULL) {
        return err_set(err, ERR_NOT_FOUND,
                       "there is no study \"%.70s\"; GET /v1/studies lists them", name);
    }
    return store_each_fact(reader, facts->study->id, keep_fact, facts, err);
}

/* ---- GET …/brackets ---- */

static int replay(const struct facts *facts, struct schedule **schedule, struct err *err)
{
    OWN(schedule) struct schedule *made = NULL;

    TRY(schedule_create(facts->study->def->def, &made, err));
    for (size_t i = 0; i < facts->n; i++) {
        TRY(schedule_load(made, &facts->items[i], err));
    }
    for (size_t i = 0; i < facts->view->n_leases; i++) {
        const struct live_lease_view *lease = &facts->view->leases[i];
        if (lease->study == facts->study->id) {
            schedule_hold(made, lease->trial, 0);
        }
    }
    *schedule = made;
    made = NULL;
    return 0;
}

static int write_brackets(struct api *api, struct store *reader, const char *name,
                          struct json_writer *w, struct err *err)
{
    OWN(facts) struct facts facts = {0};
    OWN(schedule) struct schedule *schedule = NULL;

    TRY(facts_read(api, reader, name, &facts, err));
    TRY(replay(&facts, &schedule, err));
    json_object_begin(w);
    json_put_string(w, "study", name);
    schedule_write_brackets(schedule, api->clock->wall_ms(api->clock), w);
    json_object_end(w);
    return 0;
}

static void get_brackets_job(void *argument, struct store *reader)
{
    struct http_request *request = argument;
    struct api *api = http_context(request);
    struct http_response response;
    struct json_writer w;
    struct err err;

    json_response(&response, 200, &w);
    if (write_brackets(api, reader, http_param(request, "study"), &w, &err) != 0) {
        http_response_finish(&response);
        reply_problem(request, &err, NULL);
        return;
    }
    http_reply(request, &response);
}

void get_brackets(void *context, struct http_request *request)
{
    read_later(context, request, get_brackets_job);
}

/* ---- GET …/trials/{n}/explain ---- */

/* Where the configuration came from: what its strategy noted. */
static void write_origin(const struct study_def *study, const struct trial_row *row,
                         struct json_writer *w)
{
    json_put_int(w, "trial", trial_id_number(row->id));
    json_put_string(w, "state", trial_state_name(row->state));
    json_put_string(w, "source", trial_source_name(row->source));
    if (row->ordinal > 0) {
        json_put_int(w, "ordinal", (int64_t)row->ordinal);
    } else {
        json_put_null(w, "ordinal");
    }
    json_put_bool(w, "fallback", row->fallback);
    json_write_key(w, "provenance");
    provenance_write(study, row, w);
    if (row->explain != NULL) {
        json_put_raw(w, "suggestion", row->explain, strlen(row->explain));
    } else {
        json_put_null(w, "suggestion");
    }
}

/* A trial that no fact names (a plain study's, an imported one) has no place in a schedule. */
static bool is_scheduled(const struct facts *facts, int64_t trial)
{
    for (size_t i = 0; i < facts->n; i++) {
        if (facts->items[i].trial == trial) {
            return true;
        }
    }
    return false;
}

static int write_explanation(struct api *api, struct store *reader, const struct command *names,
                             struct json_writer *w, struct err *err)
{
    OWN(facts) struct facts facts = {0};
    OWN(trial_row) struct trial_row row = {0};

    TRY(facts_read(api, reader, names->study, &facts, err));
    TRY(store_trial_load(reader, trial_id(facts.study->id, names->trial), &row, err));
    json_object_begin(w);
    write_origin(facts.study->def->def, &row, w);
    if (is_scheduled(&facts, names->trial)) {
        json_write_key(w, "schedule");
        json_object_begin(w);
        TRY(schedule_write_explanation(facts.study->def->def, facts.n, facts.items, names->trial, w,
                                       err));
        json_object_end(w);
    } else {
        json_put_null(w, "schedule");
    }
    json_object_end(w);
    return 0;
}

static void get_explain_job(void *argument, struct store *reader)
{
    struct http_request *request = argument;
    struct api *api = http_context(request);
    struct command *names = command_for(api, request, COMMAND_TRIAL_CANCEL); /* reads the path */
    struct http_response response;
    struct json_writer w;
    struct err err;

    if (names == NULL) {
        return;
    }
    json_response(&response, 200, &w);
    if (write_explanation(api, reader, names, &w, &err) != 0) {
        http_response_finish(&response);
        reply_problem(request, &err, NULL);
    } else {
        http_reply(request, &response);
    }
    command_destroy(names);
}

void get_explain(void *context, struct http_request *request)
{
    read_later(context, request, get_explain_job);
}

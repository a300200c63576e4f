#include "tests/support/schedule_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(int failed, const struct err *err)
{
    if (failed) {
        (void)fprintf(stderr, "fixture: %s\n", err->text);
        abort();
    }
}

struct study_def *fixture_study(const char *members)
{
    static const char *const objective =
        "\"objectives\": [{\"metric\": \"loss\", \"direction\": \"minimize\"}], ";
    OWN(buf) struct buf text;
    struct err err = {0};
    struct faults faults = {0};
    struct study_def *study = NULL;
    json_t *body = NULL;

    buf_init(&text, 1 << 16);
    buf_printf(&text,
               "{\"name\": \"s\", %s\"parameters\": [{\"name\": \"x\", \"type\": \"float\", "
               "\"low\": 0, \"high\": 1}], %s}",
               strstr(members, "\"objectives\"") == NULL ? objective : "", members);
    must(json_parse(buf_text(&text), text.len, &json_limits_default, &body, &err), &err);
    if (study_def_from_json(body, 1, &study, &faults) != 0) {
        must(faults_result(&faults, &err), &err);
    }
    json_decref(body);
    return study;
}

char *fixture_faults(const char *members)
{
    static const char *const searches[] = {"random", "tpe", NULL};
    OWN(study_def) struct study_def *study = fixture_study(members);
    struct faults faults = {0};
    struct buf text;

    buf_init(&text, 1 << 16);
    schedule_check(study, searches, &faults);
    for (size_t i = 0; i < faults.n; i++) {
        buf_printf(&text, "%s %s\n", faults.items[i].pointer, faults.items[i].detail);
    }
    faults_finish(&faults);
    return buf_steal(&text);
}

struct fixture fixture_open(const char *members)
{
    struct fixture f = {.moment = {.may_start = true, .may_promote = true}};
    struct err err = {0};

    f.study = fixture_study(members);
    must(schedule_create(f.study, &f.schedule, &err), &err);
    return f;
}

void fixture_close(struct fixture *f)
{
    schedule_destroy(f->schedule);
    study_def_destroy(f->study);
    schedule_log_finish(&f->log);
}

int64_t fixture_ask(struct fixture *f, int64_t *until)
{
    struct schedule_offer offer;
    struct err err = {0};

    schedule_offer(f->schedule, &f->moment, &offer);
    if (offer.kind == OFFER_NOTHING) {
        return 0;
    }
    int64_t trial = offer.kind == OFFER_NEW ? ++f->n_trials : offer.trial;
    must(schedule_take(f->schedule, &f->moment, &offer, trial, &f->log, &err), &err);
    if (until != NULL) {
        *until = offer.until;
    }
    return trial;
}

enum schedule_verdict fixture_measure_one(struct fixture *f, int64_t trial, size_t objective,
                                          int64_t step, double value)
{
    struct schedule_answer answer;
    struct err err = {0};

    must(schedule_measure(f->schedule, &f->moment, trial, objective, step, value, &f->log, &answer,
                          &err),
         &err);
    return answer.verdict;
}

enum schedule_verdict fixture_measure(struct fixture *f, int64_t trial, int64_t step, double value)
{
    return fixture_measure_one(f, trial, 0, step, value);
}

enum schedule_verdict fixture_measure_two(struct fixture *f, int64_t trial, int64_t step,
                                          double first, double second)
{
    (void)fixture_measure_one(f, trial, 1, step, second);
    return fixture_measure_one(f, trial, 0, step, first);
}

enum schedule_verdict fixture_finish(struct fixture *f, int64_t trial, int64_t step)
{
    struct schedule_answer answer;
    struct err err = {0};

    must(schedule_finish(f->schedule, &f->moment, trial, step, &f->log, &answer, &err), &err);
    return answer.verdict;
}

void fixture_end(struct fixture *f, int64_t trial, enum schedule_fact how)
{
    struct err err = {0};

    must(schedule_end(f->schedule, &f->moment, trial, how, &f->log, &err), &err);
}

enum schedule_verdict fixture_verdict(const struct fixture *f, int64_t trial)
{
    return schedule_answer(f->schedule, trial).verdict;
}

int64_t fixture_goal(const struct fixture *f, int64_t trial)
{
    return schedule_answer(f->schedule, trial).until;
}

int fixture_count(const struct fixture *f, enum schedule_fact fact, int64_t trial)
{
    int n = 0;

    for (size_t i = 0; i < f->log.n; i++) {
        n += f->log.items[i].fact == fact && (trial == 0 || f->log.items[i].trial == trial);
    }
    return n;
}

bool fixture_prefers(const void *worker, int64_t trial)
{
    return *(const int64_t *)worker == trial;
}

const struct schedule_record *fixture_value(const struct fixture *f, int64_t trial)
{
    for (size_t i = f->log.n; i-- > 0;) {
        if (f->log.items[i].fact == FACT_VALUE && f->log.items[i].trial == trial) {
            return &f->log.items[i];
        }
    }
    return NULL;
}

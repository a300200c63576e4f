/* What a command owns, kind by kind; the sanitizer finds what is not released. */
#include "server/tuning/command.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "server/suggester/suggester.h"
#include "tests/support/run_suite.h"
#include "tests/support/space_text.h"

static char *text_of(const char *text)
{
    char *copy = strdup(text);

    ck_assert_ptr_nonnull(copy);
    return copy;
}

static struct study_def *new_def(void)
{
    struct study_def *def = NULL;
    struct faults faults = {0};
    json_auto_t *body = json_from_text("{'name':'s','metric':'loss','direction':'minimize',"
                                       "'parameters':[{'name':'x','type':'float','low':0,"
                                       "'high':1}]}");

    ck_assert_int_eq(study_def_from_json(body, 1, &def, &faults), 0);
    return def;
}

static struct trial_reply new_reply(void)
{
    struct trial_reply reply = {.def = shared_def_create(new_def()),
                                .parameters = text_of("{\"x\":1}")};

    reply.row.config = calloc(1, sizeof(double));
    reply.row.metrics = text_of("{}");
    return reply;
}

static void fill_create(struct study_create_command *create)
{
    create->in.body = json_object();
    create->in.def = new_def();
    create->out.created = true;
    create->out.study.def = shared_def_create(new_def());
}

static void fill_add(struct trials_add_command *add)
{
    add->in.body = json_object();
    add->out.numbers = calloc(1, sizeof *add->out.numbers);
    add->out.n_numbers = 1;
    add->out.trial = new_reply();
}

static void fill_ask(struct ask_command *ask)
{
    ask->in.ask.labels = json_object();
    ask->out.granted = true;
    ask->out.grant.objectives = text_of("[]");
    ask->out.grant.parameters = text_of("{}");
    ask->out.grant.inactive = text_of("[]");
}

static void fill_result(struct result_command *result)
{
    result->in.text = text_of("{}");
    result->in.report.detail = text_of("last lines");
    result->out.trial = new_reply();
    result->out.late = true;
}

/* Everything that a use case or the API may leave in it. */
static void fill(struct command *command)
{
    switch (command->kind) {
    case COMMAND_STUDY_CREATE:
        fill_create(as_study_create(command));
        break;
    case COMMAND_STUDY_PATCH:
        as_study_patch(command)->in.body = json_object();
        as_study_patch(command)->out.study.def = shared_def_create(new_def());
        break;
    case COMMAND_TRIALS_ADD:
        fill_add(as_trials_add(command));
        break;
    case COMMAND_TRIAL_CANCEL:
        as_trial_cancel(command)->out.trial = new_reply();
        break;
    case COMMAND_TRIALS_RETRY:
        as_trials_retry(command)->out.numbers = calloc(1, sizeof(int64_t));
        as_trials_retry(command)->out.trial = new_reply();
        break;
    case COMMAND_ASK:
        fill_ask(as_ask(command));
        break;
    case COMMAND_MEASURE:
        as_measure(command)->in.measurements.items = calloc(1, sizeof(struct measurement));
        as_measure(command)->out.trial = 7;
        break;
    case COMMAND_RESULT:
        fill_result(as_result(command));
        break;
    case COMMAND_SUGGESTION:
        as_suggestion(command)->in.job = calloc(1, sizeof(struct suggestion_job));
        break;
    case COMMAND_TOKEN_CREATE:
        as_token_create(command)->in.secret = text_of("hp_x");
        break;
    case COMMAND_STUDY_DELETE:
    case COMMAND_HEARTBEAT:
    case COMMAND_RELEASE:
    case COMMAND_UNSENT:
    case COMMAND_TOKEN_REVOKE:
    case COMMAND_WORKER_SET:
    case COMMAND_BACKUP:
    case COMMAND_KIND_COUNT:
    default:
        break; /* these own nothing */
    }
    faults_add(&command->faults, "/x", "a fault");
    command->replay_text = text_of("{}");
}

START_TEST(a_command_owns_what_it_is_given_and_answers)
{
    struct command *command = command_create((enum command_kind)_i);

    ck_assert_ptr_nonnull(command);
    ck_assert_int_eq(command->kind, _i);
    ck_assert_uint_ge(command->bytes, sizeof *command);
    fill(command);
    command_destroy(command);
}
END_TEST

/* A group that was rolled back: the answer is an error, and may be another answer later. */
START_TEST(dropped_outputs_can_be_filled_again)
{
    struct command *command = command_create(COMMAND_ASK);
    struct ask_command *ask = as_ask(command);

    fill_ask(ask);
    command->is_replay = true;
    command_drop_outputs(command);
    ck_assert(!ask->out.granted && !command->is_replay);
    ck_assert_ptr_null(ask->out.grant.parameters);
    ck_assert_ptr_nonnull(ask->in.ask.labels);
    json_decref(ask->in.ask.labels);
    fill_ask(ask);
    command_destroy(command);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("command");
    TCase *tcase = tcase_create("command");

    tcase_add_loop_test(tcase, a_command_owns_what_it_is_given_and_answers, 0, COMMAND_KIND_COUNT);
    tcase_add_test(tcase, dropped_outputs_can_be_filled_again);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}

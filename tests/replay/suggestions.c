/* suggestions: what every strategy suggests for fixed seeds, compared digit by digit with a golden
 * file.
 *
 *   suggestions GOLDEN                  plays every case and compares it
 *   suggestions --first N GOLDEN        the same with at most N suggestions of each case
 *   suggestions --write GOLDEN          plays every case and writes the file anew
 *   suggestions --show CASE GOLDEN      prints every line of one case instead
 *
 * A case is a study in a world without sockets (tests/sim/world.h): its workers take turns, each
 * doing one thing at a time, and a synthetic objective answers. A line of a case is one grant (the
 * configuration and the resource to train from and to), or what the scheduler answered to a
 * measurement that ended a training. A suggestion's line ends with a digest of its explanation, in
 * which every digit of the model and of the acquisition value appears.
 *
 * The golden file holds the first lines of each case in full, and a digest of each block of ten
 * suggestions, so that a difference is found with its block and the first ones can be read.
 *
 * OpenBLAS and the C library choose their kernels by the processor. The program fixes both through
 * its environment to those that every x86-64 has, so that the digits are the same on each. */
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/domain/trial.h"
#include "tests/sim/again.h"
#include "tests/sim/world.h"

enum { SUGGESTIONS = 200, BLOCK = 10, IN_FULL = 3, WORKERS_MAX = 8, BODY = 4000, LINE = 2000 };

/* ---- the cases ------------------------------------------------------------------------------- */

#define NUMBERS_SPACE                                                                              \
    "\"parameters\":[{\"name\":\"x\",\"type\":\"float\",\"low\":-1,"                               \
    "\"high\":2},{\"name\":\"rate\",\"type\":\"float\",\"low\":1e-4,\"high\":1,\"scale\":\"log\"}" \
    ","                                                                                            \
    "{\"name\":\"layers\",\"type\":\"int\",\"low\":1,\"high\":40},{\"name\":\"y\",\"type\":"       \
    "\"float\",\"low\":0,\"high\":1}]"
#define NUMBERS "\"direction\":\"minimize\"," NUMBERS_SPACE
#define BRANCHES_SPACE                                                                             \
    "\"parameters\":[{\"name\":\"kind\",\"type\":\"categorical\","                                 \
    "\"choices\":[\"line\",\"tree\",\"net\"]},{\"name\":\"rate\",\"type\":\"float\",\"low\":1e-4," \
    "\"high\":1,\"scale\":\"log\",\"when\":{\"kind\":[\"line\",\"net\"]}},{\"name\":\"depth\","    \
    "\"type\":\"int\",\"low\":1,\"high\":9,\"when\":{\"kind\":[\"tree\"]}},{\"name\":\"x\","       \
    "\"type\":\"float\",\"low\":0,\"high\":1},{\"name\":\"deep\",\"type\":\"bool\"}],"             \
    "\"constraints\":[\"x < 0.9 or deep\"]"
#define BRANCHES "\"direction\":\"maximize\"," BRANCHES_SPACE
/* The second one is the configuration's size (below). */
#define TWO                                                                                        \
    "\"objectives\":[{\"metric\":\"value\",\"direction\":\"minimize\"},{\"metric\":\"size\","      \
    "\"direction\":\"minimize\"}],"
#define CELLS                                                                                      \
    "\"direction\":\"minimize\",\"parameters\":[{\"name\":\"rate\",\"type\":\"float\",\"low\":"    \
    "1e-4,\"high\":1,\"scale\":\"log\",\"grid\":5},{\"name\":\"units\",\"type\":\"int\",\"low\":"  \
    "16,"                                                                                          \
    "\"high\":128,\"step\":16},{\"name\":\"kernel\",\"type\":\"categorical\",\"choices\":["        \
    "\"rbf\","                                                                                     \
    "\"poly\",\"lin\"]},{\"name\":\"degree\",\"type\":\"int\",\"low\":2,\"high\":5,\"when\":"      \
    "{\"kernel\":[\"poly\"]}},{\"name\":\"size\",\"type\":\"ordinal\",\"choices\":[\"s\",\"m\","   \
    "\"l\"]},{\"name\":\"fixed\",\"type\":\"constant\",\"value\":1}],"                             \
    "\"constraints\":[\"units * degree <= 400\"]"
#define EPOCHS ",\"resource\":{\"name\":\"epochs\",\"min\":1,\"max\":27}"
#define EXACT(name) ",\"strategy\":{\"name\":\"" name "\",\"serving\":\"exact\"}"
#define OPTIONS(text) ",\"strategy\":{\"serving\":\"exact\"," text "}"

/* `fails`: some trials fail, are infeasible or diverge. `older`: the body, without its name, of a
 * study that is played first, 60 trials, and that the case comes after. */
static const struct golden_case {
    const char *name;
    int workers;
    size_t most; /* suggestions, a multiple of ten */
    bool fails;
    const char *older;
    const char *body; /* without its name, seed, metric and limits */
} cases[] = {
    {"grid", 1, 200, false, NULL, CELLS EXACT("grid")},
    {"random numbers", 1, 200, false, NULL, NUMBERS EXACT("random")},
    {"random branches", 1, 200, true, NULL, BRANCHES EXACT("random")},
    {"quasirandom numbers", 1, 200, false, NULL, NUMBERS EXACT("quasirandom")},
    {"quasirandom branches", 4, 200, false, NULL, BRANCHES EXACT("quasirandom")},
    {"bayesian numbers", 1, 200, false, NULL, NUMBERS EXACT("bayesian")},
    {"bayesian numbers parallel failing", 4, 60, true, NULL, NUMBERS EXACT("bayesian")},
    {"bayesian branches", 4, 200, true, NULL, BRANCHES EXACT("bayesian")},
    {"bayesian cells", 1, 200, false, NULL, CELLS EXACT("bayesian")},
    {"bayesian after", 4, 60, true, NUMBERS EXACT("random"), NUMBERS EXACT("bayesian")},
    {"bayesian after a schedule", 4, 60, true, BRANCHES EPOCHS EXACT("asha"),
     BRANCHES EXACT("bayesian")},
    {"tpe numbers", 1, 200, false, NULL, NUMBERS EXACT("tpe")},
    {"tpe branches", 4, 200, true, NULL, BRANCHES EXACT("tpe")},
    {"tpe cells", 4, 200, false, NULL, CELLS EXACT("tpe")},
    {"tpe after", 4, 200, true, BRANCHES EXACT("random"), BRANCHES EXACT("tpe")},
    {"tpe two branches", 4, 200, true, NULL, TWO BRANCHES_SPACE EXACT("tpe")},
    {"tpe bounded", 4, 200, true, NULL, NUMBERS ",\"subject_to\":[\"value <= 0.55\"]" EXACT("tpe")},
    {"nsga2 numbers", 1, 200, false, NULL, NUMBERS EXACT("nsga2")},
    {"nsga2 two numbers", 4, 200, true, NULL, TWO NUMBERS_SPACE EXACT("nsga2")},
    {"nsga2 two branches", 4, 200, true, NULL, TWO BRANCHES_SPACE EXACT("nsga2")},
    {"hyperband", 4, 200, true, NULL, NUMBERS EPOCHS EXACT("hyperband")},
    {"hyperband bayesian", 4, 100, true, NULL,
     NUMBERS EPOCHS OPTIONS("\"name\":\"hyperband\",\"search\":\"bayesian\"")},
    {"hyperband quasirandom after", 4, 200, false, NUMBERS EXACT("random"),
     NUMBERS EPOCHS OPTIONS("\"name\":\"hyperband\",\"search\":\"quasirandom\"")},
    {"bohb", 4, 200, true, NULL, BRANCHES EPOCHS EXACT("bohb")},
    {"successive halving", 4, 200, true, NULL,
     NUMBERS EPOCHS OPTIONS("\"name\":\"successive_halving\",\"eta\":3")},
    {"asha promotion", 4, 200, true, NULL,
     NUMBERS EPOCHS OPTIONS("\"name\":\"asha\",\"brackets\":2")},
    {"asha stopping", 4, 200, true, NULL,
     BRANCHES EPOCHS OPTIONS("\"name\":\"asha\",\"mode\":\"stopping\",\"search\":\"tpe\"")},
    {"asha predictive", 4, 200, true, NULL,
     NUMBERS EPOCHS OPTIONS("\"name\":\"asha\",\"mode\":\"predictive\"")},
    {"asha predictive after", 4, 100, false, BRANCHES EPOCHS EXACT("asha"),
     BRANCHES EPOCHS OPTIONS("\"name\":\"asha\",\"mode\":\"predictive\"")},
    {"median", 4, 200, false, NULL,
     NUMBERS EPOCHS EXACT("random") ",\"stopping\":{\"rule\":\"median\"}"},
    {"auto numbers", 1, 30, false, NULL, NUMBERS ",\"strategy\":\"auto\""},
    {"auto cells", 1, 30, false, NULL, CELLS ",\"strategy\":\"auto\""},
    {"auto epochs", 4, 60, false, NULL, BRANCHES EPOCHS ",\"strategy\":\"auto\""},
    {"auto after", 4, 30, false, BRANCHES EXACT("random"), BRANCHES ",\"strategy\":\"auto\""},
};
enum { N_CASES = sizeof cases / sizeof *cases };

/* ---- the objective: only + − × ÷, so that no library has a say in it ------------------------- */

static double term(const char *key, const json_t *value)
{
    if (json_is_string(value)) {
        return 0.15 * (double)(json_string_value(value)[0] % 7);
    }
    if (json_is_boolean(value)) {
        return json_is_true(value) ? 0.0 : 0.05;
    }
    double v = json_number_value(value);
    double half = strcmp(key, "rate") == 0 ? 0.01 : json_is_integer(value) ? 12.0 : 1.0;
    double u = v / (half + fabs(v)) - 0.4;
    return u * u;
}

/* A number in [0, 1) for the trial; `use` selects one of several. */
static double chance(int64_t trial, uint64_t use)
{
    return (double)(splitmix64((uint64_t)trial * 64 + use) >> 11) * 0x1p-53;
}

/* The trial's loss at a step of `last`: it falls with 1/step, for some trials slower. */
static double loss(const char *parameters, int64_t trial, int64_t step, int64_t last)
{
    json_auto_t *object = json_loads(parameters, 0, NULL);
    double total = 0.1 * (double)json_object_size(object);
    double left = (double)(last - step) / (double)last;
    const char *key;
    json_t *value;

    json_object_foreach (object, key, value) {
        total += term(key, value);
    }
    return total + (0.2 + 2.0 * total * chance(trial, 1)) * left / (double)(step + 1)
           + 0.01 * chance(trial, (uint64_t)(2 + step));
}

/* The second objective, which falls where the parameters do. */
static double size_of(const char *parameters)
{
    json_auto_t *object = json_loads(parameters, 0, NULL);
    double total = 0.0;
    const char *key;
    json_t *value;

    json_object_foreach (object, key, value) {
        double v = json_is_string(value) ? (double)(json_string_value(value)[0] % 5) / 5.0
                                         : json_number_value(value);
        total += v / (1.0 + fabs(v));
    }
    return total;
}

/* ---- a play ---------------------------------------------------------------------------------- */

struct worker {
    char lease[LEASE_ID_BYTES]; /* "": idle */
    int64_t trial;
    char parameters[LINE];
    int64_t step, until; /* 0, 0 without a resource */
};

/* The lines of one case: text, and which block of suggestions each belongs to. */
struct record {
    struct buf text;
    size_t n_suggestions;
    uint64_t digest; /* of the lines of the present block */
    size_t n_blocks; /* that are full */
    uint64_t blocks[SUGGESTIONS / BLOCK];
    bool shows; /* prints every line */
};

struct play {
    struct world world;
    const struct golden_case *which;
    int64_t study; /* id of the newest */
    struct worker workers[WORKERS_MAX];
    struct worker *now;    /* whose command is being answered */
    enum action action;    /* the last answer to a measurement */
    struct record *record; /* NULL: nothing is recorded */
    bool moved;            /* something was done in this round */
    bool maximizes;
    bool has_size; /* the study has two objectives */
};

static _Noreturn void fail(const char *what, const char *why)
{
    (void)fprintf(stderr, "suggestions: %s: %s\n", what, why);
    exit(1);
}

/* FNV-1a. */
static uint64_t digest_with(uint64_t digest, const char *text)
{
    for (; *text != '\0'; text++) {
        digest = (digest ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    }
    return digest;
}

static const uint64_t digest_start = UINT64_C(0xcbf29ce484222325);

static void add_line(struct record *record, const char *line)
{
    record->digest = digest_with(digest_with(record->digest, line), "\n");
    if (record->n_suggestions <= IN_FULL) {
        buf_printf(&record->text, "  %s\n", line);
    }
    if (record->shows) {
        (void)printf("%s\n", line);
    }
}

static void end_block(struct record *record)
{
    record->blocks[record->n_blocks++] = record->digest;
    record->digest = digest_start;
}

/* The digest of what the strategy noted about its suggestion; 0 where it noted nothing. */
static uint64_t explanation(struct play *play, int64_t trial)
{
    OWN(trial_row) struct trial_row row = {0};
    struct err err = {0};

    if (store_trial_load(play->world.store, trial_id(play->study, trial), &row, &err) != 0) {
        fail(play->which->name, err.text);
    }
    return row.explain == NULL ? 0 : digest_with(digest_start, row.explain);
}

static void take_grant(struct play *play, const struct lease_grant *grant)
{
    struct worker *worker = play->now;
    struct record *record = play->record;
    char line[LINE + 200];

    (void)snprintf(worker->lease, sizeof worker->lease, "%s", grant->id);
    (void)snprintf(worker->parameters, sizeof worker->parameters, "%s", grant->parameters);
    worker->trial = grant->trial;
    worker->step = grant->has_resource ? grant->from : 0;
    worker->until = grant->has_resource ? grant->to : 0;
    play->moved = true;
    if (record == NULL) {
        return;
    }
    if ((size_t)grant->trial > record->n_suggestions) {
        if (record->n_suggestions > 0 && record->n_suggestions % BLOCK == 0) {
            end_block(record);
        }
        record->n_suggestions = (size_t)grant->trial;
        (void)snprintf(line, sizeof line, "%" PRId64 " %s to %" PRId64 " %016" PRIx64, grant->trial,
                       grant->parameters, worker->until, explanation(play, grant->trial));
    } else {
        (void)snprintf(line, sizeof line, "%" PRId64 " again from %" PRId64 " to %" PRId64,
                       grant->trial, worker->step, worker->until);
    }
    add_line(record, line);
}

static void answered(void *context, struct command *command)
{
    struct play *play = context;

    if (command->err.code != ERR_NONE) {
        fail(play->which->name,
             command->faults.n > 0 ? command->faults.items[0].detail : command->err.text);
    }
    if (command->kind == COMMAND_ASK && as_ask(command)->out.granted) {
        take_grant(play, &as_ask(command)->out.grant);
    } else if (command->kind == COMMAND_MEASURE) {
        const struct action_reply *reply = &as_measure(command)->out.action;
        play->action = reply->action;
        play->now->until = reply->has_until ? reply->until : play->now->until;
    } else if (command->kind == COMMAND_STUDY_CREATE) {
        play->study = as_study_create(command)->out.study.row.id;
    }
    command_destroy(command);
}

static void do_it(struct play *play, struct command *command)
{
    struct err err = {0};

    if (world_do(&play->world, command, &err) != 0) {
        fail(play->which->name, err.text);
    }
}

static void create(struct play *play, const char *name, const char *body, bool follows,
                   size_t trials)
{
    char text[BODY];
    play->has_size = strstr(body, "objectives") != NULL;
    int len = snprintf(text, sizeof text,
                       "{\"name\":\"%s\",%s\"seed\":7,\"limits\":{\"trials\":%zu}%s,%s}", name,
                       play->has_size ? "" : "\"metric\":\"value\",", trials,
                       follows ? ",\"after\":[\"older\"]" : "", body);

    if (len < 0 || (size_t)len >= sizeof text) {
        fail(name, "the body is too long");
    }
    play->maximizes = strstr(body, "maximize") != NULL;
    do_it(play, world_create_study(text));
}

/* text ← the members of "metrics" for a value of the loss. */
static void write_metrics(const struct play *play, const struct worker *worker, double value,
                          char text[], size_t room)
{
    int len = snprintf(text, room, "\"value\":%.17g", play->maximizes ? -value : value);

    if (play->has_size) {
        (void)snprintf(text + len, room - (size_t)len, ",\"size\":%.17g",
                       size_of(worker->parameters));
    }
}

/* Ends the worker's trial with an outcome; `has_value`: the objective goes with it. */
static void send_result(struct play *play, struct worker *worker, const char *outcome,
                        bool has_value)
{
    char body[300];
    char step[40] = "";
    char metrics[160] = "";
    char values[100];
    int64_t last = worker->until == 0 ? 1 : 27;
    double value =
        loss(worker->parameters, worker->trial, worker->until == 0 ? 1 : worker->step, last);

    if (worker->until != 0) {
        (void)snprintf(step, sizeof step, ",\"step\":%" PRId64, worker->step);
    }
    if (has_value && play->which->fails && worker->trial % 13 == 0) {
        (void)snprintf(metrics, sizeof metrics, ",\"metrics\":{\"value\":\"NaN\"%s}",
                       play->has_size ? ",\"size\":1" : "");
    } else if (has_value) {
        write_metrics(play, worker, value, values, sizeof values);
        (void)snprintf(metrics, sizeof metrics, ",\"metrics\":{%s}", values);
    }
    (void)snprintf(body, sizeof body, "{\"outcome\":\"%s\"%s%s}", outcome, step, metrics);
    do_it(play, world_result(worker->lease, body));
    worker->lease[0] = '\0';
}

/* One step of training, and its measurement. */
static void train(struct play *play, struct worker *worker)
{
    char body[240];
    char values[100];
    char line[100];

    worker->step++;
    double value = loss(worker->parameters, worker->trial, worker->step, 27);
    write_metrics(play, worker, value, values, sizeof values);
    (void)snprintf(body, sizeof body,
                   "{\"measurements\":[{\"step\":%" PRId64 ",\"metrics\":{%s}}]}", worker->step,
                   values);
    do_it(play, world_measure(worker->lease, body));
    if (play->action == ACTION_CONTINUE && worker->step < worker->until) {
        return;
    }
    if (play->record != NULL) {
        (void)snprintf(line, sizeof line, "%" PRId64 " at %" PRId64 " %s", worker->trial,
                       worker->step, action_name(play->action));
        add_line(play->record, line);
    }
    if (play->action == ACTION_ABORT) {
        worker->lease[0] = '\0';
    } else {
        send_result(play, worker, "completed", false);
    }
}

static void take_turn(struct play *play, const char *study, struct worker *worker)
{
    bool fails = play->which->fails;

    play->now = worker;
    if (worker->lease[0] == '\0') {
        do_it(play, world_ask(study, "{\"worker\":\"w\"}"));
        return;
    }
    play->moved = true;
    if (fails && worker->trial % 11 == 5) {
        send_result(play, worker, "failed", false);
    } else if (fails && worker->trial % 17 == 7) {
        send_result(play, worker, "infeasible", false);
    } else if (worker->until == 0) {
        send_result(play, worker, "completed", true);
    } else {
        train(play, worker);
    }
}

/* Until no worker finds work, or enough was suggested. */
static void play_study(struct play *play, const char *study, int workers, size_t most)
{
    do {
        play->moved = false;
        for (int i = 0; i < workers; i++) {
            take_turn(play, study, &play->workers[i]);
            if (play->record != NULL && play->record->n_suggestions > most) {
                return;
            }
        }
    } while (play->moved);
}

/* The case's record holds the lines of `most` suggestions, rounded down to whole blocks. */
static void play_case(const struct golden_case *which, size_t most, struct record *record)
{
    struct play play = {.which = which};
    struct err err = {0};

    if (world_open(&play.world, 1, &err) != 0) {
        fail(which->name, err.text);
    }
    play.world.answered = answered;
    play.world.context = &play;
    if (which->older != NULL) {
        create(&play, "older", which->older, false, 60);
        play_study(&play, "older", 4, 60);
        memset(play.workers, 0, sizeof play.workers);
    }
    create(&play, "s", which->body, which->older != NULL, SUGGESTIONS + WORKERS_MAX);
    play.record = record;
    play_study(&play, "s", which->workers, most);
    if (record->n_suggestions > 0 && record->n_suggestions <= most
        && record->n_blocks < SUGGESTIONS / BLOCK) {
        end_block(record); /* the study ended before: the last block is what there was */
    }
    int64_t n_decisions;
    if (!decide_all_again(play.world.store, &n_decisions)) {
        fail(which->name, "its decisions do not come out the same when they are made again");
    }
    world_finish(&play.world);
}

/* ---- the golden file ------------------------------------------------------------------------- */

static void write_record(const struct golden_case *which, const struct record *record,
                         struct buf *out)
{
    buf_printf(out, "case %s\n%s", which->name, buf_text(&record->text));
    for (size_t i = 0; i < record->n_blocks; i++) {
        buf_printf(out, "%s%016" PRIx64 "%s", i % 5 == 0 ? "  = " : " ", record->blocks[i],
                   i % 5 == 4 || i + 1 == record->n_blocks ? "\n" : "");
    }
}

static char *read_file(const char *path)
{
    OWN(buf) struct buf text;
    char part[4096];
    size_t n;
    FILE *file = fopen(path, "re");

    if (file == NULL) {
        fail(path, "cannot be read");
    }
    buf_init(&text, 1 << 20);
    while ((n = fread(part, 1, sizeof part, file)) > 0) {
        buf_append(&text, part, n);
    }
    (void)fclose(file);
    return buf_steal(&text);
}

/* Compares a record with its place in the golden text, and says where they part first. */
static bool is_as_recorded(const char *golden, const struct golden_case *which,
                           const struct record *record, size_t most)
{
    char title[100];
    const char *full = buf_text(&record->text);
    size_t n = record->n_blocks < most / BLOCK ? record->n_blocks : most / BLOCK;

    (void)snprintf(title, sizeof title, "case %s\n", which->name);
    const char *at = strstr(golden, title);
    if (at == NULL) {
        (void)printf("%s: is not in the golden file\n", which->name);
        return false;
    }
    at += strlen(title);
    if (strncmp(at, full, strlen(full)) != 0) {
        (void)printf("%s: the first suggestions differ; now:\n%s", which->name, full);
        return false;
    }
    at += strlen(full);
    for (size_t i = 0; i < n; i++) {
        at += strspn(at, " =\n");
        if (strtoull(at, NULL, 16) != record->blocks[i]) {
            (void)printf("%s: suggestions %zu to %zu differ; --show prints them\n", which->name,
                         i * BLOCK + 1, (i + 1) * BLOCK);
            return false;
        }
        at += strspn(at, "0123456789abcdef");
    }
    bool is_whole = most == which->most; /* then nothing may follow */
    at += strspn(at, " =\n");
    if (n == 0 || (is_whole && *at != '\0' && strncmp(at, "case ", 5) != 0)) {
        (void)printf("%s: ended early\n", which->name);
        return false;
    }
    return true;
}

static void write_file(const char *path, const struct buf *text)
{
    FILE *file = fopen(path, "we");

    if (file == NULL || fputs(buf_text(text), file) < 0 || fclose(file) != 0) {
        fail(path, "cannot be written");
    }
}

/* Plays the cases named, or all of them; returns how many differ. */
static int play_all(const char *golden, const char *show, size_t most, struct buf *out)
{
    int n_bad = 0;

    for (size_t i = 0; i < N_CASES; i++) {
        struct record record = {.digest = digest_start, .shows = show != NULL};
        size_t n = most < cases[i].most ? most : cases[i].most;
        if (show != NULL && strcmp(show, cases[i].name) != 0) {
            continue;
        }
        buf_init(&record.text, 1 << 16);
        play_case(&cases[i], n, &record);
        n_bad += golden != NULL && !is_as_recorded(golden, &cases[i], &record, n);
        write_record(&cases[i], &record, out);
        buf_finish(&record.text);
    }
    return n_bad;
}

/* Starts the program again with the kernels fixed, since both libraries choose them when they are
 * loaded. */
static void fix_kernels(char **argv)
{
    static const char *const fixed[][2] = {
        {"OPENBLAS_CORETYPE", "Prescott"},
        {"OPENBLAS_NUM_THREADS", "1"},
        {"GLIBC_TUNABLES", "glibc.cpu.hwcaps=-AVX2,-FMA,-FMA4,-AVX512F"},
    };
    bool are_fixed = true;

    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) {
        const char *now = getenv(fixed[i][0]);
        are_fixed = are_fixed && now != NULL && strcmp(now, fixed[i][1]) == 0;
        (void)setenv(fixed[i][0], fixed[i][1], 1);
    }
    if (!are_fixed) {
        (void)execv("/proc/self/exe", argv);
        fail("/proc/self/exe", "cannot be started again");
    }
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"first", required_argument, NULL, 'f'},
                                            {"write", no_argument, NULL, 'w'},
                                            {"show", required_argument, NULL, 's'},
                                            {NULL, 0, NULL, 0}};
    OWN(buf) struct buf out;
    size_t most = SUGGESTIONS;
    const char *show = NULL;
    bool writes = false;
    int option;

    fix_kernels(argv);
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        most = option == 'f' ? strtoul(optarg, NULL, 10) : most;
        writes = writes || option == 'w';
        show = option == 's' ? optarg : show;
    }
    if (optind + 1 != argc || most < BLOCK || most > SUGGESTIONS) {
        fail("usage", "suggestions [--first N] [--write] [--show CASE] GOLDEN, 10 <= N <= 200");
    }
    buf_init(&out, 1 << 20);
    OWN(memory) char *golden = writes ? NULL : read_file(argv[optind]);
    int n_bad = play_all(golden, show, most, &out);
    if (writes) {
        write_file(argv[optind], &out);
    }
    (void)printf("suggestions: %d passed, %d failed\n", (int)N_CASES - n_bad, n_bad);
    return n_bad == 0 ? 0 : 1;
}

/* digits: trains a small network on handwritten digits and reports to Hone after every epoch.
 *
 * An ordinary training program: it knows of Hone only the line that it prints, the environment that
 * names its trial's epochs, seed and checkpoint directory, and the file that says when to leave.
 * Without any of that it trains for 81 epochs and prints the same lines. */
#include "deploy/examples/digits/checkpoint.h"
#include "deploy/examples/digits/data.h"
#include "deploy/examples/digits/mlp.h"
#include "deploy/examples/digits/steering.h"

#include <getopt.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_USAGE = 64, DEFAULT_EPOCHS = 81, MAX_EPOCHS = 1000000 };

/* What a textbook would try first. */
static const struct mlp_config textbook = {.units = 32,
                                           .layers = 1,
                                           .batch = 32,
                                           .lr = 0.01F,
                                           .momentum = 0.0F,
                                           .weight_decay = 1e-4F,
                                           .seed = 1};

struct job {
    struct mlp_config config;
    const char *data_path;
    const char *checkpoint_dir; /* NULL: keep none */
    const char *control_path;   /* NULL: no steering */
    int from;                   /* epochs trained already */
    int to;
};

static const char usage[] =
    "usage: digits [OPTION VALUE]…\n"
    "  --lr X             learning rate, > 0 (0.01)\n"
    "  --momentum X       0 up to 1 (0)\n"
    "  --weight-decay X   >= 0 (0.0001)\n"
    "  --units N          units in each hidden layer, 1 to 4096 (32)\n"
    "  --layers N         hidden layers, 1 to 8 (1)\n"
    "  --batch N          images in a mini-batch, 1 to 10000 (32)\n"
    "  --epochs N, --to N train up to this epoch (HONE_RESOURCE_TO, else 81)\n"
    "  --from N           go on after this epoch, from a checkpoint (HONE_RESOURCE_FROM, else 0)\n"
    "  --checkpoint DIR   where to keep it (HONE_CHECKPOINT_DIR)\n"
    "  --seed N           of weights and order (HONE_SEED, else 1)\n"
    "  --data FILE        images (digits.csv beside the source)\n"
    "Prints `hone: step=EPOCH accuracy=… loss=…`, both on images that it does not train on.\n";

static _Noreturn void refuse(const char *name, const char *text, const char *why)
{
    fprintf(stderr, "digits: --%s %s: %s\n%s", name, text, why, usage);
    exit(EXIT_USAGE);
}

static int to_int(const char *name, const char *text, int low, int high)
{
    char *end;
    long number = strtol(text, &end, 10);

    if (end == text || *end != '\0' || number < low || number > high) {
        char why[64];

        (void)snprintf(why, sizeof why, "must be a whole number, %d to %d", low, high);
        refuse(name, text, why);
    }
    return (int)number;
}

static float to_float(const char *name, const char *text, double low, double high)
{
    char *end;
    double number = strtod(text, &end);

    if (end == text || *end != '\0' || !(number >= low && number <= high)) {
        char why[64];

        (void)snprintf(why, sizeof why, "must be a number, %g to %g", low, high);
        refuse(name, text, why);
    }
    return (float)number;
}

static uint64_t to_seed(const char *name, const char *text)
{
    char *end;
    unsigned long long number = strtoull(text, &end, 10);

    if (end == text || *end != '\0' || *text == '-') {
        refuse(name, text, "must be a whole number");
    }
    return number;
}

/* Hone's environment first, so that options stand above it. */
static void read_environment(struct job *job)
{
    const char *from = getenv("HONE_RESOURCE_FROM");
    const char *to = getenv("HONE_RESOURCE_TO");
    const char *seed = getenv("HONE_SEED");
    const char *dir = getenv("HONE_CHECKPOINT_DIR");

    job->from = from != NULL && *from != '\0' ? to_int("from", from, 0, MAX_EPOCHS) : 0;
    job->to = to != NULL && *to != '\0' ? to_int("to", to, 1, MAX_EPOCHS) : DEFAULT_EPOCHS;
    job->config.seed = seed != NULL && *seed != '\0' ? to_seed("seed", seed) : textbook.seed;
    job->checkpoint_dir = dir != NULL && *dir != '\0' ? dir : NULL;
    job->control_path = getenv("HONE_CONTROL_FILE");
}

static void take_option(struct job *job, int letter, const char *name, const char *text)
{
    switch (letter) {
    case 'l':
        job->config.lr = to_float(name, text, 1e-12, 1e6);
        break;
    case 'm':
        job->config.momentum = to_float(name, text, 0.0, 1.0);
        break;
    case 'w':
        job->config.weight_decay = to_float(name, text, 0.0, 1e6);
        break;
    case 'u':
        job->config.units = to_int(name, text, 1, 4096);
        break;
    case 'n':
        job->config.layers = to_int(name, text, 1, 8);
        break;
    case 'b':
        job->config.batch = to_int(name, text, 1, 10000);
        break;
    case 's':
        job->config.seed = to_seed(name, text);
        break;
    case 'f':
        job->from = to_int(name, text, 0, MAX_EPOCHS);
        break;
    case 't':
        job->to = to_int(name, text, 1, MAX_EPOCHS);
        break;
    case 'c':
        job->checkpoint_dir = *text != '\0' ? text : NULL;
        break;
    case 'd':
        job->data_path = text;
        break;
    case 'h':
        (void)fputs(usage, stdout);
        exit(EXIT_SUCCESS);
    default:
        (void)fputs(usage, stderr);
        exit(EXIT_USAGE);
    }
}

static void read_options(struct job *job, int argc, char **argv)
{
    static const struct option options[] = {{"lr", required_argument, NULL, 'l'},
                                            {"momentum", required_argument, NULL, 'm'},
                                            {"weight-decay", required_argument, NULL, 'w'},
                                            {"units", required_argument, NULL, 'u'},
                                            {"layers", required_argument, NULL, 'n'},
                                            {"batch", required_argument, NULL, 'b'},
                                            {"seed", required_argument, NULL, 's'},
                                            {"from", required_argument, NULL, 'f'},
                                            {"to", required_argument, NULL, 't'},
                                            {"epochs", required_argument, NULL, 't'},
                                            {"checkpoint", required_argument, NULL, 'c'},
                                            {"data", required_argument, NULL, 'd'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    int which = 0;
    int letter;

    while ((letter = getopt_long(argc, argv, "", options, &which)) != -1) {
        take_option(job, letter, letter == '?' ? "" : options[which].name, optarg);
    }
    if (optind < argc) {
        refuse("", argv[optind], "not an option");
    }
}

/* Where to go on: after `from` if its state is there, else from the start, which costs time but
 * gives the same digits. -1: the state is there and is not ours. */
static int resume(const struct job *job, struct mlp *mlp)
{
    int found = 1;

    if (job->from == 0) {
        return 0;
    }
    if (job->checkpoint_dir != NULL) {
        found = checkpoint_load(job->checkpoint_dir, job->from, &job->config, mlp);
    }
    if (found == 1) {
        fprintf(stderr, "digits: no checkpoint of epoch %d; training from the start\n", job->from);
        return 0;
    }
    return found == 0 ? job->from : -1;
}

/* Trains and reports until the last epoch, or until told to leave. Returns the last epoch trained,
 * -1 if it could not begin. */
static int train(const struct job *job, struct mlp *mlp, const struct data *data, size_t order[])
{
    int epoch = resume(job, mlp);
    int until = job->to;
    enum action action = ACTION_CONTINUE;

    if (epoch < 0) {
        return -1;
    }
    while (epoch < until && action == ACTION_CONTINUE) {
        struct score score;

        mlp_train_epoch(mlp, data, ++epoch, order);
        score = mlp_validate(mlp, data);
        printf("hone: step=%d accuracy=%.9g loss=%.9g\n", epoch, score.accuracy, score.loss);
        (void)fflush(stdout);
        if (!isfinite(score.loss)) {
            fprintf(stderr, "digits: diverged in epoch %d; a smaller --lr may help\n", epoch);
            break;
        }
        action = steering_read(job->control_path, &until);
    }
    return epoch;
}

static int run(const struct job *job, struct mlp *mlp, const struct data *data)
{
    size_t *order = calloc(data->n_train, sizeof *order);
    int epoch;

    if (order == NULL) {
        fprintf(stderr, "digits: out of memory\n");
        return -1;
    }
    epoch = train(job, mlp, data, order);
    free(order);
    if (epoch <= 0 || job->checkpoint_dir == NULL) {
        return epoch < 0 ? -1 : 0;
    }
    return checkpoint_save(job->checkpoint_dir, epoch, job->from, &job->config, mlp);
}

int main(int argc, char **argv)
{
    struct job job = {.config = textbook, .data_path = DIGITS_DATA};
    struct data data = {0};
    struct mlp *mlp;
    int status = -1;

    read_environment(&job);
    read_options(&job, argc, argv);
    mlp = mlp_create(&job.config);
    if (mlp == NULL) {
        fprintf(stderr, "digits: out of memory\n");
    } else if (data_load(job.data_path, &data) == 0) {
        status = run(&job, mlp, &data);
    }
    data_finish(&data);
    mlp_destroy(mlp);
    return status == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#include "deploy/examples/digits/checkpoint.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The first line of a checkpoint: whose it is. Floats in hexadecimal, which is exact. */
static void describe(const struct mlp_config *config, int epoch, char line[static 256])
{
    (void)snprintf(line, 256,
                   "digits 1 epoch=%d units=%d layers=%d batch=%d lr=%a momentum=%a decay=%a "
                   "seed=%llu\n",
                   epoch, config->units, config->layers, config->batch, (double)config->lr,
                   (double)config->momentum, (double)config->weight_decay,
                   (unsigned long long)config->seed);
}

static int name_file(const char *dir, int epoch, char path[static PATH_MAX])
{
    return snprintf(path, PATH_MAX, "%s/epoch-%d", dir, epoch) < PATH_MAX ? 0 : -1;
}

static int complain(const char *path, const char *what)
{
    fprintf(stderr, "digits: checkpoint %s: %s\n", path, what);
    return -1;
}

static int write_state(const char *path, const char *line, struct mlp *mlp)
{
    size_t n_floats;
    const float *state = mlp_state(mlp, &n_floats);
    FILE *file = fopen(path, "wb");
    int good;

    if (file == NULL) {
        return -1;
    }
    good = fputs(line, file) >= 0 && fwrite(state, sizeof *state, n_floats, file) == n_floats;
    return fclose(file) == 0 && good ? 0 : -1;
}

int checkpoint_save(const char *dir, int epoch, int oldest, const struct mlp_config *config,
                    struct mlp *mlp)
{
    char path[PATH_MAX];
    char partial[PATH_MAX + 8];
    char line[256];

    if (name_file(dir, epoch, path) != 0) {
        return complain(dir, "the name is too long");
    }
    (void)snprintf(partial, sizeof partial, "%s.part", path);
    describe(config, epoch, line);
    if (write_state(partial, line, mlp) != 0 || rename(partial, path) != 0) {
        (void)complain(path, strerror(errno));
        (void)unlink(partial);
        return -1;
    }
    for (int old = 1; old < oldest; old++) {
        if (name_file(dir, old, path) == 0) {
            (void)unlink(path);
        }
    }
    return 0;
}

static int read_state(FILE *file, const char *path, const char *line, struct mlp *mlp)
{
    char found[256];
    size_t n_floats;
    float *state = mlp_state(mlp, &n_floats);

    if (fgets(found, sizeof found, file) == NULL || strcmp(found, line) != 0) {
        return complain(path, "made by another configuration; give each its own directory");
    }
    if (fread(state, sizeof *state, n_floats, file) != n_floats || fgetc(file) != EOF) {
        return complain(path, "damaged; remove it to train from the start");
    }
    return 0;
}

int checkpoint_load(const char *dir, int epoch, const struct mlp_config *config, struct mlp *mlp)
{
    char path[PATH_MAX];
    char line[256];
    FILE *file;
    int status;

    if (name_file(dir, epoch, path) != 0) {
        return complain(dir, "the name is too long");
    }
    file = fopen(path, "rb");
    if (file == NULL) {
        return errno == ENOENT ? 1 : complain(path, strerror(errno));
    }
    describe(config, epoch, line);
    status = read_state(file, path, line, mlp);
    (void)fclose(file);
    return status;
}

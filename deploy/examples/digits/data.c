#include "deploy/examples/digits/data.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_IMAGES = 100000, MAX_LINE = 1024, DEEPEST = 16 };

/* One number of a line, and past the character that must follow it. */
static int parse_number(char **text, long most, char after, long *number)
{
    char *end;

    *number = strtol(*text, &end, 10);
    if (end == *text || *number < 0 || *number > most || *end != after) {
        return -1;
    }
    *text = end + 1;
    return 0;
}

static int parse_image(char *line, struct image *image)
{
    long number;

    for (int i = 0; i < N_PIXELS; i++) {
        if (parse_number(&line, DEEPEST, ',', &number) != 0) {
            return -1;
        }
        image->pixels[i] = (float)number / DEEPEST;
    }
    if (parse_number(&line, N_CLASSES - 1, '\n', &number) != 0) {
        return -1;
    }
    image->digit = (int)number;
    return 0;
}

static int read_images(FILE *file, const char *path, struct data *data)
{
    char line[MAX_LINE];

    while (fgets(line, sizeof line, file) != NULL) {
        if (data->n_images == MAX_IMAGES || parse_image(line, &data->images[data->n_images]) != 0) {
            fprintf(stderr,
                    "digits: %s, line %zu: not 64 counts of 0 to 16 and a digit, or too many\n",
                    path, data->n_images + 1);
            return -1;
        }
        data->n_images++;
    }
    if (ferror(file) || data->n_images < 3) {
        fprintf(stderr, "digits: %s: cannot be read, or holds fewer than 3 images\n", path);
        return -1;
    }
    return 0;
}

int data_load(const char *path, struct data *data)
{
    FILE *file = fopen(path, "r");
    int status = -1;

    *data = (struct data){0};
    if (file == NULL) {
        fprintf(stderr, "digits: %s: %s; name the data with --data FILE\n", path, strerror(errno));
        return -1;
    }
    data->images = calloc(MAX_IMAGES, sizeof *data->images);
    if (data->images == NULL) {
        fprintf(stderr, "digits: out of memory\n");
    } else {
        status = read_images(file, path, data);
    }
    (void)fclose(file);
    data->n_train = data->n_images * 2 / 3;
    return status;
}

void data_finish(struct data *data)
{
    free(data->images);
    data->images = NULL;
}

/* The optical digits: 8 × 8 images of handwritten digits, see README.md beside this file.
 *
 * One image a line: 64 counts of 0 to 16, then the digit, separated by commas. The split is fixed:
 * the file is in order of the writers, the first two thirds train and the last third validates, so
 * that the validated accuracy is that on the hands of people whom the network has never seen. */
#ifndef DIGITS_DATA_H
#define DIGITS_DATA_H

#include <stddef.h>

enum { N_PIXELS = 64, N_CLASSES = 10 };

struct image {
    float pixels[N_PIXELS]; /* 0 to 1 */
    int digit;
};

struct data {
    struct image *images; /* owned */
    size_t n_images;
    size_t n_train; /* images[0 … n_train) train, the others validate */
};

/* Reads the file; says on stderr what is wrong with it and returns -1 if it cannot. */
int data_load(const char *path, struct data *data);
void data_finish(struct data *data);

#endif

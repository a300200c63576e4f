#include "server/suggester/basis.h"

#include <stdbool.h>
#include <stdlib.h>

#include "common/array.h"

enum { VERSION = 1, DIGIT_BITS = 7, DIGITS_MAX = 9 }; /* numbers below 2^63 */

void basis_finish(struct basis *basis)
{
    free(basis->suggested);
    free(basis->curves);
    *basis = (struct basis){0};
}

/* ---- writing ---- */

static void put(struct buf *out, uint64_t number)
{
    while (number >> DIGIT_BITS != 0) {
        buf_putc(out, (char)(number | 1U << DIGIT_BITS));
        number >>= DIGIT_BITS;
    }
    buf_putc(out, (char)number);
}

/* How many ordinals from here on count up by one, or down: *step. */
static size_t run_length(const struct basis *basis, size_t from, int *step)
{
    const uint64_t *ordinals = basis->suggested + from;
    size_t left = basis->n_suggested - from;
    size_t n = 1;

    *step = left > 1 && ordinals[1] + 1 == ordinals[0] ? -1 : 1;
    while (n < left && ordinals[n] == ordinals[n - 1] + (uint64_t)*step) {
        n++;
    }
    return n;
}

/* Runs: the first ordinal, then twice the length, and one more where they count down. */
static void put_suggested(const struct basis *basis, struct buf *out)
{
    size_t n_runs = 0;
    int step;

    for (size_t i = 0; i < basis->n_suggested; i += run_length(basis, i, &step)) {
        n_runs++;
    }
    put(out, n_runs);
    for (size_t i = 0; i < basis->n_suggested;) {
        size_t n = run_length(basis, i, &step);
        put(out, basis->suggested[i]);
        put(out, 2 * n + (step < 0 ? 1 : 0));
        i += n;
    }
}

void basis_write(const struct basis *basis, struct buf *out)
{
    int64_t before = 0;

    buf_putc(out, VERSION);
    put(out, (uint64_t)basis->seq);
    put(out, basis->n_fits);
    put_suggested(basis, out);
    put(out, basis->n_curves);
    for (size_t i = 0; i < basis->n_curves; i++) {
        const struct basis_curve *curve = &basis->curves[i];
        put(out, (uint64_t)(curve->trial - before));
        put(out, (uint64_t)(curve->reported + 1));
        put(out, curve->n_points);
        before = curve->trial;
    }
}

/* ---- reading ---- */

struct basis_reader {
    const unsigned char *at, *end;
    bool failed;
};

static uint64_t take(struct basis_reader *reader)
{
    uint64_t number = 0;

    for (int i = 0; i < DIGITS_MAX && reader->at < reader->end; i++) {
        uint64_t digit = *reader->at++;
        number |= (digit & 0x7f) << (i * DIGIT_BITS);
        if (digit >> DIGIT_BITS == 0) {
            return number;
        }
    }
    reader->failed = true;
    return 0;
}

static int take_run(struct basis_reader *reader, struct basis *basis, size_t *cap, struct err *err)
{
    uint64_t ordinal = take(reader);
    uint64_t length = take(reader);

    for (uint64_t k = 0; k < length / 2 && !reader->failed; k++) {
        if (basis->n_suggested == BASIS_BYTES_MAX) {
            reader->failed = true;
            return 0;
        }
        TRY(array_reserve(&basis->suggested, basis->n_suggested, cap, sizeof *basis->suggested,
                          err));
        basis->suggested[basis->n_suggested++] = length % 2 == 0 ? ordinal + k : ordinal - k;
    }
    return 0;
}

static int take_all(struct basis_reader *reader, struct basis *basis, struct err *err)
{
    size_t cap = 0;
    int64_t trial = 0;

    reader->failed = take(reader) != VERSION;
    basis->seq = (int64_t)take(reader);
    basis->n_fits = take(reader);
    for (uint64_t n = take(reader); n > 0 && !reader->failed; n--) {
        TRY(take_run(reader, basis, &cap, err));
    }
    cap = 0;
    for (uint64_t n = take(reader); n > 0 && !reader->failed; n--) {
        TRY(array_reserve(&basis->curves, basis->n_curves, &cap, sizeof *basis->curves, err));
        trial += (int64_t)take(reader);
        int64_t reported = (int64_t)take(reader) - 1;
        basis->curves[basis->n_curves++] = (struct basis_curve){trial, reported, take(reader)};
    }
    return reader->failed || reader->at != reader->end
               ? err_set(err, ERR_IO, "what a suggestion had seen cannot be read back")
               : 0;
}

int basis_read(const void *bytes, size_t len, struct basis *basis, struct err *err)
{
    struct basis_reader reader = {.at = bytes, .end = (const unsigned char *)bytes + len};
    struct basis read = {0};

    if (take_all(&reader, &read, err) != 0) {
        basis_finish(&read);
        return -1;
    }
    *basis = read;
    return 0;
}

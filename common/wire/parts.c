#include "common/wire/parts.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "common/moment.h"
#include "common/step.h"

void wire_copy(struct fields *fields, const char *name, char *out, size_t size)
{
    const char *text = fields_string(fields, name, "");
    size_t len = strlen(text);

    if (len >= size) {
        fields_fault(fields, name, "must have at most %zu characters", size - 1);
        return;
    }
    memcpy(out, text, len + 1);
}

int64_t wire_moment(const char *text)
{
    int64_t wall_ms;

    return text != NULL && moment_read(text, &wall_ms) ? wall_ms : -1;
}

double wire_step(struct fields *fields, double fallback)
{
    double said = fields_real(fields, "step", fallback);

    if (!isnan(said) && !(said >= 0 && said <= (double)INT53_MAX)) {
        fields_fault(fields, "step", "must lie between 0 and %" PRId64, INT53_MAX);
        return fallback;
    }
    return said;
}

void wire_put_said(struct json_writer *w, const char *key, double said)
{
    if (said == floor(said)) {
        json_put_int(w, key, (int64_t)said);
    } else {
        json_put_number(w, key, said);
    }
}

bool wire_settle(double said, int digits, const char *pointer, int64_t *step, struct faults *faults)
{
    char most[STEP_BYTES];

    if (step_from_number(said, digits, step)) {
        return true;
    }
    if (digits == 0) {
        faults_add(
            faults, pointer,
            "must be an integer: this study counts whole steps; the \"resource\" of one that "
            "counts fractions names a finer \"unit\"");
    } else {
        faults_add(faults, pointer, "must lie between 0 and %s",
                   step_format(step_most(digits), digits, most));
    }
    return false;
}

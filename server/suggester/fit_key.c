#include "server/suggester/fit_key.h"

#include <string.h>

#include "common/buf.h"
#include "common/json.h"

#define DEFINITION_BYTES (64u << 20)

static void digest_observation(struct digest *digest, const struct observation *seen,
                               size_t n_params)
{
    const int64_t head[] = {(int64_t)seen->kind, (int64_t)seen->n_values, seen->step,
                            (int64_t)seen->n_curve, (int64_t)seen->n_bounded};

    digest_add(digest, head, sizeof head);
    digest_add(digest, seen->config, n_params * sizeof *seen->config);
    digest_add(digest, seen->values, seen->n_values * sizeof *seen->values);
    digest_add(digest, seen->bounded, seen->n_bounded * sizeof *seen->bounded);
    for (size_t i = 0; i < seen->n_curve; i++) {
        digest_add(digest, &seen->curve[i].step, sizeof seen->curve[i].step);
        digest_add(digest, &seen->curve[i].value, sizeof seen->curve[i].value);
    }
}

int fit_key(const char *what, const struct study_def *def, const struct history *seen,
            unsigned char key[SHA256_BYTES], struct err *err)
{
    OWN(digest) struct digest *digest = NULL;
    OWN(buf) struct buf text;
    struct json_writer w;

    buf_init(&text, DEFINITION_BYTES);
    json_writer_init(&w, &text);
    json_object_begin(&w);
    study_def_write(def, &w);
    json_object_end(&w);
    TRY(buf_check(&text, err));
    TRY(digest_create(&digest, err));
    digest_add(digest, what, strlen(what) + 1);
    digest_add(digest, buf_text(&text), text.len + 1);
    for (size_t i = 0; i < seen->n; i++) {
        digest_observation(digest, &seen->items[i], def->space->n_params);
    }
    digest_end(digest, key);
    return 0;
}

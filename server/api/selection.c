#include "server/api/selection.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/integer.h"
#include "common/suggest.h"

/* Names the states that there are. */
static int refuse_state(const char *text, size_t len, struct err *err)
{
    OWN(buf) struct buf known = {0};
    struct suggestion_for meant = {0};
    char question[SUGGEST_QUESTION_BYTES];
    char name[24] = "";

    memcpy(name, text, len < sizeof name ? len : sizeof name - 1);
    meant.word = name;
    buf_init(&known, 400);
    for (int i = 0; i < TRIAL_STATE_COUNT; i++) {
        buf_printf(&known, "%s%s", i == 0 ? "" : ", ", trial_state_name((enum trial_state)i));
        suggest_offer(&meant, trial_state_name((enum trial_state)i));
    }
    TRY(buf_check(&known, err));
    return err_set(err, ERR_MALFORMED, "trials have no state \"%s\"; %suse %s", name,
                   suggest_question(&meant, question), buf_text(&known));
}

static int read_states(const char *text, unsigned *states, struct err *err)
{
    while (text != NULL && *text != '\0') {
        char name[24] = "";
        size_t len = strcspn(text, ",");
        if (len < sizeof name) {
            memcpy(name, text, len);
        }
        int state = trial_state_from_name(name);
        if (state < 0) {
            return refuse_state(text, len, err);
        }
        *states |= 1u << state;
        text += len + (text[len] == ',' ? 1 : 0);
    }
    return 0;
}

static int read_source(const char *text, int *source, struct err *err)
{
    *source = -1;
    if (text == NULL) {
        return 0;
    }
    for (int i = SOURCE_SUGGESTED; i <= SOURCE_IMPORTED; i++) {
        if (strcmp(text, trial_source_name((enum trial_source)i)) == 0) {
            *source = i;
            return 0;
        }
    }
    return err_set(err, ERR_MALFORMED, "source must be suggested, enqueued or imported");
}

/* A metric is better when it is larger if it is an objective to maximise, else when smaller. */
static void read_direction(struct selection *selection)
{
    const struct study_def *def = selection->read->study->def->def;

    for (size_t i = 0; i < def->n_objectives; i++) {
        if (strcmp(def->objectives[i].metric, selection->metric) == 0) {
            selection->maximize = def->objectives[i].direction == DIRECTION_MAXIMIZE;
        }
    }
}

static int read_sort(const char *text, struct selection *selection, struct err *err)
{
    const struct study_def *def = selection->read->study->def->def;

    if (text == NULL) {
        return 0;
    }
    selection->reverse = text[0] == '-';
    const char *key = text + (selection->reverse ? 1 : 0);
    if (strcmp(key, "number") == 0) {
        return 0;
    }
    if (strcmp(key, "best") == 0 && def->n_objectives == 1) {
        selection->sort = SORT_BY_BEST;
        selection->maximize = def->objectives[0].direction == DIRECTION_MAXIMIZE;
        return 0;
    }
    if (strncmp(key, "metric:", 7) == 0 && name_is_metric(key + 7)) {
        selection->sort = SORT_BY_METRIC;
        (void)snprintf(selection->metric, sizeof selection->metric, "%s", key + 7);
        read_direction(selection);
        return 0;
    }
    return err_set(err, ERR_MALFORMED,
                   "sort must be number, metric:NAME%s, or one of them with - before it",
                   def->n_objectives == 1 ? " or best" : "");
}

/* ---- cursors: opaque to clients, checked when they come back ---- */

/* The 16 hexadecimal digits of a double that is a number. */
static bool read_cost(const char **at, double *cost)
{
    uint64_t bits = 0;

    for (int i = 0; i < 16; i++, (*at)++) {
        const char *digits = "0123456789abcdef";
        const char *digit = **at == '\0' ? NULL : strchr(digits, **at);
        if (digit == NULL) {
            return false;
        }
        bits = bits << 4 | (uint64_t)(digit - digits);
    }
    memcpy(cost, &bits, sizeof bits);
    return !isnan(*cost);
}

/* As selection_write_key() wrote it. */
static bool read_key(const char *at, struct selection *selection)
{
    int64_t rank = 0;
    bool whole = cursor_skip(&at, 'v') && integer_read(&at, 1, INT64_MAX, &selection->until_seq)
                 && cursor_skip(&at, '_') && integer_read(&at, 0, 1, &rank) && cursor_skip(&at, '_')
                 && integer_read(&at, 0, INT64_MAX, &selection->after.level)
                 && cursor_skip(&at, '_') && read_cost(&at, &selection->after.cost)
                 && cursor_skip(&at, '_')
                 && integer_from_text(at, 1, TRIAL_NUMBER_MAX, &selection->after.number);

    selection->after.rank = (int)rank;
    selection->has_key = true;
    return whole;
}

static int read_cursor(const char *text, struct selection *selection, struct err *err)
{
    bool whole;

    if (text == NULL) {
        return 0;
    }
    if (selection->sort == SORT_BY_NUMBER) {
        whole = cursor_skip(&text, 'n')
                && integer_from_text(text, 1, TRIAL_NUMBER_MAX, &selection->after_number);
    } else {
        whole = read_key(text, selection);
    }
    return whole ? 0 : cursor_refused(err);
}

void selection_write_key(char cursor[CURSOR_BYTES], int64_t until_seq, const struct sort_key *key)
{
    uint64_t bits;

    memcpy(&bits, &key->cost, sizeof bits);
    (void)snprintf(cursor, CURSOR_BYTES, "v%" PRId64 "_%d_%" PRId64 "_%016" PRIx64 "_%" PRId64,
                   until_seq, key->rank, key->level, bits, key->number);
}

int selection_read(struct read_request *read, struct selection *selection, struct err *err)
{
    const struct http_request *request = read->request;

    *selection = (struct selection){.read = read};
    TRY(list_limit(request, &selection->limit, err));
    TRY(read_states(http_query(request, "state"), &selection->states, err));
    TRY(read_source(http_query(request, "source"), &selection->source, err));
    selection->worker = http_query(request, "worker");
    TRY(read_sort(http_query(request, "sort"), selection, err));
    return read_cursor(http_query(request, "cursor"), selection, err);
}

bool selection_takes(const struct selection *selection, const struct trial_row *row)
{
    return (selection->source < 0 || (int)row->source == selection->source)
           && (selection->worker == NULL || strcmp(row->worker, selection->worker) == 0);
}

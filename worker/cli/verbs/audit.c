/* audit: who changed what on the server, the newest first. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/integer.h"
#include "worker/cli/session.h"
#include "worker/cli/show/printed_list.h"
#include "worker/cli/show/study.h"
#include "worker/cli/status.h"
#include "worker/cli/text.h"
#include "worker/cli/verbs.h"

#define ROWS_DEFAULT 100
#define PAGE_MOST 1000
#define ENOUGH 1 /* a row that ends the walk: no error */

static const struct argp_option own[] = {
    {"limit", 'n', "N", 0, "the newest N only; 100 unless said", 1},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    int64_t *limit = state->input;

    if (key != 'n') {
        return ARGP_ERR_UNKNOWN;
    }
    if (!integer_from_text(arg, 1, INT64_MAX, limit)) {
        argp_error(state, "--limit %s: write a whole number above 0", arg);
    }
    return 0;
}

enum { AT, WHO, ADDRESS, ACTION, STUDY, TRIAL, TARGET, DETAIL, TOKEN, ID, N_COLUMNS };
static const struct column columns[N_COLUMNS] = {
    [AT] = {"at", false, false},           [WHO] = {"who", false, false},
    [ADDRESS] = {"address", false, false}, [ACTION] = {"action", false, false},
    [STUDY] = {"study", false, false},     [TRIAL] = {"trial", true, false},
    [TARGET] = {"target", false, false},   [DETAIL] = {"detail", false, false},
    [TOKEN] = {"token", false, true},      [ID] = {"id", true, true},
};

struct audit_list {
    struct printed_list list;
    int64_t left;
};

static int row(void *context, json_t *item, struct err *err)
{
    struct audit_list *audit = context;
    char trial[JSON_NUMBER_BYTES], id[JSON_NUMBER_BYTES];
    char at[TEXT_MOMENT_BYTES];
    const char *moment = text_at(item, "at");

    (void)err;
    const char *cells[N_COLUMNS] = {
        [AT] = audit->list.output == OUTPUT_CSV ? moment : text_local(moment, at),
        [WHO] = text_at(item, "token_name"),
        [ADDRESS] = text_at(item, "address"),
        [ACTION] = text_at(item, "action"),
        [STUDY] = text_at(item, "study"),
        [TRIAL] = number_text_at(item, "trial", "", trial),
        [TARGET] = text_at(item, "target"),
        [DETAIL] = text_at(item, "detail"),
        [TOKEN] = text_at(item, "token"),
        [ID] = number_text_at(item, "id", "", id),
    };
    printed_list_row(&audit->list, item, cells);
    return --audit->left > 0 ? 0 : ENOUGH;
}

static int show(const struct options *options, int64_t limit, struct err *err)
{
    OWN(session) struct session session = {0};
    struct audit_list audit = {.left = limit};
    char path[64];

    (void)snprintf(path, sizeof path, "/v1/audit?limit=%" PRId64,
                   limit < PAGE_MOST ? limit : PAGE_MOST);
    TRY(session_open(options, &session, err));
    if (session_previews(&session, "GET", path, NULL)) {
        return 0;
    }
    printed_list_begin(&audit.list, options, columns, N_COLUMNS);
    audit.list.name_column = ID;
    int rc = session_each(&session, path, row, &audit, err);
    bool is_whole = rc == 0 || audit.left == 0;
    printed_list_end(&audit.list, is_whole, "nothing was changed yet");
    return is_whole ? 0 : -1;
}

const struct usage usage_audit = {
    .doc = "Shows who changed studies, trials by hand, tokens and nodes, and ordered backups, the "
           "newest first.\v"
           "WHO is the name of the token; the server itself has none. The server keeps this for "
           "400 days.",
    .flags = USAGE_SERVER | USAGE_OUTPUT,
    .own = own,
    .parse_own = parse,
};

int verb_audit(int argc, char **argv)
{
    struct options options;
    int64_t limit = ROWS_DEFAULT;
    struct err err = {0};

    options_read(&usage_audit, argc, argv, &limit, &options);
    return exit_after(show(&options, limit, &err), &err);
}

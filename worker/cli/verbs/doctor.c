/* hone doctor: is the server well, is the token, and would a worker be here? */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/figures.h"
#include "common/findings.h"
#include "common/json.h"
#include "common/json_at.h"
#include "common/log.h"
#include "worker/cli/session.h"
#include "worker/cli/show/printed_list.h"
#include "worker/cli/status.h"
#include "worker/cli/text.h"
#include "worker/cli/verbs.h"
#include "worker/cli/verbs/doctor_machine.h"

#define CLOCK_MOST_MS 30000

/* ---- the server ---- */

/* As session_get(), and the answer's head, too; *answer is filled where there was one. */
static int ask(struct session *session, const char *path, struct http_answer *answer,
               struct err *err)
{
    const struct http_call call = {.method = "GET", .path = path};

    if (http_client_call(session->client, &call, answer, err) != 0
        || http_answer_check(answer, err) != 0) {
        session_advise(session, err);
        return -1;
    }
    return 0;
}

static void tell_clock(const struct http_answer *answer, struct findings *findings)
{
    const struct clock *clock = clock_system();
    int64_t ahead_ms = clock->wall_ms(clock) - answer->date_ms;

    if (answer->date_ms == 0) {
        finding_add(findings, FINDING_WARN, "clock", "the server does not tell its time");
    } else if (llabs(ahead_ms) > CLOCK_MOST_MS) {
        finding_add(findings, FINDING_WARN, "clock",
                    "this machine is %" PRId64 " s %s the server; set both by NTP: moments are "
                    "shown wrong, and certificates and tokens may seem to have expired",
                    (int64_t)llabs(ahead_ms) / 1000, ahead_ms > 0 ? "ahead of" : "behind");
    } else {
        finding_add(findings, FINDING_OK, "clock", "within %d s of the server's",
                    CLOCK_MOST_MS / 1000);
    }
}

static void tell_version(const json_t *version, struct findings *findings)
{
    const char *theirs = text_at(version, "version");

    if (strcmp(theirs, HONE_VERSION) == 0) {
        finding_add(findings, FINDING_OK, "version", "%s, here and there", HONE_VERSION);
    } else {
        finding_add(findings, FINDING_WARN, "version",
                    "the server has %s, and this is %s; install the server's, first there, then "
                    "here",
                    theirs, HONE_VERSION);
    }
}

static bool is_of_this_machine(const char *url)
{
    return strncmp(url, "http://127.", 11) == 0 || strncmp(url, "http://[::1]", 12) == 0
           || strncmp(url, "http://localhost", 16) == 0;
}

static void tell_way(const char *url, struct findings *findings)
{
    if (strncmp(url, "unix:", 5) == 0) {
        finding_add(findings, FINDING_OK, "server", "%s answers, by a socket of this machine", url);
    } else if (strncmp(url, "https:", 6) == 0) {
        finding_add(findings, FINDING_OK, "server", "%s answers, and its certificate is trusted",
                    url);
    } else if (is_of_this_machine(url)) {
        finding_add(findings, FINDING_OK, "server", "%s answers", url);
    } else {
        finding_add(findings, FINDING_WARN, "server",
                    "%s answers, and the token travels unencrypted; use https, or a network that "
                    "you trust",
                    url);
    }
}

/* Does it answer as a Hone server? */
static bool look_at_server(struct session *session, struct findings *findings)
{
    OWN(http_answer) struct http_answer answer = {0};
    json_auto_t *version = NULL;
    struct err err = {0};

    if (ask(session, "/version", &answer, &err) != 0
        || session_read_answer(&answer, &version, &err) != 0) {
        const char *url = http_client_url(session->client);
        bool is_named = strstr(err.text, url) != NULL;
        finding_add(findings, FINDING_BAD, "server", "%s%s%s", is_named ? "" : url,
                    is_named ? "" : ": ", err.text);
        return false;
    }
    tell_way(http_client_url(session->client), findings);
    tell_version(version, findings);
    tell_clock(&answer, findings);
    return true;
}

static void look_at_readiness(struct session *session, struct findings *findings)
{
    OWN(http_answer) struct http_answer answer = {0};
    struct err err = {0};

    if (ask(session, "/readyz", &answer, &err) != 0) {
        finding_err(findings, FINDING_BAD, "ready", &err,
                    "on its machine 'honed --check --data DIR' says more");
    } else {
        finding_add(findings, FINDING_OK, "ready", "it takes what is sent");
    }
}

/* ---- the token ---- */

static void list_scopes(const json_t *own, char *text, size_t size)
{
    size_t i;
    json_t *scope;

    text[0] = '\0';
    json_array_foreach (json_object_get(own, "scopes"), i, scope) {
        const char *name = json_string_value(scope);
        size_t used = strlen(text);
        (void)snprintf(text + used, size - used, "%s%s", used > 0 ? ", " : "",
                       name == NULL ? "" : name);
    }
}

static void tell_token(const char *file, const json_t *own, struct findings *findings)
{
    char scopes[64];
    const char *ends = text_at(own, "expires_at");
    char until[TEXT_MOMENT_BYTES];

    list_scopes(own, scopes, sizeof scopes);
    if (text_at(own, "id")[0] == '\0') {
        finding_add(findings, FINDING_OK, "token", "none is needed");
        return;
    }
    finding_add(findings, FINDING_OK, "token", "%s is '%s' (%s), with the scope %s%s%s", file,
                text_at(own, "name"), text_at(own, "id"), scopes,
                ends[0] == '\0' ? "" : ", valid until ",
                ends[0] == '\0' ? "" : text_local(ends, until));
}

static void look_at_token(struct session *session, struct findings *findings)
{
    OWN(http_answer) struct http_answer answer = {0};
    json_auto_t *own = NULL;
    const char *file = session->token_file[0] == '\0' ? "no token" : session->token_file;
    struct err err = {0};

    if (ask(session, "/v1/token", &answer, &err) == 0
        && session_read_answer(&answer, &own, &err) == 0) {
        tell_token(file, own, findings);
    } else if (answer.status == 404) {
        finding_add(findings, FINDING_WARN, "token", "this server is too old to say what %s may do",
                    file);
    } else {
        finding_add(findings, FINDING_BAD, "token", "%s: %s", file, err.text);
    }
}

/* ---- both ---- */

/* A private server that does not run is not started for this. */
static int look(const struct options *options, const char *workdir, struct findings *findings)
{
    struct options quiet = *options;
    OWN(session) struct session session = {0};
    struct err err = {0};

    quiet.dry_run = !options->curl;
    if (session_open(&quiet, &session, &err) != 0) {
        finding_err(findings, FINDING_BAD, "server", &err, "");
    } else if (options->curl) {
        return session_previews(&session, "GET", "/version", NULL) ? 1 : 0;
    } else if (look_at_server(&session, findings)) {
        look_at_readiness(&session, findings);
        look_at_token(&session, findings);
    }
    doctor_machine(workdir, findings);
    return 0;
}

enum { GRADE, CHECK, TEXT, N_COLUMNS };
static const struct column columns[N_COLUMNS] = {
    [GRADE] = {"grade", false, false},
    [CHECK] = {"check", false, false},
    [TEXT] = {"text", false, false},
};

static void print(const struct options *options, const json_t *found)
{
    struct printed_list list;
    const json_t *item;
    size_t i;

    printed_list_begin(&list, options, columns, N_COLUMNS);
    list.name_column = CHECK;
    json_array_foreach (found, i, item) {
        const char *cells[N_COLUMNS] = {[GRADE] = text_at(item, "grade"),
                                        [CHECK] = text_at(item, "check"),
                                        [TEXT] = text_at(item, "text")};
        printed_list_row(&list, item, cells);
    }
    printed_list_end(&list, true, NULL);
}

static int examine(const struct options *options, const char *workdir, bool *is_well,
                   struct err *err)
{
    bool is_text = options->output == OUTPUT_TABLE || options->output == OUTPUT_WIDE;
    json_auto_t *found = json_array();
    struct findings findings;

    findings_init(&findings, is_text ? stdout : NULL, found);
    log_start("hone", LOG_LEVEL_ERROR); /* what the agent would say is told here */
    if (look(options, workdir, &findings) != 0) {
        return 0;
    }
    TRY(findings_check(&findings, err));
    if (!is_text) {
        print(options, found);
    }
    *is_well = findings.worst != FINDING_BAD;
    return 0;
}

/* ---- the verb ---- */

enum { KEY_WORKDIR = 0x3000 };

static const struct argp_option own[] = {
    {"workdir", KEY_WORKDIR, "DIR", 0,
     "look at this work directory of workers\vThe usual one unless said, as for 'hone worker'.", 1},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    const char **workdir = state->input;

    if (key != KEY_WORKDIR) {
        return ARGP_ERR_UNKNOWN;
    }
    *workdir = arg;
    return 0;
}

const struct usage usage_doctor = {
    .doc = "Looks whether server, token and this machine are in order, and says of each thing "
           "'ok', 'warn' or 'bad' and what to do.\v"
           "It changes nothing. Leaves with 1 where something is bad.",
    .flags = USAGE_SERVER | USAGE_OUTPUT,
    .own = own,
    .parse_own = parse,
};

int verb_doctor(int argc, char **argv)
{
    struct options options;
    const char *workdir = NULL;
    bool is_well = true;
    struct err err = {0};

    options_read(&usage_doctor, argc, argv, &workdir, &options);
    if (examine(&options, workdir, &is_well, &err) != 0) {
        return exit_with(&err);
    }
    return is_well ? EXIT_STATUS_OK : EXIT_STATUS_FAILED;
}

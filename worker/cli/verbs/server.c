/* server start, server status, server stop: the private server of this account, for programs that
 * want one and for whoever wants it gone. */
#include <jansson.h>
#include <stdio.h>

#include "worker/cli/private.h"
#include "worker/cli/show/printed_list.h"
#include "worker/cli/status.h"
#include "worker/cli/verbs.h"

enum { URL, TOKEN_FILE, WORKER_TOKEN_FILE, LOG_FILE, N_COLUMNS };
static const struct column columns[N_COLUMNS] = {
    [URL] = {"url", false, false},
    [TOKEN_FILE] = {"token file", false, false},
    [WORKER_TOKEN_FILE] = {"worker token file", false, true},
    [LOG_FILE] = {"log file", false, true},
};

/* For people, who will copy the paths: a line each, whole. */
static void print_lines(const char *const cells[], bool wide)
{
    for (size_t i = 0; i < N_COLUMNS; i++) {
        if (wide || !columns[i].wide) {
            (void)printf("%-17s  %s\n", columns[i].title, cells[i]);
        }
    }
}

static int print(const struct options *options, const struct private_server *server, bool started,
                 struct err *err)
{
    json_auto_t *found =
        json_pack("{s:s, s:s, s:s, s:s, s:b}", "url", server->url, "token_file", server->token_file,
                  "worker_token_file", server->worker_token_file, "log_file", server->log_file,
                  "started", (int)started);
    const char *cells[N_COLUMNS] = {
        [URL] = server->url,
        [TOKEN_FILE] = server->token_file,
        [WORKER_TOKEN_FILE] = server->worker_token_file,
        [LOG_FILE] = server->log_file,
    };
    struct printed_list list;

    if (found == NULL) {
        return err_set(err, ERR_INVALID, "the paths of the private server are no UTF-8");
    }
    if (options->output == OUTPUT_JSON) { /* one thing, not a list of one */
        print_json(stdout, found);
        return 0;
    }
    if (options->output == OUTPUT_TABLE || options->output == OUTPUT_WIDE) {
        print_lines(cells, options->output == OUTPUT_WIDE);
        return 0;
    }
    printed_list_begin(&list, options, columns, N_COLUMNS);
    printed_list_row(&list, found, cells);
    printed_list_end(&list, true, "");
    return 0;
}

/* Where none runs, one sentence says so, whatever it was that is missing. Always -1. */
static int none_runs(struct err *err)
{
    return err->code != ERR_NOT_FOUND ? -1
                                      : err_set(err, ERR_NOT_FOUND,
                                                "no private server runs; 'hone server start' "
                                                "starts it");
}

/* ---- start ---------------------------------------------------------------------------------- */

static int start(const struct options *options, struct err *err)
{
    struct private_server server;
    bool started;

    TRY(private_ensure(&server, &started, err));
    return print(options, &server, started, err);
}

const struct usage usage_server_start = {
    .doc = "Starts the private server of this account, or joins it where it runs, and prints where "
           "it serves and which files hold its tokens.\v"
           "It is the server that 'hone run' and 'import hone' use where none is named. It leaves "
           "when it has had nothing to do for ten minutes, and keeps its studies.",
    .flags = USAGE_OUTPUT,
};

int verb_server_start(int argc, char **argv)
{
    struct options options;
    struct err err = {0};

    options_read(&usage_server_start, argc, argv, NULL, &options);
    return exit_after(start(&options, &err), &err);
}

/* ---- status --------------------------------------------------------------------------------- */

static int status(const struct options *options, struct err *err)
{
    struct private_server server;

    return private_find(&server, err) == 0 ? print(options, &server, false, err) : none_runs(err);
}

const struct usage usage_server_status = {
    .doc = "Prints where the private server of this account serves; starts nothing, and leaves "
           "with 3 where none runs.",
    .flags = USAGE_OUTPUT,
};

int verb_server_status(int argc, char **argv)
{
    struct options options;
    struct err err = {0};

    options_read(&usage_server_status, argc, argv, NULL, &options);
    return exit_after(status(&options, &err), &err);
}

/* ---- stop ----------------------------------------------------------------------------------- */

static int stop(struct err *err)
{
    struct private_server server;

    if (private_stop(&server, err) != 0) {
        return none_runs(err);
    }
    say("stopped the private server at %s; its studies stay", server.url);
    return 0;
}

const struct usage usage_server_stop = {
    .doc = "Stops the private server of this account and waits until it is gone. Its studies stay, "
           "and workers of it go on once it is started again.",
};

int verb_server_stop(int argc, char **argv)
{
    struct options options;
    struct err err = {0};

    options_read(&usage_server_stop, argc, argv, NULL, &options);
    return exit_after(stop(&err), &err);
}

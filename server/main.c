/* honed: reads its settings, builds each part, joins them; the one file that knows every folder. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"
#include "common/notify.h"
#include "common/standard_streams.h"
#include "server/api/api.h"
#include "server/api/deliver.h"
#include "server/api/keep_files.h"
#include "server/api/problem.h"
#include "server/api/routes.h"
#include "server/api/study_news.h"
#include "server/api/tokens.h"
#include "server/check.h"
#include "server/reload.h"
#include "server/replay/replay.h"
#include "server/settings.h"
#include "server/store/backup.h"
#include "server/store/tokens.h"

#define DRAIN_MS 10000
#define SPARE_BYTES ((int64_t)64 << 20) /* of the disk, for results */

/* Exit statuses, as sysexits(3) has them. After EXIT_USAGE and EXIT_DATA, which only a person can
 * mend, systemd does not start it again. */
enum { EXIT_USAGE = 2, EXIT_MISSING = 3, EXIT_DATA = 78, EXIT_TEMPORARY = 75, EXIT_DISK = 74 };

static struct http_server *_Atomic running; /* for the signal handlers */

static void on_hangup(int number)
{
    (void)number;
    if (running != NULL) {
        http_server_reload(running);
    }
}

/* What ends a process by default and must not end a server: a terminal that is closed, timers and
 * users' signals that mean nothing here, and a write to a pipe without a reader or beyond a limit
 * on the size of files, which then fails with EPIPE or EFBIG. */
static void ignore_signals(void)
{
    static const int meaningless[] = {SIGPIPE,   SIGXFSZ, SIGUSR1, SIGUSR2, SIGALRM,
                                      SIGVTALRM, SIGPROF, SIGIO,   SIGPWR};
    struct sigaction hangup = {.sa_handler = on_hangup, .sa_flags = SA_RESTART};

    for (size_t i = 0; i < sizeof meaningless / sizeof meaningless[0]; i++) {
        (void)signal(meaningless[i], SIG_IGN);
    }
    (void)sigaction(SIGHUP, &hangup, NULL);
}

static void on_signal(int number)
{
    static volatile sig_atomic_t seen;

    if (seen && number == SIGTERM) {
        log_in_signal("a second SIGTERM: leaving at once, without waiting for what is under way");
        _exit(1);
    }
    seen = 1;
    http_server_stop(running);
}

static void on_idle(void *context)
{
    struct api *api = context;

    log_info("idle for long enough; leaving");
    http_server_stop(api->http);
}

/* A secret in a file of its own, readable by this user only. It is whole, and on disk, when this
 * returns: the token counts only afterwards. */
static int write_secret(const char *directory, const char *file, const char *secret,
                        struct err *err)
{
    char path[4096];
    char fresh[4096 + 8];

    (void)snprintf(path, sizeof path, "%s/%s", directory, file);
    (void)snprintf(fresh, sizeof fresh, "%s.new", path);
    OWN(fd) int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    OWN(fd) int folder = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || folder < 0 || dprintf(fd, "%s\n", secret) < 0 || fsync(fd) != 0
        || rename(fresh, path) != 0 || fsync(folder) != 0) {
        return err_set(err, err_code_of_errno(errno), "cannot write %s: %s", path, strerror(errno));
    }
    return 0;
}

static int add_token(struct engine *engine, const char *directory, const char *scope,
                     struct err *err)
{
    struct token_row row;
    char secret[TOKEN_TEXT_BYTES];
    char file[32];

    token_make(scope, token_scopes(scope), 0, &row, secret);
    (void)snprintf(file, sizeof file, "%s.token", scope);
    TRY(write_secret(directory, file, secret, err));
    return engine_add_token(engine, &row, err);
}

/* Makes the tokens that are missing: both at the first start, or at the next one if that was cut
 * short. Without a valid admin token no one could make one, so it is made anew whenever there is
 * none. */
static int first_tokens(struct engine *engine, const struct settings *settings, struct err *err)
{
    if (settings->data == NULL) {
        return 0;
    }
    if (!engine_has_token(engine, HTTP_SCOPE_WORKER, false)) {
        TRY(add_token(engine, settings->data, "worker", err));
    }
    if (!engine_has_token(engine, HTTP_SCOPE_ADMIN, true)) {
        if (engine_has_token(engine, HTTP_SCOPE_ADMIN, false)) {
            log_warning("no token with the scope admin is valid any more; a new one is in "
                        "%s/admin.token",
                        settings->data);
        }
        return add_token(engine, settings->data, "admin", err);
    }
    return 0;
}

static int start_http(struct api *api, const struct settings *settings, struct reload *reload,
                      struct err *err)
{
    struct http_settings http = {
        .socket_mode = settings->socket_mode,
        .open = settings->open,
        .plain_http = settings->plain_http,
        .behind_proxy = settings->behind_proxy,
        .host = settings->host,
        .tls_cert_file = settings->tls_cert,
        .tls_key_file = settings->tls_key,
        .clock = clock_system(),
        .routes = api_routes,
        .n_routes = api_n_routes,
        .context = api,
        .on_reload = reload_settings,
        .reload_context = reload,
        .problem = api_problem,
    };

    memcpy(http.listen, settings->listen, sizeof http.listen);
    return http_server_create(&http, &api->http, err);
}

static int open_files(struct api *api, const struct settings *settings, struct err *err)
{
    const struct logs_settings logs = {.directory = settings->data,
                                       .log_limit = settings->log_bytes,
                                       .total_limit = settings->logs_bytes,
                                       .spare_bytes = SPARE_BYTES};

    const struct uploads_settings uploads = {.directory = settings->data,
                                             .limit = settings->checkpoint_bytes,
                                             .spare_bytes = SPARE_BYTES};

    if (settings->data == NULL) {
        return 0;
    }
    TRY(logs_create(&logs, &api->logs, err));
    return uploads_create(&uploads, &api->uploads, err);
}

static int serve(struct api *api, const struct settings *settings, struct reload *reload,
                 struct err *err)
{
    TRY(open_files(api, settings, err));
    TRY(first_tokens(api->engine, settings, err));
    TRY(start_http(api, settings, reload, err));
    TRY(engine_start(api->engine, err));
    TRY(keep_files_begin_epoch(api, err));
    keep_files_start(api);
    running = api->http;
    struct sigaction action = {.sa_handler = on_signal};
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGINT, &action, NULL);
    for (size_t i = 0; http_server_url(api->http, i) != NULL; i++) {
        (void)printf("honed: listening on %s\n", http_server_url(api->http, i));
    }
    (void)fflush(stdout);
    notify_manager("READY=1");
    if (settings->plain_http) {
        log_warning("--plain-http: tokens and configurations travel unencrypted");
    }
    return http_server_run(api->http, 0, err);
}

/* `argc` and `argv` are read again on SIGHUP. */
static int run(int argc, char **argv, struct settings *settings, struct err *err)
{
    static struct clock_scaled scaled;
    struct api api = {.clock = clock_system(),
                      .directory = settings->data,
                      .fits = fit_cache_create(),
                      .is_open = settings->open};

    if (settings->test_clock_scale > 1) {
        clock_scaled_init(&scaled, settings->test_clock_scale);
        api.clock = &scaled.clock;
    }
    struct reload reload = {argc, argv, settings, &api};
    api.started_at_ms = api.clock->wall_ms(api.clock);
    struct engine_settings engine = {
        .clock = api.clock,
        .clock_scale = settings->test_clock_scale,
        .directory = settings->data,
        .accept_loss = settings->accept_loss,
        .backup_directory = settings->backup_directory,
        .keep_event_days = settings->keep_event_days,
        .keep_audit_days = settings->keep_audit_days,
        .group_max = settings->test_group,
        .idle_exit_ms = settings->idle_exit_seconds * 1000,
        .context = &api,
        .deliver = api_deliver,
        .render = api_render,
        .tokens = api_tokens,
        .token_uses = api_token_uses,
        .token_uses_again = api_token_uses_again,
        .events = api_events,
        .on_idle = on_idle,
    };
    if (engine_create(&engine, &api.engine, err) != 0) {
        fit_cache_destroy(api.fits);
        return -1;
    }
    int result = serve(&api, settings, &reload, err);
    notify_manager("STOPPING=1");
    engine_stop(api.engine, DRAIN_MS); /* answers the requests that wait … */
    if (result == 0) {
        result = http_server_run(api.http, DRAIN_MS, err); /* … and this sends it */
    }
    (void)signal(SIGHUP, SIG_IGN); /* its handler uses the server */
    http_server_destroy(api.http);
    engine_destroy(api.engine);
    fit_cache_destroy(api.fits);
    study_news_finish(&api);
    value_orders_finish(&api.orders);
    logs_destroy(api.logs);
    uploads_destroy(api.uploads);
    return result;
}

/* --replay: no thread, no socket. */
static int run_replay(const struct settings *settings, struct err *err)
{
    const struct store_settings store_settings = {.directory = settings->data};
    OWN(fd) int lock = -1;
    OWN(store) struct store *store = NULL;

    if (settings->data != NULL) {
        TRY(store_lock_directory(settings->data, &lock, err));
    }
    TRY(store_open(&store_settings, &store, err));
    int result = replay_print(store, settings->replay, settings->replay_until, stdout, err);
    if (result != 0 && err->code == ERR_NOT_FOUND) { /* here no server lists the studies */
        return err_set(err, ERR_NOT_FOUND, "--replay %.70s: this data directory has no such study",
                       settings->replay);
    }
    return result;
}

/* --backup and --restore: what it was, for the one who wrote the command. */
static int run_backup(const struct settings *settings, struct err *err)
{
    const struct backup_order order = {.directory = settings->data, .file = settings->backup};
    struct backup made;

    TRY(store_backup_make(&order, &made, err));
    (void)printf("honed: %s: %" PRId64 " bytes, up to commit %" PRId64
                 ", checked; keep %s.json beside it\n",
                 settings->backup, made.bytes, made.mark.commit, settings->backup);
    return 0;
}

static int run_restore(const struct settings *settings, struct err *err)
{
    struct backup restored;
    OWN(fd) int lock = -1;

    TRY(store_lock_directory(settings->data, &lock, err));
    TRY(store_backup_restore(settings->restore, settings->data, &restored, err));
    (void)printf("honed: %s now has the database of %s, in epoch %" PRId64
                 "; leases of before hold no more, and tokens are those of the backup\n",
                 settings->data, settings->restore, restored.mark.epoch);
    if (restored.kept[0] != '\0') {
        (void)printf("honed: what was there is kept in %s/%s\n", settings->data, restored.kept);
    }
    return 0;
}

static int run_as_told(int argc, char **argv, struct settings *settings, struct err *err)
{
    bool is_offline = settings->backup != NULL || settings->restore != NULL;

    if (is_offline && settings->data == NULL) {
        return err_set(err, ERR_INVALID, "a store in memory has no backup");
    }
    if (settings->backup != NULL) {
        return run_backup(settings, err);
    }
    if (settings->restore != NULL) {
        return run_restore(settings, err);
    }
    return settings->replay != NULL ? run_replay(settings, err) : run(argc, argv, settings, err);
}

static int exit_status(const struct err *err)
{
    switch ((int)err->code) {
    case ERR_NOT_FOUND: /* --replay names no study */
        return EXIT_MISSING;
    case ERR_OVERLOADED: /* another one has it, or a limit on threads or descriptors is reached */
    case ERR_NOMEM:
        return EXIT_TEMPORARY;
    case ERR_STORAGE_FULL:
        return EXIT_DISK;
    case ERR_INVALID:
        return EXIT_USAGE;
    case ERR_IO:
        return EXIT_DATA;
    default:
        return EXIT_FAILURE;
    }
}

int main(int argc, char **argv)
{
    struct settings settings;
    struct err err = {0};
    bool is_well = true;

    if (standard_streams_hold() != 0) {
        perror("honed: cannot open /dev/null in place of stdin, stdout or stderr, which is closed");
        return EXIT_FAILURE;
    }
    log_start("honed", LOG_LEVEL_INFO);
    (void)umask(077);
    ignore_signals();
    json_start();
    if (settings_read(argc, argv, &settings, &err) != 0) {
        log_error("%s", err.text);
        settings_finish(&settings);
        return exit_status(&err) == EXIT_TEMPORARY ? EXIT_TEMPORARY : EXIT_USAGE;
    }
    int result = settings.check ? check_all(&settings, &is_well, &err)
                                : run_as_told(argc, argv, &settings, &err);
    settings_finish(&settings);
    if (result != 0) {
        log_error("%s", err.text);
        return exit_status(&err);
    }
    return is_well ? EXIT_SUCCESS : EXIT_DATA;
}

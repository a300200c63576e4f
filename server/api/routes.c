/* Every route there is. schema/openapi.yaml says the same, and a test holds the two together. */
#include "server/api/routes.h"

#include "server/api/advice.h"
#include "server/api/attempts.h"
#include "server/api/audit.h"
#include "server/api/backups.h"
#include "server/api/best.h"
#include "server/api/brackets.h"
#include "server/api/checkpoints.h"
#include "server/api/columns.h"
#include "server/api/curves.h"
#include "server/api/dashboard.h"
#include "server/api/events.h"
#include "server/api/explain.h"
#include "server/api/export.h"
#include "server/api/health.h"
#include "server/api/hypervolume.h"
#include "server/api/importance.h"
#include "server/api/lanes.h"
#include "server/api/leases.h"
#include "server/api/ledger.h"
#include "server/api/logs.h"
#include "server/api/measurements.h"
#include "server/api/metrics.h"
#include "server/api/pages.h"
#include "server/api/replay.h"
#include "server/api/report.h"
#include "server/api/studies.h"
#include "server/api/suggest.h"
#include "server/api/tokens.h"
#include "server/api/trials.h"
#include "server/api/trials_page.h"
#include "server/api/workers.h"
#include "server/mcp/mcp.h"

#define ADMIN HTTP_SCOPE_ADMIN
#define OPEN HTTP_SCOPE_NONE
#define READ HTTP_SCOPE_READ
#define SUBMIT HTTP_SCOPE_SUBMIT
#define WORKER HTTP_SCOPE_WORKER

const struct http_route api_routes[] = {
    {"POST", "/v1/studies", SUBMIT, HTTP_BODY_JSON_BULK, post_study},
    {"GET", "/v1/studies", READ, HTTP_BODY_NONE, get_studies},
    {"GET", "/v1/studies/{study}", READ, HTTP_BODY_NONE, get_study},
    {"PATCH", "/v1/studies/{study}", SUBMIT, HTTP_BODY_JSON_PATCH, patch_study},
    {"DELETE", "/v1/studies/{study}", SUBMIT, HTTP_BODY_NONE, delete_study},
    {"GET", "/v1/studies/{study}/best", READ, HTTP_BODY_NONE, get_best},
    {"GET", "/v1/studies/{study}/pareto", READ, HTTP_BODY_NONE, get_pareto},
    {"GET", "/v1/studies/{study}/hypervolume", READ, HTTP_BODY_NONE, get_hypervolume},
    {"GET", "/v1/studies/{study}/history", READ, HTTP_BODY_NONE, get_history},
    {"GET", "/v1/studies/{study}/curves", READ, HTTP_BODY_NONE, get_curves},
    {"GET", "/v1/studies/{study}/ledger", READ, HTTP_BODY_NONE, get_ledger},
    {"GET", "/v1/studies/{study}/export", READ, HTTP_BODY_NONE, get_export},
    {"GET", "/v1/studies/{study}/replay", READ, HTTP_BODY_NONE, get_replay},
    {"GET", "/v1/studies/{study}/events", READ, HTTP_BODY_NONE, get_events},
    {"GET", "/v1/events", READ, HTTP_BODY_NONE, get_events},
    {"GET", "/v1/studies/{study}/trials", READ, HTTP_BODY_NONE, get_trials},
    {"POST", "/v1/studies/{study}/trials", SUBMIT, HTTP_BODY_JSON_BULK, post_trials},
    {"GET", "/v1/studies/{study}/trials/columns", READ, HTTP_BODY_NONE, get_columns},
    {"POST", "/v1/studies/{study}/trials/retry", SUBMIT, HTTP_BODY_JSON_OPTIONAL, post_retry},
    {"POST", "/v1/studies/{study}/trials/{trial}/retry", SUBMIT, HTTP_BODY_JSON_OPTIONAL,
     post_retry},
    {"GET", "/v1/studies/{study}/trials/{trial}", READ, HTTP_BODY_NONE, get_trial},
    {"PATCH", "/v1/studies/{study}/trials/{trial}", SUBMIT, HTTP_BODY_JSON_PATCH, patch_trial},
    {"GET", "/v1/studies/{study}/trials/{trial}/measurements", READ, HTTP_BODY_NONE,
     get_measurements},
    {"GET", "/v1/studies/{study}/trials/{trial}/attempts", READ, HTTP_BODY_NONE, get_attempts},
    {"GET", "/v1/studies/{study}/trials/{trial}/log", READ, HTTP_BODY_NONE, get_log},
    {"GET", "/v1/studies/{study}/trials/{trial}/explain", READ, HTTP_BODY_NONE, get_explain},
    {"GET", "/v1/studies/{study}/brackets", READ, HTTP_BODY_NONE, get_brackets},
    {"GET", "/v1/studies/{study}/importance", READ, HTTP_BODY_NONE, get_importance},
    {"GET", "/v1/studies/{study}/report", READ, HTTP_BODY_NONE, get_report},
    {"GET", "/v1/studies/{study}/paper", READ, HTTP_BODY_NONE, get_paper},
    {"POST", "/v1/advice", READ, HTTP_BODY_JSON_BULK, post_advice},
    {"POST", "/v1/suggest", READ, HTTP_BODY_JSON_BULK, post_suggest},
    {"POST", "/v1/leases", WORKER, HTTP_BODY_JSON_OPTIONAL, post_lease},
    {"POST", "/v1/studies/{study}/leases", WORKER, HTTP_BODY_JSON_OPTIONAL, post_lease},
    {"POST", "/v1/leases/{lease}/measurements", WORKER, HTTP_BODY_JSON, post_measurements},
    {"PUT", "/v1/leases/{lease}/checkpoint", WORKER, HTTP_BODY_STREAM, put_checkpoint},
    {"GET", "/v1/leases/{lease}/checkpoint", WORKER, HTTP_BODY_NONE, get_checkpoint},
    {"POST", "/v1/leases/{lease}/log", WORKER, HTTP_BODY_BYTES, post_log},
    {"PUT", "/v1/leases/{lease}", WORKER, HTTP_BODY_JSON_OPTIONAL, put_lease},
    {"PUT", "/v1/leases/{lease}/result", WORKER, HTTP_BODY_JSON, put_result},
    {"DELETE", "/v1/leases/{lease}", WORKER, HTTP_BODY_NONE, delete_lease},
    {"GET", "/v1/token", READ | WORKER, HTTP_BODY_NONE, get_own_token},
    {"POST", "/v1/tokens", ADMIN, HTTP_BODY_JSON, post_token},
    {"GET", "/v1/tokens", ADMIN, HTTP_BODY_NONE, get_tokens},
    {"POST", "/v1/backups", ADMIN, HTTP_BODY_JSON_OPTIONAL, post_backup},
    {"GET", "/v1/backups", ADMIN, HTTP_BODY_NONE, get_backups},
    {"GET", "/v1/audit", ADMIN, HTTP_BODY_NONE, get_audit},
    {"DELETE", "/v1/tokens/{token}", ADMIN, HTTP_BODY_NONE, delete_token},
    {"GET", "/v1/workers", READ, HTTP_BODY_NONE, get_workers},
    {"GET", "/v1/workers/lanes", READ, HTTP_BODY_NONE, get_lanes},
    {"GET", "/v1/workers/{worker}", READ, HTTP_BODY_NONE, get_worker},
    {"POST", "/v1/workers/{worker}/drain", SUBMIT, HTTP_BODY_JSON_OPTIONAL, post_drain},
    {"POST", "/v1/workers/{worker}/resume", SUBMIT, HTTP_BODY_JSON_OPTIONAL, post_resume},
    {"POST", "/mcp", READ, HTTP_BODY_JSON, post_mcp},
    {"GET", "/metrics", READ, HTTP_BODY_NONE, get_metrics},
    {"GET", "/healthz", OPEN, HTTP_BODY_NONE, pages_get_health},
    {"GET", "/readyz", OPEN, HTTP_BODY_NONE, get_readiness},
    {"GET", "/version", OPEN, HTTP_BODY_NONE, pages_get_version},
    {"GET", "/openapi.json", OPEN, HTTP_BODY_NONE, pages_get_openapi},
    {"GET", "/problems/{type}", OPEN, HTTP_BODY_NONE, pages_get_problem},
    {"GET", "/assets/{hash}/{file}", OPEN, HTTP_BODY_NONE, get_asset},
    {"GET", "/assets/{hash}/vendor/{file}", OPEN, HTTP_BODY_NONE, get_asset},
    {"GET", "/studies/{study}", OPEN, HTTP_BODY_NONE, get_page},
    {"GET", "/studies/{study}/trials", OPEN, HTTP_BODY_NONE, get_page},
    {"GET", "/studies/{study}/trials/{trial}", OPEN, HTTP_BODY_NONE, get_page},
    {"GET", "/studies/{study}/brackets", OPEN, HTTP_BODY_NONE, get_page},
    {"GET", "/workers", OPEN, HTTP_BODY_NONE, get_page},
    {"GET", "/new", OPEN, HTTP_BODY_NONE, get_page},
    {"GET", "/", OPEN, HTTP_BODY_NONE, get_page},
};
const size_t api_n_routes = sizeof api_routes / sizeof api_routes[0];

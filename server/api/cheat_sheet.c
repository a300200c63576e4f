#include "server/api/cheat_sheet.h"

#include "server/api/api.h"
#include "server/api/read.h"

static const char title[] =
    "Hone " HONE_VERSION
    " by curl (7.82 or later). Every GET takes format=json, ndjson, csv, table\n"
    "or text; of one thing also sh, of trials also hydra. All of the API: /openapi.json\n"
    "\n";

/* Tokens never stand in arguments, where other users of the machine see them. */
static const char with_tokens[] =
    "  as() { sed 's/.*/oauth2-bearer = \"&\"/' \"$1\" | (shift; curl -sS --fail-with-body -K - "
    "\"$@\"); }\n"
    "  hc() { as admin.token \"$@\"; }; hw() { as worker.token \"$@\"; }  # in the data "
    "directory\n";
static const char without_tokens[] =
    "  hc() { curl -sS --fail-with-body \"$@\"; }; hw() { hc \"$@\"; }\n";

static const char commands[] =
    "\n"
    "  hc \"$H/studies?format=table\"                               # what runs, what is best\n"
    "  hc \"$H/studies\" --json '{\"name\": \"demo\", \"metric\": \"loss\", \"direction\": "
    "\"minimize\",\n"
    "    \"limits\": {\"trials\": 20}, \"parameters\": [{\"name\": \"lr\", \"type\": \"float\",\n"
    "    \"low\": 1e-5, \"high\": 0.1, \"scale\": \"log\"}]}'              # create; again: "
    "harmless\n"
    "  eval \"$(hw \"$H/leases?format=sh\" --json '{\"studies\": [\"demo\"], \"worker\": "
    "\"sh1\"}')\"  # ask\n"
    "  echo \"trial $HONE_TRIAL: lr=$HONE_PARAM_LR\"\n"
    "  hw \"$H/leases/$HONE_LEASE/measurements?format=text\" \\\n"
    "    --json '{\"measurements\": [{\"step\": 1, \"metrics\": {\"loss\": 0.31}}]}'  # continue "
    "or stop?\n"
    "  hw -X PUT \"$H/leases/$HONE_LEASE/result\" \\\n"
    "    --json '{\"outcome\": \"completed\", \"metrics\": {\"loss\": 0.21}}'    # once and for "
    "all\n"
    "  eval \"$(hc \"$H/studies/demo/best?format=sh\")\"; echo \"$HONE_VALUE with "
    "lr=$HONE_PARAM_LR\"\n"
    "  hc \"$H/studies/demo/trials?sort=best&limit=10&format=table\"\n"
    "  hc \"$H/studies/demo/trials/1/explain?format=text\"          # why; who waits: …/brackets\n"
    "  hc \"$H/studies/demo/export\" -o demo.csv\n"
    "  hc \"$H/studies/demo?wait=60&after=0&format=table\"          # when something is new\n"
    "  hc -N \"$H/studies/demo/events?format=text\"                 # follow; goes on with "
    "after=N\n"
    "  hc -X PATCH \"$H/studies/demo\" --json '{\"state\": \"paused\"}' # or running, stopped\n"
    "  hc \"$H/workers?format=table\"; hc \"${H%/v1}/metrics\" | grep hone_best\n";

void get_cheat_sheet(void *context, struct http_request *request)
{
    const struct api *api = context;
    struct http_response response;
    char url[HTTP_OWN_URL_BYTES];
    enum format format;

    if (!page_format(request, FORMAT_BIT(FORMAT_TEXT), &format)) {
        return;
    }
    http_own_url(request, url);
    http_response_init(&response, 200, format_content_type(FORMAT_TEXT));
    http_response_header(&response, "Vary", "Accept");
    buf_printf(&response.body, "%s  H=%s/v1\n%s%s", title, url,
               api->is_open ? without_tokens : with_tokens, commands);
    http_reply(request, &response);
}

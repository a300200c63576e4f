/* What a tool is: its name, its arguments, and the routes that do its work.
 *
 * A tool has no work of its own. Its arguments become the method, the target and the body of a
 * request to a route of the API, which judges them; the answer of that is shown as text. A tool
 * that needs several of them says in next() what follows. The schema that clients are shown is made
 * of the same rows that the arguments are read by. */
#ifndef SERVER_MCP_TOOL_H
#define SERVER_MCP_TOOL_H

#include <jansson.h>
#include <stdbool.h>

#include "common/json.h"
#include "server/http/http.h"
#include "server/mcp/text.h"

struct call;

enum argument_kind {
    ARGUMENT_NAME, /* of a study; it stands in the path */
    ARGUMENT_INTEGER,
    ARGUMENT_STRING,
    ARGUMENT_CHOICE,
    ARGUMENT_BOOLEAN,
    ARGUMENT_JSON, /* of any other type: `schema` says which */
};
enum argument_place {
    PLACE_NONE, /* in no request as it is: for prepare() */
    PLACE_PATH,
    PLACE_QUERY,
    PLACE_ANSWER, /* in none: what of the answer is shown */
};

struct argument {
    const char *name; /* NULL ends a list */
    enum argument_kind kind;
    enum argument_place place;
    bool required;
    int64_t low, high;
    const char *fallback;   /* of a query, as it is sent; NULL: nothing is sent */
    const char *choices[6]; /* NULL-terminated */
    const char *query;      /* its name there, where it has another one */
    const char *schema;     /* JSON: members of its schema beside the description */
    const char *description;
};

struct tool {
    const char *name, *title, *description;
    unsigned scopes; /* any of them suffices, as of the routes that it uses */
    bool writes;     /* it changes something */
    bool destroys;   /* … that cannot be brought back */
    bool repeatable; /* twice is as once */
    bool passes_on;  /* the arguments are the body: the route refuses what it does not know */
    const struct argument *arguments;
    const char *method; /* of the first request */
    const char *target; /* "/v1/studies/{study}/best?format=text": queries of arguments follow */
    /* Makes the body of the first request, and may change call->target and call->method; NULL:
     * there is no body but the arguments that are passed on. */
    void (*prepare)(struct call *call, struct buf *body, struct faults *faults);
    /* An answer that is no refusal has come: forwards the call again, or shows something. NULL: it
     * is shown as it is. */
    void (*next)(struct call *call, const struct http_response *response);
    /* The same for a refusal that is no end; true: it has done so. NULL: every refusal is shown. */
    bool (*despite)(struct call *call, const struct http_response *response);
    enum text_end end;
    const char
        *faults_at;   /* what the pointers of the route's faults are below; NULL: the arguments */
    const char *rest; /* how to get the lines that were cut; NULL: with `skip` */
};

/* All tools; the last one has no name. */
extern const struct tool tools[];
/* NULL: there is no tool of this name. */
const struct tool *tool_find(const char *name);
/* Writes those that someone with these scopes may use, as tools/list does: an array. */
void tools_write(unsigned scopes, struct json_writer *w);

/* Appends the target of the first request. Faults in the arguments, unless the tool passes them on:
 * then of the path and the query alone. */
void tool_target(const struct tool *tool, const json_t *arguments, struct buf *out,
                 struct faults *faults);

/* Appends a text as part of a path or a query: percent-encoded. */
void url_add(struct buf *out, const char *text);

#endif

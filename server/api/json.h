/* Studies and trials as JSON. */
#ifndef SERVER_API_JSON_H
#define SERVER_API_JSON_H

#include "common/json.h"
#include "server/engine/engine.h"
#include "server/http/http.h"

#define RESPONSE_MAX (64u << 20) /* bytes of a body */

/* Each writes one object. Any thread; what does not fit or has no memory sets `failed` in the
 * buffer. */
void study_write(const struct study_def *def, const struct study_row *row, struct json_writer *w);
/* The same in the object that is open. */
void study_write_members(const struct study_def *def, const struct study_row *row,
                         struct json_writer *w);
/* A member: [{"number": 7}, …]. */
void write_numbers(const char *key, size_t n, const int64_t numbers[], struct json_writer *w);
void trial_write(const struct study_def *def, const struct trial_row *row, struct json_writer *w);
/* The same with what its job has measured until now; `lease` may be NULL. */
void trial_write_live(const struct study_def *def, const struct trial_row *row,
                      const struct live_lease_view *lease, struct json_writer *w);
/* Members of the open object, left out where 0: how many reported values were `replaced`, and how
 * many `ignored` because another one stays. */
void trial_corrections_write(const struct trial_row *row, struct json_writer *w);
/* The same from a command's answer. */
void trial_reply_write(const struct trial_reply *reply, struct json_writer *w);
/* A stored text for an answer that is written to `out`; the caller owns it. NULL: there is none, it
 * is damaged, or memory is out, which `out` notes. */
json_t *stored_json(const char *text, struct buf *out);
/* Begins a JSON answer; `w` writes its body. */
void json_response(struct http_response *response, int status, struct json_writer *w);
/* Ends the last line of a body, if it has any: a terminal's prompt stands in a line of its own. */
void response_end_line(struct http_response *response);

#endif

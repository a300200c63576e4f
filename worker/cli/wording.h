/* What a server's sentence says of its API, in the words of this program: people who typed
 * `hone study show x` are told of `hone study list`, not of GET /v1/studies. tests/e2e/test_wording
 * looks for sentences of the server that lack a row here. */
#ifndef WORKER_CLI_WORDING_H
#define WORKER_CLI_WORDING_H

#include "common/err.h"

/* Replaces in err->text. A second time changes nothing. */
void wording_apply(struct err *err);

/* Replaces every `from` in the text of the error; what does not fit any more is cut. */
void wording_replace(struct err *err, const char *from, const char *to);

#endif

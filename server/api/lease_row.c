#include "server/api/lease_row.h"

#include "server/api/read.h"
#include "server/api/request.h"

static bool has_study(struct api *api, int64_t id)
{
    struct live_view *view = engine_view(api->engine);
    bool lives = read_study_name(view, id) != NULL;

    live_view_release(view);
    return lives;
}

static int check(struct api *api, struct store *store, const struct lease_name *name,
                 const struct attempt_row *row, struct err *err)
{
    int64_t now_ms = api->clock->wall_ms(api->clock);

    if (!lease_secret_equal(row->secret, name->secret)) {
        return store_unknown_lease(store, err);
    }
    if (row->end != ATTEMPT_LIVE && now_ms - row->ended_at_ms > AFTER_END_MS) {
        return err_set(err, ERR_LEASE_ENDED,
                       "this lease ended too long ago (\"%s\") for anything more of it",
                       attempt_end_name(row->end));
    }
    if (!has_study(api, trial_id_study(row->trial))) {
        return err_set(err, ERR_LEASE_ENDED, "the study of this lease was deleted");
    }
    return 0;
}

int lease_row_load(struct api *api, const struct http_request *request, struct store *store,
                   struct attempt_row *row, struct err *err)
{
    char text[LEASE_ID_BYTES];
    struct lease_name name;
    OWN(attempt_row) struct attempt_row found = {0};

    TRY(request_lease(request, text, err));
    TRY(lease_name_parse(text, &name, err));
    TRY(store_check_epoch(store, name.attempt_id, err));
    TRY(store_attempt_load(store, name.attempt_id, &found, err));
    TRY(check(api, store, &name, &found, err));
    *row = found;
    found = (struct attempt_row){0};
    return 0;
}

#include "worker/cli/import/optuna.h"

int optuna_is(const char *path, bool *is, struct err *err)
{
    (void)path;
    (void)err;
    *is = false;
    return 0;
}

int optuna_read(struct import *import, struct err *err)
{
    (void)import;
    return err_set(err, ERR_INVALID, "not yet");
}

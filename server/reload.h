/* SIGHUP: the settings are read again, from the same arguments and file. What can change while the
 * server runs does: the limits on logs and checkpoints, the files of certificate and key. What else
 * differs is named in the log, and takes effect at the next start. A file that cannot be read, or
 * says what is refused, is logged and changes nothing. */
#ifndef SERVER_RELOAD_H
#define SERVER_RELOAD_H

#include "server/api/api.h"
#include "server/settings.h"

struct reload {
    int argc;
    char **argv;
    struct settings *running; /* what the server runs with; changed with it */
    struct api *api;
};

/* Loop thread, before the certificate is read again. */
void reload_settings(void *reload);

#endif

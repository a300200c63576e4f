/* MHD's callbacks: the way of a request from its first line to its end. Loop thread. For this
 * folder alone. */
#ifndef SERVER_HTTP_DISPATCH_H
#define SERVER_HTTP_DISPATCH_H

#include "server/http/internal.h"

/* MHD_OPTION_URI_LOG_CALLBACK: a request line was read; returns the request. */
void *dispatch_begin(void *server, const char *uri, struct MHD_Connection *mhd);
/* MHD_AccessHandlerCallback: the head, then each piece of the body, then its end. MHD_NO: close. */
enum MHD_Result dispatch_access(void *server, struct MHD_Connection *mhd, const char *url,
                                const char *method, const char *version, const char *upload,
                                size_t *upload_len, void **request);
/* MHD_RequestCompletedCallback. */
void dispatch_completed(void *server, struct MHD_Connection *mhd, void **request,
                        enum MHD_RequestTerminationCode why);
/* MHD_NotifyConnectionCallback: a connection was made or is gone. */
void dispatch_connection(void *server, struct MHD_Connection *mhd, void **connection,
                         enum MHD_ConnectionNotificationCode what);

#endif

/* Tells the service manager that started this program how it is: sd_notify(3) without its library.
 */
#ifndef COMMON_NOTIFY_H
#define COMMON_NOTIFY_H

/* Sends "READY=1", "STOPPING=1", … to the socket that NOTIFY_SOCKET names. Does nothing where none
 * is named. A failure to send is ignored. */
void notify_manager(const char *state);

#endif

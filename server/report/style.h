/* The style of the page: report.css, embedded by the build. */
#ifndef SERVER_REPORT_STYLE_H
#define SERVER_REPORT_STYLE_H

/* One text. */
extern const char *const report_style[];
extern const int report_style_count;

#endif

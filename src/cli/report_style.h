/* report.css, as the build made an array of it (cmake/layers.cmake). */
#ifndef CLI_REPORT_STYLE_H
#define CLI_REPORT_STYLE_H

#include <stddef.h>

extern const unsigned char report_style[];
extern const size_t report_style_size;

#endif

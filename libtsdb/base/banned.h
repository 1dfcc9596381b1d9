/* banned.h - calls that have no place here, forced into every C file by the Makefile.
 *
 * The headers that declare them come first, so that only our own uses are errors. Instead: pm_buf, snprintf,
 * pm_int_parse, pm_double_parse, gmtime_r, strtok_r. */
#ifndef PM_BASE_BANNED_H
#define PM_BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#undef alloca
#pragma GCC poison strcpy stpcpy strncpy strcat strncat sprintf vsprintf gets
#pragma GCC poison strtok atoi atol atoll atof
#pragma GCC poison asctime ctime gmtime localtime
#pragma GCC poison tmpnam tempnam mktemp rand srand alloca

#endif

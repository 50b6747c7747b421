/*
 * What is known of an environment variable by its name and its value.
 */
#ifndef APP_VARIABLE_H
#define APP_VARIABLE_H

#include <stdbool.h>
#include <stddef.h>

/* The variables without which the guide's app does not run on a Space. */
extern const char *const variable_required[];
extern const size_t variable_required_count;

bool variable_is_required(const char *name);

/* True when its name says that its value is secret (…_SECRET, …_KEY, …_TOKEN,
 * PASSWORD, a database's URI). */
bool variable_is_secret(const char *name);

/* NEXT_PUBLIC_…: the value is written into the code when it is built. */
bool variable_is_public(const char *name);

/* True for what Node, Next, the shell or the host set themselves. */
bool variable_is_provided(const char *name);

/* Mail by SMTP: SMTP_HOST, MAIL_PORT, EMAIL_SERVER … */
bool variable_is_smtp(const char *name, const char *value);

/* Why value is no value but an example that was left in ("your-…", "xxxx",
 * "<password>", "user:pass@"); NULL when it looks real.  A string literal. */
const char *variable_placeholder(const char *value);

/* True for fallbacks for signing secrets that stand in public code. */
bool variable_is_known_secret(const char *value);

#endif

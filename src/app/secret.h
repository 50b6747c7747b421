/*
 * Secrets that stand in a text: by the form that who issues them gives them,
 * or because they are values of the app's own environment.  What is found is
 * named by its kind and place; the secret itself goes nowhere.
 */
#ifndef APP_SECRET_H
#define APP_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#include "app/envfile.h"
#include "app/span.h"

/* kind: "a Hugging Face token", "a MongoDB URI with a password" …; lives for the
 * call.  False ends the search. */
typedef bool secret_fn(void *arg, const char *kind, const char *at);

/* Calls fn for each secret in text.  env may be NULL.  False when fn said so. */
bool secret_scan(struct span text, const struct envfile *env, secret_fn *fn,
    void *arg);

#endif

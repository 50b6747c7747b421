/*
 * Where a bucket is and who asks: s3://bucket/prefix together with the
 * environment that the AWS tools read (design, section 3).  For src/store only.
 */
#ifndef STORE_S3_CONFIG_H
#define STORE_S3_CONFIG_H

#include "store/s3.h"

/* Fills the fields of s from rest (what follows "s3://") and the environment.
 * False with *err; s3_config_free() is due in either case. */
bool s3_config_read(struct s3 *s, const char *rest, struct err *err);
void s3_config_free(struct s3 *s);

/* True when host (with or without a port) is this machine. */
bool s3_config_is_loopback(const char *host);

#endif

/*
 * One multipart upload: what s3_multipart.c (its parts) and s3_complete.c (its
 * end) share.  For src/store only.
 */
#ifndef STORE_S3_UPLOAD_H
#define STORE_S3_UPLOAD_H

#include "store/s3.h"

#define S3_UPLOAD_ID_SIZE 2048

struct s3_part {
	uint64_t size;		/* 0: not there yet */
	char *etag;
};

struct s3_upload {
	struct s3_session *ss;
	const struct store_put *put;
	char id[S3_UPLOAD_ID_SIZE];
	uint64_t part_size;
	unsigned n_parts;
	struct s3_part *parts;
	uint64_t told;		/* as in struct s3_body */
	struct hash *whole;	/* of the parts read so far */
	bool resumed;
	bool lost;		/* the store no longer knows the id */
};

/* True, with the digest, when an ETag looks like an MD5. */
bool s3_etag_md5(const char *etag, uint8_t md5[HASH_MD5_SIZE]);

/* Puts the parts together, all of which are there.  Sets lost.  False with
 * *err. */
bool s3_complete(struct s3_upload *u, char *etag, struct err *err);

#endif

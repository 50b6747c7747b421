/*
 * The age file format, version 1 (https://age-encryption.org/v1, C2SP age.md):
 * what the standard `age` program writes and reads.  A file is encrypted to the
 * recipients ("age1…", X25519), who read it with their identities
 * ("AGE-SECRET-KEY-1…"); or by a passphrase (scrypt).
 *
 * Order: age_recipients_new(), add, any number of writers; age_identities_new(),
 * add, any number of readers.  Both sets are read only once filled, and may then
 * be shared by threads; writers and readers belong to one thread.
 *
 * Whatever is read is hostile until authenticated: no byte is handed out that
 * was not.  A file that is cut between two chunks is found out at its end only,
 * so what a reader has handed out counts once the end was reached.
 */
#ifndef CODEC_AGE_H
#define CODEC_AGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/stream.h"

#define AGE_SEED_SIZE 32
#define AGE_CHUNK ((size_t)64 * 1024)
/* What encryption adds at most: a header of that many recipients, and 16 bytes
 * for each chunk. */
#define AGE_RECIPIENTS_MAX 64

struct age_recipients;

struct age_recipients *age_recipients_new(struct err *err);
void age_recipients_free(struct age_recipients *r);	/* NULL is allowed */
/* text is one "age1…".  The same again is no error.  ERR_USAGE for what is none
 * (ssh keys, plugins: ERR_UNSUPPORTED), and for too many. */
bool age_recipients_add(struct age_recipients *r, const char *text,
    struct err *err);
/* A file of them, one a line; empty lines and those from # on are passed over. */
bool age_recipients_add_file(struct age_recipients *r, const char *path,
    struct err *err);
/* A passphrase in place of recipients: nothing may be added beside it.  work:
 * log2 of scrypt's N, at most 22; 0: 18, as age has it. */
bool age_recipients_add_passphrase(struct age_recipients *r,
    const char *passphrase, unsigned work, struct err *err);
size_t age_recipients_count(const struct age_recipients *r);
/* SHA-256 over the sorted "age1…" lines, each ended by \n: the same set has the
 * same one.  False for a passphrase, or when memory is out. */
bool age_recipients_fingerprint(const struct age_recipients *r,
    uint8_t out[32]);

struct age_identities;

/* Asks for the passphrase of what; false when there is none. */
typedef bool age_passphrase_fn(void *arg, const char *what, char *out,
    size_t size);

struct age_identities *age_identities_new(struct err *err);
void age_identities_free(struct age_identities *i);	/* wiped; NULL too */
/* One "AGE-SECRET-KEY-1…". */
bool age_identities_add(struct age_identities *i, const char *text,
    struct err *err);
/* A file of them, as age-keygen writes it; or such a file encrypted with a
 * passphrase (age -p, armored or not), which ask (NULL: nobody) is asked for;
 * that costs 256 MiB of memory for a second.  Messages hold nothing of it. */
bool age_identities_add_file(struct age_identities *i, const char *path,
    age_passphrase_fn *ask, void *arg, struct err *err);
bool age_identities_add_passphrase(struct age_identities *i,
    const char *passphrase, struct err *err);
size_t age_identities_count(const struct age_identities *i);

/* Encrypts a block to the end of out.  seed (NULL: random) makes the result a
 * function of seed, recipients and data: everything that age has at random (file
 * key, ephemeral keys, nonce, salt) is then HMAC-SHA-256 under seed of a label,
 * SHA-256 of data and the recipient (docs/FORMAT.md, Encryption), so that the
 * same data encrypted again are the same bytes, and different data never share
 * a key.  False with *err, out as
 * before. */
bool age_encrypt(const struct age_recipients *r,
    const uint8_t seed[AGE_SEED_SIZE], const void *data, size_t len,
    struct buf *out, struct err *err);

/* Decrypts a whole file to the end of out.  name is for messages.  ERR_AUTH:
 * none of the identities is among its recipients.  ERR_DAMAGED: it is no age
 * file, cut, changed or continued.  ERR_UNSUPPORTED: another version, too much
 * work asked of scrypt (more than 2^22).  On false out is as before. */
bool age_decrypt(const struct age_identities *i, const void *data, size_t len,
    const char *name, struct buf *out, struct err *err);

/* The same as streams, for what does not fit into memory. */
struct age_writer;
struct age_writer *age_writer_new(const struct age_recipients *r,
    const struct stream_out *out, struct err *err);
struct stream_out age_writer_stream(struct age_writer *w);
bool age_writer_finish(struct age_writer *w, struct err *err);
void age_writer_free(struct age_writer *w);	/* NULL is allowed */

/* Reads the header; a file in ASCII armor is known by its first line. */
struct age_reader;
struct age_reader *age_reader_new(const struct age_identities *i,
    const struct stream_in *in, const char *name, struct err *err);
struct stream_in age_reader_stream(struct age_reader *r);
void age_reader_free(struct age_reader *r);	/* NULL is allowed */

#endif

/*
 * Between the files behind age.h.  From the outside in: age.c (blocks), writer
 * and reader (streams), armor, header, one file for each kind of recipient,
 * cipher (chunks).  The format: https://c2sp.org/age.
 */
#ifndef CODEC_AGE_INTERNAL_H
#define CODEC_AGE_INTERNAL_H

#include "codec/age.h"

#define AGE_KEY 32		/* a key of X25519, HMAC or ChaCha20-Poly1305 */
#define AGE_FILE_KEY 16
#define AGE_SALT 16
#define AGE_NONCE 16
#define AGE_TAG 16
#define AGE_WRAPPED (AGE_FILE_KEY + AGE_TAG)
#define AGE_WORK 18		/* log2 of scrypt's N */
#define AGE_WORK_MAX 22
#define AGE_HEADER_MAX ((size_t)256 * 1024)
#define AGE_IDENTITIES_MAX 256
#define AGE_PASSPHRASES_MAX 16
#define AGE_PASSPHRASE_SIZE 1024
#define AGE_KEYS_MAX ((size_t)1 << 20)	/* a file of recipients, identities */

#define AGE_BECH32 58		/* characters behind "age1" */
#define AGE_RECIPIENT "age1"
#define AGE_IDENTITY "AGE-SECRET-KEY-1"
#define AGE_MAGIC "age-encryption.org/"
#define AGE_ARMOR_BEGIN "-----BEGIN AGE ENCRYPTED FILE-----"
#define AGE_ARMOR_END "-----END AGE ENCRYPTED FILE-----"

struct age_recipient {
	char text[sizeof(AGE_RECIPIENT) + AGE_BECH32];
	uint8_t key[AGE_KEY];
};

struct age_recipients {
	struct age_recipient list[AGE_RECIPIENTS_MAX];	/* by text */
	size_t n;
	char *passphrase;	/* then n is 0 */
	unsigned work;
};

struct age_identity {
	uint8_t secret[AGE_KEY], key[AGE_KEY];
};

struct age_identities {
	struct age_identity list[AGE_IDENTITIES_MAX];
	size_t n;
	char *passphrases[AGE_PASSPHRASES_MAX];
	size_t n_passphrases;
	unsigned work_max;	/* more is refused: AGE_WORK_MAX */
};

/* prefix + 58 characters of Bech32, in the case of the prefix. */
bool age_bech32_decode(const char *prefix, const char *text,
    uint8_t key[AGE_KEY]);

/* Canonical base64 of at most size bytes; *n: how many.  False for any other
 * text. */
bool age_base64_decode(const char *text, size_t len, bool padded,
    uint8_t *out, size_t size, size_t *n);

/* Hands each line of text that is neither empty nor a comment to each, without
 * white space around it; text is changed.  *n: how many.  A message starts with
 * path and line. */
bool age_lines_each(struct buf *text, const char *path, size_t *n,
    bool (*each)(void *arg, const char *line, struct err *err), void *arg,
    struct err *err);

/* Where fresh keys come from: by chance, or from a seed and the data. */
struct age_random {
	const uint8_t *seed;	/* NULL: by chance */
	uint8_t digest[32];	/* SHA-256 of the data */
};
/* recipient: NULL for what belongs to no single one. */
bool age_random_take(const struct age_random *r, const char *label,
    const uint8_t *recipient, uint8_t out[AGE_KEY]);

enum age_kind { AGE_X25519, AGE_SCRYPT };

struct age_stanza {
	enum age_kind kind;
	uint8_t share[AGE_KEY];	/* X25519: ephemeral share; scrypt: the salt */
	unsigned work;		/* scrypt */
	uint8_t wrapped[AGE_WRAPPED];
};

enum age_unwrapped { AGE_MATCH, AGE_NO_MATCH, AGE_FAILED };

/* The file key under a key that is used this once. */
void age_cipher_wrap(const uint8_t key[AGE_KEY],
    const uint8_t file_key[AGE_FILE_KEY], uint8_t out[AGE_WRAPPED]);
bool age_cipher_unwrap(const uint8_t key[AGE_KEY],
    const uint8_t wrapped[AGE_WRAPPED], uint8_t out[AGE_FILE_KEY]);

/* The payload: chunks in place, each with its tag behind it. */
struct age_cipher {
	uint8_t key[AGE_KEY];
	uint64_t n;
};
bool age_cipher_start(struct age_cipher *c,
    const uint8_t file_key[AGE_FILE_KEY], const uint8_t nonce[AGE_NONCE]);
void age_cipher_seal(struct age_cipher *c, uint8_t *chunk, size_t len,
    bool last);
/* len with the tag, at least AGE_TAG. */
bool age_cipher_open(struct age_cipher *c, uint8_t *chunk, size_t len,
    bool last);

/* s->share to be filled by wrap, s->wrapped too; ephemeral is the secret. */
bool age_x25519_wrap(struct age_stanza *s, const uint8_t key[AGE_KEY],
    const uint8_t ephemeral[AGE_KEY], const uint8_t file_key[AGE_FILE_KEY]);
enum age_unwrapped age_x25519_unwrap(const struct age_stanza *s,
    const struct age_identity *i, uint8_t file_key[AGE_FILE_KEY],
    struct err *err);
/* Whether nothing can be encrypted to key (a point of small order). */
bool age_x25519_is_weak(const uint8_t key[AGE_KEY]);
/* s->share and s->work are set. */
bool age_scrypt_wrap(struct age_stanza *s, const char *passphrase,
    const uint8_t file_key[AGE_FILE_KEY], struct err *err);
enum age_unwrapped age_scrypt_unwrap(const struct age_stanza *s,
    const char *passphrase, uint8_t file_key[AGE_FILE_KEY], struct err *err);

/* A stream that is read by lines first. */
struct age_input {
	struct stream_in in;
	size_t begin, end;
	bool eof;
	uint8_t data[16 * 1024];
};
void age_input_start(struct age_input *i, const struct stream_in *in);
/* The next byte, which stays; -1 at the end, -2 with *err. */
int age_input_peek(struct age_input *i, struct err *err);
/* Appends up to and with the next \n, or to the end, but no more than most. */
bool age_input_line(struct age_input *i, size_t most, struct buf *out,
    struct err *err);
/* Fewer than size at the end only. */
bool age_input_read(struct age_input *i, void *data, size_t size, size_t *len,
    struct err *err);

struct age_armor;
/* Reads on where in is, which is copied.  name must outlive it. */
struct age_armor *age_armor_new(const struct age_input *in, const char *name,
    struct err *err);
void age_armor_free(struct age_armor *a);
struct stream_in age_armor_stream(struct age_armor *a);

struct age_header {
	struct age_stanza *stanza;	/* those of a known kind */
	size_t n;
	struct buf text;	/* from the first byte to the MAC's \n */
	size_t signed_len;	/* what of it the MAC is of */
	uint8_t mac[AGE_KEY];
};
void age_header_init(struct age_header *h);
void age_header_free(struct age_header *h);
/* Reads h->text; age_header_parse() reads that. */
bool age_header_read(struct age_header *h, struct age_input *in,
    const char *name, struct err *err);
bool age_header_parse(struct age_header *h, const char *name,
    struct err *err);
/* HMAC of the first len bytes of text. */
bool age_header_mac(const struct buf *text, size_t len,
    const uint8_t file_key[AGE_FILE_KEY], uint8_t out[AGE_KEY]);
/* Fills out, which is empty. */
bool age_header_write(const struct age_recipients *r,
    const struct age_random *random, const uint8_t file_key[AGE_FILE_KEY],
    struct buf *out, struct err *err);

/* age_writer_new() with this chance. */
struct age_writer *age_writer_start(const struct age_recipients *r,
    const struct age_random *random, const struct stream_out *out,
    struct err *err);

#endif

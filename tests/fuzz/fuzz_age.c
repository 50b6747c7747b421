/*
 * The input's first byte chooses: 'r', a file that is read; 'h', stanzas and
 * payload of a header that is given a sound MAC; 'k', lines of recipients and
 * identities; 'm', what is encrypted, changed in one place, and must then be
 * refused.  Nothing may be read out of bounds; streams of any pace and blocks
 * have the same outcome, and what is refused leaves nothing behind.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "codec/age_internal.h"

#define OUT_MAX (1 << 20)
#define MUST(x) do { if (!(x)) abort(); } while (0)

/* The identity, and its recipient, of fixtures/age. */
#define IDENTITY \
    "AGE-SECRET-KEY-1EGTZVFFV20835NWYV6270LXYVK2VKNX2MMDKWYKLMGR48UAWX40Q2P2LM0"
#define RECIPIENT \
    "age1xmwwc06ly3ee5rytxm9mflaz2u56jjj36s0mypdrwsvlul66mv4q47ryef"

struct input {
	const uint8_t *data;
	size_t len;
	size_t chunk;
};

/* (No chance: an input is to do the same each time.) */
static const uint8_t seed[AGE_SEED_SIZE] = { 3 };
static struct age_recipients *to;
static struct age_identities *with;

static bool
read_input(void *arg, void *data, size_t size, size_t *len, struct err *err)
{
	struct input *in = arg;

	(void)err;
	*len = in->len < size ? in->len : size;
	if (*len > in->chunk)
		*len = in->chunk;
	if (*len > 0) {
		memcpy(data, in->data, *len);
		in->data += *len;
		in->len -= *len;
	}
	return true;
}

static bool
decrypt(const struct buf *file, size_t chunk, struct buf *out,
    struct err *err)
{
	struct input in = { file->data, file->len, chunk };
	struct stream_in stream = { read_input, &in };
	struct age_reader *r;
	size_t n = 1;
	bool ok;

	buf_reset(out);
	if ((r = age_reader_new(with, &stream, "f", err)) == NULL)
		return false;
	stream = age_reader_stream(r);
	do {
		MUST(buf_reserve(out, 70000));
		ok = stream.read(stream.arg, out->data + out->len, 70000, &n,
		    err);
		if (ok)
			out->len += n;
	} while (ok && n > 0);
	MUST(ok || !stream.read(stream.arg, out->data, 1, &n, err));
	age_reader_free(r);
	return ok;
}

/* Whether file is accepted; its content is then in out. */
static bool
decrypt_every_way(const struct buf *file, struct buf *out)
{
	struct buf other;
	struct err err, err2, err3;
	bool ok;

	buf_init(&other, OUT_MAX);
	ok = decrypt(file, SIZE_MAX, out, &err);
	MUST(decrypt(file, 1 + file->len / 100, &other, &err2) == ok);
	MUST(out->len == other.len && (out->len == 0 ||
	    memcmp(out->data, other.data, out->len) == 0));
	buf_reset(&other);
	MUST(buf_append(&other, "abc", 3));
	MUST(age_decrypt(with, file->data, file->len, "f", &other, &err3) ==
	    ok);
	if (ok) {
		MUST(other.len == out->len + 3 && (out->len == 0 ||
		    memcmp(other.data + 3, out->data, out->len) == 0));
	} else {
		MUST(other.len == 3 && memcmp(other.data, "abc", 3) == 0);
		MUST(err.kind == ERR_DAMAGED || err.kind == ERR_AUTH ||
		    err.kind == ERR_UNSUPPORTED);
		MUST(err.kind == err2.kind && err.kind == err3.kind);
		MUST(*err.message != '\0');
	}
	buf_free(&other);
	return ok;
}

static void
fuzz_reader(const uint8_t *data, size_t size)
{
	struct buf file, out;

	buf_init(&file, OUT_MAX);
	buf_init(&out, OUT_MAX);
	MUST(buf_append(&file, data, size));
	decrypt_every_way(&file, &out);
	buf_free(&file);
	buf_free(&out);
}

/* Stanzas up to a byte 0, then the plain text. */
static void
fuzz_header(const uint8_t *data, size_t size)
{
	static const uint8_t file_key[AGE_FILE_KEY] = { 1 }, nonce[16] = { 2 };
	static const struct age_random chance = { .seed = seed };
	const uint8_t *plain = memchr(data, 0, size);
	size_t n = plain != NULL ? (size_t)(plain - data) : size, len;
	struct age_cipher cipher;
	struct buf file, out;
	uint8_t mac[AGE_KEY], chunk[8192 + AGE_TAG];
	char text[64], *stanza, *end;
	struct err err;
	bool ok;

	len = plain != NULL && size - n - 1 < 8192 ? size - n - 1 : 0;
	buf_init(&file, OUT_MAX);
	buf_init(&out, OUT_MAX);
	/* A header to us, and its one stanza put behind those given. */
	MUST(age_header_write(to, &chance, file_key, &out, &err));
	MUST(buf_str(&out) != NULL);
	stanza = strstr((char *)out.data, "-> ");
	end = strstr(stanza, "---");
	MUST(buf_append_str(&file, "age-encryption.org/v1\n") &&
	    buf_append(&file, data, n) &&
	    buf_append(&file, stanza, (size_t)(end - stanza) + 3));
	MUST(age_header_mac(&file, file.len, file_key, mac));
	sodium_bin2base64(text, sizeof(text), mac, sizeof(mac),
	    sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
	MUST(buf_printf(&file, " %s\n", text) &&
	    buf_append(&file, nonce, sizeof(nonce)));
	MUST(age_cipher_start(&cipher, file_key, nonce));
	if (len > 0)
		memcpy(chunk, plain + 1, len);
	age_cipher_seal(&cipher, chunk, len, true);
	MUST(buf_append(&file, chunk, len + AGE_TAG));
	ok = decrypt_every_way(&file, &out);
	MUST(!ok || (out.len == len &&
	    (len == 0 || memcmp(out.data, plain + 1, len) == 0)));
	MUST(ok || n > 0);
	buf_free(&file);
	buf_free(&out);
}

static bool
add_recipient(void *arg, const char *line, struct err *err)
{

	return age_recipients_add(arg, line, err);
}

static bool
add_identity(void *arg, const char *line, struct err *err)
{

	return age_identities_add(arg, line, err);
}

static void
fuzz_keys(const uint8_t *data, size_t size)
{
	struct age_recipients *r;
	struct age_identities *i;
	struct buf text, out;
	struct err err;
	uint8_t print[32];
	size_t n;

	MUST((r = age_recipients_new(&err)) != NULL);
	MUST((i = age_identities_new(&err)) != NULL);
	buf_init(&text, OUT_MAX);
	buf_init(&out, OUT_MAX);
	MUST(buf_append(&text, data, size));
	if (age_lines_each(&text, "f", &n, add_recipient, r, &err) && n > 0) {
		MUST(age_recipients_count(r) <= n);
		MUST(age_recipients_fingerprint(r, print));
		MUST(age_encrypt(r, seed, "x", 1, &out, &err));
	}
	buf_reset(&text);
	MUST(buf_append(&text, data, size));
	if (age_lines_each(&text, "f", &n, add_identity, i, &err))
		MUST(age_identities_count(i) == n);
	else
		MUST(err.kind == ERR_USAGE || err.kind == ERR_UNSUPPORTED);
	buf_free(&text);
	buf_free(&out);
	age_recipients_free(r);
	age_identities_free(i);
}

/* Where (3 bytes), what (1), how often the rest is repeated (1), the rest. */
static void
fuzz_mutation(const uint8_t *data, size_t size)
{
	struct buf plain, file, out;
	struct err err;
	size_t at, times;

	if (size < 5)
		return;
	at = (size_t)data[0] << 16 | (size_t)data[1] << 8 | data[2];
	buf_init(&plain, OUT_MAX);
	buf_init(&file, OUT_MAX);
	buf_init(&out, OUT_MAX);
	for (times = data[4] + 1U; times > 0 && plain.len < 200000; times--)
		MUST(buf_append(&plain, data + 5, size - 5));
	MUST(age_encrypt(to, seed, plain.data, plain.len, &file, &err));
	MUST(decrypt_every_way(&file, &out));
	MUST(out.len == plain.len && (out.len == 0 ||
	    memcmp(out.data, plain.data, out.len) == 0));
	at %= file.len;
	if (data[3] == 0)
		buf_truncate(&file, at);
	else
		file.data[at] ^= data[3];
	MUST(!decrypt_every_way(&file, &out));
	buf_free(&plain);
	buf_free(&file);
	buf_free(&out);
}

static void
start(void)
{
	struct err err;

	MUST((to = age_recipients_new(&err)) != NULL);
	MUST((with = age_identities_new(&err)) != NULL);
	MUST(age_recipients_add(to, RECIPIENT, &err));
	MUST(age_identities_add(with, IDENTITY, &err));
	MUST(age_identities_add_passphrase(with, "password", &err));
	with->work_max = 10;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{

	if (to == NULL)
		start();
	if (size == 0)
		return 0;
	if (*data == 'h')
		fuzz_header(data + 1, size - 1);
	else if (*data == 'k')
		fuzz_keys(data + 1, size - 1);
	else if (*data == 'm')
		fuzz_mutation(data + 1, size - 1);
	else
		fuzz_reader(data + 1, size - 1);
	return 0;
}

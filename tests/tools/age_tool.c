/*
 * Encrypts or decrypts from standard input to standard output, as streams or
 * (-b) as one block, so that tests can hold the result against age(1).
 *
 *   age_tool encrypt|decrypt [-b] [-r RECIPIENT] [-R FILE] [-p PASSPHRASE]
 *       [-w WORK] [-s SEED] [-i IDENTITIES] [-a PASSPHRASE OF IDENTITIES]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "codec/age.h"

#define BLOCK_MAX ((size_t)64 << 20)

struct options {
	struct age_recipients *to;
	struct age_identities *with;
	const char *asked;	/* the passphrase of identity files */
	uint8_t seed[AGE_SEED_SIZE];
	bool block, seeded;
};

static bool
read_stdin(void *arg, void *data, size_t size, size_t *len, struct err *err)
{
	ssize_t n = read(0, data, size);

	(void)arg;
	*len = n > 0 ? (size_t)n : 0;
	return n >= 0 || err_set(err, ERR_DISK, "standard input");
}

static bool
write_stdout(void *arg, const void *data, size_t len, struct err *err)
{

	(void)arg;
	return fwrite(data, 1, len, stdout) == len ||
	    err_set(err, ERR_DISK, "standard output");
}

static const struct stream_in input = { read_stdin, NULL };
static const struct stream_out output = { write_stdout, NULL };

static bool
copy(const struct stream_in *in, const struct stream_out *out,
    struct err *err)
{
	uint8_t data[10007];
	size_t n;

	do {
		if (!in->read(in->arg, data, sizeof(data), &n, err) ||
		    (n > 0 && !out->write(out->arg, data, n, err)))
			return false;
	} while (n > 0);
	return true;
}

static bool
append(void *arg, const void *data, size_t len, struct err *err)
{

	return buf_append(arg, data, len) || err_nomem(err, "block");
}

static bool
run_block(const struct options *o, bool encrypt, struct err *err)
{
	struct buf from, to;
	struct stream_out all = { append, &from };
	bool ok;

	buf_init(&from, BLOCK_MAX);
	buf_init(&to, BLOCK_MAX);
	ok = copy(&input, &all, err) && (encrypt ?
	    age_encrypt(o->to, o->seeded ? o->seed : NULL, from.data,
	    from.len, &to, err) :
	    age_decrypt(o->with, from.data, from.len, "stdin", &to, err)) &&
	    write_stdout(NULL, to.data, to.len, err);
	buf_free(&from);
	buf_free(&to);
	return ok;
}

static bool
encrypt_stream(const struct options *o, struct err *err)
{
	struct age_writer *w;
	struct stream_out out;
	bool ok;

	if ((w = age_writer_new(o->to, &output, err)) == NULL)
		return false;
	out = age_writer_stream(w);
	ok = copy(&input, &out, err) && age_writer_finish(w, err);
	age_writer_free(w);
	return ok;
}

static bool
decrypt_stream(const struct options *o, struct err *err)
{
	struct age_reader *r;
	struct stream_in in;
	bool ok;

	if ((r = age_reader_new(o->with, &input, "stdin", err)) == NULL)
		return false;
	in = age_reader_stream(r);
	ok = copy(&in, &output, err);
	age_reader_free(r);
	return ok;
}

static bool
ask(void *arg, const char *what, char *out, size_t size)
{
	const struct options *o = arg;

	(void)what;
	if (o->asked != NULL)
		snprintf(out, size, "%s", o->asked);
	return o->asked != NULL;
}

static bool
read_options(struct options *o, int argc, char **argv, bool encrypt,
    struct err *err)
{
	unsigned work = 10;
	bool ok = true;
	int c;

	while (ok && (c = getopt(argc, argv, "br:R:p:w:s:i:a:")) != -1) {
		if (c == 'b')
			o->block = true;
		else if (c == 'r')
			ok = age_recipients_add(o->to, optarg, err);
		else if (c == 'R')
			ok = age_recipients_add_file(o->to, optarg, err);
		else if (c == 'w')
			work = (unsigned)atoi(optarg);
		else if (c == 'p' && encrypt)
			ok = age_recipients_add_passphrase(o->to, optarg,
			    work, err);
		else if (c == 'p')
			ok = age_identities_add_passphrase(o->with, optarg,
			    err);
		else if (c == 's')
			ok = o->seeded = hash_unhex(optarg, o->seed,
			    AGE_SEED_SIZE);
		else if (c == 'a')
			o->asked = optarg;
		else if (c == 'i')
			ok = age_identities_add_file(o->with, optarg, ask, o,
			    err);
		else
			ok = err_set(err, ERR_USAGE, "unknown option");
	}
	return ok;
}

int
main(int argc, char **argv)
{
	struct options o = { .to = NULL };
	struct err err = { .kind = ERR_NONE };
	bool encrypt, ok;

	if (argc < 2) {
		fputs("usage: age_tool encrypt|decrypt OPTIONS\n", stderr);
		return 2;
	}
	encrypt = strcmp(argv[1], "encrypt") == 0;
	o.to = age_recipients_new(&err);
	o.with = age_identities_new(&err);
	ok = o.to != NULL && o.with != NULL &&
	    read_options(&o, argc - 1, argv + 1, encrypt, &err) &&
	    (o.block ? run_block(&o, encrypt, &err) : encrypt ?
	    encrypt_stream(&o, &err) : decrypt_stream(&o, &err));
	age_recipients_free(o.to);
	age_identities_free(o.with);
	if (ok)
		return fflush(stdout) == 0 ? 0 : 1;
	fprintf(stderr, "%s: %s\n", err_kind_name(err.kind), err.message);
	if (*err.hint != '\0')
		fprintf(stderr, "%s\n", err.hint);
	return 1;
}

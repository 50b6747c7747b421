/*
 * The order-free digest of a set of documents: each document's 128-bit hash is
 * added modulo 2^128.  Sums of parts add up to the sum of the whole, whatever
 * the order; unlike XOR, a pair of duplicates does not vanish.  (How one
 * document is hashed: bson/docdigest.h.)
 */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include <stdbool.h>
#include <stdint.h>

struct digest {
	uint64_t high;
	uint64_t low;
};

/* Count, bytes and digest of some documents. */
struct tally {
	uint64_t count;
	uint64_t bytes;
	struct digest digest;
};

#define DIGEST_HEX_SIZE 33

void digest_add(struct digest *sum, struct digest d);
void digest_subtract(struct digest *sum, struct digest d);
bool digest_equal(struct digest a, struct digest b);

/* For sorting: less than, equal to or greater than 0. */
int digest_compare(struct digest a, struct digest b);

/* Big-endian hex, 32 digits and a NUL. */
void digest_hex(struct digest d, char out[DIGEST_HEX_SIZE]);
bool digest_unhex(const char *hex, struct digest *d);

void tally_add(struct tally *sum, const struct tally *t);
bool tally_equal(const struct tally *a, const struct tally *b);

#endif

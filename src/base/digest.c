#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/digest.h"

void
digest_add(struct digest *sum, struct digest d)
{

	sum->low += d.low;
	sum->high += d.high + (sum->low < d.low ? 1 : 0);
}

void
digest_subtract(struct digest *sum, struct digest d)
{

	sum->high -= d.high + (sum->low < d.low ? 1 : 0);
	sum->low -= d.low;
}

bool
digest_equal(struct digest a, struct digest b)
{

	return a.high == b.high && a.low == b.low;
}

int
digest_compare(struct digest a, struct digest b)
{

	if (a.high != b.high)
		return a.high < b.high ? -1 : 1;
	return a.low == b.low ? 0 : a.low < b.low ? -1 : 1;
}

void
digest_hex(struct digest d, char out[DIGEST_HEX_SIZE])
{

	snprintf(out, DIGEST_HEX_SIZE, "%016" PRIx64 "%016" PRIx64, d.high,
	    d.low);
}

bool
digest_unhex(const char *hex, struct digest *d)
{
	int used = 0;

	if (strlen(hex) != DIGEST_HEX_SIZE - 1 ||
	    strspn(hex, "0123456789abcdef") != DIGEST_HEX_SIZE - 1)
		return false;
	return sscanf(hex, "%16" SCNx64 "%16" SCNx64 "%n", &d->high, &d->low,
	    &used) == 2 && used == DIGEST_HEX_SIZE - 1;
}

void
tally_add(struct tally *sum, const struct tally *t)
{

	sum->count += t->count;
	sum->bytes += t->bytes;
	digest_add(&sum->digest, t->digest);
}

bool
tally_equal(const struct tally *a, const struct tally *b)
{

	return a->count == b->count && a->bytes == b->bytes &&
	    digest_equal(a->digest, b->digest);
}

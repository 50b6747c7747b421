#include <ctype.h>
#include <string.h>

#include "codec/age_internal.h"

/* BIP 173; the checksum's last six symbols stand behind 52 of data: 256 bits,
 * and four that are zero. */
#define SYMBOLS (AGE_BECH32 - 6)

static uint32_t
checksum(uint32_t sum, unsigned symbol)
{
	static const uint32_t generator[] = { 0x3b6a57b2, 0x26508e6d,
	    0x1ea119fa, 0x3d4233dd, 0x2a1462b3 };
	uint32_t top = sum >> 25;
	unsigned i;

	sum = (sum & 0x1ffffff) << 5 ^ symbol;
	for (i = 0; i < 5; i++) {
		if (top >> i & 1)
			sum ^= generator[i];
	}
	return sum;
}

/* The symbol of c, written in the case wanted; -1. */
static int
symbol(char c, bool upper)
{
	static const char symbols[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
	const char *p;

	if (upper ? islower((unsigned char)c) : isupper((unsigned char)c))
		return -1;
	p = memchr(symbols, tolower((unsigned char)c), sizeof(symbols) - 1);
	return p != NULL ? (int)(p - symbols) : -1;
}

bool
age_bech32_decode(const char *prefix, const char *text, uint8_t key[AGE_KEY])
{
	size_t n = strlen(prefix), i, bits = 0, len = 0;
	bool upper = isupper((unsigned char)*prefix);
	uint32_t sum = 1, acc = 0;
	int s;

	if (strlen(text) != n + AGE_BECH32 || memcmp(text, prefix, n) != 0)
		return false;
	/* All but the last of the prefix, "1", is part of the checksum. */
	for (i = 0; i + 1 < n; i++)
		sum = checksum(sum,
		    (unsigned)tolower((unsigned char)prefix[i]) >> 5);
	sum = checksum(sum, 0);
	for (i = 0; i + 1 < n; i++)
		sum = checksum(sum,
		    (unsigned)tolower((unsigned char)prefix[i]) & 31);
	for (i = 0; i < AGE_BECH32; i++) {
		if ((s = symbol(text[n + i], upper)) < 0)
			return false;
		sum = checksum(sum, (unsigned)s);
		if (i >= SYMBOLS)
			continue;
		acc = (acc << 5 | (uint32_t)s) & 0xfff;
		if ((bits += 5) >= 8) {
			bits -= 8;
			key[len++] = (uint8_t)(acc >> bits);
		}
	}
	return sum == 1 && (acc & ((1U << bits) - 1)) == 0;
}

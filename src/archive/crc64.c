#include <pthread.h>
#include <string.h>

#include "archive/crc64.h"

#define POLYNOMIAL UINT64_C(0xc96c5795d7870f42)
#define SLICES 8		/* bytes at a time */

static uint64_t table[SLICES][256];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void
make_table(void)
{
	uint64_t crc;
	int i, bit, slice;

	for (i = 0; i < 256; i++) {
		crc = (uint64_t)i;
		for (bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ POLYNOMIAL : crc >> 1;
		table[0][i] = crc;
	}
	/* The same byte followed by 1 to 7 zero bytes. */
	for (slice = 1; slice < SLICES; slice++)
		for (i = 0; i < 256; i++) {
			crc = table[slice - 1][i];
			table[slice][i] = crc >> 8 ^ table[0][crc & 255];
		}
}

static uint64_t
little_endian(const uint8_t *p)
{

	return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 |
	    (uint64_t)p[3] << 24 | (uint64_t)p[4] << 32 | (uint64_t)p[5] << 40 |
	    (uint64_t)p[6] << 48 | (uint64_t)p[7] << 56;
}

uint64_t
crc64_update(uint64_t crc, const void *data, size_t len)
{
	const uint8_t *p = data;

	pthread_once(&once, make_table);
	crc = ~crc;
	for (; len >= SLICES; len -= SLICES, p += SLICES) {
		crc ^= little_endian(p);
		crc = table[7][crc & 255] ^ table[6][crc >> 8 & 255] ^
		    table[5][crc >> 16 & 255] ^ table[4][crc >> 24 & 255] ^
		    table[3][crc >> 32 & 255] ^ table[2][crc >> 40 & 255] ^
		    table[1][crc >> 48 & 255] ^ table[0][crc >> 56];
	}
	for (; len > 0; len--)
		crc = crc >> 8 ^ table[0][(crc ^ *p++) & 255];
	return ~crc;
}

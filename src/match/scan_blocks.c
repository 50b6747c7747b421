#include "match/scan_tables.h"

#if SCAN_WINDOW != 3
#error "the code below is written out for windows of three bytes"
#endif

static size_t
blocks_portable(const struct scan_tables *t, const uint8_t *text, size_t at,
    size_t end)
{

	for (; at < end; at++)
		if (t->byte[0][text[at]] & t->byte[1][text[at + 1]] &
		    t->byte[2][text[at + 2]])
			break;
	return at;
}

#if defined(__x86_64__)
#include <immintrin.h>

#define AVX2 __attribute__((target("avx2")))
#define SSSE3 __attribute__((target("ssse3")))

AVX2 static inline __m256i
look_32(const uint8_t *text, __m256i low, __m256i high)
{
	const __m256i half = _mm256_set1_epi8(15);
	__m256i v;

	v = _mm256_loadu_si256((const __m256i *)(const void *)text);
	low = _mm256_shuffle_epi8(low, _mm256_and_si256(v, half));
	v = _mm256_and_si256(_mm256_srli_epi16(v, 4), half);
	return _mm256_and_si256(low, _mm256_shuffle_epi8(high, v));
}

AVX2 static inline __m256i
table_32(const uint8_t *table)
{

	return _mm256_broadcastsi128_si256(
	    _mm_loadu_si128((const __m128i *)(const void *)table));
}

AVX2 static size_t
blocks_avx2(const struct scan_tables *t, const uint8_t *text, size_t at,
    size_t end)
{
	const __m256i low0 = table_32(t->low[0]), high0 = table_32(t->high[0]);
	const __m256i low1 = table_32(t->low[1]), high1 = table_32(t->high[1]);
	const __m256i low2 = table_32(t->low[2]), high2 = table_32(t->high[2]);
	__m256i hit;
	uint32_t none;

	for (; end - at >= 32; at += 32) {
		hit = _mm256_and_si256(look_32(text + at, low0, high0),
		    _mm256_and_si256(look_32(text + at + 1, low1, high1),
		    look_32(text + at + 2, low2, high2)));
		none = (uint32_t)_mm256_movemask_epi8(
		    _mm256_cmpeq_epi8(hit, _mm256_setzero_si256()));
		if (none != UINT32_MAX)
			return at + (size_t)__builtin_ctz(~none);
	}
	return at;
}

SSSE3 static inline __m128i
look_16(const uint8_t *text, __m128i low, __m128i high)
{
	const __m128i half = _mm_set1_epi8(15);
	__m128i v;

	v = _mm_loadu_si128((const __m128i *)(const void *)text);
	low = _mm_shuffle_epi8(low, _mm_and_si128(v, half));
	v = _mm_and_si128(_mm_srli_epi16(v, 4), half);
	return _mm_and_si128(low, _mm_shuffle_epi8(high, v));
}

SSSE3 static inline __m128i
table_16(const uint8_t *table)
{

	return _mm_loadu_si128((const __m128i *)(const void *)table);
}

SSSE3 static size_t
blocks_ssse3(const struct scan_tables *t, const uint8_t *text, size_t at,
    size_t end)
{
	const __m128i low0 = table_16(t->low[0]), high0 = table_16(t->high[0]);
	const __m128i low1 = table_16(t->low[1]), high1 = table_16(t->high[1]);
	const __m128i low2 = table_16(t->low[2]), high2 = table_16(t->high[2]);
	__m128i hit;
	uint32_t none;

	for (; end - at >= 16; at += 16) {
		hit = _mm_and_si128(look_16(text + at, low0, high0),
		    _mm_and_si128(look_16(text + at + 1, low1, high1),
		    look_16(text + at + 2, low2, high2)));
		none = (uint32_t)_mm_movemask_epi8(
		    _mm_cmpeq_epi8(hit, _mm_setzero_si128()));
		if (none != UINT16_MAX)
			return at + (size_t)__builtin_ctz(~none);
	}
	return at;
}

static const struct scan_method methods[] = {
	{ "avx2", blocks_avx2 },
	{ "ssse3", blocks_ssse3 },
	{ "portable", blocks_portable },
};

static size_t
first_method(void)
{

	return __builtin_cpu_supports("avx2") ? 0 :
	    __builtin_cpu_supports("ssse3") ? 1 : 2;
}

#else

static const struct scan_method methods[] = {
	{ "portable", blocks_portable },
};

static size_t
first_method(void)
{

	return 0;
}

#endif

size_t
scan_blocks_methods(const struct scan_method **list)
{
	size_t first = first_method();

	*list = methods + first;
	return sizeof(methods) / sizeof(methods[0]) - first;
}

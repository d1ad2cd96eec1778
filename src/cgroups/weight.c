/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Weights of version 1 as weights of version 2.
 *
 * Pure functions, for any process. cpu.shares (2...262144, 1024 by default) become cpu.weight
 * (1...10000, 100 by default) by the curve that runc (1.3.2) and crun (1.23) agreed on in 2025,
 * with which least, default and greatest value all map to their like:
 *
 *	weight = ceil(10 ^ ((l * l + 125 * l) / 612 - 7 / 34)), l = log2(shares)
 *
 * It is done in whole numbers, for the library of floating-point functions would have to be loaded
 * at every start. Nothing can fail: what is out of range counts as the nearest that is not.
 */
#include <cattach/cgroup.h>

#define SHARES_MIN	2
#define SHARES_MAX	262144
#define WEIGHT_MAX	10000
#define FRACTION	40	/* bits behind the point of a logarithm */

/* log2(x) for 1 <= x <= 2^18 with FRACTION bits, a bit at a time by squaring. */
static uint64_t log2_fixed(uint64_t x)
{
	unsigned whole = 63 - (unsigned)__builtin_clzll(x);
	unsigned __int128 mantissa = (unsigned __int128)x << (62 - whole);	/* 1.0 is 2^62 */
	uint64_t result = whole;

	for (int bit = 0; bit < FRACTION; bit++) {
		mantissa = mantissa * mantissa >> 62;
		result <<= 1;
		if (mantissa >> 63) {
			mantissa >>= 1;
			result |= 1;
		}
	}
	return result;
}

/* log2 of the weight before it is rounded up: log2(10) * ((l^2 + 125 l) / 612 - 126 / 612). */
static uint64_t weight_log2(uint64_t shares)
{
	const unsigned __int128 one = (unsigned __int128)1 << FRACTION;
	unsigned __int128 l = log2_fixed(shares);
	unsigned __int128 exponent = (l * l >> FRACTION) + 125 * l - 126 * one;

	return (uint64_t)(exponent * log2_fixed(10) / (612 * one));
}

unsigned ct_cgroup_weight_of_shares(uint64_t shares)
{
	/* A weight that is a whole number stays one, 100 above all: both sides are rounded down. */
	const uint64_t slack = 1 << 8;
	unsigned low = 1, high = WEIGHT_MAX;
	uint64_t wanted;

	if (!shares)
		return 0;
	if (shares <= SHARES_MIN)
		return 1;
	if (shares >= SHARES_MAX)
		return WEIGHT_MAX;
	wanted = weight_log2(shares);
	while (low < high) {
		unsigned middle = (low + high) / 2;

		if (log2_fixed(middle) + slack >= wanted)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

unsigned ct_cgroup_io_weight(unsigned weight)
{
	if (!weight)
		return 0;
	if (weight <= 10)
		return 1;
	return weight >= 1000 ? WEIGHT_MAX : 1 + (weight - 10) * 9999 / 990;
}

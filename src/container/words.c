/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names for containers that were given none: two plain words, adjective_noun, chosen so that every
 * pair is easy to say, to type and to tell from another, and none is about a person.
 *
 * 100 x 100 pairs; the caller counts its tries, and from the third on digits are added, more of
 * them with every try, so that a store with thousands of containers finds a free name soon.
 */
#include <stdint.h>
#include <sys/random.h>
#include <unistd.h>

#include <cattach/container.h>
#include <cattach/proc.h>

/* None is the beginning of another, so that the completion of a shell needs few letters. */
static const char *const adjectives[] = {
	"agile", "amber", "ample", "apt", "arctic", "autumn", "balmy", "bold", "brave", "breezy",
	"bright", "brisk", "calm", "candid", "cheerful", "chilly", "civil", "clear", "clever", "coastal",
	"cosy", "crisp", "curious", "daring", "dapper", "deft", "distant", "eager", "early", "earnest",
	"eastern", "elegant", "fabled", "fair", "famous", "fleet", "fluent", "fond", "fresh", "frosty",
	"gallant", "gentle", "gifted", "glad", "golden", "grand", "green", "handy", "happy", "hardy",
	"hidden", "honest", "humble", "icy", "jolly", "keen", "kind", "lively", "loyal", "lucid",
	"lucky", "lunar", "mellow", "merry", "mighty", "misty", "modest", "neat", "nimble", "noble",
	"northern", "patient", "placid", "plucky", "polite", "prompt", "proud", "quick", "quiet", "rapid",
	"ready", "rustic", "serene", "sharp", "silent", "silver", "sincere", "snowy", "solar", "spry",
	"steady", "sturdy", "sunny", "swift", "tidy", "tranquil", "upbeat", "vivid", "warm", "witty",
};

static const char *const nouns[] = {
	"acorn", "anchor", "anvil", "apple", "arrow", "aspen", "badger", "barge", "basin", "beacon",
	"birch", "bridge", "brook", "canyon", "canoe", "cedar", "cello", "cherry", "cliff", "clover",
	"comet", "compass", "copper", "coral", "crane", "creek", "cricket", "delta", "dune", "eagle",
	"ember", "falcon", "fern", "ferry", "finch", "fjord", "forest", "fossil", "garden", "geyser",
	"glacier", "granite", "grove", "harbour", "harp", "hazel", "heron", "hill", "island", "ivy",
	"juniper", "kestrel", "kettle", "lagoon", "lantern", "lark", "lemon", "linden", "lotus", "lynx",
	"maple", "marble", "marsh", "meadow", "meteor", "mill", "moss", "nebula", "nutmeg", "oak",
	"oasis", "orbit", "orchard", "osprey", "otter", "paddle", "pebble", "pepper", "pine", "plum",
	"pond", "poplar", "prairie", "quartz", "raven", "reef", "ridge", "river", "robin", "saffron",
	"sail", "sparrow", "spruce", "summit", "thistle", "tulip", "valley", "violet", "walnut", "willow",
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define PLAIN_TRIES 2

_Static_assert(COUNT(adjectives) == 100, "as many adjectives as the comment says");
_Static_assert(COUNT(nouns) == 100, "as many nouns as the comment says");

/* Unpredictable where the kernel gives it; a name needs no more than to differ, so the clock does
 * where it does not. */
static uint64_t some_number(void)
{
	uint64_t value;

	if (getrandom(&value, sizeof(value), GRND_NONBLOCK) == (ssize_t)sizeof(value))
		return value;
	return ct_now_real() ^ ((uint64_t)getpid() << 32);
}

/* try counts from 0: two plain pairs, then web_fox7, _42 and so on, one digit more each time.
 * Whether it is free is found by claiming it (names.c), not here. */
const char *ct_generate_name(struct ct_arena *arena, unsigned try)
{
	uint64_t number = some_number(), limit = 1;
	const char *adjective = adjectives[number % COUNT(adjectives)];
	const char *noun = nouns[number / COUNT(adjectives) % COUNT(nouns)];

	if (try < PLAIN_TRIES)
		return ct_arena_printf(arena, "%s_%s", adjective, noun);
	for (unsigned i = PLAIN_TRIES; i <= try && limit < 1000000000; i++)
		limit *= 10;
	number /= COUNT(adjectives) * COUNT(nouns);
	return ct_arena_printf(arena, "%s_%s%llu", adjective, noun,
			       (unsigned long long)(number % limit));
}

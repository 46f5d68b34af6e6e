// SPDX-License-Identifier: GPL-2.0-only
/*
 * A hundred thousand callbacks, and a lookup that does not feel them. A kernel that checks itself has a tenth of them.
 */
#include <linux/err.h>
#include <linux/ktime.h>
#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/vmalloc.h>

#include "test.h"

#define SLOW (IS_ENABLED(CONFIG_KASAN) || IS_ENABLED(CONFIG_KCSAN))
#define MANY (SLOW ? 10000u : 100000u)
#define LOOKUPS (SLOW ? 2000u : 20000u)
#define REPETITIONS 7
/* As many ids as stay in the nearest cache whatever else is registered. */
#define FEW 16u
/*
 * How much dearer a lookup may be among MANY than alone: of an id used a moment ago, and of one whose memory has been
 * pushed out of every cache since, on an emulated processor too. A list, or a table that does not grow, is dearer by
 * hundreds.
 */
#define BOUND_NEAR 5
#define BOUND_FAR 60

static atomic_t calls;

/* Scattered, as the ids of real drivers are not: neighbours would share cache lines. */
static struct cnx_id id_of(u32 i)
{
	return (struct cnx_id){TEST_IDX + 1 + i % 317, i * 2654435761u};
}

/* The best of several rounds, in nanoseconds for all lookups: what disturbs a round can only make it longer. */
static u64 best_round(u32 ids)
{
	u64 best = U64_MAX;
	int repetition;
	u32 i;

	for (repetition = 0; repetition < REPETITIONS; repetition++) {
		u64 begin = ktime_get_ns();

		for (i = 0; i < LOOKUPS; i++) {
			struct cnx_message message = {.id = id_of((i * 7919u) % ids)};

			cnx_dispatch(&message);
		}
		best = min(best, ktime_get_ns() - begin);
		cond_resched();
	}
	return best;
}

static u32 register_up_to(struct cnx_callback **callbacks, u32 from, u32 to)
{
	u32 i;

	for (i = from; i < to; i++) {
		struct cnx_registration r = test_registration(0, test_count, &calls);

		r.id = id_of(i);
		callbacks[i] = cnx_register(&r);
		if (IS_ERR(callbacks[i]))
			break;
		if (i % 1000 == 0)
			cond_resched();
	}
	return i;
}

static u32 reachable(void)
{
	u32 count = 0;
	u32 i;

	for (i = 0; i < MANY; i++) {
		struct cnx_message message = {.id = id_of(i)};

		count += cnx_dispatch(&message) == 0;
	}
	return count;
}

void test_scale(struct test_log *log)
{
	struct cnx_callback **callbacks = vzalloc(MANY * sizeof(*callbacks));
	struct cnx_registration again = test_registration(0, test_count, &calls);
	u64 alone, near, far, begin, registering;
	struct cnx_callback *duplicate;
	u32 count;

	if (!callbacks) {
		test_true(log, "scale: there is memory for the test", false);
		return;
	}
	count = register_up_to(callbacks, 0, 1);
	alone = best_round(1);
	begin = ktime_get_ns();
	count = register_up_to(callbacks, count, MANY);
	registering = ktime_get_ns() - begin;
	test_equal(log, "scale: a hundred thousand callbacks are registered, or a tenth", MANY, count);
	near = best_round(FEW);
	far = best_round(MANY);
	test_equal(log, "scale: each of them is reached", MANY, reachable());
	again.id = id_of(MANY / 2);
	duplicate = cnx_register(&again);
	test_equal(log, "scale: an id among them is taken", -EEXIST, PTR_ERR_OR_ZERO(duplicate));
	test_true(log, "scale: a lookup among them costs what it costs alone", near <= BOUND_NEAR * alone);
	test_true(log, "scale: a lookup of one not used lately costs cache misses more", far <= BOUND_FAR * alone);
	test_note(log, "%u dispatches: %llu us alone, %llu us to few of %u, %llu us to all; registering took %llu ms",
	          LOOKUPS, alone / 1000, near / 1000, count, far / 1000, registering / 1000000);
	begin = ktime_get_ns();
	test_equal(log, "scale: all go at once", 0, cnx_unregister_all(callbacks, count));
	test_note(log, "unregistering took %llu ms", (ktime_get_ns() - begin) / 1000000);
	test_equal(log, "scale: none of them is reached afterwards", 0, reachable());
	vfree(callbacks);
}

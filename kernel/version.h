/* SPDX-License-Identifier: GPL-2.0-only */
/* Every difference between the kernels that cnx supports is in this file. */
#ifndef CNX_KERNEL_VERSION_H
#define CNX_KERNEL_VERSION_H

#include <linux/atomic.h>
#include <linux/hrtimer.h>
#include <linux/kthread.h>
#include <linux/percpu.h>
#include <linux/shrinker.h>
#include <linux/slab.h>
#include <linux/timer.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0)
#error "cnx supports Linux 6.1 to 7.2: this tree is older; use a newer kernel"
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(7, 3, 0)
#error "cnx supports Linux 6.1 to 7.2: this tree is newer; use a newer cnx"
#endif

/* From 6.11 on, sysctl tables are counted and must not end with an empty entry. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 11, 0)
#define CNX_SYSCTL_SENTINEL {},
#else
#define CNX_SYSCTL_SENTINEL
#endif

/* From 6.10 on, TRACE_EVENT's __assign_str() takes the field alone. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 10, 0)
#define cnx_assign_str(field, source) __assign_str(field, source)
#else
#define cnx_assign_str(field, source) __assign_str(field)
#endif

/* From 6.2 on, the deletion of a timer has this name; from 6.15 on, this alone. Needs its header first, as above. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
#define timer_delete_sync del_timer_sync
#endif

/* From 6.16 on, a timer on the stack is destroyed by this name alone. Needs its header first, as above. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 16, 0)
#define timer_destroy_on_stack destroy_timer_on_stack
#endif

/* From 6.13 on, a timer gets its function when it is made; from 6.15 on, only so. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
#define hrtimer_setup_on_stack(timer, expired, clock, mode)                                                            \
	do {                                                                                                           \
		hrtimer_init_on_stack(timer, clock, mode);                                                             \
		(timer)->function = (expired);                                                                         \
	} while (0)
#define hrtimer_setup(timer, expired, clock, mode)                                                                     \
	do {                                                                                                           \
		hrtimer_init(timer, clock, mode);                                                                      \
		(timer)->function = (expired);                                                                         \
	} while (0)
#endif

/*
 * To a counter of this CPU, in any context. User-mode Linux has no instruction for it, and where it has several CPUs,
 * this_cpu_add() is two system calls, because its interrupts are signals. An atomic addition is none.
 */
#if IS_ENABLED(CONFIG_UML) && IS_ENABLED(CONFIG_SMP)
#define cnx_this_cpu_add(counter, n) atomic64_add(n, (atomic64_t *)raw_cpu_ptr(&(counter)))
#else
#define cnx_this_cpu_add(counter, n) this_cpu_add(counter, n)
#endif

/* From 6.14 on, a worker that is created does not run yet. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 14, 0)
#define cnx_kthread_run_worker(name) kthread_create_worker(0, name)
#else
#define cnx_kthread_run_worker(name) kthread_run_worker(0, name)
#endif

/* From 6.17 on, the tracepoint of an exit also says whether the process has ended with its thread. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 17, 0)
#define CNX_EXIT_ARGUMENTS
#else
#define CNX_EXIT_ARGUMENTS , bool group_dead
#endif

/* From 6.18 on, clone's flags have 64 bits everywhere. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 18, 0)
typedef unsigned long cnx_clone_flags;
#else
typedef u64 cnx_clone_flags;
#endif

/* What is called in the end where memory of any size is asked for. Later kernels also count who asked. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 10, 0)
#define CNX_KVMALLOC_NODE "kvmalloc_node"
#elif LINUX_VERSION_CODE < KERNEL_VERSION(6, 11, 0)
#define CNX_KVMALLOC_NODE "kvmalloc_node_noprof"
#else
#define CNX_KVMALLOC_NODE "__kvmalloc_node_noprof"
#endif

typedef unsigned long (*cnx_shrinker_function)(struct shrinker *shrinker, struct shrink_control *control);

/* From 6.7 on, shrinkers are allocated by the kernel. NULL: no memory. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 7, 0)
static inline void cnx_shrinker_unregister(struct shrinker *shrinker)
{
	unregister_shrinker(shrinker);
	kfree(shrinker);
}

static inline struct shrinker *cnx_shrinker_register(const char *name, cnx_shrinker_function count,
                                                     cnx_shrinker_function scan)
{
	struct shrinker *shrinker = kzalloc(sizeof(*shrinker), GFP_KERNEL);

	if (!shrinker)
		return NULL;
	shrinker->count_objects = count;
	shrinker->scan_objects = scan;
	shrinker->seeks = DEFAULT_SEEKS;
	if (!register_shrinker(shrinker, "%s", name))
		return shrinker;
	kfree(shrinker);
	return NULL;
}
#else
static inline void cnx_shrinker_unregister(struct shrinker *shrinker)
{
	shrinker_free(shrinker);
}

static inline struct shrinker *cnx_shrinker_register(const char *name, cnx_shrinker_function count,
                                                     cnx_shrinker_function scan)
{
	struct shrinker *shrinker = shrinker_alloc(0, "%s", name);

	if (!shrinker)
		return NULL;
	shrinker->count_objects = count;
	shrinker->scan_objects = scan;
	shrinker_register(shrinker);
	return shrinker;
}
#endif

#endif /* CNX_KERNEL_VERSION_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The boundary between the kernel, which only C can include, and the core, which is C++. Kernel types cross it as
 * pointers to incomplete, distinct structs. Functions named cnx_k_ are the kernel's services for the core; those
 * named cnx_core_ are the core's entry points. bindings.c holds the former, core.cpp the latter.
 */
#ifndef CNX_KERNEL_BINDINGS_H
#define CNX_KERNEL_BINDINGS_H

#include <cnx/driver.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Storage that the core embeds for kernel objects; bindings.c asserts that they fit. */
#define CNX_K_MUTEX_BYTES 256
#define CNX_K_SPINLOCK_BYTES 128
#define CNX_K_WAITQUEUE_BYTES 256

struct cnx_k_mutex;
struct cnx_k_spinlock;
struct cnx_k_waitqueue;
struct cnx_k_rcu_head;
struct cnx_k_counters;

void cnx_k_mutex_init(struct cnx_k_mutex *mutex);
void cnx_k_mutex_lock(struct cnx_k_mutex *mutex);
void cnx_k_mutex_unlock(struct cnx_k_mutex *mutex);
void cnx_k_spinlock_init(struct cnx_k_spinlock *lock);
unsigned long cnx_k_spinlock_lock(struct cnx_k_spinlock *lock);
void cnx_k_spinlock_unlock(struct cnx_k_spinlock *lock, unsigned long flags);
void cnx_k_waitqueue_init(struct cnx_k_waitqueue *queue);
void cnx_k_waitqueue_wait(struct cnx_k_waitqueue *queue, bool (*predicate)(void *), void *context);
void cnx_k_waitqueue_wake(struct cnx_k_waitqueue *queue);

void *cnx_k_allocate(__kernel_size_t bytes);
void cnx_k_release(void *memory);

void cnx_k_rcu_read_lock(void);
void cnx_k_rcu_read_unlock(void);
void cnx_k_call_rcu(struct cnx_k_rcu_head *head, void (*reclaim)(struct cnx_k_rcu_head *));
void cnx_k_synchronize(void);
void cnx_k_rcu_barrier(void);

unsigned int cnx_k_cpu(void);
unsigned int cnx_k_cpu_count(void);
const void *cnx_k_task(void);
bool cnx_k_may_sleep(void);
bool cnx_k_permits(struct sk_buff *skb, struct net *net, int capability);

struct cnx_k_counters *cnx_k_counters_allocate(__kernel_size_t count);
void cnx_k_counters_release(struct cnx_k_counters *counters);
void cnx_k_counter_add(struct cnx_k_counters *counters, __kernel_size_t index, __u64 n);
__u64 cnx_k_counter_read(struct cnx_k_counters *counters, __kernel_size_t index, unsigned int cpu);

/* skbs. Those that are returned belong to the caller; those that are sent are consumed, whatever comes of it. */
struct sk_buff *cnx_k_skb_alloc(__kernel_size_t bytes, bool may_sleep);
/* One to be kept ready for senders on `cpu`, from its memory node. May sleep, and gives up early. */
struct sk_buff *cnx_k_skb_alloc_ready(__kernel_size_t bytes, unsigned int cpu);
/* The bytes that an skb has room for whose head takes `head` bytes, a power of two. */
__kernel_size_t cnx_k_skb_room(__kernel_size_t head);
#define CNX_K_POOL_LARGEST_HEAD 4096
/* Have cnx_core_pool_fill() called for each CPU, soon and in process context. Any context. */
void cnx_k_pool_schedule_refill(void);
struct sk_buff *cnx_k_skb_clone(struct sk_buff *skb, bool may_sleep);
void cnx_k_skb_free(struct sk_buff *skb);
/* The next `bytes` bytes of the skb, not initialised, or NULL if it has no room for them. */
void *cnx_k_skb_append(struct sk_buff *skb, __kernel_size_t bytes);
/* Take the last `bytes` bytes back. */
void cnx_k_skb_retract(struct sk_buff *skb, __kernel_size_t bytes);

/*
 * Make the head so small that netlink leaves it as it is. False, and the skb as it was, if there is no memory.
 */
bool cnx_k_skb_fit(struct sk_buff *skb, bool may_sleep);

/* The transport of one network namespace; NULL stands for the initial one. */
bool cnx_k_group_has_members(struct net *net, __u32 group);
int cnx_k_broadcast(struct net *net, struct sk_buff *skb, __u32 except, __u32 group, bool may_sleep);
int cnx_k_unicast(struct net *net, struct sk_buff *skb, __u32 portid, bool wait);
/* Answer the netlink message at `offset` of a received datagram. */
void cnx_k_answer(struct sk_buff *received, __kernel_size_t offset, int status, const char *sentence);

void cnx_k_trace_register(struct cnx_id id, const char *name);
void cnx_k_trace_unregister(struct cnx_id id, const char *name);
void cnx_k_trace_receive(struct cnx_id id, __u32 portid, __u32 length, int status);
void cnx_k_trace_send(struct cnx_id id, __u32 portid, __u32 group, __u32 messages, int status);
void cnx_k_trace_drop(int reason);
/* How many tracing sessions have an event on: read before each call above, so that tracing off costs a load. */
extern int cnx_k_tracing;

/*
 * 0 or a negative errno. Process context. Everything below may be called from here until cnx_core_exit(), and nothing
 * outside. cnx_core_exit() may be called when no socket and no driver is left.
 */
int cnx_core_init(const char *version, unsigned int pool_depth, unsigned int pool_bytes);
void cnx_core_exit(void);
/* What the socket turned out to be. */
void cnx_core_opened(__u32 protocol, __u32 groups);

/* The pool of ready skbs; see skb_pool.hpp. The CPU that is filled stays online meanwhile. */
void cnx_core_pool_refill_begins(void);
bool cnx_core_pool_fill(unsigned int cpu);
unsigned int cnx_core_pool_drain(unsigned int cpu, unsigned int most);
unsigned int cnx_core_pool_size(void);

void cnx_core_receive(const void *bytes, __kernel_size_t size, const struct cnx_sender *sender);
void cnx_core_socket_closed(__u32 portid);
bool cnx_core_group_is_open(__u32 group);
/* The first callback in order of registration with a serial above `after`; false if there is none. */
bool cnx_core_next_callback(__u64 after, struct cnx_callback_record *record);

int cnx_core_register(const struct cnx_registration *registration, struct cnx_callback **callback);
int cnx_core_unregister(struct cnx_callback *const *callbacks, __kernel_size_t count);
int cnx_core_send(const struct cnx_message *message, const struct cnx_destination *to, bool may_sleep);
int cnx_core_dispatch(const struct cnx_message *message);
int cnx_core_batch_begin(struct cnx_batch *batch, __kernel_size_t capacity, enum cnx_context context);
int cnx_core_batch_reserve(struct cnx_batch *batch, const struct cnx_message *header, void **payload);
__kernel_size_t cnx_core_batch_room(__kernel_size_t length);
int cnx_core_batch_commit(struct cnx_batch *batch);
void cnx_core_batch_drop(struct cnx_batch *batch);
int cnx_core_batch_send(struct cnx_batch *batch, const struct cnx_destination *to);
void cnx_core_batch_cancel(struct cnx_batch *batch);

#ifdef __cplusplus
}
#endif

#endif /* CNX_KERNEL_BINDINGS_H */

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

/* What the core does itself instead of calling a function for it, where the kernel's configuration lets it. */
#if defined(CONFIG_PREEMPT_RCU) && !defined(CONFIG_DEBUG_LOCK_ALLOC)
#define CNX_RCU_IS_A_FUNCTION
void __rcu_read_lock(void);
void __rcu_read_unlock(void);
#elif !defined(CONFIG_PREEMPT_RCU) && !defined(CONFIG_PREEMPT_COUNT) && !defined(CONFIG_DEBUG_LOCK_ALLOC) &&           \
    !defined(CONFIG_RCU_STRICT_GRACE_PERIOD)
#define CNX_RCU_IS_A_BARRIER
#endif
#if defined(CONFIG_X86_64) && defined(CONFIG_SMP) && !defined(CONFIG_UML)
#define CNX_PERCPU_IS_GS
#elif defined(CONFIG_X86_64) && !defined(CONFIG_SMP)
#define CNX_PERCPU_IS_PLAIN
#endif

/* Storage that the core embeds for kernel objects; bindings.c asserts that they fit. */
#define CNX_K_MUTEX_BYTES 256
#define CNX_K_SPINLOCK_BYTES 128
#define CNX_K_WAITQUEUE_BYTES 256
#define CNX_K_TIMER_BYTES 256
#define CNX_K_LOCK_CLASS_BYTES 64

struct cnx_k_mutex;
struct cnx_k_spinlock;
struct cnx_k_waitqueue;
struct cnx_k_timer;
struct cnx_k_rcu_head;
struct cnx_k_counters;
struct cnx_k_lock_class;
struct cnx_connector;

/* The class is a static object, which lockdep tells kinds of locks by. */
void cnx_k_mutex_init(struct cnx_k_mutex *mutex, struct cnx_k_lock_class *lock_class);
void cnx_k_mutex_lock(struct cnx_k_mutex *mutex);
void cnx_k_mutex_unlock(struct cnx_k_mutex *mutex);
void cnx_k_spinlock_init(struct cnx_k_spinlock *lock, struct cnx_k_lock_class *lock_class);
unsigned long cnx_k_spinlock_lock(struct cnx_k_spinlock *lock);
void cnx_k_spinlock_unlock(struct cnx_k_spinlock *lock, unsigned long flags);
void cnx_k_waitqueue_init(struct cnx_k_waitqueue *queue);
void cnx_k_waitqueue_wait(struct cnx_k_waitqueue *queue, bool (*predicate)(void *), void *context);
void cnx_k_waitqueue_wake(struct cnx_k_waitqueue *queue);

/* `expired` is called in softirq. Arming it again replaces the earlier time. */
void cnx_k_timer_init(struct cnx_k_timer *timer, void (*expired)(void *), void *context);
void cnx_k_timer_arm(struct cnx_k_timer *timer, __u64 nanoseconds);
/* `expired` is not running when this returns. May sleep. */
void cnx_k_timer_cancel(struct cnx_k_timer *timer);
__u64 cnx_k_now(void); /* nanoseconds */

void *cnx_k_allocate(__kernel_size_t bytes);
void *cnx_k_allocate_now(__kernel_size_t bytes);
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
struct sk_buff *cnx_k_skb_alloc(__kernel_size_t bytes, bool may_sleep, bool zeroes);
/* One to be kept ready for senders on `cpu`, from its memory node, of zeroes. May sleep, and gives up early. */
struct sk_buff *cnx_k_skb_alloc_ready(__kernel_size_t bytes, unsigned int cpu);
/* The bytes that an skb has room for whose head takes `head` bytes, a power of two. */
__kernel_size_t cnx_k_skb_room(__kernel_size_t head);
#define CNX_K_POOL_LARGEST_HEAD 4096
/* Have cnx_core_pool_fill() called for each CPU, in process context: after the next tick of the clock, or now. Any
 * context. */
void cnx_k_pool_refill_soon(void);
void cnx_k_pool_refill_now(void);
struct sk_buff *cnx_k_skb_clone(struct sk_buff *skb, bool may_sleep);
/* One to be kept ready, which is a clone of any other skb once it is made one. May sleep, and gives up early. */
struct sk_buff *cnx_k_skb_clone_ready(struct sk_buff *skb);
void cnx_k_skb_become_clone(struct sk_buff *ready, struct sk_buff *skb);
void cnx_k_skb_free(struct sk_buff *skb);
/* What the skb carries, and the room behind that. */
const void *cnx_k_skb_data(const struct sk_buff *skb, __kernel_size_t *size);
void *cnx_k_skb_room_of(const struct sk_buff *skb, __kernel_size_t *size);
/* The first `bytes` bytes of the room, which it carries from now on, or NULL if there are not so many. */
void *cnx_k_skb_extend(struct sk_buff *skb, __kernel_size_t bytes);

/*
 * Make the head so small that netlink leaves it as it is. False, and the skb as it was, if there is no memory.
 */
bool cnx_k_skb_fit(struct sk_buff *skb, bool may_sleep);

/* The transport, over the kernel socket of one network namespace. */
int netlink_has_listeners(struct sock *socket, unsigned int group); /* false for a group beyond the protocol's */
int cnx_k_broadcast(struct sock *kernel, struct sk_buff *skb, __u32 except, __u32 group, bool may_sleep);
/* `group`: what the receiver is told that it was sent to; 0: to itself. */
int cnx_k_unicast(struct sock *kernel, struct sk_buff *skb, __u32 portid, __u32 group, bool wait);
/* The socket that a datagram came from, until its handler returns. */
struct sock *cnx_k_sender_socket(const struct sk_buff *received);
void cnx_k_socket_hold(struct sock *socket);
void cnx_k_socket_put(struct sock *socket);
bool cnx_k_socket_is_closed(const struct sock *socket);
bool cnx_k_socket_has_read_all(const struct sock *socket);
/* Whether the next thing that a socket is told is that it missed something. */
bool cnx_k_socket_is_to_be_told(const struct sock *socket);
/* Count a datagram that a socket was not given, as netlink counts those. */
void cnx_k_socket_count_drop(struct sock *socket);
/* Until whoever is in cnx_core_socket_closed() has left it. May sleep. */
void cnx_k_wait_for_closing(void);
/*
 * As cnx_k_unicast(), to a socket that the caller holds and nobody has to look for. False, and the skb as it was: the
 * socket is full, or is closing, or has missed something already, unless that does not matter.
 */
bool cnx_k_queue(struct sock *socket, struct sk_buff *skb, __u32 group, bool though_it_missed);
/* Answer the netlink message at `message` in a received datagram. */
void cnx_k_answer(struct sk_buff *received, const void *message, int status, const char *sentence);

void cnx_k_trace_register(struct cnx_id id, const char *name);
void cnx_k_trace_unregister(struct cnx_id id, const char *name);
void cnx_k_trace_receive(struct cnx_id id, __u32 portid, __u32 length, int status);
void cnx_k_trace_send(struct cnx_id id, __u32 portid, __u32 group, __u32 messages, int status);
void cnx_k_trace_drop(int reason);
/* How many tracing sessions have an event on: read before each call above, so that tracing off costs a load. */
extern int cnx_k_tracing;

/*
 * 0 or a negative errno. Process context. Everything below may be called from here until cnx_core_exit(), and nothing
 * outside. cnx_core_exit() may be called when no namespace and no driver is left.
 */
int cnx_core_init(const char *version, unsigned int pool_depth, unsigned int pool_bytes);
void cnx_core_exit(void);

/*
 * What one network namespace has of cnx: the initial one's, which is always there, and those that are made for others.
 * NULL: no memory. Each is told its kernel socket before it is handed a message or asked to send one; `alone`: no other
 * namespace has a kernel socket of this protocol. When one is closed, no task is in the functions below with it, nor
 * will be. Process context; they may sleep.
 */
struct cnx_connector *cnx_core_initial(void);
struct cnx_connector *cnx_core_connector_create(void);
void cnx_core_connector_opened(struct cnx_connector *connector, struct sock *kernel, __u32 protocol, __u32 groups,
                               bool alone);
void cnx_core_connector_close(struct cnx_connector *connector);
extern struct net init_net;
/* The connector of a namespace other than the initial one, which does not end meanwhile; NULL: it has none. */
struct cnx_connector *cnx_k_connector_of(const struct net *net);

/* The pool of ready skbs; see skb_pool.hpp. The CPU that is filled stays online meanwhile. */
void cnx_core_pool_refill_begins(void);
bool cnx_core_pool_fill(unsigned int cpu);
unsigned int cnx_core_pool_drain(unsigned int cpu, unsigned int most);
unsigned int cnx_core_pool_size(void);

/* The numbers of a struct cnx_sender, in its order: so few that they are passed in registers. */
struct cnx_k_origin {
	__u32 pid;
	__u32 uid;
	__u32 gid;
	__u32 portid;
};
/* Whether messages are handed over: cnx_core_receive() asks by itself. */
void cnx_core_open(bool open);
bool cnx_core_is_open(void);
/* A datagram for the initial namespace's connector, or for another one. */
void cnx_core_receive(struct sk_buff *skb, const void *bytes, __kernel_size_t size, struct net *net,
                      struct cnx_k_origin origin);
void cnx_core_receive_by(struct cnx_connector *connector, struct sk_buff *skb, const void *bytes, __kernel_size_t size,
                         struct net *net, struct cnx_k_origin origin);
void cnx_core_socket_closed(struct cnx_connector *connector, __u32 portid);
bool cnx_core_group_is_open(struct cnx_connector *connector, __u32 group);
/* The first callback in order of registration with a serial above `after`; false if there is none. */
bool cnx_core_next_callback(struct cnx_connector *connector, __u64 after, struct cnx_callback_record *record);

#ifdef __cplusplus
}
#endif

#endif /* CNX_KERNEL_BINDINGS_H */

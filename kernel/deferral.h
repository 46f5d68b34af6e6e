/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sends that are put off, on kernels with PREEMPT_RT. There locks and the allocator sleep, so who has interrupts or
 * preemption off, a hardirq among them, may use neither; and netlink takes locks. What is sent from there is put into a
 * ready skb, which takes no lock, and a thread sends it. deferral.hpp says what is sent, deferral.c holds what waits.
 *
 * On other kernels nothing is ever put off, which the compiler sees.
 */
#ifndef CNX_KERNEL_DEFERRAL_H
#define CNX_KERNEL_DEFERRAL_H

#include <cnx/driver.h>

#ifdef __cplusplus
extern "C" {
#endif

enum cnx_k_deferred_kind {
	CNX_K_DEFERRED_MESSAGE,
	CNX_K_DEFERRED_DATAGRAM,
	CNX_K_DEFERRED_TO_LISTENER,
	CNX_K_DEFERRED_ANSWER,
};

/* What waits beside the bytes of a datagram, and says where it goes: small enough for an skb's control block. */
struct cnx_k_deferred {
	void *from; /* the connector, or the listener */
	union {
		struct cnx_id first;   /* of its messages */
		struct sock *to_asker; /* held; of an answer */
	};
	__u32 portid;
	__u32 group;
	__u32 except;
	__u32 messages;
	__u16 chosen; /* portids that a filter has let through, behind the datagram in the skb's room */
	__u8 kind;
	bool filtered; /* there was a filter */
	bool mixed;    /* messages of several ids */
};

#ifdef CONFIG_PREEMPT_RT

/* Whether locks and the allocator are out of reach here. */
bool cnx_k_must_defer(void);
/* Has cnx_core_send_deferred() called by a thread. False, and the skb still the caller's: too many wait. Any context.
 */
bool cnx_k_defer(struct sk_buff *skb, const struct cnx_k_deferred *what);
/*
 * Send what waits, or wait for who does. What was put off before is sent when this returns, so what the caller sends
 * next does not overtake it. Wherever a spinlock may be taken.
 */
void cnx_k_settle(void);
void cnx_core_send_deferred(struct sk_buff *skb, const struct cnx_k_deferred *what);

/* 0 or a negative errno. Process context. */
int cnx_deferral_start(void);
/* Nothing is sent any more. */
void cnx_deferral_stop(void);

#else

static inline bool cnx_k_must_defer(void)
{
	return false;
}
static inline bool cnx_k_defer(struct sk_buff *skb, const struct cnx_k_deferred *what)
{
	(void)skb;
	(void)what;
	return false;
}
static inline void cnx_k_settle(void) {}
static inline int cnx_deferral_start(void)
{
	return 0;
}
static inline void cnx_deferral_stop(void) {}

#endif

#ifdef __cplusplus
}
#endif

#endif /* CNX_KERNEL_DEFERRAL_H */

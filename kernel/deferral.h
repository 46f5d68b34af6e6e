/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sends that are put off, on kernels with PREEMPT_RT. There locks and the allocator sleep, so who has interrupts or
 * preemption off, a hardirq among them, may use neither; and netlink takes locks. What is sent from there is noted,
 * which takes no lock, and a thread sends it. deferral.hpp says what is sent, deferral.c holds what waits.
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

/* Of a payload that a note holds by itself. */
#define CNX_K_NOTE_BYTES 96

/* A send that waits. Notes are made at load, and used again and again. */
struct cnx_k_note {
	void *next;       /* deferral.c's, while it waits */
	unsigned int cpu; /* whose note it is */

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

	struct sk_buff *skb; /* the datagram; NULL: it is the message, whose payload is below */
	struct cnx_message message;
	__u8 payload[CNX_K_NOTE_BYTES];
};

#ifdef CONFIG_PREEMPT_RT

/* Whether locks and the allocator are out of reach here. */
bool cnx_k_must_defer(void);
/* Has cnx_core_send_deferred() called by a thread. Any context. */
void cnx_k_defer(struct cnx_k_note *note);
/*
 * Send what waits, or wait for who does. What was put off before is sent when this returns, so what the caller sends
 * next does not overtake it. Wherever a spinlock may be taken.
 */
void cnx_k_settle(void);
/* What is noted, by who has the turn to send it. */
void cnx_core_send_deferred(struct cnx_k_note *note);

/* 0 or a negative errno. Process context. */
int cnx_deferral_start(void);
/* Nothing is sent any more. */
void cnx_deferral_stop(void);

#else

static inline bool cnx_k_must_defer(void)
{
	return false;
}
static inline void cnx_k_defer(struct cnx_k_note *note)
{
	(void)note;
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

/* SPDX-License-Identifier: GPL-2.0-only */
/* What a callback is, and what it is handed: shared by drivers in C and in C++, and by the core. */
#ifndef CNX_CALLBACK_H
#define CNX_CALLBACK_H

#include <cnx/uapi.h>

struct net;
struct sk_buff;

/*
 * One message. In a callback it is a view: payload points into the datagram and is valid until the callback returns;
 * its length has been checked against the datagram, and nothing else about its bytes has.
 */
struct cnx_message {
	struct cnx_id id;
	__u32 seq;
	__u32 ack;
	__u16 flags;
	__u16 length; /* bytes at payload */
	const void *payload;
};

/* Who sent a message. Valid until the callback returns. */
struct cnx_sender {
	__u32 pid; /* thread group id that the sender stated and the kernel verified; 0: a driver */
	__u32 uid; /* of the sending task, as the initial user namespace numbers it */
	__u32 gid;
	__u32 portid;        /* where an answer goes; 0: a driver in this kernel */
	struct net *net;     /* the network namespace of the sending socket; NULL: a driver */
	struct sk_buff *skb; /* the datagram that carried it; NULL: a driver */
};

/*
 * Context: an atomic callback runs inside an RCU read section and must not sleep; a sleepable one runs in process
 * context and may. Both may run on several CPUs at once. Returns 0, or a negative errno, which a sender that asked
 * for an acknowledgement is told.
 */
typedef int (*cnx_callback_fn)(void *context, const struct cnx_message *message, const struct cnx_sender *sender);

/*
 * An enum that comes from drivers in C, who may have put any number into it. C++ lets such an enum hold only what its
 * enumerators span, unless it is told the type.
 */
#ifdef __cplusplus
#define CNX_ANY_NUMBER : unsigned int
#else
#define CNX_ANY_NUMBER
#endif

enum cnx_kind CNX_ANY_NUMBER {
	CNX_KIND_ATOMIC,
	CNX_KIND_SLEEPABLE,
};

/* The capability that a sender must have. Zero-initialised, a registration asks for CAP_NET_ADMIN. */
#define CNX_SENDER_NET_ADMIN 0
#define CNX_SENDER_ANYONE (-1)
#define CNX_SENDER_CAPABLE(capability) ((capability) + 1)

#endif /* CNX_CALLBACK_H */

/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR MIT */
/*
 * The wire format of cnx: what crosses the socket between the kernel and user programs.
 *
 * A datagram is one or more netlink messages. Each carries one struct cnx_msg, whose layout is that of the kernel
 * connector's struct cn_msg, so a program written for the connector needs at most another protocol number.
 * All numbers are in host byte order: the two ends are always on one machine. doc/wire.md tells the rules in prose.
 */
#ifndef CNX_UAPI_H
#define CNX_UAPI_H

#include <linux/types.h>

/* The number of the kernel's own connector; cnx answers on it wherever the kernel leaves it free. */
#define CNX_PROTOCOL_CONNECTOR 11
/* What cnx answers on where it does not. Nothing in Linux up to 7.2 uses it. */
#define CNX_PROTOCOL_FALLBACK 28
/* The number in force in the reader's network namespace, in decimal. Absent while the module is not loaded. */
#define CNX_PROTOCOL_FILE "/proc/sys/net/cnx/protocol"

/* Netlink groups run from 1 to this where the protocol number is cnx's own. Beyond it, subscribe by control. */
#define CNX_GROUPS 1024

/* The most that one message may take after its netlink header: struct cnx_msg and payload together, in bytes. */
#define CNX_MAX_MESSAGE 16384
/* A callback's name with its terminating NUL, in bytes. */
#define CNX_NAME_SIZE 32

struct cnx_id {
	__u32 idx;
	__u32 val;
};

/*
 * seq and ack: a message that starts an exchange chooses seq and leaves ack 0; the answer to (seq, ack) carries the
 * same seq and ack + 1.
 */
struct cnx_msg {
	struct cnx_id id;
	__u32 seq;
	__u32 ack;
	__u16 len;   /* bytes of data */
	__u16 flags; /* the two ends' own affair; cnx carries it unread */
	             /* followed by len bytes of data */
};

/*
 * Control: messages for this id are answered by cnx itself. A request is a struct cnx_control_request; its reply is
 * a struct cnx_control_reply and `count` records of the kind that the op names, all in one message, by unicast, with
 * the request's seq and its ack + 1. A request that is refused is answered by NLMSG_ERROR if it carried NLM_F_ACK or
 * NLM_F_REQUEST.
 */
#define CNX_CONTROL_IDX 0xffffffffu
#define CNX_CONTROL_VAL 0xffffffffu
#define CNX_CONTROL_VERSION 1

enum cnx_control_op {
	/* One struct cnx_info. Anyone may ask. */
	CNX_CONTROL_INFO = 1,
	/*
	 * struct cnx_callback_record for up to `count` callbacks (0: as many as fit), in order of registration,
	 * starting after `cursor` (0: from the first). The reply's cursor is the next request's; 0 says that no more
	 * follow. Anyone may ask.
	 */
	CNX_CONTROL_LIST = 2,
	/* struct cnx_counters for up to `count` CPUs from CPU number `cursor` on; cursor as for LIST. Anyone may ask.
	 */
	CNX_CONTROL_COUNTERS = 3,
	/* The one struct cnx_callback_record of `id`; -ENODEV if none is registered. Anyone may ask. */
	CNX_CONTROL_SHOW = 4,
	/*
	 * From now on, unicast to the requesting socket what is multicast to group `id.idx`; id.val must be 0. For
	 * groups beyond the protocol's table, and for filtered multicast. Group CNX_CONTROL_IDX carries
	 * struct cnx_event for every callback that comes or goes. Needs CAP_NET_ADMIN in the network namespace, or
	 * what each callback registered under that idx lets its listeners do without. Ends with the socket. No records
	 * in the reply. -EEXIST if subscribed already, -ENOSPC beyond CNX_MAX_SUBSCRIPTIONS for the namespace.
	 * `count` holds CNX_SUBSCRIBE_ flags; -EINVAL for one that is unknown. Group 0 stands for what is sent to the
	 * socket alone: it needs no right, and CNX_SUBSCRIBE_BATCHES.
	 */
	CNX_CONTROL_SUBSCRIBE = 5,
	/* The end of it; -ENOENT if there is none. */
	CNX_CONTROL_UNSUBSCRIBE = 6,
	/*
	 * What listeners missed: struct cnx_loss for up to `count` pairs of listener and callback; cursor as for LIST.
	 * id.idx names a listener by its portid, 0 all of them; id.val must be 0. A socket may ask about itself, and
	 * CAP_NET_ADMIN in the network namespace about any.
	 */
	CNX_CONTROL_LOSSES = 7,
	/* Not requests: the op of a struct cnx_event. */
	CNX_EVENT_REGISTERED = 16,
	CNX_EVENT_UNREGISTERED = 17,
};

/*
 * Subscriptions (pairs of socket and group) that one network namespace holds at most. The second half of them is for
 * sockets with CAP_NET_ADMIN.
 */
#define CNX_MAX_SUBSCRIPTIONS 4096

/*
 * Flags of CNX_CONTROL_SUBSCRIBE. With this one, messages whose driver lets them wait for others come several in a
 * datagram; without it each of them comes at once, in a datagram of its own.
 */
#define CNX_SUBSCRIBE_BATCHES 1u

struct cnx_control_request {
	__u16 version; /* CNX_CONTROL_VERSION */
	__u16 op;
	__u32 count;
	struct cnx_id id;
	__u64 cursor;
};

struct cnx_control_reply {
	__u16 version;
	__u16 op;
	__u32 count; /* records that follow */
	__u64 cursor;
};

struct cnx_info {
	__u32 protocol;
	__u32 groups;
	__u32 max_message;
	__u32 counters; /* how many of enum cnx_counter this module keeps */
	__u64 callbacks;
	__u64 subscriptions;
	char version[32]; /* of the module, NUL-terminated */
};

/* struct cnx_callback_record.flags */
#define CNX_CALLBACK_SLEEPABLE 1u  /* the callback may block; otherwise it runs inside an RCU read section */
#define CNX_CALLBACK_COALESCING 2u /* what is sent under its id may wait for more, see CNX_SUBSCRIBE_BATCHES */

struct cnx_callback_record {
	struct cnx_id id;
	__u64 serial; /* grows by registration, never reused */
	__u32 flags;
	__s32 capability; /* what a sender must have, as in linux/capability.h; -1: nothing */
	__u64 received;   /* messages handed to the callback, from sockets and from drivers */
	__u64 refused;    /* messages for it whose sender lacked the capability */
	__u64 failed;     /* messages for which the callback returned an error */
	__u64 sent;       /* messages sent under its id that reached a listener */
	__u64 lost;       /* messages sent under its id that some listener, or every one, did not get */
	char name[CNX_NAME_SIZE];
};

/* What is counted, on each CPU; index into struct cnx_counters.value. Later versions only append. */
enum cnx_counter {
	CNX_RECEIVED,       /* messages from sockets that a callback took without an error */
	CNX_DISPATCHED,     /* messages from drivers that a callback took without an error */
	CNX_ACKNOWLEDGED,   /* NLMSG_ERROR answers sent, errno 0 or not */
	CNX_SENT,           /* messages sent that reached at least one listener */
	CNX_SENT_DATAGRAMS, /* the datagrams that carried them */
	/* Dropped on receive, by reason. */
	CNX_DROP_TRUNCATED,     /* bytes that end before the netlink or the connector header does */
	CNX_DROP_BAD_LENGTH,    /* a length field that contradicts the bytes around it */
	CNX_DROP_TOO_LARGE,     /* more than CNX_MAX_MESSAGE */
	CNX_DROP_UNKNOWN_ID,    /* no callback has this id */
	CNX_DROP_NOT_PERMITTED, /* the sender lacks the capability */
	CNX_DROP_FAILED,        /* the callback returned an error */
	CNX_DROP_WOULD_BLOCK,   /* a sleepable callback, dispatched from a context that must not sleep */
	CNX_DROP_ANSWER,        /* an answer that the requester could not be given: its queue is full, or no memory */
	/* Dropped on send, by reason. */
	CNX_LOST_NO_LISTENER,
	CNX_LOST_FILTERED, /* every listener was filtered out */
	CNX_LOST_OVERRUN,  /* a listener's receive buffer was full */
	CNX_LOST_NO_MEMORY,
	CNX_LOST_TOO_LARGE,
	/* Where the skbs of senders came from. */
	CNX_POOL_HITS,      /* ready ones, from the magazine of the sender's CPU */
	CNX_POOL_MISSES,    /* of a size that is kept ready, but the magazine was empty */
	CNX_POOL_FALLBACKS, /* from the allocator: after a miss, or of a size that is not kept ready */
	CNX_POOL_REFILLS,   /* ready ones, put into magazines; counted where the refill ran */
	CNX_COALESCED,      /* messages that waited for others, to be sent in one datagram with them */
	CNX_LOST_UNNAMED,   /* messages that a listener missed and struct cnx_loss does not show, for want of memory */
	CNX_COUNTERS
};

struct cnx_counters {
	__u32 cpu;
	__u32 reserved;
	__u64 value[CNX_COUNTERS];
};

/* What one listener missed of one callback's messages, since the listener's socket was opened. */
struct cnx_loss {
	__u32 portid;
	__u32 reserved;
	struct cnx_id id;
	__u64 lost; /* messages */
};

/* Sent to group CNX_CONTROL_IDX under the control id, with seq counting the events. */
struct cnx_event {
	__u16 version;
	__u16 op;    /* CNX_EVENT_REGISTERED or CNX_EVENT_UNREGISTERED */
	__u32 flags; /* of the callback, as in struct cnx_callback_record */
	struct cnx_id id;
	char name[CNX_NAME_SIZE];
};

#endif /* CNX_UAPI_H */

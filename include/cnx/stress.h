/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR MIT */
/*
 * What the stress driver (kernel/drivers/stress, module cnx_stress) is told and tells. `cnx stress` and `cnx bench`
 * speak it. All of its callbacks want CAP_NET_ADMIN of a sender.
 *
 * A command is a struct below as the payload of a message to CNX_STRESS_COMMAND_VAL. The reply is a struct
 * cnx_stress_report. A command that is refused is answered by NLMSG_ERROR, if it carried NLM_F_REQUEST or NLM_F_ACK:
 *	EBADMSG		its size or version is wrong
 *	EOPNOTSUPP	there is no such op
 *	EINVAL		a number is beyond its bounds
 *	ENOENT		there is no such job
 *	ENOSPC		CNX_STRESS_JOBS jobs are there already
 *	ENOMEM
 */
#ifndef CNX_STRESS_H
#define CNX_STRESS_H

#include <linux/types.h>

#define CNX_STRESS_IDX 0x23u
#define CNX_STRESS_COMMAND_VAL 1u
#define CNX_STRESS_ECHO_VAL 2u    /* answers each message with itself; a reply that is lost is cnx's to count */
#define CNX_STRESS_SINK_VAL 3u    /* takes each message, and counts it */
#define CNX_STRESS_TRAFFIC_VAL 4u /* what bursts are sent under; takes no message */
/* Of the callbacks that come and go, each of which echoes: vals from 1 to CNX_STRESS_CHURN_IDS. */
#define CNX_STRESS_CHURN_IDX 0x24u
#define CNX_STRESS_CHURN_IDS 4096u

#define CNX_STRESS_VERSION 1

#define CNX_STRESS_JOBS 16u
#define CNX_STRESS_THREADS 16u /* of one job */
#define CNX_STRESS_BATCH 256u  /* messages in one datagram; all of them in CNX_MAX_BATCH bytes */
#define CNX_STRESS_RATE 10000000u
#define CNX_STRESS_TIME_MS 86400000u
/* A job ends by itself when nobody has asked for its report for so long: whoever started it may have died. */
#define CNX_STRESS_LEASE_MS 30000u

enum cnx_stress_op {
	CNX_STRESS_BURST = 1,  /* struct cnx_stress_burst: starts a job that sends */
	CNX_STRESS_CHURN = 2,  /* struct cnx_stress_churn: starts a job that registers and unregisters */
	CNX_STRESS_REPORT = 3, /* struct cnx_stress_head: how far a job is; job 0: the driver itself */
	CNX_STRESS_STOP = 4,   /* struct cnx_stress_head: ends a job, waits for its end, and forgets it */
	CNX_STRESS_FAULT = 5,  /* struct cnx_stress_fault: has the driver break a promise, see there */
};

struct cnx_stress_head {
	__u16 version; /* CNX_STRESS_VERSION */
	__u16 op;
	__u32 job; /* 0 where a job is started */
};

/* A portid's sender comes again until the portid has room. Without it, what finds no room is cnx's to count. */
#define CNX_STRESS_LOSSLESS 1u

struct cnx_stress_burst {
	struct cnx_stress_head head;
	__u32 portid; /* either this, */
	__u32 group;  /* or this, is not 0 */
	__u32 threads;
	__u32 flags;   /* CNX_STRESS_LOSSLESS, to a portid only */
	__u64 count;   /* messages of each thread; 0: until it is stopped */
	__u32 size;    /* bytes of payload, from sizeof(struct cnx_stress_message) on */
	__u32 batch;   /* messages in a datagram */
	__u32 rate;    /* messages a second of each thread; 0: as fast as it goes */
	__u32 time_ms; /* 0: until it is stopped */
};

struct cnx_stress_churn {
	struct cnx_stress_head head;
	__u32 first; /* the first val, from 1 on */
	__u32 ids;   /* how many */
	__u32 threads;
	__u32 time_ms; /* 0: until it is stopped */
	__u32 seed;    /* of the order in which they come and go */
	__u32 reserved;
};

/*
 * What a program that watches over the promises must find out, so that it can be shown that it does. Nothing is
 * counted as lost in any of them.
 */
enum cnx_stress_faulty {
	CNX_STRESS_SKIP = 1,      /* the job's first thread counts a number as sent, and does not send it */
	CNX_STRESS_SWAP = 2,      /* it sends two numbers in the wrong order */
	CNX_STRESS_MISDIRECT = 3, /* the next echo goes to portid `value` instead of its sender; the job is 0 */
};

struct cnx_stress_fault {
	struct cnx_stress_head head;
	__u32 fault; /* enum cnx_stress_faulty */
	__u32 value;
};

/* What each message of a burst begins with. Byte i of what follows it is the low byte of number + i. */
struct cnx_stress_message {
	__u32 job;
	__u32 thread;  /* from 0 on */
	__u64 number;  /* from 1 on, of this thread; its low half is the message's seq */
	__u64 time_ns; /* CLOCK_MONOTONIC when it was made */
};

struct cnx_stress_report {
	__u16 version;
	__u16 op; /* the command's */
	__u32 job;
	__u32 running;      /* threads that have not come to their end */
	__u32 threads;      /* which it began with */
	__u64 sent;         /* messages handed to cnx, whatever became of them */
	__u64 failed;       /* of those, messages for which the send returned an error */
	__u64 retried;      /* datagrams sent once more, for want of room or memory; not in `sent` again */
	__u64 registered;   /* callbacks */
	__u64 unregistered; /* callbacks; the same as `registered` when all has ended */
	__u64 refused;      /* registrations and unregistrations that returned an error */
	__u64 stray;        /* calls of a callback that was not registered: there must be none */
	/* Of the driver itself, in the report on job 0. */
	__u64 echoed;
	__u64 sunk;
};

#endif /* CNX_STRESS_H */

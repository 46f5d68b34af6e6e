/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR MIT */
/*
 * What the process events driver (kernel/drivers/procevents, module cnx_procevents) is asked and tells: the messages of
 * the kernel's process connector, as of Linux 6.6 and on every kernel that cnx runs on. doc/process-events.md explains
 * it.
 *
 * The layouts and the numbers are those of linux/cn_proc.h, so a program may use that header instead.
 */
#ifndef CNX_PROCEVENTS_H
#define CNX_PROCEVENTS_H

#include <linux/types.h>

#define CNX_PROC_IDX 1
#define CNX_PROC_VAL 1

enum cnx_proc_op {
	CNX_PROC_LISTEN = 1,
	CNX_PROC_IGNORE = 2,
};

/* What happened: cnx_proc_event.what, and a bit of cnx_proc_request.events. */
#define CNX_PROC_ACK 0u /* an answer; asked for by nobody, and sent to everyone who asks anything */
#define CNX_PROC_FORK 0x00000001u
#define CNX_PROC_EXEC 0x00000002u
#define CNX_PROC_UID 0x00000004u
#define CNX_PROC_GID 0x00000040u
#define CNX_PROC_SID 0x00000080u
#define CNX_PROC_PTRACE 0x00000100u
#define CNX_PROC_COMM 0x00000200u
#define CNX_PROC_NONZERO_EXIT 0x20000000u /* only asked for: exits whose code is not 0, which are sent as EXIT */
#define CNX_PROC_COREDUMP 0x40000000u
#define CNX_PROC_EXIT 0x80000000u

#define CNX_PROC_ALL                                                                                                   \
	(CNX_PROC_FORK | CNX_PROC_EXEC | CNX_PROC_UID | CNX_PROC_GID | CNX_PROC_SID | CNX_PROC_PTRACE |                \
	 CNX_PROC_COMM | CNX_PROC_NONZERO_EXIT | CNX_PROC_COREDUMP | CNX_PROC_EXIT)

/*
 * A request: the whole of it, or its first four bytes alone, which ask for all events. Each is answered by a
 * struct cnx_proc_event with CNX_PROC_ACK, the request's seq and its ack + 1, and an errno:
 *	EINVAL	a size that is neither, an unknown op, or a bit that is no event's
 *	EPERM	the task that asks is not the user who opened the socket, and said not to whom it is sending
 *	ENOSPC	the user, or everyone together, has as many listeners as there may be
 *	ENOMEM
 * LISTEN replaces what the socket asked for before. IGNORE ends that, and is answered with 0 where there was nothing.
 */
struct cnx_proc_request {
	__u32 op;     /* enum cnx_proc_op */
	__u32 events; /* of LISTEN: which are wanted; 0: all */
};

/* Pids are threads' and tgids processes', as the listener's pid namespace numbers them; 0: not visible in it. */
struct cnx_proc_event {
	__u32 what;
	__u32 cpu; /* that it happened on, whose events cnx_msg.seq counts; of an answer: all ones */
	__u64 time_ns __attribute__((aligned(8))); /* of CLOCK_MONOTONIC */
	union {
		struct {
			__u32 error;
		} ack;
		struct {
			__s32 parent_pid, parent_tgid;
			__s32 child_pid, child_tgid;
		} fork;
		/* Of whom the event is, for all kinds below. */
		struct {
			__s32 pid, tgid;
		} process;
		/* CNX_PROC_UID and CNX_PROC_GID, numbered as in the listener's user namespace. */
		struct {
			__s32 pid, tgid;
			__u32 real, effective;
		} id;
		struct {
			__s32 pid, tgid;
			__s32 tracer_pid, tracer_tgid; /* 0: it is traced no more */
		} ptrace;
		struct {
			__s32 pid, tgid;
			char name[16];
		} comm;
		struct {
			__s32 pid, tgid;
			__s32 parent_pid, parent_tgid;
		} coredump;
		struct {
			__s32 pid, tgid;
			__u32 code; /* as of wait(2) */
			__u32 signal;
			__s32 parent_pid, parent_tgid;
		} exit;
	};
};

#endif /* CNX_PROCEVENTS_H */

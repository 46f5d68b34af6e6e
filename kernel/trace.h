/* SPDX-License-Identifier: GPL-2.0-only */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM cnx

#if !defined(CNX_KERNEL_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define CNX_KERNEL_TRACE_H

#include <linux/tracepoint.h>

#include "bindings.h"
#include "version.h"

int cnx_tracing_on(void);
void cnx_tracing_off(void);

/* The layout of these macros is their own, and clang-format knows nothing of it. */
/* clang-format off */
DECLARE_EVENT_CLASS(cnx_callback,
	TP_PROTO(struct cnx_id id, const char *name),
	TP_ARGS(id, name),
	TP_STRUCT__entry(
		__field(u32, idx)
		__field(u32, val)
		__string(name, name)
	),
	TP_fast_assign(
		__entry->idx = id.idx;
		__entry->val = id.val;
		cnx_assign_str(name, name);
	),
	TP_printk("id=%u:%u name=%s", __entry->idx, __entry->val, __get_str(name))
);

DEFINE_EVENT_FN(cnx_callback, cnx_register,
	TP_PROTO(struct cnx_id id, const char *name),
	TP_ARGS(id, name),
	cnx_tracing_on, cnx_tracing_off
);

DEFINE_EVENT_FN(cnx_callback, cnx_unregister,
	TP_PROTO(struct cnx_id id, const char *name),
	TP_ARGS(id, name),
	cnx_tracing_on, cnx_tracing_off
);

TRACE_EVENT_FN(cnx_receive,
	TP_PROTO(struct cnx_id id, u32 portid, u32 length, int status),
	TP_ARGS(id, portid, length, status),
	TP_STRUCT__entry(
		__field(u32, idx)
		__field(u32, val)
		__field(u32, portid)
		__field(u32, length)
		__field(int, status)
	),
	TP_fast_assign(
		__entry->idx = id.idx;
		__entry->val = id.val;
		__entry->portid = portid;
		__entry->length = length;
		__entry->status = status;
	),
	TP_printk("id=%u:%u portid=%u length=%u status=%d", __entry->idx, __entry->val, __entry->portid,
		  __entry->length, __entry->status),
	cnx_tracing_on, cnx_tracing_off
);

TRACE_EVENT_FN(cnx_send,
	TP_PROTO(struct cnx_id id, u32 portid, u32 group, u32 messages, int status),
	TP_ARGS(id, portid, group, messages, status),
	TP_STRUCT__entry(
		__field(u32, idx)
		__field(u32, val)
		__field(u32, portid)
		__field(u32, group)
		__field(u32, messages)
		__field(int, status)
	),
	TP_fast_assign(
		__entry->idx = id.idx;
		__entry->val = id.val;
		__entry->portid = portid;
		__entry->group = group;
		__entry->messages = messages;
		__entry->status = status;
	),
	TP_printk("id=%u:%u portid=%u group=%u messages=%u status=%d", __entry->idx, __entry->val, __entry->portid,
		  __entry->group, __entry->messages, __entry->status),
	cnx_tracing_on, cnx_tracing_off
);

/* reason: enum cnx_counter of cnx/uapi.h. */
TRACE_EVENT_FN(cnx_drop,
	TP_PROTO(int reason),
	TP_ARGS(reason),
	TP_STRUCT__entry(__field(int, reason)),
	TP_fast_assign(__entry->reason = reason;),
	TP_printk("reason=%s", __print_symbolic(__entry->reason,
		{ CNX_DROP_TRUNCATED, "truncated" },
		{ CNX_DROP_BAD_LENGTH, "bad_length" },
		{ CNX_DROP_TOO_LARGE, "too_large" },
		{ CNX_DROP_UNKNOWN_ID, "unknown_id" },
		{ CNX_DROP_NOT_PERMITTED, "not_permitted" },
		{ CNX_DROP_FAILED, "failed" },
		{ CNX_DROP_WOULD_BLOCK, "would_block" },
		{ CNX_DROP_ANSWER, "answer" },
		{ CNX_LOST_NO_LISTENER, "no_listener" },
		{ CNX_LOST_FILTERED, "filtered" },
		{ CNX_LOST_OVERRUN, "overrun" },
		{ CNX_LOST_NO_MEMORY, "no_memory" },
		{ CNX_LOST_TOO_LARGE, "too_large" })),
	cnx_tracing_on, cnx_tracing_off
);

/* clang-format on */
#endif /* CNX_KERNEL_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>

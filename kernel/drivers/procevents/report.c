// SPDX-License-Identifier: GPL-2.0-only
#include <uapi/linux/cn_proc.h>
#include <linux/ktime.h>
#include <linux/percpu.h>
#include <linux/pid_namespace.h>
#include <linux/rculist.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/user_namespace.h>

#include <cnx/driver.h>
#include <cnx/procevents.h>

#include "listeners.h"
#include "report.h"

#define SAME_PLACE(ours, kernels)                                                                                      \
	static_assert(offsetof(struct cnx_proc_event, ours) == offsetof(struct proc_event, kernels))
static_assert(sizeof(struct cnx_proc_event) == sizeof(struct proc_event));
SAME_PLACE(what, what);
SAME_PLACE(cpu, cpu);
SAME_PLACE(time_ns, timestamp_ns);
SAME_PLACE(ack.error, event_data.ack.err);
SAME_PLACE(fork.parent_pid, event_data.fork.parent_pid);
SAME_PLACE(fork.child_tgid, event_data.fork.child_tgid);
SAME_PLACE(process.tgid, event_data.exec.process_tgid);
SAME_PLACE(id.real, event_data.id.r.ruid);
SAME_PLACE(id.effective, event_data.id.e.euid);
SAME_PLACE(ptrace.tracer_tgid, event_data.ptrace.tracer_tgid);
SAME_PLACE(comm.name, event_data.comm.comm);
SAME_PLACE(coredump.parent_tgid, event_data.coredump.parent_tgid);
SAME_PLACE(exit.code, event_data.exit.exit_code);
SAME_PLACE(exit.signal, event_data.exit.exit_signal);
SAME_PLACE(exit.parent_tgid, event_data.exit.parent_tgid);

/* An event, as who is in these namespaces sees it. */
struct view {
	const struct pid_namespace *pids; /* NULL: nobody has looked yet */
	const struct user_namespace *ids;
	bool visible; /* whether the task is */
	struct cnx_proc_event event;
};

struct number {
	pid_t pid, tgid;
};

static __always_inline struct number number_of(struct task_struct *task, struct pid_namespace *pids)
{
	if (!task)
		return (struct number){};
	if (pids == &init_pid_ns)
		return (struct number){task->pid, task->tgid};
	return (struct number){task_pid_nr_ns(task, pids), task_tgid_nr_ns(task, pids)};
}

/* What an event says of a task and another one, as most kinds do. */
static void tell_both(struct cnx_proc_event *event, const struct procevents_happening *happening, struct number task,
                      struct number other)
{
	switch (happening->what) {
	case CNX_PROC_FORK:
		event->fork.parent_pid = other.pid;
		event->fork.parent_tgid = other.tgid;
		event->fork.child_pid = task.pid;
		event->fork.child_tgid = task.tgid;
		return;
	case CNX_PROC_EXIT:
		event->exit.code = happening->exit.code;
		event->exit.signal = happening->exit.signal;
		event->exit.parent_pid = other.pid;
		event->exit.parent_tgid = other.tgid;
		break;
	case CNX_PROC_PTRACE:
		event->ptrace.tracer_pid = other.pid;
		event->ptrace.tracer_tgid = other.tgid;
		break;
	case CNX_PROC_COREDUMP:
		event->coredump.parent_pid = other.pid;
		event->coredump.parent_tgid = other.tgid;
		break;
	}
	event->process.pid = task.pid;
	event->process.tgid = task.tgid;
}

static void look(struct view *view, const struct procevents_happening *happening, const struct procevents_sight *sight)
{
	struct cnx_proc_event *event = &view->event;
	const struct number task = number_of(happening->task, sight->pids);

	view->pids = sight->pids;
	view->ids = sight->ids;
	view->visible = task.pid;
	if (!view->visible)
		return;
	tell_both(event, happening, task, number_of(happening->other, sight->pids));
	switch (happening->what) {
	case CNX_PROC_UID:
		event->id.real = from_kuid_munged(sight->ids, happening->uid.real);
		event->id.effective = from_kuid_munged(sight->ids, happening->uid.effective);
		break;
	case CNX_PROC_GID:
		event->id.real = from_kgid_munged(sight->ids, happening->gid.real);
		event->id.effective = from_kgid_munged(sight->ids, happening->gid.effective);
		break;
	case CNX_PROC_COMM:
		strscpy_pad(event->comm.name, happening->name, sizeof(event->comm.name));
		break;
	}
}

/* Whether listeners to a stream are told of it, in which case the view is theirs. */
static __always_inline bool is_told(const struct procevents_stream *stream,
                                    const struct procevents_happening *happening, struct view *view)
{
	if (!(stream->events & happening->asked_by))
		return false;
	if (stream->sight.pids != view->pids || stream->sight.ids != view->ids)
		look(view, happening, &stream->sight);
	return view->visible && procevents_sight_has(&stream->sight, happening->task);
}

/* Listeners to a stream that are to be told. */
struct told {
	unsigned int count;
	struct cnx_listener *sockets[CNX_LISTENERS_AT_ONCE];
};

static __always_inline void tell(struct told *told, const struct cnx_message *message)
{
	/* What they miss is in their counts of losses. */
	if (told->count)
		(void)cnx_listeners_send(told->sockets, told->count, message, CNX_NO_SLEEP);
	told->count = 0;
}

/* How many events this CPU has had. */
static DEFINE_PER_CPU(u64, happened);

void procevents_report(const struct procevents_happening *happening)
{
	const struct procevents_stream *stream = NULL;
	const struct procevents_listener *listener;
	struct view view = {.pids = NULL};
	struct cnx_message message = {
	    .id = {CNX_PROC_IDX, CNX_PROC_VAL},
	    .length = sizeof(view.event),
	    .payload = &view.event,
	};
	/* What is beyond its count is not read, and to zero it as the kernel does would take a while for each event. */
	struct told told __attribute__((uninitialized));
	bool wanted = false;
	u64 event;

	told.count = 0;
	/* With preemption off, too: a number is taken and its event sent on one CPU, before any other event of that
	 * CPU. */
	rcu_read_lock_sched();
	event = __this_cpu_inc_return(happened);
	view.event.what = happening->what;
	view.event.cpu = smp_processor_id();
	view.event.time_ns = ktime_get_ns();
	list_for_each_entry_rcu(listener, &procevents_listeners, node) {
		if (listener->stream != stream) {
			tell(&told, &message);
			stream = listener->stream;
			wanted = is_told(stream, happening, &view);
			if (wanted)
				message.seq = procevents_stream_number(stream, event);
		}
		if (!wanted)
			continue;
		if (told.count == ARRAY_SIZE(told.sockets))
			tell(&told, &message);
		told.sockets[told.count++] = listener->socket;
	}
	tell(&told, &message);
	rcu_read_unlock_sched();
}

void procevents_report_with_parent(struct procevents_happening *happening)
{
	rcu_read_lock();
	happening->other = rcu_dereference(happening->task->real_parent);
	procevents_report(happening);
	rcu_read_unlock();
}

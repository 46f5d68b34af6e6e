// SPDX-License-Identifier: GPL-2.0-only
/* The stress driver: does what include/cnx/stress.h says that it can be told. */
#include <linux/err.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/string.h>

#include <cnx/driver.h>
#include <cnx/stress.h>

#include "job.h"

enum { COMMAND, ECHO, SINK, TRAFFIC, CALLBACKS };

static struct cnx_callback *callbacks[CALLBACKS];
static DEFINE_MUTEX(commands); /* one command at a time; guards the jobs */
static atomic_t misdirect_to = ATOMIC_INIT(0);
static atomic64_t echoed = ATOMIC64_INIT(0);
static atomic64_t sunk = ATOMIC64_INIT(0);

void stress_echo(const struct cnx_message *message, u32 portid, struct net *net, enum cnx_context context)
{
	struct cnx_message reply = *message;
	const struct cnx_destination to = {.net = net, .portid = portid};

	/* A driver of this kernel has no socket to be answered at. */
	if (!portid)
		return;
	reply.ack = message->ack + 1;
	/* What did not arrive is in the listener's losses, where the one who sent this looks for it. */
	(void)cnx_send(&reply, &to, context);
}

static int echo(void *context, const struct cnx_message *message, const struct cnx_sender *sender)
{
	u32 elsewhere = atomic_read(&misdirect_to) ? atomic_xchg(&misdirect_to, 0) : 0;

	atomic64_inc(&echoed);
	stress_echo(message, elsewhere ?: sender->portid, sender->net, CNX_NO_SLEEP);
	return 0;
}

static int sink(void *context, const struct cnx_message *message, const struct cnx_sender *sender)
{
	atomic64_inc(&sunk);
	return 0;
}

static int take_nothing(void *context, const struct cnx_message *message, const struct cnx_sender *sender)
{
	return -EOPNOTSUPP;
}

/* Copies a command whose size must be that of its struct. */
static int load(const struct cnx_message *message, void *command, size_t size)
{
	if (message->length != size)
		return -EBADMSG;
	memcpy(command, message->payload, size);
	return 0;
}

static int on_burst(const struct cnx_message *message, struct cnx_stress_report *report)
{
	struct cnx_stress_burst command;
	struct stress_job *job;
	int status = load(message, &command, sizeof(command));

	if (!status)
		status = stress_start_burst(&command, &job);
	if (!status)
		stress_sum(job, report);
	return status;
}

static int on_churn(const struct cnx_message *message, struct cnx_stress_report *report)
{
	struct cnx_stress_churn command;
	struct stress_job *job;
	int status = load(message, &command, sizeof(command));

	if (!status)
		status = stress_start_churn(&command, &job);
	if (!status)
		stress_sum(job, report);
	return status;
}

static int on_report(const struct cnx_message *message, struct cnx_stress_report *report)
{
	struct cnx_stress_head command;
	struct stress_job *job;
	int status = load(message, &command, sizeof(command));

	if (status)
		return status;
	if (!command.job) {
		report->echoed = atomic64_read(&echoed);
		report->sunk = atomic64_read(&sunk);
		return 0;
	}
	job = stress_find(command.job);
	if (!job)
		return -ENOENT;
	stress_renew_lease(job);
	stress_sum(job, report);
	return 0;
}

static int on_stop(const struct cnx_message *message, struct cnx_stress_report *report)
{
	struct cnx_stress_head command;
	struct stress_job *job;
	int status = load(message, &command, sizeof(command));

	if (status)
		return status;
	job = stress_find(command.job);
	if (!job)
		return -ENOENT;
	stress_stop(job);
	stress_sum(job, report);
	stress_forget(job);
	return 0;
}

static int on_fault(const struct cnx_message *message, struct cnx_stress_report *report)
{
	struct cnx_stress_fault command;
	struct stress_job *job;
	int status = load(message, &command, sizeof(command));

	if (status)
		return status;
	if (command.fault == CNX_STRESS_MISDIRECT) {
		if (command.head.job || !command.value)
			return -EINVAL;
		atomic_set(&misdirect_to, command.value);
		return 0;
	}
	if (command.fault != CNX_STRESS_SKIP && command.fault != CNX_STRESS_SWAP)
		return -EINVAL;
	job = stress_find(command.head.job);
	if (!job)
		return -ENOENT;
	if (job->slots || command.value)
		return -EINVAL;
	atomic_set(&job->fault, command.fault);
	stress_sum(job, report);
	return 0;
}

static int carry_out(const struct cnx_message *message, struct cnx_stress_report *report)
{
	struct cnx_stress_head head;

	if (message->length < sizeof(head))
		return -EBADMSG;
	memcpy(&head, message->payload, sizeof(head));
	if (head.version != CNX_STRESS_VERSION)
		return -EBADMSG;
	report->version = CNX_STRESS_VERSION;
	report->op = head.op;
	switch (head.op) {
	case CNX_STRESS_BURST:
		return head.job ? -EINVAL : on_burst(message, report);
	case CNX_STRESS_CHURN:
		return head.job ? -EINVAL : on_churn(message, report);
	case CNX_STRESS_REPORT:
		return on_report(message, report);
	case CNX_STRESS_STOP:
		return on_stop(message, report);
	case CNX_STRESS_FAULT:
		return on_fault(message, report);
	default:
		return -EOPNOTSUPP;
	}
}

static int command(void *context, const struct cnx_message *message, const struct cnx_sender *sender)
{
	struct cnx_stress_report report = {};
	struct cnx_message reply = *message;
	const struct cnx_destination to = {.net = sender->net, .portid = sender->portid};
	int status;

	mutex_lock(&commands);
	status = carry_out(message, &report);
	mutex_unlock(&commands);
	if (status || !sender->portid)
		return status;
	reply.ack = message->ack + 1;
	reply.length = sizeof(report);
	reply.payload = &report;
	return cnx_send(&reply, &to, CNX_MAY_SLEEP);
}

static int __init stress_init(void)
{
	static const struct cnx_registration registrations[CALLBACKS] = {
	    [COMMAND] = {.id = {CNX_STRESS_IDX, CNX_STRESS_COMMAND_VAL},
	                 .name = "stress_command",
	                 .callback = command,
	                 .kind = CNX_KIND_SLEEPABLE},
	    [ECHO] = {.id = {CNX_STRESS_IDX, CNX_STRESS_ECHO_VAL}, .name = "stress_echo", .callback = echo},
	    [SINK] = {.id = {CNX_STRESS_IDX, CNX_STRESS_SINK_VAL}, .name = "stress_sink", .callback = sink},
	    [TRAFFIC] = {.id = {CNX_STRESS_IDX, CNX_STRESS_TRAFFIC_VAL},
	                 .name = "stress_traffic",
	                 .callback = take_nothing},
	};
	unsigned int i;

	for (i = 0; i < CALLBACKS; i++) {
		callbacks[i] = cnx_register(&registrations[i]);
		if (IS_ERR(callbacks[i])) {
			int status = PTR_ERR(callbacks[i]);

			if (i)
				cnx_unregister_all(callbacks, i);
			stress_stop_all();
			return status;
		}
	}
	return 0;
}

static void __exit stress_exit(void)
{
	/* First what starts jobs, then the jobs, then what they send under. */
	cnx_unregister(callbacks[COMMAND]);
	stress_stop_all();
	cnx_unregister_all(callbacks + 1, CALLBACKS - 1);
}

module_init(stress_init);
module_exit(stress_exit);
MODULE_LICENSE("GPL v2");
MODULE_AUTHOR("The cnx authors");
MODULE_DESCRIPTION("Sends, registers and unregisters as it is told over cnx, for cnx stress and cnx bench");

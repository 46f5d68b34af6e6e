// SPDX-License-Identifier: GPL-2.0-only
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "cli/parse.hpp"
#include "cli/verbs.hpp"

namespace cnx::tool
{
namespace
{

struct MonitorOptions {
	std::vector<std::string> groups;
	std::vector<std::string> ids;
	bool control = false;
	bool subscribe = false;
	bool batches = false;
	bool hex = false;
	std::uint64_t count = 0; /* 0: without end */
	double timeout = 0;      /* seconds; 0: without end */
	std::size_t buffer = 4;  /* MiB */
};

/* Set by a signal that asks for the end; what was received by then is still told. */
volatile std::sig_atomic_t interrupted = 0;

void catch_interrupts()
{
	struct sigaction action = {};
	action.sa_handler = [](int) { interrupted = 1; };
	/* Without SA_RESTART, so that waiting ends. */
	for (const int number : {SIGINT, SIGTERM})
		sigaction(number, &action, nullptr);
}

/* The time of day, in local time, with microseconds; a date would be the same on each line. */
std::string now()
{
	timespec time{};
	clock_gettime(CLOCK_REALTIME, &time);
	tm local{};
	localtime_r(&time.tv_sec, &local);
	return fmt::format("{:02}:{:02}:{:02}.{:06}", local.tm_hour, local.tm_min, local.tm_sec, time.tv_nsec / 1000);
}

class Monitor
{
public:
	Monitor(const Context &context, const MonitorOptions &options, std::vector<client::Id> ids)
	    : context_(context), options_(options), ids_(std::move(ids))
	{
	}

	/* Tells one event. True if it counts towards --count. */
	bool show(const client::Event &event)
	{
		if (const auto *overrun = std::get_if<client::Overrun>(&event)) {
			show_overrun(*overrun);
			return false;
		}
		const auto *message = std::get_if<client::Message>(&event);
		if (!message)
			return false;
		if (const auto change = client::callback_event(*message))
			return show_change(*change, *message);
		if (!ids_.empty() && std::find(ids_.begin(), ids_.end(), message->id) == ids_.end())
			return false;
		show_message(*message);
		return true;
	}

private:
	bool show_change(const client::CallbackEvent &change, const client::Message &message)
	{
		if (!options_.control)
			return false;
		const char *what = change.registered ? "registered" : "unregistered";
		if (context_.json)
			context_.print({{"time", now()},
			                {"event", what},
			                {"seq", message.seq},
			                {"idx", change.id.idx},
			                {"val", change.id.val},
			                {"name", change.name},
			                {"kind", change.sleepable ? "sleepable" : "atomic"}});
		else
			fmt::print("{} control {} {} {} ({})\n", now(), what, format_id(change.id),
			           format_payload(client::bytes(change.name), false),
			           change.sleepable ? "sleepable" : "atomic");
		return true;
	}

	void show_overrun(const client::Overrun &overrun)
	{
		if (context_.json) {
			Json json{{"time", now()}, {"event", "overrun"}, {"overrun", overrun.count}};
			json["missed"] = overrun.missed ? Json(*overrun.missed) : Json(nullptr);
			context_.print(json);
			return;
		}
		const std::string missed = overrun.missed ? fmt::format("missed {} {}", *overrun.missed,
		                                                        *overrun.missed == 1 ? "message" : "messages")
		                                          : "missed messages, number unknown";
		fmt::print("{} OVERRUN {}: {}; a larger --buffer may help\n", now(), overrun.count, missed);
	}

	void show_message(const client::Message &message)
	{
		if (context_.json) {
			Json json{{"time", now()}, {"event", "message"}};
			json.update(to_json(message));
			context_.print(json);
			return;
		}
		const std::string where = message.group ? fmt::format("group {}", message.group) : "unicast";
		fmt::print("{} {} {} seq {} ack {} len {}{}{}\n", now(), where, format_id(message.id), message.seq,
		           message.ack, message.payload.size(), message.payload.empty() ? "" : ": ",
		           format_payload(message.payload, options_.hex));
	}

	const Context &context_;
	const MonitorOptions &options_;
	std::vector<client::Id> ids_;
};

/* The groups to listen to: those asked for; else those of the ids; else those of all callbacks that there are. */
client::Result<std::set<std::uint32_t>> choose_groups(client::Client &client, const MonitorOptions &options,
                                                      const std::vector<std::uint32_t> &groups,
                                                      const std::vector<client::Id> &ids)
{
	std::set<std::uint32_t> chosen(groups.begin(), groups.end());
	if (chosen.empty())
		for (const auto &id : ids)
			chosen.insert(id.idx);
	if (chosen.empty() && !options.control) {
		const auto callbacks = client.list();
		if (!callbacks)
			return std::unexpected(callbacks.error());
		for (const auto &callback : *callbacks)
			chosen.insert(callback.id.idx);
		/* No group is numbered 0, and cnx's own is for --control. */
		chosen.erase(0);
		chosen.erase(CNX_CONTROL_IDX);
		if (chosen.empty())
			return std::unexpected(client::Error{
			    ENOENT, "no callback is registered whose group could be listened to: load a driver, or "
			            "name a group with --group"});
	}
	if (options.control)
		chosen.insert(CNX_CONTROL_IDX);
	return chosen;
}

int monitor(const Context &context, const MonitorOptions &options)
{
	std::vector<client::Id> ids;
	for (const auto &text : options.ids) {
		const auto id = parse_id(text);
		if (!id)
			return context.misuse(id.error());
		ids.push_back(*id);
	}
	std::vector<std::uint32_t> groups;
	for (const auto &text : options.groups) {
		const auto group = parse_number(text);
		if (!group || *group == 0)
			return context.misuse(fmt::format("'{}' is no group: write a number from 1 on", text));
		groups.push_back(*group);
	}

	client::Options opening;
	opening.receive_buffer = options.buffer << 20;
	opening.batches = options.batches;
	auto client = context.open(opening);
	if (!client)
		return context.fail(client.error());
	const auto chosen = choose_groups(*client, options, groups, ids);
	if (!chosen)
		return context.fail(chosen.error());
	for (const std::uint32_t group : *chosen)
		if (const auto joined = options.subscribe ? client->subscribe(group) : client->join(group); !joined)
			return context.fail(joined.error());

	catch_interrupts();
	Monitor display(context, options, ids);
	using Clock = std::chrono::steady_clock;
	std::optional<Clock::time_point> deadline;
	if (options.timeout > 0)
		deadline = Clock::now() +
		           std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(options.timeout));
	std::uint64_t shown = 0;
	while (!interrupted && (options.count == 0 || shown < options.count)) {
		/* What is there is shown before anything is waited for, so that the output is flushed once for it. */
		auto event = client->receive(client::Timeout::zero());
		if (!event && event.error().code == ETIMEDOUT) {
			if (std::fflush(stdout) != 0)
				return exit_failed;
			auto left = client::forever;
			if (deadline)
				left = std::max(client::Timeout::zero(),
				                std::chrono::ceil<client::Timeout>(*deadline - Clock::now()));
			event = client->receive(left);
		}
		if (event) {
			shown += display.show(*event);
			if (!deadline || Clock::now() < *deadline)
				continue;
			break;
		}
		if (event.error().code == ETIMEDOUT)
			break;
		if (event.error().code == EINTR)
			continue;
		/* A datagram that was cut is a loss to be told, not the end. */
		if (event.error().code != EMSGSIZE)
			return context.fail(event.error());
		context.fail(event.error());
	}
	if (!interrupted && options.count && shown < options.count)
		return context.fail(ETIMEDOUT, fmt::format("{} of {} messages arrived within {} s", shown,
		                                           options.count, options.timeout));
	return exit_ok;
}

} // namespace

void add_monitor(CLI::App &application, Context &context)
{
	auto *verb = application.add_subcommand("monitor", "Show what drivers send, and callbacks coming and going");
	auto options = std::make_shared<MonitorOptions>();
	verb->add_option("--group", options->groups,
	                 "Listen to this group (repeatable); without one: those of --id, "
	                 "else those of all registered callbacks");
	verb->add_option("--id", options->ids, "Show only messages under this IDX:VAL (repeatable)");
	verb->add_flag("--control", options->control, "Show callbacks coming and going");
	verb->add_flag("--subscribe", options->subscribe,
	               "Never listen as a member of a netlink group, whom filtered messages do not reach");
	verb->add_flag("--batches", options->batches,
	               "Let drivers' messages come several at once, and later, where they may wait for others");
	verb->add_flag("--hex", options->hex, "Print payloads in hexadecimal even if they are text");
	verb->add_option("--count", options->count, "End after so many messages");
	verb->add_option("--timeout", options->timeout, "End after so many seconds")->check(CLI::Range(0.0, 1e9));
	verb->add_option("--buffer", options->buffer, "Receive buffer in MiB")
	    ->check(CLI::Range(std::size_t{1}, std::size_t{1024}))
	    ->capture_default_str();
	verb->footer("Examples:\n"
	             "  cnx monitor --group 101\n"
	             "  cnx monitor --id 101:1 --count 10 --timeout 5\n"
	             "  cnx monitor --control -j\n"
	             "It ends at Ctrl-C, or exits with 5 if --timeout passes before --count is reached.\n");
	verb->callback([&context, options] { context.status = monitor(context, *options); });
}

} // namespace cnx::tool

// SPDX-License-Identifier: GPL-2.0-only
#include "cli/listen.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "cli/interrupt.hpp"
#include "cli/parse.hpp"

namespace cnx::tool
{
namespace
{

/* What the options name, understood. */
struct Selection {
	std::set<std::uint32_t> groups;
	std::set<client::Id> ids;
	std::set<std::uint32_t> idxs;
	std::set<std::uint32_t> vals;

	bool names_groups() const { return !groups.empty() || !ids.empty() || !idxs.empty(); }

	bool wants(client::Id id) const
	{
		return (ids.empty() || ids.contains(id)) && (idxs.empty() || idxs.contains(id.idx)) &&
		       (vals.empty() || vals.contains(id.val));
	}
};

std::expected<Selection, std::string> select(const ListenOptions &options)
{
	Selection selection;
	for (const auto &text : options.groups) {
		const auto group = parse_number(text);
		if (!group || *group == 0)
			return std::unexpected(fmt::format("'{}' is no group: write a number from 1 on", text));
		selection.groups.insert(*group);
	}
	for (const auto &text : options.ids) {
		const auto id = parse_id(text);
		if (!id)
			return std::unexpected(id.error());
		selection.ids.insert(*id);
	}
	for (const auto &[texts, numbers] :
	     {std::pair(&options.idxs, &selection.idxs), {&options.vals, &selection.vals}})
		for (const auto &text : *texts) {
			const auto number = parse_number(text);
			if (!number)
				return std::unexpected(fmt::format("'{}' is no part of an id: write a number from 0 to "
				                                   "4294967295 in decimal or 0x hexadecimal",
				                                   text));
			numbers->insert(*number);
		}
	return selection;
}

class Listener
{
public:
	Listener(client::Client client, const ListenOptions &options, Selection selection)
	    : client_(std::move(client)), options_(options), selection_(std::move(selection))
	{
	}

	client::Client &client() { return client_; }
	const Heard &heard() const { return heard_; }

	client::Result<void> join_all()
	{
		/* First, so that no callback comes unseen between the list and this. */
		if (options_.control || options_.follow)
			if (auto joined = join(CNX_CONTROL_IDX); !joined)
				return joined;
		auto groups = selection_.groups;
		if (groups.empty()) {
			groups = selection_.idxs;
			for (const auto &id : selection_.ids)
				groups.insert(id.idx);
		}
		if (groups.empty() && (!options_.control || options_.follow)) {
			const auto callbacks = client_.list();
			if (!callbacks)
				return std::unexpected(callbacks.error());
			for (const auto &callback : *callbacks)
				groups.insert(callback.id.idx);
			/* No group is numbered 0, and cnx's own is for --control. */
			groups.erase(0);
			groups.erase(CNX_CONTROL_IDX);
			if (groups.empty() && !options_.follow)
				return std::unexpected(client::Error{
				    ENOENT, "no callback is registered whose group could be listened to: load "
				            "a driver, name a group with --group, or wait with --follow"});
		}
		for (const std::uint32_t group : groups)
			if (auto joined = join(group); !joined)
				return joined;
		return {};
	}

	/* True if the event counts towards --count. */
	client::Result<bool> take(const client::Event &event, Audience &audience)
	{
		if (const auto *overrun = std::get_if<client::Overrun>(&event)) {
			++heard_.overruns;
			heard_.missed += overrun->missed.value_or(0);
			heard_.missed_is_whole &= overrun->missed.has_value();
			audience.overrun(*overrun);
			return false;
		}
		const auto *message = std::get_if<client::Message>(&event);
		if (!message)
			return false;
		if (const auto change = client::callback_event(*message)) {
			if (!options_.control && !options_.follow)
				return false;
			audience.change(*change, *message);
			if (auto followed = follow(*change); !followed)
				return std::unexpected(followed.error());
			return options_.control;
		}
		if (!selection_.wants(message->id))
			return false;
		++heard_.messages;
		audience.message(*message);
		return true;
	}

	void end(Audience &audience)
	{
		if (heard_.overruns)
			if (auto losses = client_.losses())
				heard_.losses = std::move(*losses);
		audience.end(heard_);
	}

private:
	client::Result<void> join(std::uint32_t group)
	{
		if (joined_.contains(group))
			return {};
		auto joined = options_.subscribe ? client_.subscribe(group) : client_.join(group);
		if (joined)
			joined_.insert(group);
		return joined;
	}

	client::Result<void> follow(const client::CallbackEvent &change)
	{
		if (!options_.follow || !change.registered || selection_.names_groups() || change.id.idx == 0)
			return {};
		return join(change.id.idx);
	}

	client::Client client_;
	const ListenOptions &options_;
	Selection selection_;
	std::set<std::uint32_t> joined_;
	Heard heard_;
};

/* How the run ended, but for Ctrl-C and a failure: all came, or the time passed. */
int listen_to_the_end(const Context &context, const ListenOptions &options, Listener &listener, Audience &audience)
{
	using Clock = Interrupt::Clock;
	Interrupt::Deadline deadline;
	if (options.timeout > 0)
		deadline = Clock::now() +
		           std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(options.timeout));
	std::uint64_t counted = 0;
	bool late = false;
	while (!Interrupt::asked() && !late && (options.count == 0 || counted < options.count)) {
		/* What is there is told before anything is waited for, so that it is written at once. */
		const auto event = listener.client().receive(client::Timeout::zero());
		if (!event && event.error().code == ETIMEDOUT) {
			if (!audience.flush())
				return exit_failed;
			late = Interrupt::wait(listener.client().fd(), deadline) == Interrupt::Woken::Late;
			continue;
		}
		late = deadline && Clock::now() >= *deadline;
		if (event) {
			const auto counts = listener.take(*event, audience);
			if (!counts)
				return context.fail(counts.error());
			counted += *counts;
			continue;
		}
		/* A datagram that was cut is a loss to be told, not the end. */
		if (event.error().code != EMSGSIZE && event.error().code != EINTR)
			return context.fail(event.error());
		if (event.error().code == EMSGSIZE)
			context.fail(event.error());
	}
	if (!Interrupt::asked() && options.count && counted < options.count)
		return context.fail(ETIMEDOUT, fmt::format("{} of {} messages arrived within {} s", counted,
		                                           options.count, options.timeout));
	return exit_ok;
}

} // namespace

void ListenOptions::add_to(CLI::App &verb)
{
	verb.add_option("--group", groups,
	                "Listen to this group (repeatable); without one: those of --id and --idx, else those of all "
	                "registered callbacks");
	verb.add_option("--id", ids, "Only messages under this IDX:VAL (repeatable)");
	verb.add_option("--idx", idxs, "Only messages under this IDX (repeatable)");
	verb.add_option("--val", vals, "Only messages under this VAL (repeatable)");
	verb.add_flag("--follow", follow,
	              "Keep up with callbacks that come later: listen to their groups, too, and tell of their coming "
	              "and going");
	verb.add_flag("--subscribe", subscribe,
	              "Never listen as a member of a netlink group, whom filtered messages do not reach");
	verb.add_flag("--batches", batches,
	              "Let drivers' messages come several at once, and later, where they may wait for others");
	verb.add_option("--count", count, "End after so many messages")
	    ->check(CLI::Range(std::uint64_t{0}, std::uint64_t{1} << 40));
	verb.add_option("--timeout,--time", timeout, "End after so many seconds")->check(CLI::Range(0.0, 1e9));
	verb.add_option("--buffer", buffer, "Receive buffer in MiB")
	    ->check(CLI::Range(std::size_t{1}, std::size_t{1024}))
	    ->capture_default_str();
}

int listen(const Context &context, const ListenOptions &options, Audience &audience)
{
	auto selection = select(options);
	if (!selection)
		return context.misuse(selection.error());
	client::Options opening;
	opening.receive_buffer = options.buffer << 20;
	opening.batches = options.batches;
	auto client = context.open(opening);
	if (!client)
		return context.fail(client.error());
	const Interrupt interrupt;
	Listener listener(std::move(*client), options, std::move(*selection));
	if (const auto joined = listener.join_all(); !joined)
		return context.fail(joined.error());
	const int status = listen_to_the_end(context, options, listener, audience);
	listener.end(audience);
	return status;
}

} // namespace cnx::tool

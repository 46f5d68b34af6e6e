// SPDX-License-Identifier: MIT
/* The requests that cnx itself answers. */
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "client/state.hpp"

namespace cnx::client
{
namespace
{

Error nonsense(const char *which)
{
	return {EPROTO, std::string("cnx sent a reply to ") + which +
	                    " that makes no sense: are the tool and the module of the same version?"};
}

/* The caller has checked that the bytes hold one. */
template <class T>
T load(std::span<const std::byte> bytes)
{
	T value;
	std::memcpy(&value, bytes.data(), sizeof value);
	return value;
}

/* A fixed field's text: up to its NUL, or all of it where the NUL is missing. */
template <std::size_t N>
std::string field(const char (&characters)[N])
{
	return {characters, std::find(characters, characters + N, '\0')};
}

Callback decode(const cnx_callback_record &record)
{
	return {{record.id.idx, record.id.val},
	        record.serial,
	        (record.flags & CNX_CALLBACK_SLEEPABLE) != 0,
	        record.capability,
	        record.received,
	        record.refused,
	        record.failed,
	        record.sent,
	        record.lost,
	        field(record.name)};
}

} // namespace

std::optional<CallbackEvent> callback_event(const Message &message)
{
	/* Control replies bear the same id, but answer something: their ack is not 0. */
	if (message.id != control_id || message.ack != 0 || message.payload.size() < sizeof(cnx_event))
		return std::nullopt;
	const auto event = load<cnx_event>(message.payload);
	if (event.version != CNX_CONTROL_VERSION ||
	    (event.op != CNX_EVENT_REGISTERED && event.op != CNX_EVENT_UNREGISTERED))
		return std::nullopt;
	return CallbackEvent{event.op == CNX_EVENT_REGISTERED,
	                     (event.flags & CNX_CALLBACK_SLEEPABLE) != 0,
	                     {event.id.idx, event.id.val},
	                     field(event.name)};
}

std::span<const std::byte> Client::State::Page::record(std::uint32_t index) const
{
	return std::span(message.payload).subspan(sizeof(cnx_control_reply) + index * stride, stride);
}

Deadline Client::State::patience() const
{
	return deadline_after(options.answer_timeout);
}

Result<Client::State::Page> Client::State::control(const Request &wanted, std::size_t record_size, Deadline deadline,
                                                   bool *repeated)
{
	cnx_control_request request{};
	request.version = CNX_CONTROL_VERSION;
	request.op = wanted.op;
	request.count = wanted.count;
	request.id = {wanted.id.idx, wanted.id.val};
	request.cursor = wanted.cursor;

	auto reply = ask({control_id, 0, 0, 0, std::as_bytes(std::span(&request, 1))}, deadline, repeated);
	if (!reply)
		return std::unexpected(reply.error());
	if (reply->payload.size() < sizeof(cnx_control_reply))
		return std::unexpected(nonsense("a control request"));
	const auto header = load<cnx_control_reply>(reply->payload);
	if (header.version != CNX_CONTROL_VERSION || header.op != wanted.op)
		return std::unexpected(nonsense("a control request"));

	/*
	 * Later modules may append to a record: the distance between records is what the reply's length makes it,
	 * and what this library does not know is passed over.
	 */
	const std::size_t room = reply->payload.size() - sizeof(cnx_control_reply);
	std::size_t stride = 0;
	if (header.count) {
		stride = room / header.count;
		if (stride < record_size || stride * header.count != room)
			return std::unexpected(nonsense("a control request"));
	}
	return Page{std::move(*reply), header.count, header.cursor, stride};
}

Result<Info> Client::info()
{
	const auto page = state_->control({.op = CNX_CONTROL_INFO, .id = {}}, sizeof(cnx_info), state_->patience());
	if (!page)
		return std::unexpected(page.error());
	if (page->count != 1)
		return std::unexpected(nonsense("INFO"));
	const auto info = load<cnx_info>(page->record(0));
	return Info{info.protocol,  info.groups,        info.max_message,   info.counters,
	            info.callbacks, info.subscriptions, field(info.version)};
}

Result<std::vector<Callback>> Client::list()
{
	std::vector<Callback> all;
	std::uint64_t cursor = 0;
	do {
		const auto page = state_->control({.op = CNX_CONTROL_LIST, .id = {}, .cursor = cursor},
		                                  sizeof(cnx_callback_record), state_->patience());
		if (!page)
			return std::unexpected(page.error());
		/* A cursor that stands still, or a page without records before the end, would never end. */
		if (page->cursor && (page->cursor <= cursor || !page->count))
			return std::unexpected(nonsense("LIST"));
		for (std::uint32_t index = 0; index < page->count; ++index)
			all.push_back(decode(load<cnx_callback_record>(page->record(index))));
		cursor = page->cursor;
	} while (cursor);
	return all;
}

Result<std::vector<Counters>> Client::counters()
{
	return state_->counters(state_->patience());
}

Result<std::vector<Counters>> Client::State::counters(Deadline deadline)
{
	constexpr std::size_t head = offsetof(cnx_counters, value);
	std::vector<Counters> all;
	std::uint64_t cursor = 0;
	do {
		/* An older module keeps fewer counters than this library knows: the record's length tells. */
		const auto page = control({.op = CNX_CONTROL_COUNTERS, .id = {}, .cursor = cursor}, head, deadline);
		if (!page)
			return std::unexpected(page.error());
		if ((page->cursor && (page->cursor <= cursor || !page->count)) ||
		    (page->count && (page->stride - head) % sizeof(std::uint64_t)))
			return std::unexpected(nonsense("COUNTERS"));
		for (std::uint32_t index = 0; index < page->count; ++index) {
			const auto record = page->record(index);
			Counters counters{load<std::uint32_t>(record), {}};
			for (std::size_t at = head; at < page->stride; at += sizeof(std::uint64_t))
				counters.value.push_back(load<std::uint64_t>(record.subspan(at)));
			all.push_back(std::move(counters));
		}
		cursor = page->cursor;
	} while (cursor);
	return all;
}

Result<Callback> Client::show(Id id)
{
	const auto page =
	    state_->control({.op = CNX_CONTROL_SHOW, .id = id}, sizeof(cnx_callback_record), state_->patience());
	if (!page)
		return std::unexpected(page.error());
	if (page->count != 1)
		return std::unexpected(nonsense("SHOW"));
	return decode(load<cnx_callback_record>(page->record(0)));
}

Result<void> Client::subscribe(std::uint32_t group)
{
	/* Before anything can be lost to it. */
	state_->begin_counting();
	bool repeated = false;
	const auto page = state_->control({.op = CNX_CONTROL_SUBSCRIBE,
	                                   .id = {group, 0},
	                                   .count = state_->options.batches ? CNX_SUBSCRIBE_BATCHES : 0},
	                                  0, state_->patience(), &repeated);
	/* The answer to the first of several requests was lost, not the request. */
	if (!page && !(repeated && page.error().code == EEXIST)) {
		/* The kernel's sentence speaks of a callback, and the control callback is meant; the user is not
		 * helped. */
		if (page.error().code == EPERM)
			return std::unexpected(Error{EPERM, "listening to group " + std::to_string(group) +
			                                        " needs CAP_NET_ADMIN: run it as root"});
		return std::unexpected(page.error());
	}
	state_->subscribed.insert(group);
	return {};
}

Result<void> Client::unsubscribe(std::uint32_t group)
{
	bool repeated = false;
	const auto page =
	    state_->control({.op = CNX_CONTROL_UNSUBSCRIBE, .id = {group, 0}}, 0, state_->patience(), &repeated);
	if (!page && !(repeated && page.error().code == ENOENT))
		return std::unexpected(page.error());
	state_->subscribed.erase(group);
	return {};
}

Result<std::vector<Loss>> Client::losses()
{
	return state_->losses(portid(), state_->patience());
}

Result<std::vector<Loss>> Client::losses(std::uint32_t portid)
{
	auto losses = state_->losses(portid, state_->patience());
	/* The kernel's sentence speaks of a callback. */
	if (!losses && losses.error().code == EPERM)
		return std::unexpected(
		    Error{EPERM, "seeing what other listeners missed needs CAP_NET_ADMIN: run it as root"});
	return losses;
}

Result<std::vector<Loss>> Client::State::losses(std::uint32_t portid, Deadline deadline)
{
	std::vector<Loss> all;
	std::uint64_t cursor = 0;
	do {
		const auto page = control({.op = CNX_CONTROL_LOSSES, .id = {portid, 0}, .cursor = cursor},
		                          sizeof(cnx_loss), deadline);
		if (!page)
			return std::unexpected(page.error());
		if (page->cursor && (page->cursor <= cursor || !page->count))
			return std::unexpected(nonsense("LOSSES"));
		for (std::uint32_t index = 0; index < page->count; ++index) {
			const auto record = load<cnx_loss>(page->record(index));
			if (portid != 0 && record.portid != portid)
				return std::unexpected(nonsense("LOSSES"));
			all.push_back({record.portid, {record.id.idx, record.id.val}, record.lost});
		}
		cursor = page->cursor;
	} while (cursor);
	return all;
}

} // namespace cnx::client

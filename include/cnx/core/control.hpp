// SPDX-License-Identifier: GPL-2.0-only
#ifndef CNX_CORE_CONTROL_HPP
#define CNX_CORE_CONTROL_HPP

#include <cnx/core/dispatcher.hpp>
#include <cnx/core/losses.hpp>
#include <cnx/core/subscriptions.hpp>

#include <algorithm>
#include <array>
#include <span>

namespace cnx
{

/// Writes values one after another into a buffer and refuses what does not fit.
class RecordWriter
{
public:
	explicit RecordWriter(std::span<std::byte> buffer CNX_LIFETIME_BOUND) : buffer_(buffer) {}

	template <typename T>
	[[nodiscard]] bool write(const T &value)
	{
		if (buffer_.size() - used_ < sizeof(T))
			return false;
		__builtin_memcpy(buffer_.subspan(used_).data(), &value, sizeof(T));
		used_ += sizeof(T);
		return true;
	}

	[[nodiscard]] std::size_t used() const { return used_; }

private:
	// INVARIANT: used_ <= buffer_.size().
	std::span<std::byte> buffer_;
	std::size_t used_ = 0;
};

/// The control plane: answers the requests of cnx/uapi.h. What a request makes it do is bounded by one reply and one
/// walk over the callbacks, whatever the request's numbers say; it remembers nothing between requests but
/// subscriptions.
template <Platform P>
class Control
{
public:
	/// What cnx says of itself: the parts of struct cnx_info that the transport knows.
	struct Facts {
		std::uint32_t protocol;
		std::uint32_t groups;
		std::array<char, 32> version;
	};

	Control(Dispatcher<P> &dispatcher, Subscriptions<P> &subscriptions, const Losses<P> &losses, const Facts &facts)
	    : dispatcher_(dispatcher), subscriptions_(subscriptions), losses_(losses), facts_(facts)
	{
	}

	/// What the transport's socket turned out to be. Before the first request can come.
	void opened(std::uint32_t protocol, std::uint32_t groups)
	{
		facts_.protocol = protocol;
		facts_.groups = groups;
	}

	/// Answer one request into `reply`, which has room for a whole message's payload. Returns the bytes used.
	/// May sleep. bad_message: too short, or another version. not_supported: unknown op. too_large: not even one
	/// record fits into `reply`. And what each op says.
	[[nodiscard]] Result<std::size_t> answer(const cnx_message &message, const cnx_sender &sender,
	                                         std::span<std::byte> reply)
	{
		const auto request = load<cnx_control_request>(payload_of(message));
		if (!request || request->version != CNX_CONTROL_VERSION)
			return std::unexpected(Error::bad_message);

		cnx_control_reply header{.version = CNX_CONTROL_VERSION, .op = request->op, .count = 0, .cursor = 0};
		if (reply.size() < sizeof(header))
			return std::unexpected(Error::too_large);
		RecordWriter records(reply.subspan(sizeof(header)));
		CNX_TRY(perform(*request, sender, header, records));
		__builtin_memcpy(reply.data(), &header, sizeof(header));
		return sizeof(header) + records.used();
	}

	/// The event that tells subscribers of CNX_CONTROL_IDX of a callback that came or went.
	[[nodiscard]] static cnx_event event(cnx_control_op op, const Callback<P> &callback)
	{
		cnx_event event{.version = CNX_CONTROL_VERSION,
		                .op = static_cast<std::uint16_t>(op),
		                .flags = callback.flags(),
		                .id = callback.id(),
		                .name = {}};
		__builtin_memcpy(event.name, callback.name().data(), callback.name().size());
		return event;
	}

	/// Whether a sender may listen to a group: with CAP_NET_ADMIN, or where its callbacks are open.
	[[nodiscard]] bool may_listen(const cnx_sender &sender, std::uint32_t group)
	{
		return privileged(sender) || dispatcher_.registry().open_to_listeners(group);
	}

private:
	/// Half of all subscriptions are kept for those with CAP_NET_ADMIN, so that nobody else can use them up.
	static constexpr std::size_t limit_unprivileged = Subscriptions<P>::limit / 2;

	[[nodiscard]] static bool privileged(const cnx_sender &sender)
	{
		return P::permits(sender, Registry<P>::default_capability);
	}

	[[nodiscard]] Status perform(const cnx_control_request &request, const cnx_sender &sender,
	                             cnx_control_reply &header, RecordWriter &records)
	{
		switch (request.op) {
		case CNX_CONTROL_INFO:
			return info(header, records);
		case CNX_CONTROL_LIST:
			return list(request, header, records);
		case CNX_CONTROL_COUNTERS:
			return counters(request, header, records);
		case CNX_CONTROL_SHOW:
			return show(request, header, records);
		case CNX_CONTROL_SUBSCRIBE:
		case CNX_CONTROL_UNSUBSCRIBE:
			return subscribe(request, sender);
		case CNX_CONTROL_LOSSES:
			return losses(request, sender, header, records);
		default:
			return std::unexpected(Error::not_supported);
		}
	}

	[[nodiscard]] Status info(cnx_control_reply &header, RecordWriter &records)
	{
		cnx_info info{.protocol = facts_.protocol,
		              .groups = facts_.groups,
		              .max_message = CNX_MAX_MESSAGE,
		              .counters = CNX_COUNTERS,
		              .callbacks = dispatcher_.registry().size(),
		              .subscriptions = subscriptions_.size(),
		              .version = {}};
		__builtin_memcpy(info.version, facts_.version.data(), facts_.version.size());
		return put(header, records, info);
	}

	[[nodiscard]] Status list(const cnx_control_request &request, cnx_control_reply &header, RecordWriter &records)
	{
		std::uint64_t last = request.cursor;
		const bool finished = dispatcher_.registry().visit_after(request.cursor, [&](const auto &callback) {
			if (request.count != 0 && header.count == request.count)
				return false;
			if (!records.write(callback.record()))
				return false;
			++header.count;
			last = callback.serial();
			return true;
		});
		return turn_page(header, finished, last);
	}

	[[nodiscard]] Status counters(const cnx_control_request &request, cnx_control_reply &header,
	                              RecordWriter &records)
	{
		const std::uint64_t cpus = P::cpu_count();
		std::uint64_t cpu = request.cursor;
		for (; cpu < cpus && (request.count == 0 || header.count < request.count); ++cpu) {
			cnx_counters record{};
			record.cpu = static_cast<std::uint32_t>(cpu);
			unsigned i = 0;
			for (__u64 &value : record.value)
				value = dispatcher_.counters().read(static_cast<cnx_counter>(i++), record.cpu);
			if (!records.write(record))
				break;
			++header.count;
		}
		return turn_page(header, cpu >= cpus, cpu);
	}

	[[nodiscard]] Status show(const cnx_control_request &request, cnx_control_reply &header, RecordWriter &records)
	{
		cnx_callback_record record;
		{
			const typename P::ReadGuard guard;
			const auto *const callback = dispatcher_.registry().find(guard, request.id);
			if (!callback)
				return std::unexpected(Error::no_callback);
			record = callback->record();
		}
		return put(header, records, record);
	}

	[[nodiscard]] Status subscribe(const cnx_control_request &request, const cnx_sender &sender)
	{
		const Subscription subscription{.group = request.id.idx,
		                                .portid = sender.portid,
		                                .flags = request.count,
		                                .endpoint = P::endpoint(sender)};
		if (request.id.val != 0 || subscription.portid == 0)
			return std::unexpected(Error::invalid);
		if (request.op == CNX_CONTROL_UNSUBSCRIBE)
			return subscriptions_.remove(subscription);
		// What is sent to it alone, a socket gets anyway.
		const bool itself = subscription.group == 0;
		if ((subscription.flags & ~CNX_SUBSCRIBE_BATCHES) != 0 || (itself && !subscription.wants_batches()))
			return std::unexpected(Error::invalid);
		if (!itself && !may_listen(sender, subscription.group))
			return std::unexpected(Error::not_permitted);
		return subscriptions_.add(subscription,
		                          privileged(sender) ? Subscriptions<P>::limit : limit_unprivileged);
	}

	[[nodiscard]] Status losses(const cnx_control_request &request, const cnx_sender &sender,
	                            cnx_control_reply &header, RecordWriter &records)
	{
		const std::uint32_t portid = request.id.idx;
		if (request.id.val != 0)
			return std::unexpected(Error::invalid);
		if (portid != sender.portid && !privileged(sender))
			return std::unexpected(Error::not_permitted);
		std::uint64_t last = request.cursor;
		const bool finished =
		    losses_.visit_after(request.cursor, [&](std::uint64_t serial, const cnx_loss &loss) {
			    if (portid != 0 && loss.portid != portid) {
				    last = serial;
				    return true;
			    }
			    if ((request.count != 0 && header.count == request.count) || !records.write(loss))
				    return false;
			    ++header.count;
			    last = serial;
			    return true;
		    });
		return turn_page(header, finished, last);
	}

	/// Says where the next page begins. One without a record would begin where this one did, or seem to be the
	/// last.
	[[nodiscard]] static Status turn_page(cnx_control_reply &header, bool finished, std::uint64_t cursor)
	{
		if (!finished && header.count == 0)
			return std::unexpected(Error::too_large);
		header.cursor = finished ? 0 : cursor;
		return {};
	}

	template <typename T>
	[[nodiscard]] static Status put(cnx_control_reply &header, RecordWriter &records, const T &record)
	{
		if (!records.write(record))
			return std::unexpected(Error::too_large);
		header.count = 1;
		return {};
	}

	Dispatcher<P> &dispatcher_;
	Subscriptions<P> &subscriptions_;
	const Losses<P> &losses_;
	Facts facts_;
};

} // namespace cnx

#endif // CNX_CORE_CONTROL_HPP

// SPDX-License-Identifier: GPL-2.0-only
#ifndef CNX_CORE_SUBSCRIPTIONS_HPP
#define CNX_CORE_SUBSCRIPTIONS_HPP

#include <cnx/core/annotations.hpp>
#include <cnx/core/platform.hpp>
#include <cnx/core/protected.hpp>
#include <cnx/core/result.hpp>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <new>
#include <span>
#include <utility>

namespace cnx
{

/// That a socket is sent what is sent to a group. There is one at most of each pair of them.
struct Subscription {
	std::uint32_t group; // 0: what is sent to the socket alone
	std::uint32_t portid;
	std::uint32_t flags = 0; // CNX_SUBSCRIBE_
	// The socket, which stays until its subscription has gone and a grace period is over.
	Endpoint *endpoint = nullptr;

	[[nodiscard]] constexpr std::uint64_t key() const { return std::uint64_t{group} << 32 | portid; }
	[[nodiscard]] constexpr bool wants_batches() const { return flags & CNX_SUBSCRIBE_BATCHES; }
};

/// Which sockets asked for which groups beside netlink's own tables. Read under RCU by every send; a change copies
/// the whole (bounded, small) sorted array, so a reader sees it before or after and never between.
template <Platform P>
class Subscriptions
{
public:
	static constexpr std::size_t limit = CNX_MAX_SUBSCRIPTIONS;

	Subscriptions() = default;
	Subscriptions(const Subscriptions &) = delete;
	Subscriptions &operator=(const Subscriptions &) = delete;
	/// No reader may be left.
	~Subscriptions() { Snapshot::release(snapshot_.load(std::memory_order_relaxed)); }

	/// The subscriptions of a group; valid while the guard is open. Any context.
	[[nodiscard]] std::span<const Subscription> of_group(const typename P::ReadGuard &guard CNX_LIFETIME_BOUND,
	                                                     std::uint32_t group) const
	{
		static_cast<void>(guard);
		// Pairs with the release store in publish().
		const Snapshot *const snapshot = snapshot_.load(std::memory_order_acquire);
		if (!snapshot) [[likely]]
			return {};
		const auto all = snapshot->entries();
		const auto first = lower_bound(all, {group, 0});
		auto last = first;
		while (last != all.end() && last->group == group)
			++last;
		return all.subspan(static_cast<std::size_t>(first - all.begin()),
		                   static_cast<std::size_t>(last - first));
	}
	std::span<const Subscription> of_group(const typename P::ReadGuard &&, std::uint32_t) const = delete;

	/// False: nobody has subscribed to the group. True: somebody probably has. Any context, and no guard: all that
	/// a send to nobody has to know.
	[[nodiscard]] bool likely(std::uint32_t group) const
	{
		return groups_.load(std::memory_order_relaxed) >> (group % 64) & 1;
	}

	/// May sleep. exists, no_space (there are `most` already), no_memory.
	[[nodiscard]] Status add(Subscription added, std::size_t most = limit) CNX_EXCLUDES(read_section)
	{
		return writer_.with([&](Writer &) -> Status {
			const auto old = current();
			const auto at = lower_bound(old, added);
			auto after = at;
			if (at != old.end() && at->key() == added.key()) {
				if (!at->endpoint || !P::is_closed(at->endpoint))
					return std::unexpected(Error::exists);
				++after; // of a socket that had the portid before, and is about to be forgotten
			} else if (old.size() >= most) {
				return std::unexpected(Error::no_space);
			}
			const auto kept = static_cast<std::size_t>((at - old.begin()) + (old.end() - after));
			Snapshot *const fresh = CNX_TRY(Snapshot::make(kept + 1));
			auto to = std::copy(old.begin(), at, fresh->entries().begin());
			*to++ = added;
			std::copy(after, old.end(), to);
			publish(fresh);
			return {};
		});
	}

	/// May sleep. no_entry, no_memory.
	[[nodiscard]] Status remove(Subscription gone) CNX_EXCLUDES(read_section)
	{
		return keep_if([gone](const Subscription &s) { return s.key() != gone.key(); });
	}

	/// Forget a socket that has closed. Another one may have its portid by now, and neither loses what it
	/// subscribed to nor inherits. May sleep, and does not give up: without memory it waits for a grace period, in
	/// which retired snapshots are freed, and tries again. no_entry: it had no subscription.
	[[nodiscard]] Status remove_all(std::uint32_t portid) CNX_EXCLUDES(read_section)
	{
		if (snapshot_.load(std::memory_order_relaxed) == nullptr)
			return std::unexpected(Error::no_entry);
		for (;;) {
			const Status status = keep_if([portid](const Subscription &s) {
				return s.portid != portid || (s.endpoint && !P::is_closed(s.endpoint));
			});
			if (status || status.error() != Error::no_memory)
				return status;
			P::synchronize();
		}
	}

	[[nodiscard]] std::size_t size() CNX_EXCLUDES(read_section)
	{
		return writer_.with([this](Writer &) { return current().size(); });
	}

private:
	struct Writer {
	};

	struct Snapshot {
		RetireHead retire;
		std::size_t size;

		CNX_UNSAFE_BUFFERS_BEGIN
		// SAFETY: make() allocates `size` subscriptions right behind the header and constructs them.
		[[nodiscard]] std::span<Subscription> entries()
		{
			return {reinterpret_cast<Subscription *>(this + 1), size};
		}
		// SAFETY: as above.
		[[nodiscard]] std::span<const Subscription> entries() const
		{
			return {reinterpret_cast<const Subscription *>(this + 1), size};
		}
		CNX_UNSAFE_BUFFERS_END

		[[nodiscard]] static Result<Snapshot *> make(std::size_t size)
		{
			void *const memory = P::allocate(bytes(size));
			if (!memory)
				return std::unexpected(Error::no_memory);
			auto *const snapshot = new (memory) Snapshot;
			snapshot->size = size;
			for (auto &entry : snapshot->entries())
				new (&entry) Subscription{};
			return snapshot;
		}

		static void reclaim(RetireHead *head)
		{
			// SAFETY: retire is the first member of the standard-layout Snapshot that was retired.
			release(reinterpret_cast<Snapshot *>(head));
		}

		static void release(Snapshot *snapshot)
		{
			if (snapshot)
				P::release(snapshot, bytes(snapshot->size));
		}

		[[nodiscard]] static std::size_t bytes(std::size_t size)
		{
			return sizeof(Snapshot) + size * sizeof(Subscription);
		}
	};

	[[nodiscard]] std::span<const Subscription> current() const
	{
		const Snapshot *const snapshot = snapshot_.load(std::memory_order_relaxed);
		return snapshot ? snapshot->entries() : std::span<const Subscription>{};
	}

	[[nodiscard]] static auto lower_bound(std::span<const Subscription> all, Subscription from)
	{
		return std::lower_bound(
		    all.begin(), all.end(), from,
		    [](const Subscription &one, const Subscription &other) { return one.key() < other.key(); });
	}

	template <typename Keep>
	[[nodiscard]] Status keep_if(Keep keep)
	{
		return writer_.with([&](Writer &) -> Status {
			const auto old = current();
			const auto kept = static_cast<std::size_t>(std::count_if(old.begin(), old.end(), keep));
			if (kept == old.size())
				return std::unexpected(Error::no_entry);
			Snapshot *fresh = nullptr;
			if (kept > 0) {
				fresh = CNX_TRY(Snapshot::make(kept));
				std::copy_if(old.begin(), old.end(), fresh->entries().begin(), keep);
			}
			publish(fresh);
			return {};
		});
	}

	void publish(Snapshot *fresh)
	{
		Snapshot *const old = snapshot_.load(std::memory_order_relaxed);
		snapshot_.store(fresh, std::memory_order_release);
		std::uint64_t groups = 0;
		for (const Subscription &subscription : current())
			groups |= std::uint64_t{1} << (subscription.group % 64);
		groups_.store(groups, std::memory_order_relaxed);
		if (old)
			P::retire(&old->retire, Snapshot::reclaim);
	}

	// INVARIANT: sorted, without duplicates, at most `limit` entries; nullptr rather than empty.
	std::atomic<Snapshot *> snapshot_{nullptr};
	// A bit for each remainder of a group that has a subscription. Who has seen add() return sees its bit as he
	// sees the rest of what happened before.
	std::atomic<std::uint64_t> groups_{0};
	Protected<Writer, typename P::Mutex> writer_;
};

} // namespace cnx

#endif // CNX_CORE_SUBSCRIPTIONS_HPP

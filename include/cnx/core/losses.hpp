// SPDX-License-Identifier: GPL-2.0-only
#ifndef CNX_CORE_LOSSES_HPP
#define CNX_CORE_LOSSES_HPP

#include <cnx/core/message.hpp>
#include <cnx/core/platform.hpp>
#include <cnx/core/protected.hpp>

#include <array>
#include <atomic>
#include <cstdint>
#include <new>
#include <type_traits>

namespace cnx
{

/// How many messages of each callback each listener missed: a count for every pair of portid and id that ever lost
/// anything. A count that is there is raised under RCU without a lock; the first loss of a pair makes it, under a
/// spinlock. It is the slow path of a send, and may be long: a listener that has stopped makes every send take it.
///
/// INVARIANT: a pair is in the chain of its hash and in the list in order of serial, or in neither; both are changed
/// under the lock alone, and a pair that has left them is freed after a grace period.
template <Platform P>
class Losses
{
public:
	/// Pairs that are kept at most: what a listener that joins every group and reads nothing can make the kernel
	/// remember.
	static constexpr std::size_t limit = 16384;

	Losses() = default;
	Losses(const Losses &) = delete;
	Losses &operator=(const Losses &) = delete;
	/// No reader may be left.
	~Losses()
	{
		writer_.with([this](Writer &writer) {
			while (Pair *const pair = first_.load(std::memory_order_relaxed)) {
				unlink(writer, *pair);
				release(*pair);
			}
		});
	}

	/// Count `messages` of the callback `id` that `portid` missed. Any context. False: there is no memory for
	/// another pair, or none to be had here, and nothing is counted.
	[[nodiscard]] bool add(std::uint32_t portid, Id id, std::uint64_t messages)
	{
		const typename P::ReadGuard guard;
		if (Pair *const pair = find(portid, id)) [[likely]] {
			pair->lost.fetch_add(messages, std::memory_order_relaxed);
			return true;
		}
		if (!may_lock()) [[unlikely]]
			return false;
		return writer_.with([&](Writer &writer) {
			Pair *pair = find(portid, id);
			if (!pair)
				pair = insert(writer, portid, id);
			if (!pair)
				return false;
			pair->lost.fetch_add(messages, std::memory_order_relaxed);
			return true;
		});
	}

	/// Forget a socket that has closed: the next one with its portid starts at nothing. Any context.
	void forget(std::uint32_t portid)
	{
		if (!first_.load(std::memory_order_relaxed))
			return;
		writer_.with([&](Writer &writer) {
			for (Pair *pair = first_.load(std::memory_order_relaxed); pair;) {
				Pair *const next = pair->next.load(std::memory_order_relaxed);
				if (pair->portid == portid) {
					unlink(writer, *pair);
					P::retire(&pair->retire, reclaim);
				}
				pair = next;
			}
		});
	}

	/// Hand pairs to `visit(serial, loss)` in the order in which they first lost something, from the first whose
	/// serial is above `after` on, until it returns false. Returns whether it went through to the end. Any context
	/// that `visit` can be in, which runs inside a read section.
	template <typename Visit>
	bool visit_after(std::uint64_t after, Visit &&visit) const
	{
		const typename P::ReadGuard guard;
		// Pairs with the release in insert().
		for (const Pair *pair = first_.load(std::memory_order_acquire); pair;
		     pair = pair->next.load(std::memory_order_acquire)) {
			if (pair->serial <= after)
				continue;
			const cnx_loss loss{.portid = pair->portid,
			                    .reserved = 0,
			                    .id = pair->id,
			                    .lost = pair->lost.load(std::memory_order_relaxed)};
			if (!visit(pair->serial, loss))
				return false;
		}
		return true;
	}

private:
	struct Pair {
		RetireHead retire;
		std::uint32_t portid;
		Id id;
		std::uint64_t serial;
		std::atomic<std::uint64_t> lost;
		std::atomic<Pair *> chained; // the next one of the same hash
		std::atomic<Pair *> next;    // in order of serial
		Pair *previous;
	};
	static_assert(std::is_standard_layout_v<Pair>);

	struct Writer {
		std::uint64_t serial = 0; // of the pair made last
		std::size_t size = 0;
		Pair *last = nullptr;
	};

	static constexpr std::size_t chains = 256;

	/// Of a platform on which there is always a lock to be had, nothing is asked.
	[[nodiscard]] static bool may_lock()
	{
		if constexpr (requires { P::may_lock(); })
			return P::may_lock();
		return true;
	}

	/// Multiplicative hashing of both numbers (Knuth, The Art of Computer Programming 3, 6.4).
	[[nodiscard]] std::atomic<Pair *> &chain(std::uint32_t portid, Id id)
	{
		const std::uint64_t mixed = (key_of(id) ^ std::uint64_t{portid} << 17) * 0x9e3779b97f4a7c15u;
		return chains_[mixed >> 56];
	}

	/// Under a guard or the lock.
	[[nodiscard]] Pair *find(std::uint32_t portid, Id id)
	{
		// Pairs with the releases in insert() and unlink(). Pairs that are chained behind one are older than
		// it, and were there for whoever inserted it: who has seen it has seen them.
		Pair *pair = chain(portid, id).load(std::memory_order_acquire);
		while (pair && (pair->portid != portid || key_of(pair->id) != key_of(id)))
			pair = pair->chained.load(std::memory_order_relaxed);
		return pair;
	}

	[[nodiscard]] Pair *insert(Writer &writer, std::uint32_t portid, Id id)
	{
		if (writer.size == limit)
			return nullptr;
		void *const memory = P::allocate_now(sizeof(Pair));
		if (!memory)
			return nullptr;
		auto &head = chain(portid, id);
		auto *const pair = new (memory) Pair{.retire = {},
		                                     .portid = portid,
		                                     .id = id,
		                                     .serial = ++writer.serial,
		                                     .lost = 0,
		                                     .chained = head.load(std::memory_order_relaxed),
		                                     .next = nullptr,
		                                     .previous = writer.last};
		head.store(pair, std::memory_order_release);
		(writer.last ? writer.last->next : first_).store(pair, std::memory_order_release);
		writer.last = pair;
		++writer.size;
		return pair;
	}

	/// Readers who stand on the pair go on from it.
	void unlink(Writer &writer, Pair &pair)
	{
		std::atomic<Pair *> *link = &chain(pair.portid, pair.id);
		while (link->load(std::memory_order_relaxed) != &pair)
			link = &link->load(std::memory_order_relaxed)->chained;
		link->store(pair.chained.load(std::memory_order_relaxed), std::memory_order_release);
		Pair *const next = pair.next.load(std::memory_order_relaxed);
		(pair.previous ? pair.previous->next : first_).store(next, std::memory_order_release);
		(next ? next->previous : writer.last) = pair.previous;
		--writer.size;
	}

	static void reclaim(RetireHead *head)
	{
		// SAFETY: retire is the first member of the standard-layout Pair that was retired.
		release(*reinterpret_cast<Pair *>(head));
	}
	static void release(Pair &pair) { P::release(&pair, sizeof(Pair)); }

	std::array<std::atomic<Pair *>, chains> chains_{};
	std::atomic<Pair *> first_{nullptr};
	Protected<Writer, typename P::SpinLock> writer_;
};

} // namespace cnx

#endif // CNX_CORE_LOSSES_HPP

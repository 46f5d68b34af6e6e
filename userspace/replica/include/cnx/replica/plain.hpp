// SPDX-License-Identifier: GPL-2.0-only
#ifndef CNX_REPLICA_PLAIN_HPP
#define CNX_REPLICA_PLAIN_HPP

#include <cnx/replica/flavour.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <list>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace cnx::replica
{

/// RCU of nothing but C++ atomics and locks, which ThreadSanitizer understands; liburcu's inline assembly and
/// membarrier(2) it does not. Slow, and as strict as RCU may be: what a grace period orders is ordered by the
/// standard's own rules, so that a race that ThreadSanitizer reports over it is one of the code above it.
///
/// A reader puts the number of the current grace period into its own epoch, and looks again whether it is still
/// current. If it reads the number of a later one, it synchronizes with who raised it, and starts over. If it does not,
/// its epoch is, in the single order of sequentially consistent operations, there before the number is raised, and the
/// one who raises it will find it and wait.
class Plain
{
public:
	static constexpr const char *name = "plain";
	static constexpr std::chrono::microseconds interval{0};

	static void register_thread()
	{
		const std::lock_guard hold(shared().mutex);
		self() = &shared().readers.emplace_back();
	}

	static void unregister_thread()
	{
		const std::lock_guard hold(shared().mutex);
		const Reader *const gone = std::exchange(self(), nullptr);
		shared().readers.remove_if([gone](const Reader &reader) { return &reader == gone; });
	}

	static void read_lock()
	{
		Reader &reader = *self();
		if (reader.depth++ != 0)
			return;
		std::uint64_t current = shared().period.load();
		for (;;) {
			reader.epoch.store(current);
			const std::uint64_t again = shared().period.load();
			if (again == current)
				return;
			current = again;
		}
	}

	static void read_unlock()
	{
		Reader &reader = *self();
		if (--reader.depth == 0)
			reader.epoch.store(outside);
	}

	[[nodiscard]] static bool read_ongoing() { return self() && self()->depth != 0; }

	static void synchronize()
	{
		const std::uint64_t started = shared().period.fetch_add(1) + 1;
		std::unique_lock hold(shared().mutex);
		for (auto reader = shared().readers.begin(); reader != shared().readers.end();) {
			const std::uint64_t epoch = reader->epoch.load();
			if (epoch == outside || epoch >= started) {
				++reader;
				continue;
			}
			// Readers come and go while nobody holds the list, so it is gone through from the start.
			hold.unlock();
			std::this_thread::sleep_for(std::chrono::microseconds(20));
			hold.lock();
			reader = shared().readers.begin();
		}
	}

	static void call(rcu_head *head, void (*function)(rcu_head *)) { worker().add({head, function}); }
	static void barrier() { worker().drain(); }
	static void quiescent() {}
	static void offline() {}
	static void online() {}

private:
	static constexpr std::uint64_t outside = 0;

	struct Reader {
		std::atomic<std::uint64_t> epoch{outside};
		unsigned depth = 0;
	};

	struct Shared {
		std::atomic<std::uint64_t> period{1};
		std::mutex mutex;
		std::list<Reader> readers;
	};

	/// The thread that waits for grace periods on behalf of call().
	class Worker
	{
	public:
		struct Item {
			rcu_head *head;
			void (*function)(rcu_head *);
		};

		Worker()
		{
			std::thread([this] { work(); }).detach();
		}

		void add(Item item)
		{
			const std::lock_guard hold(mutex_);
			items_.push_back(item);
			++added_;
			changed_.notify_all();
		}

		void drain()
		{
			std::unique_lock hold(mutex_);
			changed_.wait(hold, [this, until = added_] { return done_ >= until; });
		}

	private:
		[[noreturn]] void work()
		{
			std::unique_lock hold(mutex_);
			for (;;) {
				changed_.wait(hold, [this] { return !items_.empty(); });
				const auto items = std::exchange(items_, {});
				hold.unlock();
				synchronize();
				for (const Item &item : items)
					item.function(item.head);
				hold.lock();
				done_ += items.size();
				changed_.notify_all();
			}
		}

		std::mutex mutex_;
		std::condition_variable changed_;
		std::vector<Item> items_;
		std::uint64_t added_ = 0;
		std::uint64_t done_ = 0;
	};

	// Never destroyed: threads may still be reading while static objects are being destroyed.
	static Shared &shared()
	{
		static auto *const shared = new Shared;
		return *shared;
	}
	static Worker &worker()
	{
		static auto *const worker = new Worker;
		return *worker;
	}
	static Reader *&self()
	{
		static thread_local Reader *self = nullptr;
		return self;
	}
};
static_assert(Flavour<Plain>);

} // namespace cnx::replica

#endif // CNX_REPLICA_PLAIN_HPP

// SPDX-License-Identifier: GPL-2.0-only
// The magazines against malloc: a buffer for a message is taken, written to, and given back.
#include "families.hpp"
#include "receive.hpp"

#include <cnx/core/magazines.hpp>
#include <cnx/replica/platform.hpp>

#include <cstdlib>
#include <cstring>
#include <optional>

namespace cnx::bench
{
namespace
{

/// As large as the head of a small message's skb.
struct Buffer {
	std::byte bytes[512];
};

Buffer *allocate()
{
	// SAFETY: malloc's memory is aligned for a Buffer, has room for one, and bytes need no construction.
	auto *const buffer = static_cast<Buffer *>(std::malloc(sizeof(Buffer)));
	if (!buffer)
		std::abort();
	return buffer;
}

/// What a sender would do with it first.
void write_header(Buffer &buffer)
{
	std::memset(buffer.bytes, 1, 64);
	benchmark::ClobberMemory();
}

template <replica::Flavour F>
class Pool
{
public:
	using P = replica::Platform<F>;
	static constexpr unsigned depth = 64;

	template <bool filled>
	static void set_up(const benchmark::State &)
	{
		Progress::begin("pool");
		const typename P::Thread thread;
		magazines_.emplace(Magazines<P, Buffer>::create(depth).value());
		for (unsigned cpu = 0; filled && cpu < P::cpu_count(); ++cpu) {
			for (unsigned i = 0; i < depth; ++i)
				static_cast<void>(magazines_->give(cpu, *allocate()));
		}
	}

	static void tear_down(const benchmark::State &)
	{
		for (unsigned cpu = 0; cpu < P::cpu_count(); ++cpu)
			magazines_->drain(cpu, [](Buffer &buffer) { std::free(&buffer); });
		magazines_.reset();
	}

	static void magazine(benchmark::State &state)
	{
		const Pinned pinned(static_cast<unsigned>(state.thread_index()));
		for (auto _ : state) {
			Buffer *const taken = magazines_->take().buffer;
			Buffer *const buffer = taken ? taken : allocate();
			write_header(*buffer);
			if (!magazines_->give(*buffer))
				std::free(buffer);
		}
		state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
	}

	/// Nobody refills: each sender looks, finds nothing, and falls back to the allocator.
	static void exhausted(benchmark::State &state)
	{
		const Pinned pinned(static_cast<unsigned>(state.thread_index()));
		for (auto _ : state) {
			Buffer *const taken = magazines_->take().buffer;
			Buffer *const buffer = taken ? taken : allocate();
			write_header(*buffer);
			std::free(buffer);
		}
		state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
	}

	static void malloc(benchmark::State &state)
	{
		const Pinned pinned(static_cast<unsigned>(state.thread_index()));
		for (auto _ : state) {
			Buffer *const buffer = allocate();
			write_header(*buffer);
			std::free(buffer);
		}
		state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
	}

private:
	static inline std::optional<Magazines<P, Buffer>> magazines_;
};

} // namespace

void add_pool(const Options &options)
{
	with_flavour(options.flavour, [&]<replica::Flavour F>() {
		const auto add = [&](const char *name, void (*run)(benchmark::State &),
		                     void (*set_up)(const benchmark::State &)) {
			for (unsigned threads = 1; threads <= options.threads; ++threads) {
				if (!selected(options, std::string(name) + "/threads:" + std::to_string(threads)))
					continue;
				benchmark::RegisterBenchmark(name, run)
				    ->Threads(static_cast<int>(threads))
				    ->UseRealTime()
				    ->Setup(set_up)
				    ->Teardown(Pool<F>::tear_down);
			}
		};
		add("pool/magazine", Pool<F>::magazine, Pool<F>::template set_up<true>);
		add("pool/magazine_exhausted", Pool<F>::exhausted, Pool<F>::template set_up<false>);
		add("pool/malloc", Pool<F>::malloc, Pool<F>::template set_up<false>);
	});
}

} // namespace cnx::bench

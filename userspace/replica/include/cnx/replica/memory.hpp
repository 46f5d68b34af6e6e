// SPDX-License-Identifier: GPL-2.0-only
#ifndef CNX_REPLICA_MEMORY_HPP
#define CNX_REPLICA_MEMORY_HPP

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory_resource>
#include <new>

namespace cnx::replica
{

// A sanitizer is to see each object come and go, and so gets them from the C library. gcc says by macros that there is
// one, clang by features.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CNX_REPLICA_SANITIZED 1
#elif defined(__has_feature)
#define CNX_REPLICA_SANITIZED (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#else
#define CNX_REPLICA_SANITIZED 0
#endif
inline constexpr std::size_t largest_pooled = CNX_REPLICA_SANITIZED ? 0 : 256;

/// Memory as the kernel's allocator gives it: small objects of one size lie densely, side by side, as in its caches of
/// slabs; large ones are whole cache lines. The C library's aligned blocks would stand apart by its own headers, and
/// by powers of two, and leave most sets of the processor's caches unused.
class Memory
{
public:
	/// Zero-filled, or nullptr. Whole cache lines for what is as large as one.
	[[nodiscard]] static void *allocate(std::size_t bytes) noexcept
	{
		const std::size_t rounded = round(bytes);
		if (rounded < bytes)
			return nullptr;
		void *const memory =
		    rounded <= largest_pooled ? from_pool(rounded) : std::aligned_alloc(alignment(rounded), rounded);
		if (memory)
			std::memset(memory, 0, rounded);
		return memory;
	}

	/// `bytes` is what it was allocated with.
	static void release(void *memory, std::size_t bytes) noexcept
	{
		if (round(bytes) <= largest_pooled)
			pool().deallocate(memory, round(bytes), alignment(round(bytes)));
		else
			std::free(memory);
	}

private:
	static constexpr std::size_t line = 64;

	[[nodiscard]] static constexpr std::size_t round(std::size_t bytes)
	{
		const std::size_t unit = bytes < line ? alignof(std::max_align_t) : line;
		return bytes == 0 ? unit : (bytes + unit - 1) & ~(unit - 1);
	}

	/// What a block of so many bytes is aligned to.
	[[nodiscard]] static constexpr std::size_t alignment(std::size_t rounded)
	{
		return rounded < line ? alignof(std::max_align_t) : line;
	}

	[[nodiscard]] static void *from_pool(std::size_t bytes)
	{
		try {
			return pool().allocate(bytes, alignment(bytes));
		} catch (const std::bad_alloc &) {
			return nullptr;
		}
	}

	static std::pmr::synchronized_pool_resource &pool()
	{
		// Never destroyed: threads of liburcu may free callbacks while static objects are being destroyed.
		static auto *const pool = new std::pmr::synchronized_pool_resource;
		return *pool;
	}
};

} // namespace cnx::replica

#endif // CNX_REPLICA_MEMORY_HPP

// SPDX-License-Identifier: GPL-2.0-only
// What the core's world promises of itself, here the replica.
#include "core_world.hpp"

#include <cstdint>
#include <limits>

namespace cnx::test
{
namespace
{

constexpr std::size_t most = std::numeric_limits<std::size_t>::max();

TEST(CorePlatform, HasNoMemoryForSizesThatCannotBeRounded)
{
	for (const std::size_t size : {most, most - 1, most - 62})
		EXPECT_EQ(P::allocate(size), nullptr) << size;
}

TEST(CorePlatform, AllocatesZeroedAndAligned)
{
	for (const std::size_t size :
	     {std::size_t{1}, std::size_t{16}, std::size_t{24}, std::size_t{64}, std::size_t{4096}}) {
		auto *const memory = static_cast<std::byte *>(P::allocate(size)); // SAFETY: just allocated, as bytes.
		ASSERT_NE(memory, nullptr);
		for (std::size_t i = 0; i < size; ++i)
			ASSERT_EQ(memory[i], std::byte{0});
		std::memset(memory, 0x5a, size);
		// SAFETY: only its number is looked at.
		EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory) % (size % 64 == 0 ? 64 : 8), 0u) << size;
		P::release(memory, size);
	}
}

} // namespace
} // namespace cnx::test

// SPDX-License-Identifier: GPL-2.0-only
#ifndef CNX_KERNEL_GAPS_HPP
#define CNX_KERNEL_GAPS_HPP

#include "bindings.h"

#include <array>
#include <atomic>
#include <cstdint>

namespace cnx::kernel
{

/// Sockets that had no room and have not read all since. As netlink does, they are given nothing until they have, so
/// that what they miss is at one place of their stream, for which they are told ENOBUFS once.
///
/// A hint: of two sockets whose places are the same one, only the later one is known. The other is given what it has
/// room for, and whatever it misses is counted all the same.
class Gaps
{
public:
	/// Whether nothing may be given to the socket, which is held. Any context.
	[[nodiscard]] bool has(sock *socket)
	{
		auto &place = place_of(socket);
		const bool known = place.load(std::memory_order_relaxed) == socket;
		if (known && cnx_k_socket_has_read_all(socket)) {
			// Another socket may have the place by now.
			sock *expected = socket;
			place.compare_exchange_strong(expected, nullptr, std::memory_order_relaxed);
			return false;
		}
		return known;
	}

	/// It had no room. Any context.
	void add(sock *socket) { place_of(socket).store(socket, std::memory_order_relaxed); }

private:
	static constexpr std::size_t places = 64;

	[[nodiscard]] std::atomic<sock *> &place_of(const sock *socket)
	{
		// SAFETY: the address is a number to be mixed here, and nothing more. 2^64 divided by the golden ratio
		// mixes it (Knuth, The Art of Computer Programming, volume 3, section 6.4).
		const std::uint64_t mixed = reinterpret_cast<std::uintptr_t>(socket) * 0x9e3779b97f4a7c15;
		return sockets_[mixed >> 58];
	}
	static_assert(places == 1u << (64 - 58));

	// Never followed, since what was held once may have gone.
	std::array<std::atomic<sock *>, places> sockets_{};
};

} // namespace cnx::kernel

#endif // CNX_KERNEL_GAPS_HPP

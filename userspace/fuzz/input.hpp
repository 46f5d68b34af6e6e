// SPDX-License-Identifier: MIT
/* What the fuzzers share: their input, read piece by piece, and what has to hold. */
#ifndef CNX_FUZZ_INPUT_HPP
#define CNX_FUZZ_INPUT_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <source_location>
#include <span>

namespace cnx::fuzz
{

/* What must hold. Says where it does not, which in an optimized program a trace of the calls would not tell. */
inline void require(bool holds, const std::source_location &where = std::source_location::current())
{
	if (holds) [[likely]]
		return;
	std::fprintf(stderr, "%s:%u: what must hold does not\n", where.file_name(),
	             static_cast<unsigned>(where.line()));
	std::abort();
}

/* Whether one lies within the other. */
template <class T>
bool within(const T &inner, std::span<const std::byte> outer)
{
	const auto bytes = std::as_bytes(std::span(inner.data(), inner.size()));
	return bytes.empty() || (std::less_equal<>()(outer.data(), bytes.data()) &&
	                         std::less_equal<>()(bytes.data() + bytes.size(), outer.data() + outer.size()));
}

class Input
{
public:
	explicit Input(std::span<const std::byte> bytes) : bytes_(bytes) {}

	bool empty() const { return bytes_.empty(); }

	/* The next number; at the end what is left of it, and then 0. */
	template <class T>
	T take()
	{
		T value{};
		const auto part = take_bytes(sizeof value);
		if (!part.empty())
			std::memcpy(&value, part.data(), part.size());
		return value;
	}

	/* The next number, below `limit`. */
	unsigned below(unsigned limit) { return take<std::uint8_t>() % limit; }

	/* As many of the next bytes as there are. */
	std::span<const std::byte> take_bytes(std::size_t count)
	{
		const auto part = bytes_.first(std::min(count, bytes_.size()));
		bytes_ = bytes_.subspan(part.size());
		return part;
	}

private:
	std::span<const std::byte> bytes_;
};

} // namespace cnx::fuzz

#endif // CNX_FUZZ_INPUT_HPP

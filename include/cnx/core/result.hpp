// SPDX-License-Identifier: GPL-2.0-only
// Errors are values: Result<T> holds a T or says why there is none, and nobody may ignore it.
#ifndef CNX_CORE_RESULT_HPP
#define CNX_CORE_RESULT_HPP

#include <expected>
#include <utility>

namespace cnx
{

/// The errno values that cnx answers with. Each platform asserts that its own numbers are these.
enum class [[nodiscard]] Error : int {
	not_permitted = 1, // EPERM
	no_entry = 2, // ENOENT
	again = 11, // EAGAIN, EWOULDBLOCK
	no_memory = 12, // ENOMEM
	exists = 17, // EEXIST
	no_callback = 19, // ENODEV
	invalid = 22, // EINVAL
	no_space = 28, // ENOSPC
	deadlock = 35, // EDEADLK
	bad_message = 74, // EBADMSG
	too_large = 90, // EMSGSIZE
	not_supported = 95, // EOPNOTSUPP
};

template <typename T> using Result = std::expected<T, Error>;
using Status = Result<void>;

[[nodiscard]] constexpr int to_errno(Error error)
{
	return -static_cast<int>(error);
}

[[nodiscard]] constexpr int to_errno(const Status &status)
{
	return status ? 0 : to_errno(status.error());
}

} // namespace cnx

/// The value of `expression`, or a return of its error from the function around it.
#define CNX_TRY(expression)                                                                                            \
	({                                                                                                             \
		auto &&cnx_try_result = (expression);                                                                  \
		if (!cnx_try_result) [[unlikely]]                                                                      \
			return std::unexpected(cnx_try_result.error());                                                \
		*std::move(cnx_try_result);                                                                            \
	})

#endif // CNX_CORE_RESULT_HPP

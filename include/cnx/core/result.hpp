// SPDX-License-Identifier: GPL-2.0-only
// Errors are values: Result<T> holds a T or says why there is none, and nobody may ignore it.
#ifndef CNX_CORE_RESULT_HPP
#define CNX_CORE_RESULT_HPP

#include <expected>
#include <utility>

namespace cnx
{

/// The errno values that cnx answers with. Each platform asserts that its own numbers are these.
enum class [[nodiscard]] Error : int{
    not_permitted = 1,  // EPERM
    no_entry = 2,       // ENOENT
    again = 11,         // EAGAIN, EWOULDBLOCK
    no_memory = 12,     // ENOMEM
    busy = 16,          // EBUSY
    exists = 17,        // EEXIST
    no_callback = 19,   // ENODEV
    invalid = 22,       // EINVAL
    no_space = 28,      // ENOSPC
    deadlock = 35,      // EDEADLK
    bad_message = 74,   // EBADMSG
    too_large = 90,     // EMSGSIZE
    not_supported = 95, // EOPNOTSUPP
};

/// A std::expected that may not be ignored. The one of the standard library may be, in the compilers that cnx supports.
template <typename T>
class [[nodiscard]] Result : public std::expected<T, Error>
{
public:
	using std::expected<T, Error>::expected;
};
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

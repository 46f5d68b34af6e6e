// SPDX-License-Identifier: GPL-2.0-only
#ifndef CNX_CORE_PROTECTED_HPP
#define CNX_CORE_PROTECTED_HPP

#include <cnx/core/annotations.hpp>

#include <concepts>
#include <type_traits>
#include <utility>

namespace cnx
{

/// Data that lives in its lock: there is no way to it but with(), which holds the lock for as long as it is open.
/// Context is the lock's own. A reference to the data must not leave the function, nor a pointer to it.
template <typename T, typename Lock>
class Protected
{
public:
	template <typename... Args>
	explicit Protected(Args &&...args) : data_(std::forward<Args>(args)...)
	{
	}
	Protected(const Protected &) = delete;
	Protected &operator=(const Protected &) = delete;

	template <typename Function>
	decltype(auto) with(Function &&function)
	{
		static_assert(!std::is_reference_v<std::invoke_result_t<Function, T &>>,
		              "a reference to the data would leave its lock");
		Hold hold(lock_);
		return std::forward<Function>(function)(data_);
	}

private:
	class CNX_SCOPED_CAPABILITY Hold
	{
	public:
		explicit Hold(Lock &lock) CNX_ACQUIRE(lock) : lock_(lock) { lock_.lock(); }
		~Hold() CNX_RELEASE() { lock_.unlock(); }
		Hold(const Hold &) = delete;
		Hold &operator=(const Hold &) = delete;

	private:
		Lock &lock_;
	};

	/// Where locks are checked for their order, a lock has to be told what it guards: those of different data are
	/// held one inside the other, and no order is wrong among them because of their common type.
	[[nodiscard]] static Lock make_lock()
	{
		if constexpr (std::constructible_from<Lock, std::type_identity<T>>)
			return Lock(std::type_identity<T>{});
		else
			return Lock();
	}

	Lock lock_ = make_lock();
	T data_ CNX_GUARDED_BY(lock_);
};

} // namespace cnx

#endif // CNX_CORE_PROTECTED_HPP

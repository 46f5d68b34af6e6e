// SPDX-License-Identifier: GPL-2.0-only
#ifndef CNX_CORE_MEMORY_HPP
#define CNX_CORE_MEMORY_HPP

#include <cnx/core/annotations.hpp>
#include <cnx/core/platform.hpp>
#include <cnx/core/result.hpp>

#include <new>
#include <utility>

namespace cnx
{

/// The one owner of a T from the platform's allocator.
template <Platform P, typename T>
class Owned
{
public:
	template <typename... Args>
	[[nodiscard]] static Result<Owned> create(Args &&...args) CNX_EXCLUDES(read_section)
	{
		void *const memory = P::allocate(sizeof(T));
		if (!memory)
			return std::unexpected(Error::no_memory);
		return Owned(new (memory) T(std::forward<Args>(args)...));
	}

	/// Takes over what release() gave up.
	[[nodiscard]] static Owned adopt(T *object) { return Owned(object); }

	Owned(Owned &&other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
	Owned &operator=(Owned &&other) noexcept
	{
		std::swap(object_, other.object_);
		return *this;
	}
	~Owned()
	{
		if (object_) {
			object_->~T();
			P::release(object_, sizeof(T));
		}
	}

	T &operator*() const { return *object_; }
	T *operator->() const { return object_; }
	[[nodiscard]] T *get() const { return object_; }
	[[nodiscard]] T *release() && { return std::exchange(object_, nullptr); }

private:
	explicit Owned(T *object) : object_(object) {}

	T *object_;
};

} // namespace cnx

#endif // CNX_CORE_MEMORY_HPP

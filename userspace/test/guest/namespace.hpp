// SPDX-License-Identifier: GPL-2.0-only
// Network namespaces that a test makes, enters and lets go.
#ifndef CNX_GUEST_NAMESPACE_HPP
#define CNX_GUEST_NAMESPACE_HPP

#include "raw.hpp"

#include <sched.h>

namespace cnx::test
{

/// A network namespace of its own, for as long as this or one of its sockets lives.
class Namespace
{
public:
	Namespace()
	{
		std::thread([this] {
			if (::unshare(CLONE_NEWNET))
				give_up("a network namespace");
			fd_ = ::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
		}).join();
		if (fd_ < 0)
			give_up("a network namespace's file");
	}
	Namespace(Namespace &&other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
	Namespace &operator=(Namespace &&) = delete;
	~Namespace()
	{
		if (fd_ >= 0)
			::close(fd_);
	}

	/// What a function returns that is called inside.
	template <typename Function>
	auto in(Function &&function) const
	{
		std::optional<decltype(function())> result;
		std::thread([&] {
			if (::setns(fd_, CLONE_NEWNET))
				give_up("a network namespace could not be entered");
			result.emplace(function());
		}).join();
		return *std::move(result);
	}

	[[nodiscard]] Socket socket(int number = CNX_PROTOCOL_CONNECTOR) const
	{
		return in([number] { return Socket(number); });
	}

private:
	int fd_ = -1;
};

} // namespace cnx::test

#endif // CNX_GUEST_NAMESPACE_HPP

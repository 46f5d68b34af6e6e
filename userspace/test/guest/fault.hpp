// SPDX-License-Identifier: GPL-2.0-only
// One fault at a time, put where the n-th thing fails that can: a kernel with fault injection has a file for it, which
// counts down and stops at 0 when the fault has struck.
#ifndef CNX_GUEST_FAULT_HPP
#define CNX_GUEST_FAULT_HPP

#include "raw.hpp"

namespace cnx::test
{

/// The faults of one thread, that of the caller where no other is named.
class Faults
{
public:
	explicit Faults(const std::string &task = "thread-self")
	    : fd_(::open(("/proc/" + task + "/fail-nth").c_str(), O_RDWR | O_CLOEXEC))
	{
		if (fd_ < 0)
			give_up("the faults of " + task);
	}
	Faults(const Faults &) = delete;
	Faults &operator=(const Faults &) = delete;
	~Faults() { ::close(fd_); }

	/// From here on, the n-th thing fails. Nothing between this and disarm() may ask the kernel for anything else.
	void arm(unsigned n) const { write(n); }

	/// Whether the fault has struck. It is taken back if it has not.
	[[nodiscard]] bool disarm() const
	{
		char text[16] = {};
		const auto size = ::pread(fd_, text, sizeof(text) - 1, 0);
		const bool struck = size > 0 && std::strtoul(text, nullptr, 10) == 0;
		// What was next to fail may be the copy of this very number, and that is then behind us.
		write(0);
		return struck;
	}

private:
	void write(unsigned n) const
	{
		char text[16];
		const auto size = static_cast<std::size_t>(std::snprintf(text, sizeof(text), "%u", n));
		for (int tries = 0; ::pwrite(fd_, text, size, 0) < 0; ++tries) {
			if (errno != EFAULT || tries == 10)
				give_up("a fault could not be set");
		}
	}

	int fd_;
};

} // namespace cnx::test

#endif // CNX_GUEST_FAULT_HPP

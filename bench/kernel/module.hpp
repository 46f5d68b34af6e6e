// SPDX-License-Identifier: GPL-2.0-only
// The half of the benchmark that is in the kernel (module/main.c), as its commands.
#ifndef CNX_BENCH_KERNEL_MODULE_HPP
#define CNX_BENCH_KERNEL_MODULE_HPP

#include "report.hpp"

#include <test/guest/raw.hpp>

namespace cnx::bench
{

class Module
{
public:
	Module() : file_(::open("/proc/cnx_bench", O_RDWR | O_CLOEXEC))
	{
		if (file_ < 0)
			test::give_up("/proc/cnx_bench could not be opened");
	}
	Module(const Module &) = delete;
	Module &operator=(const Module &) = delete;
	~Module() { ::close(file_); }

	/// Has the module do something.
	void command(const std::string &line) const
	{
		if (::write(file_, line.data(), line.size()) != static_cast<ssize_t>(line.size()))
			test::give_up(line);
	}

	/// What each step of the last command took.
	[[nodiscard]] Samples ticks() const
	{
		Samples ticks(65536);
		const ssize_t bytes = ::pread(file_, ticks.data(), ticks.size() * sizeof(ticks[0]), 0);
		if (bytes <= 0)
			test::give_up("the module has measured nothing");
		ticks.resize(static_cast<std::size_t>(bytes) / sizeof(ticks[0]));
		return ticks;
	}

private:
	int file_;
};

/// A command of words and numbers.
template <typename... Words>
std::string line(const std::string &verb, const Words &...words)
{
	const auto text = [](const auto &word) {
		if constexpr (std::is_arithmetic_v<std::remove_cvref_t<decltype(word)>>)
			return std::to_string(word);
		else
			return std::string(word);
	};
	return (verb + ... + (" " + text(words)));
}

} // namespace cnx::bench

#endif // CNX_BENCH_KERNEL_MODULE_HPP

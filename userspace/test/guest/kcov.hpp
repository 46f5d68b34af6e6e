// SPDX-License-Identifier: GPL-2.0-only
// What the kernel did on behalf of this thread, instruction by instruction: KCOV, which only kernels built for it have.
#ifndef CNX_GUEST_KCOV_HPP
#define CNX_GUEST_KCOV_HPP

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <fstream>
#include <optional>
#include <span>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace cnx::test
{

/// The owner of a buffer that the kernel writes to.
class Kcov
{
public:
	/// Nothing where the kernel has no KCOV, or lets nobody use it.
	static std::optional<Kcov> open()
	{
		const int fd = ::open("/sys/kernel/debug/kcov", O_RDWR | O_CLOEXEC);
		if (fd < 0)
			return std::nullopt;
		if (::ioctl(fd, init_trace, words)) {
			::close(fd);
			return std::nullopt;
		}
		void *const memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (memory == MAP_FAILED) {
			::close(fd);
			return std::nullopt;
		}
		// SAFETY: the mapping is an array of words, as linux/kcov.h has it, the first of which counts the
		// others.
		Kcov kcov(fd, static_cast<std::uint64_t *>(memory));
		return ::ioctl(fd, enable, trace_pc) ? std::nullopt : std::optional(std::move(kcov));
	}

	Kcov(Kcov &&other) noexcept : fd_(std::exchange(other.fd_, -1)), words_(std::exchange(other.words_, nullptr)) {}
	Kcov &operator=(Kcov &&) = delete;
	~Kcov()
	{
		if (words_)
			::munmap(words_, bytes);
		if (fd_ >= 0)
			::close(fd_);
	}

	void start() const { count().store(0, std::memory_order_relaxed); }

	/// Where the kernel has been since.
	[[nodiscard]] std::span<const std::uint64_t> stop() const
	{
		return {words_ + 1, std::min<std::size_t>(count().load(std::memory_order_relaxed), words - 1)};
	}

private:
	// As in linux/kcov.h.
	static constexpr unsigned long init_trace = _IOR('c', 1, unsigned long);
	static constexpr unsigned long enable = _IO('c', 100);
	static constexpr unsigned long trace_pc = 0;
	static constexpr std::size_t words = std::size_t{1} << 18;
	static constexpr std::size_t bytes = words * sizeof(std::uint64_t);

	Kcov(int fd, std::uint64_t *memory) : fd_(fd), words_(memory) {}
	[[nodiscard]] std::atomic_ref<std::uint64_t> count() const { return std::atomic_ref(words_[0]); }

	int fd_;
	std::uint64_t *words_;
};

/// The addresses of cnx and its drivers in the kernel.
class ModuleAddresses
{
public:
	ModuleAddresses()
	{
		std::ifstream modules("/proc/modules");
		for (std::string line; std::getline(modules, line);) {
			std::istringstream words(line);
			std::string name, size, users, dependents, state, address;
			words >> name >> size >> users >> dependents >> state >> address;
			if (name.rfind("cnx", 0) == 0)
				ranges_.emplace_back(std::stoull(address, nullptr, 16), std::stoull(size));
		}
	}

	[[nodiscard]] bool contain(std::uint64_t address) const
	{
		for (const auto &[first, size] : ranges_) {
			if (address - first < size)
				return true;
		}
		return false;
	}

private:
	std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges_;
};

} // namespace cnx::test

#endif // CNX_GUEST_KCOV_HPP

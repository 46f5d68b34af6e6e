// SPDX-License-Identifier: GPL-2.0-only
// Restartable sequences (rseq(2)): what the kernel's this_cpu operations are to the kernel.
#ifndef CNX_REPLICA_RSEQ_HPP
#define CNX_REPLICA_RSEQ_HPP

#include <cnx/core/annotations.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <sched.h>
#include <sys/rseq.h>

// ThreadSanitizer sees no assembly. What it is to check does without.
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__)
#define CNX_REPLICA_RSEQ 1
#else
#define CNX_REPLICA_RSEQ 0
#endif

namespace cnx::replica::rseq
{

/// Whether the C library has registered its threads. It does where the kernel can, unless told not to.
[[nodiscard]] inline bool available()
{
	return __rseq_size != 0;
}

/// The CPU that the calling thread runs on, or ran on a moment ago; a large number if it cannot be told.
[[nodiscard]] inline unsigned cpu()
{
	if (!available()) [[unlikely]] {
		const int asked = sched_getcpu();
		return asked < 0 ? ~0u : static_cast<unsigned>(asked);
	}
	CNX_UNSAFE_BUFFERS_BEGIN
	// SAFETY: the C library promises a struct rseq at this offset from the thread pointer in every thread.
	const auto *const area = reinterpret_cast<const volatile struct ::rseq *>(
	    static_cast<const char *>(__builtin_thread_pointer()) + __rseq_offset);
	CNX_UNSAFE_BUFFERS_END
	return area->cpu_id;
}

/// Adds `n` to the calling CPU's cell: the one at `first` plus the CPU's number shifted left by Shift, in bytes. It is
/// one addition without a lock prefix, and nothing else on that CPU comes between choosing the cell and adding: a
/// thread that is preempted or signalled in between starts over. Needs available().
#if CNX_REPLICA_RSEQ
template <unsigned Shift>
[[gnu::always_inline]] inline void add(std::atomic<std::uint64_t> *first, std::uint64_t n)
{
	// SAFETY: from 1 to 2 nothing is written but registers, and what is at 1 chooses the cell anew; the last
	// instruction commits. The descriptor (version, flags, start, length, abort address) is what rseq(2) asks for,
	// the signature before the abort address is the C library's. The sections follow the function into its COMDAT
	// group ("?"), so that a copy that the linker drops takes its own with it.
	asm volatile(".pushsection __rseq_cs, \"aw?\"\n\t"
	             ".balign 32\n"
	             "3:\n\t"
	             ".long 0, 0\n\t"
	             ".quad 1f, 2f - 1f, 4f\n\t"
	             ".popsection\n"
	             "0:\n\t"
	             "leaq 3b(%%rip), %%rax\n\t"
	             "movq %%rax, %%fs:%c[descriptor](%[area])\n"
	             "1:\n\t"
	             "movl %%fs:%c[cpu](%[area]), %%eax\n\t"
	             "shlq %[shift], %%rax\n\t"
	             "addq %[n], (%[first], %%rax)\n"
	             "2:\n\t"
	             ".pushsection __rseq_failure, \"ax?\"\n\t"
	             ".byte 0x0f, 0xb9, 0x3d\n\t"
	             ".long %c[signature]\n"
	             "4:\n\t"
	             "jmp 0b\n\t"
	             ".popsection\n"
	             :
	             : [area] "r"(__rseq_offset), [first] "r"(first), [n] "er"(n), [shift] "i"(Shift),
	               [descriptor] "i"(offsetof(struct ::rseq, rseq_cs)), [cpu] "i"(offsetof(struct ::rseq, cpu_id)),
	               [signature] "i"(RSEQ_SIG)
	             : "rax", "memory", "cc");
}
#endif

} // namespace cnx::replica::rseq

#endif // CNX_REPLICA_RSEQ_HPP

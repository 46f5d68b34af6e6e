// SPDX-License-Identifier: GPL-2.0-only
#ifndef CNX_BENCH_PROGRESS_HPP
#define CNX_BENCH_PROGRESS_HPP

#include <string>

namespace cnx::bench
{

/// Tells on the error output how far a long run is: one line that is rewritten on a terminal, a line every ten seconds
/// elsewhere. Called from one thread.
class Progress
{
public:
	/// So many runs more will be begun.
	static void expect(unsigned runs);
	[[nodiscard]] static unsigned expected();
	/// A run of this name begins.
	static void begin(const std::string &name);
	/// The last has ended.
	static void end();
};

} // namespace cnx::bench

#endif // CNX_BENCH_PROGRESS_HPP

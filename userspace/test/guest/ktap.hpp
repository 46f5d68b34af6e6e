// SPDX-License-Identifier: GPL-2.0-only
// Results of a guest program, as the harness reads them.
#ifndef CNX_GUEST_KTAP_HPP
#define CNX_GUEST_KTAP_HPP

#include <cstdio>
#include <string>
#include <string_view>

namespace cnx::test
{

class Ktap
{
public:
	Ktap() { std::puts("KTAP version 1"); }
	Ktap(const Ktap &) = delete;
	Ktap &operator=(const Ktap &) = delete;

	bool check(std::string_view name, bool passed)
	{
		++run_;
		failed_ += passed ? 0 : 1;
		std::printf("%s %u - %.*s\n", passed ? "ok" : "not ok", run_, static_cast<int>(name.size()),
		            name.data());
		// A forked child must not inherit lines that are still to be written.
		std::fflush(stdout);
		return passed;
	}

	template <typename A, typename B>
	bool equal(std::string_view name, const A &expected, const B &actual)
	{
		const bool passed = check(name, std::string(text(expected)) == std::string(text(actual)));
		if (!passed)
			note("expected " + text(expected) + ", actual " + text(actual));
		return passed;
	}

	void note(const std::string &line)
	{
		std::printf("# %s\n", line.c_str());
		std::fflush(stdout);
	}

	/// Writes the plan. The program's exit status.
	[[nodiscard]] int end() const
	{
		std::printf("1..%u\n", run_);
		return failed_ ? 1 : 0;
	}

private:
	static std::string text(const std::string &value) { return value; }
	static std::string text(const char *value) { return value; }
	template <typename Number>
	static std::string text(const Number &value)
	{
		return std::to_string(value);
	}

	unsigned run_ = 0;
	unsigned failed_ = 0;
};

} // namespace cnx::test

#endif // CNX_GUEST_KTAP_HPP

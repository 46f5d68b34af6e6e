// SPDX-License-Identifier: GPL-2.0-only
/* What the tool knows of modules before it loads any: which, in which order, and whether the kernel would take them. */
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <unistd.h>

#include "cli/gate.hpp"
#include "cli/load_plan.hpp"

namespace
{

using namespace cnx;
namespace fs = std::filesystem;

TEST(tool_load, cnx_comes_first_and_parameters_follow_their_module)
{
	using Plan = std::vector<tool::WantedModule>;
	EXPECT_EQ(tool::load_plan({}), (Plan{{"cnx", {}}}));
	EXPECT_EQ(tool::load_plan({"protocol=28", "echo", "ticker", "period_ms=5", "cnx", "pool_depth=1", "echo"}),
	          (Plan{{"cnx", {"protocol=28", "pool_depth=1"}}, {"cnx_echo", {}}, {"cnx_ticker", {"period_ms=5"}}}));
}

TEST(tool_load, cnx_goes_last)
{
	using Names = std::vector<std::string>;
	EXPECT_EQ(tool::unload_plan({}), Names{"cnx"});
	EXPECT_EQ(tool::unload_plan({"cnx", "echo", "cnx_ticker", "echo"}), (Names{"cnx_echo", "cnx_ticker", "cnx"}));
}

TEST(tool_load, what_is_built_on_cnx_is_reloaded_with_it)
{
	using Plan = std::vector<tool::WantedModule>;
	const std::vector<std::string> holders = {"cnx_echo", "cnx_ticker"};
	const Plan all = {{"cnx", {}}, {"cnx_echo", {}}, {"cnx_ticker", {}}};
	EXPECT_EQ(tool::reload_plan({}, holders), all);
	EXPECT_EQ(tool::reload_plan({"cnx"}, holders), all);
	EXPECT_EQ(tool::reload_plan({"protocol=9"}, {}), (Plan{{"cnx", {"protocol=9"}}}));
	EXPECT_EQ(tool::reload_plan({"ticker", "batch=2"}, holders), (Plan{{"cnx_ticker", {"batch=2"}}}));
	EXPECT_EQ(tool::reload_plan({"cnx", "ticker", "batch=2"}, holders),
	          (Plan{{"cnx", {}}, {"cnx_ticker", {"batch=2"}}, {"cnx_echo", {}}}));
}

/* Files of /proc and /sys as a kernel would show them. */
class tool_gate : public testing::Test
{
protected:
	tool_gate() : root_(fs::temp_directory_path() / ("cnx-gate-" + std::to_string(getpid()))) {}
	~tool_gate() override { fs::remove_all(root_); }

	void file(const fs::path &path, const std::string &text)
	{
		fs::create_directories((root_ / path).parent_path());
		std::ofstream(root_ / path) << text;
	}

	tool::ModuleGate gate() const { return tool::read_gate("6.1.0-13-amd64", root_); }

	fs::path root_;
	tool::Modinfo unsigned_{"6.1.0-13-amd64 SMP mod_unload ", {}, false};
};

TEST_F(tool_gate, what_cannot_be_read_is_no_obstacle)
{
	EXPECT_TRUE(tool::may_change_modules(gate()));
	EXPECT_TRUE(tool::may_load(gate(), unsigned_, "cnx.ko"));
}

TEST_F(tool_gate, rights_are_missed_beforehand)
{
	file("proc/self/status", "Name:\tcnx\nCapEff:\t000001fffffeffff\n");
	const auto refused = tool::may_change_modules(gate());
	ASSERT_FALSE(refused);
	EXPECT_EQ(refused.error().code, EPERM);
	EXPECT_NE(refused.error().what.find("CAP_SYS_MODULE"), std::string::npos);
	file("proc/self/status", "Name:\tcnx\nCapEff:\t0000000000010000\n");
	EXPECT_TRUE(tool::may_change_modules(gate()));
}

TEST_F(tool_gate, a_kernel_that_loads_no_more_is_seen)
{
	file("proc/sys/kernel/modules_disabled", "1\n");
	ASSERT_FALSE(tool::may_change_modules(gate()));
	EXPECT_NE(tool::may_change_modules(gate()).error().what.find("reboot"), std::string::npos);
	file("proc/sys/kernel/modules_disabled", "0\n");
	EXPECT_TRUE(tool::may_change_modules(gate()));
}

TEST_F(tool_gate, a_demand_for_signatures_is_seen_wherever_it_is_told)
{
	tool::Modinfo with_signature = unsigned_;
	with_signature.is_signed = true;
	const auto demanded = [&] {
		EXPECT_TRUE(tool::may_load(gate(), with_signature, "cnx.ko"));
		const auto refused = tool::may_load(gate(), unsigned_, "cnx.ko");
		return !refused && refused.error().what.find("sign it") != std::string::npos;
	};
	file("proc/cmdline", "quiet module.sig_enforce\n");
	EXPECT_TRUE(demanded());
	file("sys/module/module/parameters/sig_enforce", "N\n");
	EXPECT_FALSE(demanded());
	file("sys/module/module/parameters/sig_enforce", "Y\n");
	EXPECT_TRUE(demanded());
	file("sys/module/module/parameters/sig_enforce", "N\n");
	file("sys/kernel/security/lockdown", "[none] integrity confidentiality\n");
	EXPECT_FALSE(demanded());
	file("sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
	EXPECT_TRUE(demanded());
}

TEST_F(tool_gate, a_module_of_another_kernel_is_refused_with_what_helps)
{
	const auto remedy = [&](const char *release) {
		const auto refused = tool::may_load(tool::read_gate(release, root_), unsigned_, "cnx.ko");
		EXPECT_FALSE(refused);
		EXPECT_EQ(refused.error().code, ENOEXEC);
		return refused.error().what;
	};
	EXPECT_NE(remedy("6.1.0-14-amd64").find("make module KDIR=/lib/modules/6.1.0-14-amd64/build"),
	          std::string::npos);
	for (const char *unsupported : {"5.10.0", "6.0.19", "7.3", "99.0-rc1", "", "nonsense"})
		EXPECT_NE(remedy(unsupported).find("boot a kernel from 6.1 to 7.2"), std::string::npos) << unsupported;
}

} // namespace

// SPDX-License-Identifier: GPL-2.0-only
#include <cerrno>

#include "cli/module.hpp"
#include "stress/exchange.hpp"

namespace cnx::stress
{
namespace
{

constexpr const char *driver = "cnx_echo";
constexpr client::Id driver_id{0x20, 1};

client::Result<void> load()
{
	const auto prepared = tool::prepare_module(driver, {}, {});
	if (!prepared)
		return std::unexpected(prepared.error());
	return tool::load_module(*prepared);
}

class Reload : public Scenario
{
public:
	std::string obstacle() override
	{
		if (const auto allowed = tool::modules_allowed(); !allowed)
			return allowed.error().what;
		was_loaded_ = tool::module_loaded(driver);
		if (!was_loaded_) {
			if (const auto loaded = load(); !loaded)
				return loaded.error().what;
		}
		changed_ = true;
		return {};
	}

	void run(Worker &worker) override
	{
		const std::jthread sending =
		    worker.beside(1, [](Worker &own) { ask_until_over(own, driver_id, 512, Refusals::expected); });
		while (worker.go_on()) {
			if (const auto unloaded = tool::unload_module(driver); !unloaded) {
				/* Someone takes a look at it, in /proc or /sys, just now. */
				if (unloaded.error().code != EBUSY)
					worker.failed("unloading cnx_echo", unloaded.error());
				worker.count("busy");
			} else if (worker.sleep(pause(worker)); const auto loaded = load()) {
				worker.count("reloads");
			} else {
				worker.failed("loading cnx_echo", loaded.error());
			}
			worker.sleep(pause(worker));
		}
	}

	void restore() override
	{
		if (!changed_)
			return;
		/* Whatever comes of it: the report has the failures that matter. */
		if (!was_loaded_) {
			[[maybe_unused]] const auto unloaded = tool::unload_module(driver);
		} else if (!tool::module_loaded(driver)) {
			[[maybe_unused]] const auto loaded = load();
		}
	}

private:
	static std::chrono::milliseconds pause(Worker &worker)
	{
		return std::chrono::milliseconds(worker.stream().between(1, 150));
	}

	bool was_loaded_ = false;
	bool changed_ = false;
};

} // namespace

std::unique_ptr<Scenario> make_reload()
{
	return std::make_unique<Reload>();
}

} // namespace cnx::stress

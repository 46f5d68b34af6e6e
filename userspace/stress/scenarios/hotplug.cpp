// SPDX-License-Identifier: GPL-2.0-only
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include <fmt/format.h>
#include <unistd.h>

#include "stress/exchange.hpp"

namespace cnx::stress
{
namespace
{

/* The switches of the CPUs that are on and can go off. */
std::vector<std::string> switches()
{
	std::vector<std::string> found;
	std::error_code ignored;
	for (const auto &entry : std::filesystem::directory_iterator("/sys/devices/system/cpu", ignored)) {
		const auto path = (entry.path() / "online").string();
		if (entry.path().filename().string().starts_with("cpu") && read_file(path) == "1\n" &&
		    ::access(path.c_str(), W_OK) == 0)
			found.push_back(path);
	}
	std::ranges::sort(found);
	return found;
}

class Hotplug : public Scenario
{
public:
	std::string obstacle() override
	{
		switches_ = switches();
		return switches_.empty() ? "no CPU can be switched off here, by this user" : "";
	}

	void run(Worker &worker) override
	{
		/* A thread that sends, so that there is traffic when this scenario runs alone. */
		const std::jthread sending = worker.beside(1, [](Worker &own) { ask_until_over(own, echo_id, 512); });
		auto &stream = worker.stream();
		while (worker.go_on()) {
			const auto &path = switches_[stream.below(switches_.size())];
			const int code = write_file(path, "0");
			/* The last one stays on, and one that has just come may still be busy. */
			if (code && code != EBUSY) {
				worker.failed(fmt::format("switching off {}", path), {code, std::strerror(code)});
				return;
			}
			worker.sleep(std::chrono::milliseconds(stream.between(20, 400)));
			if (!code && !switch_on(worker, path))
				return;
			worker.count(code ? "busy" : "off and on");
			worker.sleep(std::chrono::milliseconds(stream.between(50, 400)));
		}
	}

	void restore() override
	{
		for (const auto &path : switches_)
			static_cast<void>(write_file(path, "1"));
	}

private:
	static bool switch_on(Worker &worker, const std::string &path)
	{
		for (unsigned attempt = 0;; ++attempt) {
			const int code = write_file(path, "1");
			if (!code)
				return true;
			if (code != EBUSY || attempt == 20) {
				worker.failed(fmt::format("switching on {}", path), {code, std::strerror(code)});
				return false;
			}
			std::this_thread::sleep_for(std::chrono::milliseconds(50));
		}
	}

	std::vector<std::string> switches_;
};

} // namespace

std::unique_ptr<Scenario> make_hotplug()
{
	return std::make_unique<Hotplug>();
}

} // namespace cnx::stress

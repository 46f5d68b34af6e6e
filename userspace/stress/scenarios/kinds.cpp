// SPDX-License-Identifier: GPL-2.0-only
#include "stress/scenario.hpp"

namespace cnx::stress
{
namespace
{

constexpr ScenarioKind kinds[] = {
    {"senders", "many senders to a callback that echoes; every reply is checked", true, make_senders},
    {"listeners", "many listeners of what drivers multicast", true, make_listeners},
    {"slow", "listeners that read slowly, or not at all", true, make_slow},
    {"churn", "callbacks that come and go while messages for them are sent", true, make_churn},
    {"malformed", "floods of malformed datagrams beside good traffic", true, make_malformed},
    {"netns", "network namespaces that come and go", false, make_netns},
    {"reload", "the module cnx_echo unloaded and loaded while it is sent to", true, make_reload},
    {"hotplug", "CPUs that go off and come back", false, make_hotplug},
    {"memory", "memory that gets short: caches dropped, memory taken, allocations that fail", false, make_memory},
};

} // namespace

std::span<const ScenarioKind> scenario_kinds()
{
	return kinds;
}

} // namespace cnx::stress

// SPDX-License-Identifier: GPL-2.0-only
// Process events, as listeners in several namespaces get them. With cnx and cnx_procevents loaded.
#include "ktap.hpp"
#include "procevents.hpp"

using namespace cnx::test;

namespace
{

void test_thin(Ktap &ktap)
{
	Namespace space;
	Watcher watcher(space.socket());
	ktap.equal("listen", 0, watcher.listen());
	const pid_t child = ::fork();
	if (child == 0) {
		::execl("/bin/true", "true", nullptr);
		std::_Exit(9);
	}
	::waitpid(child, nullptr, 0);
	std::string all;
	for (const auto &e : watcher.events_of(child))
		all += words_of(e.body,
		                [&](pid_t pid) {
			                return pid == child ? "C" : pid == ::getpid() ? "P" : std::to_string(pid);
		                }) +
		       "\n";
	ktap.equal("thin", "fork P->C\nexec C\nexit C 0,17 of P\n", all);
}

} // namespace

int main()
{
	Ktap ktap;
	test_thin(ktap);
	return ktap.end();
}

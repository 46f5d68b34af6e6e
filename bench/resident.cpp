// SPDX-License-Identifier: GPL-2.0-only
#include "resident.hpp"

#include <cstdio>
#include <sys/wait.h>
#include <unistd.h>

namespace cnx::bench
{
namespace
{

double resident()
{
	long size = 0;
	long pages = -1;
	if (std::FILE *const file = std::fopen("/proc/self/statm", "r")) {
		if (std::fscanf(file, "%ld %ld", &size, &pages) != 2)
			pages = -1;
		std::fclose(file);
	}
	return static_cast<double>(pages) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

} // namespace

double resident_bytes(const std::function<void()> &fill)
{
	int ends[2];
	if (pipe(ends) != 0)
		return -1;
	double grown = -1;
	const pid_t child = fork();
	if (child == 0) {
		const double before = resident();
		fill();
		grown = before < 0 ? -1 : resident() - before;
		_exit(write(ends[1], &grown, sizeof(grown)) == sizeof(grown) ? 0 : 1);
	}
	close(ends[1]);
	if (child < 0 || read(ends[0], &grown, sizeof(grown)) != sizeof(grown))
		grown = -1;
	close(ends[0]);
	if (child > 0)
		waitpid(child, nullptr, 0);
	return grown;
}

} // namespace cnx::bench

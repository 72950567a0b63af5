// The command line of verifyd-opensmtpd-filter. See man/verifyd-opensmtpd-filter.8.
#include <sysexits.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <utility>

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "opensmtpd/filter.h"
#include "opensmtpd/line_client.h"

namespace verifyd {
namespace {

boost::asio::awaitable<void> RunToTheEnd(Filter& filter, Loop& loop) {
  co_await filter.Run();
  loop.Stop();
}

int Main(int argc, char** argv) {
  std::string socket = "inet:127.0.0.1:10095";
  CLI::App app{"verifyd-opensmtpd-filter: lets OpenSMTPD ask verifyd about recipients"};
  app.set_version_flag("--version", VERIFYD_VERSION);
  app.add_option("-s,--socket", socket, "Where line_listen of verifyd is: inet:ADDRESS:PORT or unix:/PATH")
      ->capture_default_str();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? EX_OK : EX_USAGE;
  }
  absl::StatusOr<LinePlace> place = LinePlace::Parse(socket);
  if (!place.ok()) {
    LogError(absl::StrCat("--socket: ", place.status().message()));
    return EX_USAGE;
  }
  // When verifyd closes a connection, the write fails; the filter must not end by a signal.
  std::signal(SIGPIPE, SIG_IGN);
  Loop loop(Clock::Real());
  Filter filter(loop, *std::move(place), STDIN_FILENO, STDOUT_FILENO);
  loop.Spawn(RunToTheEnd(filter, loop));
  loop.Run();
  return EX_OK;
}

}  // namespace
}  // namespace verifyd

int main(int argc, char** argv) { return verifyd::Main(argc, argv); }

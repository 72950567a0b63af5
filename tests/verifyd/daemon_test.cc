#include "verifyd/daemon.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "tests/status_matchers.h"
#include "tests/temporary_directory.h"
#include "verifyd/configuration/configuration.h"
#include "verifyd/settings/settings.h"

namespace verifyd {
namespace {

TEST(DaemonTest, ASecondInheritedSocketThatIsCalledControlReplacedTheFirstSilently) {
  const TemporaryDirectory directory;
  const int first = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int second = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const absl::Status started =
      Daemon(*Configuration::Create(*Settings::Load({{"myhostname", "gw.example.org", "test"},
                                                     {"address_verify_map", "", "test"},
                                                     {"data_directory", directory.path(), "test"},
                                                     {"policy_listen", "", "test"}},
                                                    {})),
             {.inherited = {{first, "control"}, {second, "control"}}})
          .Start();
  EXPECT_THAT(started, FailsWith(absl::StrCat("inherited socket ", second,
                                              " is called \"control\", as inherited socket ", first, " is")));
  ::close(first);
  ::close(second);
}

}  // namespace
}  // namespace verifyd

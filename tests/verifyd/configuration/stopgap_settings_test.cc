#include "verifyd/configuration/stopgap_settings.h"

#include <gtest/gtest.h>

#include "verifyd/door/door_table.h"

namespace verifyd {
namespace {

// The sockets of a door, separated by blanks.
std::string Sockets(const Configuration& configuration, absl::string_view door) {
  std::string text;
  for (size_t i = 0; i < DoorTable().size(); ++i) {
    if (DoorTable()[i].name != door) continue;
    for (const ListenAddress& address : configuration.doors[i].listen) {
      text += (text.empty() ? "" : " ") + address.ToString();
    }
  }
  return text;
}

TEST(StopgapSettingsTest, AWrongNameElsewhereLeavesDoorsAndTheirAnswer) {
  const Configuration stopgap = StopgapOf("verifyd.cf",
                                          "policy_listen = inet:127.0.0.1:10099,\n"
                                          "    unix:/run/policy\n"
                                          "relay_domain = example.com\n"
                                          "milter_listen = inet:127.0.0.1:10098\n"
                                          "internal_error_action = defer\n"
                                          "control_socket = $data_directory/control\n"
                                          "data_directory = /srv/verifyd\n",
                                          {});
  EXPECT_EQ(stopgap.stand_in, StandIn::kStopgap);
  EXPECT_FALSE(stopgap.door_settings.mail.decides);
  EXPECT_EQ(stopgap.door_settings.mail.internal_error_action, InternalErrorAction::kDefer);
  EXPECT_EQ(Sockets(stopgap, "policy"), "inet:127.0.0.1:10099 unix:/run/policy");
  EXPECT_EQ(Sockets(stopgap, "milter"), "inet:127.0.0.1:10098");
  EXPECT_EQ(stopgap.control_socket, "/srv/verifyd/control");
}

TEST(StopgapSettingsTest, TheCacheIsLeftAloneAndNothingIsVerified) {
  const Configuration stopgap = StopgapOf("verifyd.cf", "relay_domains = example.com\ndry_run = perhaps\n", {});
  EXPECT_TRUE(stopgap.cache.path.empty());
  EXPECT_TRUE(stopgap.verifier->verify_domains.empty());
  EXPECT_TRUE(stopgap.warnings.empty());
}

TEST(StopgapSettingsTest, ADoorThatIsWrongItselfHasItsDefaultAndTheOthersTheirs) {
  const Configuration stopgap =
      StopgapOf("verifyd.cf", "policy_listen = tcp:10090\nverify_listen = unix:/run/verify\n", {});
  EXPECT_EQ(Sockets(stopgap, "policy"), "inet:127.0.0.1:10090");
  EXPECT_EQ(Sockets(stopgap, "verify"), "unix:/run/verify");
}

TEST(StopgapSettingsTest, LinesThatAreNoSettingsArePassedOver) {
  const Configuration stopgap = StopgapOf(
      "verifyd.cf",
      "  continued from nowhere\nwhat is this\n\x01\xff = 3\n# a comment\npolicy_listen = inet:127.0.0.1:1\n", {});
  EXPECT_EQ(Sockets(stopgap, "policy"), "inet:127.0.0.1:1");
}

TEST(StopgapSettingsTest, OptionsWinOverTheFile) {
  const Configuration stopgap = StopgapOf("verifyd.cf", "policy_listen = inet:127.0.0.1:1\nnonsense = 1\n",
                                          {{"policy_listen", "inet:127.0.0.1:2", "-o"}, {"nonsense", "2", "-o"}});
  EXPECT_EQ(Sockets(stopgap, "policy"), "inet:127.0.0.1:2");
}

TEST(StopgapSettingsTest, AFileThatCanNotBeReadIsAsAnEmptyOne) {
  for (const std::string file : {"/nowhere/at/all", "/", "/dev/zero"}) {
    EXPECT_EQ(Sockets(LoadStopgap(file, {}), "policy"), "inet:127.0.0.1:10090") << file;
  }
}

}  // namespace
}  // namespace verifyd

// Servers that mean us ill, a thousand at a time: each costs us a bounded time and a bounded number of bytes, and takes
// nothing from others. With AddressSanitizer, for which one such server is as good as many, there are two hundred: a
// thousand take minutes.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "probe/session.h"
#include "tests/probe/probe_world.h"

namespace verifyd {
namespace {

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define VERIFYD_FEWER_SERVERS
#endif
#endif

struct Hostile {
  const char* name;
  const char* script;
};

class HostileTest : public testing::TestWithParam<Hostile> {
 protected:
#ifdef VERIFYD_FEWER_SERVERS
  static constexpr int kServers = 200;
#else
  static constexpr int kServers = 1000;
#endif
  static constexpr absl::Duration kPatience = absl::Seconds(120);
  // A reply of the greatest length, the rest of the buffer, and the same again in clear.
  static constexpr size_t kMostBytes = 2 * (size_t{32768} + 4096) + 2 * size_t{4096};

  static std::string Domain(int number) { return absl::StrCat("d", number, ".test"); }

  void AddServers(const std::string& script) {
    for (int i = 0; i < kServers; ++i) {
      const std::string host = absl::StrCat("mx.", Domain(i));
      const std::string address = absl::StrCat("12.0.", i / 250, ".", 1 + i % 250);
      world_.resolver.SetMx(Domain(i), {{10, host}});
      world_.resolver.SetAddresses(host, {address});
      world_.dialer.PlayOnly(address, script);
    }
  }

  ProbeWorld world_;
};

TEST_P(HostileTest, AThousandOfThemAreLeftInTimeAndOthersDoNotWaitForThem) {
  AddServers(GetParam().script);
  world_.Servers({"rcpt={wait 100ms}250 Ok"});
  std::vector<std::shared_ptr<std::optional<ProbeOutcome>>> outcomes;
  outcomes.reserve(kServers);
  for (int i = 0; i < kServers; ++i) {
    outcomes.push_back(world_.Start(world_.Request(absl::StrCat("joe@", Domain(i)), kPatience)));
  }
  const MonoTime began = world_.test.clock().Mono();
  EXPECT_EQ(world_.Probe("joe@example.com").finding.reason, Reason::kAccepted);
  EXPECT_EQ(world_.test.clock().Mono() - began, absl::Milliseconds(100));

  world_.test.Advance(kPatience + Session::kQuitPatience);
  for (const auto& outcome : outcomes) {
    ASSERT_TRUE(outcome->has_value());
    EXPECT_EQ((*outcome)->finding.deliverability, Deliverability::kUnknown) << (*outcome)->finding.text;
    EXPECT_LE((*outcome)->finding.text.size(), Finding::kMaxText);
  }
  EXPECT_EQ(world_.dialer.open_now(), 0U);
  for (const auto& connection : world_.dialer.connections()) {
    EXPECT_LE(connection->read, kMostBytes) << connection->endpoint.ToString();
  }
}

INSTANTIATE_TEST_SUITE_P(
    OfEveryKind, HostileTest,
    testing::Values(Hostile{"ABannerWithoutEnd", "banner={endless 220-welcome\\r\\n}"},
                    Hostile{"ALineWithoutEnd", "banner={endless x}"},
                    Hostile{"AReplyToEhloWithoutEnd", "ehlo={endless 250-x\\r\\n}"},
                    Hostile{"AReplyToRcptWithoutEnd", "rcpt={endless 550-5.1.1 x\\r\\n}"},
                    Hostile{"AByteASecond",
                            "banner={trickle 1s}220 welcome to a server that has all the time in the world and "
                            "is in no hurry to tell you so but will certainly come to it by and by"},
                    Hostile{"AByteASecondAtRcpt",
                            "rcpt={trickle 1s}550-5.1.1 a reply that comes so slowly that nobody who "
                            "waits for its end will ever see whom it is about or whether it ends"},
                    Hostile{"NoFinalLine", "ehlo={raw 250-x\\r\\n}"},
                    Hostile{"RepliesBeforeCommands", "banner={raw 220 x\\r\\n250 x\\r\\n250 x\\r\\n250 x\\r\\n}"},
                    Hostile{"GarbageInPlaceOfAGreeting", "banner={raw \\x00\\xff\\x16\\x03\\x01\\r\\n}"},
                    Hostile{"GarbageInPlaceOfTls", "ehlo=250-mx\\n250 STARTTLS ;; handshake={fail} ;; rcpt={timeout}"},
                    Hostile{"SilenceInPlaceOfTls", "ehlo=250-mx\\n250 STARTTLS ;; handshake={timeout}"},
                    Hostile{"TheEndAfterConnecting", "banner={eof}"}, Hostile{"TheEndAtEhlo", "ehlo={eof}"},
                    Hostile{"TheEndAtMail", "mail={eof}"}, Hostile{"TheEndAtRcpt", "rcpt={eof}"},
                    Hostile{"SilenceAfterConnecting", "banner={timeout}"}, Hostile{"SilenceAtEhlo", "ehlo={timeout}"},
                    Hostile{"SilenceAtRcpt", "rcpt={timeout}"}),
    [](const testing::TestParamInfo<Hostile>& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace verifyd

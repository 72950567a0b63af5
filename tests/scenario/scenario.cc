#include "tests/scenario/scenario.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/log.h"
#include "base/text.h"
#include "cache/cache.h"
#include "classifier/reason.h"
#include "probe/prober.h"
#include "tests/scripted_dialer.h"
#include "tests/scripted_resolver.h"
#include "tests/test_loop.h"
#include "verifyd/api/api.h"
#include "verifyd/configuration/configuration.h"
#include "verifyd/configuration/routing.h"
#include "verifyd/door/policy_request.h"
#include "verifyd/history/decision_record.h"
#include "verifyd/restriction/restrictions.h"
#include "verifyd/verifier/agenda.h"
#include "verifyd/verifier/route_change.h"
#include "verifyd/verifier/verifier.h"

namespace verifyd {
namespace {

class Theatre {
 public:
  explicit Theatre(absl::string_view file_name) : file_name_(file_name) {
    std::string pattern = testing::TempDir() + "/scenario-XXXXXX";
    folder_ = mkdtemp(pattern.data());
    settings_ = absl::StrCat("myhostname = gw.example.org\naddress_verify_map = lmdb:", folder_,
                             "/verify_cache\nverify_domains = *\naddress_verify_cache_cleanup_interval = 0\n");
  }
  ~Theatre() {
    rooms_.reset();
    std::filesystem::remove_all(folder_);
  }
  Theatre(const Theatre&) = delete;
  Theatre& operator=(const Theatre&) = delete;

  void Play(absl::string_view line, int number) {
    const testing::ScopedTrace trace(file_name_.c_str(), number, std::string(line));
    const std::pair<absl::string_view, absl::string_view> words = absl::StrSplit(line, absl::MaxSplits(' ', 1));
    const absl::string_view rest = absl::StripAsciiWhitespace(words.second);
    if (words.first == "set") {
      absl::StrAppend(&settings_, rest, "\n");
      if (rooms_ != nullptr) Configure();
    } else if (words.first == "mx") {
      SetMx(absl::StrSplit(rest, ' ', absl::SkipEmpty()));
    } else if (words.first == "gone") {
      for (const DnsType type : {DnsType::kMx, DnsType::kA, DnsType::kAaaa}) {
        resolver_.Fail(rest, type, DnsStatus::kNxDomain);
      }
    } else if (words.first == "name") {
      const std::pair<std::string, std::string> name = absl::StrSplit(rest, absl::MaxSplits(' ', 1));
      resolver_.SetAddresses(name.first, {name.second});
    } else if (words.first == "server") {
      const std::pair<absl::string_view, absl::string_view> server = absl::StrSplit(rest, absl::MaxSplits(' ', 1));
      dialer_.PlayOnly(std::string(server.first), std::string(absl::StripAsciiWhitespace(server.second)));
    } else if (words.first == "ask") {
      Ask(absl::StrSplit(rest, ' ', absl::SkipEmpty()));
    } else if (words.first == "=") {
      EXPECT_EQ(answer_, absl::StrCat("action=", rest, "\n\n"));
    } else if (words.first == "=~") {
      EXPECT_TRUE(absl::StartsWith(answer_, absl::StrCat("action=", rest))) << answer_;
    } else if (words.first == "pass") {
      Pass(Time(rest));
    } else if (words.first == "waited") {
      EXPECT_EQ(waited_, Time(rest));
    } else if (words.first == "probes") {
      int expected = -1;
      ASSERT_TRUE(absl::SimpleAtoi(rest, &expected));
      int probes = 0;
      for (const auto& connection : dialer_.connections()) {
        for (const std::string& command : connection->commands) probes += absl::StartsWith(command, "RCPT") ? 1 : 0;
      }
      EXPECT_EQ(probes, expected);
    } else if (words.first == "held") {
      const std::pair<std::string, std::string> held = absl::StrSplit(rest, absl::MaxSplits(" = ", 1));
      EXPECT_EQ(Held(held.first), held.second);
    } else if (words.first == "same" || words.first == "different") {
      EXPECT_EQ(Senders() == 1, words.first == "same");
    } else if (words.first == "api") {
      AskApi(absl::StrSplit(rest, absl::MaxSplits(' ', 2)));
    } else if (words.first == "logged") {
      EXPECT_TRUE(log_.Contains(rest)) << absl::StrJoin(log_.lines(), "\n");
    } else if (words.first == "restart") {
      rooms_.reset();
      Rooms();
    } else {
      ADD_FAILURE() << "unknown word \"" << words.first << "\"";
    }
  }

 private:
  // A daemon's rooms, in the order in which they are built.
  struct RoomSet {
    RoomSet(Loop& loop, Resolver& resolver, Dialer& dialer, const CacheSettings& settings)
        : cache(Cache::Open(loop, settings)),
          prober(loop, resolver, {{loop, dialer}}),
          verifier(loop, *cache, {&prober}, metrics),
          agenda(loop, *cache, verifier),
          restrictions(verifier, resolver),
          record(loop, *cache) {}
    Metrics metrics;
    std::unique_ptr<Cache> cache;
    Prober prober;
    Verifier verifier;
    Agenda agenda;
    Restrictions restrictions;
    DecisionRecord record;
  };

  absl::Duration Time(absl::string_view text) {
    const absl::StatusOr<absl::Duration> time = ParseTimeValue(text);
    EXPECT_TRUE(time.ok()) << time.status();
    return time.value_or(absl::ZeroDuration());
  }

  Configuration Load() {
    absl::StatusOr<std::vector<Assignment>> file = ParseSettingFile("settings", settings_);
    absl::StatusOr<Settings> settings = Settings::Load(*file, {});
    if (!settings.ok()) ADD_FAILURE() << settings.status();
    absl::StatusOr<Configuration> configuration = Configuration::Create(*settings);
    if (!configuration.ok()) ADD_FAILURE() << configuration.status();
    return *std::move(configuration);
  }

  void Configure() {
    const auto before = std::exchange(configuration_, std::make_shared<const Configuration>(Load()));
    rooms_->cache->Configure(configuration_->cache);
    rooms_->prober.Configure(configuration_->probe, configuration_->classifier);
    rooms_->verifier.Configure(configuration_->verifier);
    rooms_->restrictions.Configure(configuration_->restrictions);
    if (before == nullptr) return;
    rooms_->verifier.TakeIn(RouteChange::Between(RoutingOf(*before), RoutingOf(*configuration_), test_.clock().Now()));
  }

  RoomSet& Rooms() {
    if (rooms_ == nullptr) {
      rooms_ = std::make_unique<RoomSet>(test_.loop(), resolver_, dialer_, Load().cache);
      Configure();
      RememberDestinations(*rooms_->cache, rooms_->prober);
    }
    return *rooms_;
  }

  void SetMx(const std::vector<std::string>& words) {
    std::vector<MxRecord> mx;
    for (size_t i = 1; i < words.size(); ++i) {
      const std::string host = absl::StrCat("mx", i, ".", words[0]);
      mx.push_back({static_cast<uint16_t>(10 * i), host});
      resolver_.SetAddresses(host, {words[i]});
    }
    resolver_.SetMx(words[0], mx);
  }

  void Ask(const std::vector<std::string>& words) {
    MailRequest request;
    request.protocol_state = "RCPT";
    request.sender = "client@sender.example";
    request.recipient = words[0];
    for (size_t i = 1; i < words.size(); ++i) {
      const std::pair<absl::string_view, absl::string_view> attribute =
          absl::StrSplit(words[i], absl::MaxSplits('=', 1));
      if (attribute.first == "stress") request.stress = attribute.second;
      if (attribute.first == "sender") request.sender = attribute.second;
      if (attribute.first == "policy_context") request.context = attribute.second;
      if (attribute.first == "protocol_state") request.protocol_state = attribute.second;
    }
    Restrictions& restrictions = Rooms().restrictions;
    const MonoTime start = test_.clock().Mono();
    answer_ = PolicyAnswer(test_.Run(restrictions.Finish(restrictions.Begin(request, /*memory_only=*/false))));
    waited_ = test_.clock().Mono() - start;
  }

  // Goes in steps: a put record must be committed before the agenda finds it, and the writer's thread knows no jumping
  // clock.
  void Pass(absl::Duration time) {
    constexpr absl::Duration kStep = absl::Minutes(1);
    for (;;) {
      if (rooms_ != nullptr && rooms_->cache->counts().uncommitted > 0) rooms_->cache->Flush();
      const absl::Duration step = std::min(time, kStep);
      test_.Advance(step);
      time -= step;
      if (time <= absl::ZeroDuration()) return;
    }
  }

  size_t Senders() const {
    absl::flat_hash_set<std::string> senders;
    for (const auto& connection : dialer_.connections()) {
      for (const std::string& command : connection->commands) {
        if (absl::StartsWith(command, "MAIL")) senders.insert(command);
      }
    }
    return senders.size();
  }

  void AskApi(const std::vector<std::string>& words) {
    RoomSet& rooms = Rooms();
    ApiContext context{.memory = {.loop = test_.loop(), .cache = *rooms.cache, .metrics = rooms.metrics.registry()},
                       .daemon = ApiDaemon{.verifier = rooms.verifier,
                                           .prober = rooms.prober,
                                           .metrics = rooms.metrics,
                                           .restrictions = rooms.restrictions,
                                           .record = rooms.record}};
    ApiRequest request;
    request.method = words.at(0);
    request.target = words.at(1);
    request.body = words.size() > 2 ? words[2] : "";
    request.right = ApiRight::kChange;
    const ApiReply reply = HandleApiRequest(context, request);
    EXPECT_EQ(reply.status, 200) << reply.body;
    test_.Advance(absl::ZeroDuration());
  }

  std::string Held(const std::string& address) {
    const std::optional<Record> record = Rooms().cache->FindRecord(Address::Parse(address)->Key());
    if (!record.has_value()) return "nothing";
    return absl::StrCat(DeliverabilityName(record->finding.deliverability), " ", ReasonName(record->finding.reason),
                        record->pending.has_value() ? " pending" : "");
  }

  const std::string file_name_;
  std::string folder_;
  std::string settings_;
  CapturedLog log_;
  TestLoop test_;
  ScriptedResolver resolver_{test_.loop()};
  ScriptedDialer dialer_{test_.loop()};
  std::shared_ptr<const Configuration> configuration_;
  std::unique_ptr<RoomSet> rooms_;
  std::string answer_;
  absl::Duration waited_;
};

}  // namespace

void PlayScenario(absl::string_view file_name, absl::string_view text) {
  Theatre stage(file_name);
  int number = 0;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    const absl::string_view stripped = absl::StripAsciiWhitespace(line);
    if (!stripped.empty() && stripped[0] != '#') stage.Play(stripped, number);
  }
}

}  // namespace verifyd

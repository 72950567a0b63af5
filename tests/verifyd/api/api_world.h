// The rooms that the api works on, without network: a scripted name server and mail servers, a cache in memory.
//
//   example.com  mx.example.com[198.51.100.1]   bad@ is unknown there, slow@ is answered after a minute
//   no.example   does not exist
#ifndef VERIFYD_TESTS_VERIFYD_API_API_WORLD_H_
#define VERIFYD_TESTS_VERIFYD_API_API_WORLD_H_

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cache/cache.h"
#include "classifier/classifier.h"
#include "probe/prober.h"
#include "tests/scripted_dialer.h"
#include "tests/scripted_resolver.h"
#include "verifyd/api/api.h"
#include "verifyd/api/room_metrics.h"
#include "verifyd/api_supply.h"
#include "verifyd/configuration/configuration.h"
#include "verifyd/history/decision_record.h"
#include "verifyd/metrics/metrics.h"
#include "verifyd/restriction/restrictions.h"
#include "verifyd/status.h"
#include "verifyd/verifier/verifier.h"

namespace verifyd {

class ApiWorld {
 public:
  explicit ApiWorld(Loop& loop)
      : loop_(loop),
        resolver_(loop),
        dialer_(loop),
        prober_(loop, resolver_, {{loop, dialer_}}),
        cache_(Cache::Open(loop, CacheSettings())),
        verifier_(loop, *cache_, {&prober_}, metrics_),
        restrictions_(verifier_, resolver_),
        record_(loop, *cache_) {
    AddCacheMetrics(metrics_.registry(), *cache_);
    AddProberMetrics(metrics_.registry(), prober_);
    AddVerifierMetrics(metrics_.registry(), verifier_);
    metrics_.registry().AddRead(MetricKind::kGauge,
                                {.family = "verifyd_door_connections_open",
                                 .help = "Connections that are open, by door",
                                 .labels = {{"door", "policy"}},
                                 .group = "daemon",
                                 .stat = "policy_connections_now"},
                                [] { return 3; });
    resolver_.SetMx("example.com", {{10, "mx.example.com"}});
    resolver_.SetAddresses("mx.example.com", {"198.51.100.1"});
    resolver_.Fail("no.example", DnsType::kMx, DnsStatus::kNxDomain);
    dialer_.Play(
        "198.51.100.1",
        "banner=220 mx ;; rcpt(bad@example.com)=550 5.1.1 User unknown ;; rcpt(slow@example.com)={wait 60s}250 Ok");
    Use({{"verify_domains", "*"},
         {"myhostname", "gateway.example"},
         {"address_verify_map", ""},
         {"probe_permit_networks", "198.51.100.0/24"}});
  }

  // Uses these settings as a daemon does that reads them.
  void Use(const std::vector<std::pair<std::string, std::string>>& settings) {
    std::vector<Assignment> assignments;
    assignments.reserve(settings.size());
    for (const auto& [name, value] : settings) assignments.push_back({name, value, "test"});
    absl::StatusOr<Configuration> configuration = Configuration::Create(*Settings::Load(assignments, {}));
    ASSERT_TRUE(configuration.ok()) << configuration.status();
    configuration_ = std::make_shared<const Configuration>(*std::move(configuration));
    prober_.Configure(configuration_->probe, configuration_->classifier);
    verifier_.Configure(configuration_->verifier);
    restrictions_.Configure(configuration_->restrictions);
    record_.Configure(configuration_->decision_record);
    context_.memory.settings = ApiSettingsOf(*configuration_);
  }

  ApiContext& Context() { return context_; }

  // Holds that `key` was found so, `ago`.
  void Hold(absl::string_view key, Deliverability deliverability, Reason reason, absl::Duration ago) {
    Record record;
    record.finding.deliverability = deliverability;
    record.finding.reason = reason;
    record.finding.scope = Scope::kAddress;
    record.finding.stage = Stage::kRcpt;
    record.finding.rule = "test.rule";
    record.finding.code = deliverability == Deliverability::kDeliverable ? 250 : 550;
    record.finding.text = absl::StrCat(record.finding.code, " as remembered");
    record.finding.mx_name = "mx.example.com";
    record.finding.mx_address = "198.51.100.1";
    record.finding.when = loop_.clock().Now() - ago;
    record.first_seen = record.finding.when;
    cache_->PutRecord(key, record);
  }

  Restrictions& restrictions() { return restrictions_; }
  DecisionRecord& record() { return record_; }
  Cache& cache() { return *cache_; }
  ScriptedResolver& resolver() { return resolver_; }
  void set_reload_result(absl::Status status) { reloaded_ = std::move(status); }
  void set_wait_for_restart(std::vector<std::string> names) { wait_for_restart_ = std::move(names); }
  DaemonStatus& daemon_status() { return daemon_status_; }

 private:
  Loop& loop_;
  ScriptedResolver resolver_;
  ScriptedDialer dialer_;
  Prober prober_;
  std::unique_ptr<Cache> cache_;
  Metrics metrics_;
  Verifier verifier_;
  Restrictions restrictions_;
  DecisionRecord record_;
  std::shared_ptr<const Configuration> configuration_;
  absl::Status reloaded_;
  std::vector<std::string> wait_for_restart_;
  DaemonStatus daemon_status_;
  ApiContext context_{
      .memory = {.loop = loop_,
                 .cache = *cache_,
                 .metrics = metrics_.registry(),
                 .recall = [this](const Question& question) { return verifier_.Recall(question).value_or(Verdict()); }},
      .daemon = ApiDaemon{
          .verifier = verifier_,
          .prober = prober_,
          .metrics = metrics_,
          .restrictions = restrictions_,
          .record = record_,
          .reload = [this]() -> boost::asio::awaitable<absl::StatusOr<std::vector<std::string>>> {
            if (!reloaded_.ok()) co_return reloaded_;
            co_return wait_for_restart_;
          },
          .config = [this] { return ConfigAnswer(*configuration_); },
          .status = [this] { return StatusAnswer(daemon_status_, *configuration_, *cache_, loop_.clock().Now()); }}};
};

}  // namespace verifyd

#endif  // VERIFYD_TESTS_VERIFYD_API_API_WORLD_H_

// For tests of rooms above the verifier: the rooms behind a door, without network. They have a scripted name server and
// mail servers, and a cache in memory.
#ifndef VERIFYD_TESTS_VERIFYD_ROOMS_TEST_H_
#define VERIFYD_TESTS_VERIFYD_ROOMS_TEST_H_

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/log.h"
#include "cache/cache.h"
#include "probe/prober.h"
#include "tests/scripted_dialer.h"
#include "tests/scripted_resolver.h"
#include "tests/test_loop.h"
#include "verifyd/configuration/configuration.h"
#include "verifyd/history/decision_record.h"
#include "verifyd/metrics/metrics.h"
#include "verifyd/restriction/restrictions.h"
#include "verifyd/verifier/verifier.h"

namespace verifyd {

class RoomsTest : public testing::Test {
 protected:
  // Adds a domain with one mail server that follows `script`.
  void AddServer(absl::string_view domain, const std::string& script) {
    const std::string address = absl::StrCat("11.0.0.", ++servers_);
    const std::string host = absl::StrCat("mx.", domain);
    resolver_.SetMx(domain, {{10, host}});
    resolver_.SetAddresses(host, {address});
    dialer_.Play(address, script);
  }

  // Makes the rooms as in a daemon that reads these settings.
  Configuration ConfigureRooms(const std::vector<std::pair<std::string, std::string>>& settings) {
    std::vector<Assignment> file = {{"myhostname", "gw.example.org", "test"}, {"address_verify_map", "", "test"}};
    for (const auto& [name, value] : settings) file.push_back({name, value, "test"});
    Configuration configuration = *Configuration::Create(*Settings::Load(file, {}));
    prober_.Configure(configuration.probe, configuration.classifier);
    verifier_.Configure(configuration.verifier);
    restrictions_.Configure(configuration.restrictions);
    record_.Configure(configuration.decision_record);
    return configuration;
  }

  CapturedLog log_;
  TestLoop test_;
  ScriptedResolver resolver_{test_.loop()};
  ScriptedDialer dialer_{test_.loop()};
  Prober prober_{test_.loop(), resolver_, {{test_.loop(), dialer_}}};
  Metrics metrics_;
  std::unique_ptr<Cache> cache_ = Cache::Open(test_.loop(), CacheSettings());
  Verifier verifier_{test_.loop(), *cache_, {&prober_}, metrics_};
  Restrictions restrictions_{verifier_, resolver_};
  DecisionRecord record_{test_.loop(), *cache_};

 private:
  int servers_ = 0;
};

}  // namespace verifyd

#endif  // VERIFYD_TESTS_VERIFYD_ROOMS_TEST_H_

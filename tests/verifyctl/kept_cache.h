// verifyctl with the cache of a daemon that does not run.
#ifndef VERIFYD_TESTS_VERIFYCTL_KEPT_CACHE_H_
#define VERIFYD_TESTS_VERIFYCTL_KEPT_CACHE_H_

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "cache/cache.h"
#include "tests/cache/samples.h"
#include "verifyctl/command_line.h"

namespace verifyd {

class KeptCacheTest : public testing::Test {
 protected:
  KeptCacheTest() {
    std::ofstream(folder_.path() + "/verifyd.cf")
        << "control_socket = " << folder_.path() << "/control\ndata_directory = " << folder_.path()
        << "\nverify_domains = *\nmyhostname = gateway.example\n";
  }

  std::string file() const { return folder_.path() + "/verify_cache.mdb"; }

  // Fills the cache as a daemon has left it.
  void Keep(const std::vector<std::pair<std::string, Record>>& records) {
    Loop loop(Clock::Real());
    CacheSettings settings;
    settings.path = folder_.path() + "/verify_cache";
    settings.cleanup_interval = absl::ZeroDuration();
    const auto cache = Cache::Open(loop, settings);
    for (const auto& [key, record] : records) cache->PutRecord(key, record);
    cache->Flush();
  }

  void KeepSome() {
    Keep({{"ann@example.com", PositiveRecord(now_ - absl::Hours(1))},
          {"bob@example.com",
           {.finding = NegativeFinding(now_ - absl::Hours(49)), .first_seen = now_ - absl::Hours(49)}},
          {"cid \"c\", d@example.org", PositiveRecord(now_)}});
  }

  int Run(std::vector<std::string> arguments, const std::string& input = "") {
    std::istringstream in(input);
    std::ostringstream out;
    std::ostringstream err;
    Console console{in, out, err};
    arguments.insert(arguments.begin(), {"-c", folder_.path() + "/verifyd.cf"});
    const int code = RunVerifyctl(std::move(arguments), console);
    out_ = out.str();
    err_ = err.str();
    return code;
  }

  CapturedLog log_;
  const TemporaryFolder folder_;
  const absl::Time now_ = absl::Now();
  std::string out_;
  std::string err_;
};

}  // namespace verifyd

#endif  // VERIFYD_TESTS_VERIFYCTL_KEPT_CACHE_H_

// Fills a cache with COUNT positive records, user0@bench.test and on.
//   fill_cache PATH COUNT        PATH as in address_verify_map, without "lmdb:"
#include <cstdio>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/clock.h"
#include "base/loop.h"
#include "cache/cache.h"

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: fill_cache PATH COUNT\n");
    return 64;
  }
  verifyd::Loop loop(verifyd::Clock::Real());
  verifyd::CacheSettings settings;
  settings.path = argv[1];
  settings.map_name = absl::StrCat("lmdb:", argv[1]);
  settings.cleanup_interval = absl::ZeroDuration();
  const auto cache = verifyd::Cache::Open(loop, settings);
  verifyd::Record record;
  record.finding.deliverability = verifyd::Deliverability::kDeliverable;
  record.finding.reason = verifyd::Reason::kAccepted;
  record.finding.scope = verifyd::Scope::kAddress;
  record.finding.stage = verifyd::Stage::kRcpt;
  record.finding.rule = "accepted";
  record.finding.code = 250;
  record.finding.enhanced = {2, 1, 5};
  record.finding.text = "250 2.1.5 Ok";
  record.finding.mx_name = "mx.bench.test";
  record.finding.mx_address = "127.0.0.1";
  record.finding.when = absl::Now();
  record.first_seen = record.last_positive = record.finding.when;
  const int count = std::atoi(argv[2]);
  for (int i = 0; i < count; ++i) {
    cache->PutRecord(absl::StrCat("user", i, "@bench.test"), record);
    if (i % 2000 == 1999) {
      cache->Flush();
      loop.Poll();
    }
  }
  cache->Flush();
  return 0;
}

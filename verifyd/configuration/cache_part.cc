#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "verifyd/configuration/parts.h"

namespace verifyd {
namespace {

// Of one kind of answer: when it is asked again, and when it is forgotten.
struct LifetimePair {
  TimeSetting refresh;
  TimeSetting expire;
};
constexpr LifetimePair kLifetimePairs[] = {
    {"address_verify_positive_refresh_time", "address_verify_positive_expire_time"},
    {"address_verify_negative_refresh_time", "address_verify_negative_expire_time"},
    {"address_verify_positive_short_refresh_time", "address_verify_positive_short_expire_time"},
    {"address_verify_negative_short_refresh_time", "address_verify_negative_short_expire_time"},
    {"address_verify_temporary_refresh_time", "address_verify_temporary_expire_time"}};

void FillMap(const Draft& draft, CacheSettings& cache) {
  const std::string map = draft.settings.Text("address_verify_map");
  absl::string_view path = map;
  absl::ConsumePrefix(&path, "proxy:");
  if (map.empty()) {
    draft.Warn("address_verify_map is empty: answers are kept in memory only");
  } else if (absl::ConsumePrefix(&path, "btree:")) {
    draft.Warn(
        absl::StrCat("address_verify_map = ", map, ": a Postfix cache is left alone; answers are kept in lmdb:", path));
  } else if (!absl::ConsumePrefix(&path, "lmdb:") || path.empty() || path[0] != '/') {
    draft.faults.Add("address_verify_map", UnexpectedValue(map, "lmdb:/PATH, or nothing"));
  }
  if (map.empty()) return;
  cache.path = std::string(path);
  cache.map_name = absl::StrCat("lmdb:", path);
}

void FillDomainLifetimes(const Draft& draft, Lifetimes& lifetimes) {
  const Settings& settings = draft.settings;
  lifetimes.domain_positive = settings.Time("address_verify_domain_positive_expire_time");
  lifetimes.domain_short = settings.Time("address_verify_domain_short_expire_time");
  lifetimes.domain_negative_min = settings.Time("address_verify_domain_negative_min_time");
  lifetimes.domain_negative_max = settings.Time("address_verify_domain_negative_max_time");
  if (lifetimes.domain_negative_min > lifetimes.domain_negative_max) {
    draft.faults.Add("address_verify_domain_negative_min_time",
                     UnexpectedValue(settings.Text("address_verify_domain_negative_min_time"),
                                     absl::StrCat("at most address_verify_domain_negative_max_time, ",
                                                  settings.Text("address_verify_domain_negative_max_time"))));
  }
}

void FillLifetimes(const Draft& draft, Lifetimes& lifetimes) {
  const Settings& settings = draft.settings;
  lifetimes.positive_expire = settings.Time("address_verify_positive_expire_time");
  lifetimes.positive_refresh = settings.Time("address_verify_positive_refresh_time");
  lifetimes.negative_expire = settings.Time("address_verify_negative_expire_time");
  lifetimes.negative_refresh = settings.Time("address_verify_negative_refresh_time");
  lifetimes.temporary_expire = settings.Time("address_verify_temporary_expire_time");
  lifetimes.temporary_refresh = settings.Time("address_verify_temporary_refresh_time");
  lifetimes.positive_short_expire = settings.Time("address_verify_positive_short_expire_time");
  lifetimes.positive_short_refresh = settings.Time("address_verify_positive_short_refresh_time");
  lifetimes.negative_short_expire = settings.Time("address_verify_negative_short_expire_time");
  lifetimes.negative_short_refresh = settings.Time("address_verify_negative_short_refresh_time");
  lifetimes.overturn = settings.Time("address_verify_overturn_time");
  lifetimes.stale = settings.Time("address_verify_stale_time");
  lifetimes.second_look = settings.Time("address_verify_second_look");
  lifetimes.grace = settings.Time("address_verify_grace_time");
  lifetimes.former_user = settings.Time("address_verify_former_user_time");
  lifetimes.max_defer = settings.Time("unverified_recipient_max_defer_time");
  FillDomainLifetimes(draft, lifetimes);
  for (const LifetimePair& pair : kLifetimePairs) {
    if (settings.Time(pair.refresh) > settings.Time(pair.expire)) {
      draft.Warn(
          absl::StrCat(pair.refresh.name(), " is longer than ", pair.expire.name(), ": nothing is ever refreshed"));
    }
  }
}

}  // namespace

void FillCache(const Draft& draft) {
  const Settings& settings = draft.settings;
  CacheSettings& cache = draft.configuration.cache;
  FillMap(draft, cache);
  cache.cleanup_interval = settings.Time("address_verify_cache_cleanup_interval");
  cache.bounds.entries = static_cast<uint64_t>(settings.Number("address_verify_cache_max_entries"));
  cache.bounds.bytes = static_cast<uint64_t>(settings.Number("address_verify_cache_max_size"));
  FillLifetimes(draft, cache.lifetimes);
}

}  // namespace verifyd

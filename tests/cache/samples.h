// Values with every field filled, and a folder to keep them in.
#ifndef VERIFYD_TESTS_CACHE_SAMPLES_H_
#define VERIFYD_TESTS_CACHE_SAMPLES_H_

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "cache/cache.h"
#include "cache/record.h"

namespace verifyd {

constexpr absl::Duration kDay = absl::Hours(24);

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = testing::TempDir() + "verifyd_cache_XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  std::string path() const { return path_.string(); }
  // The file that the cache keeps in it.
  std::string file() const { return (path_ / "verify_cache.mdb").string(); }
  size_t entries() const { return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(path_), {})); }

 private:
  std::filesystem::path path_;
};

// Returns the settings of a cache in `folder` that `checker` checks where it was not closed, and that is never cleaned.
inline CacheSettings CheckedSettings(const TemporaryFolder& folder, std::vector<std::string> checker) {
  CacheSettings settings;
  settings.path = folder.path() + "/verify_cache";
  settings.map_name = "lmdb:verify_cache";
  settings.cleanup_interval = absl::ZeroDuration();
  settings.checker = std::move(checker);
  return settings;
}

inline std::string ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

inline void WriteFile(const std::string& path, absl::string_view bytes) {
  std::ofstream out(path, std::ios::binary);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

inline absl::Time SampleTime() { return absl::FromUnixSeconds(1700000000); }

inline Finding PositiveFinding(absl::Time when) {
  return {.deliverability = Deliverability::kDeliverable,
          .reason = Reason::kAccepted,
          .scope = Scope::kAddress,
          .stage = Stage::kRcpt,
          .rule = "accepted",
          .code = 250,
          .enhanced = {.status_class = 2, .subject = 1, .detail = 5},
          .text = "250 2.1.5 Ok",
          .mx_name = "mx.example.com",
          .mx_address = "192.0.2.1",
          .when = when};
}

inline Finding NegativeFinding(absl::Time when) {
  return {.deliverability = Deliverability::kUndeliverable,
          .reason = Reason::kNoSuchUser,
          .scope = Scope::kAddress,
          .stage = Stage::kRcpt,
          .rule = "unknown-user",
          .code = 550,
          .enhanced = {.status_class = 5, .subject = 1, .detail = 1},
          .text =
              "host mx.example.com[2001:db8::1] said: 550 5.1.1 Nutzer unbekannt: münchen (in reply to RCPT TO "
              "command)",
          .mx_name = "mx.example.com",
          .mx_address = "2001:db8::1",
          .when = when};
}

inline Finding TemporaryFinding(absl::Time when) {
  return {.deliverability = Deliverability::kUnknown,
          .reason = Reason::kConnectTimeout,
          .scope = Scope::kMx,
          .stage = Stage::kConnect,
          .rule = "event.connect_timeout",
          .text = "connect to mx.example.com[192.0.2.1]:25: Connection timed out",
          .mx_name = "mx.example.com",
          .mx_address = "192.0.2.1",
          .when = when};
}

inline Record PositiveRecord(absl::Time when) {
  return {.finding = PositiveFinding(when), .first_seen = when, .last_positive = when};
}

// Every field has a value of its own.
inline Record FullRecord() {
  const absl::Time t = SampleTime();
  Record record;
  record.finding = PositiveFinding(t);
  record.pending = NegativeFinding(t + absl::Seconds(1));
  record.first_seen = t - absl::Hours(48);
  record.last_positive = t - absl::Nanoseconds(1);
  record.first_temporary = t + absl::Seconds(2);
  record.temporary_count = 7;
  record.retry_identity = {
      .sender = "double-bounce@example.net", .helo = "gw.example.net", .source_address = "198.51.100.7"};
  record.next_probe = t + absl::Hours(1);
  for (int i = 0; i < 4; ++i) {
    record.history.push_back({.when = t - absl::Minutes(i),
                              .deliverability = Deliverability::kRisky,
                              .reason = Reason::kMailboxFull,
                              .scope = Scope::kUs,
                              .stage = Stage::kData,
                              .code = 450 + i});
  }
  return record;
}

inline DomainFact FullDomainFact() {
  DomainFact fact;
  fact.domain = "example.org";
  fact.finding = {.deliverability = Deliverability::kUndeliverable,
                  .reason = Reason::kDomainNullMx,
                  .scope = Scope::kDomain,
                  .stage = Stage::kDns,
                  .rule = "event.null_mx",
                  .enhanced = {.status_class = 5, .subject = 1, .detail = 10},
                  .text = "Domain example.org does not accept mail (nullMX)",
                  .when = SampleTime()};
  fact.ttl = absl::Minutes(30);
  fact.catch_all = CatchAll::kCouldNotTell;
  fact.catch_all_when = SampleTime() - absl::Hours(1);
  return fact;
}

inline DestinationState FullDestinationState() {
  DestinationState state;
  state.name = "mx:example.com";
  state.breaker.failures = 3;
  state.breaker.last_failure = Reason::kBlockedIp;
  state.breaker.last_failure_when = SampleTime();
  state.breaker.last_success = SampleTime() - absl::Hours(2);
  state.breaker.open_until = SampleTime() + absl::Minutes(10);
  state.breaker.open_reason = Reason::kRateLimited;
  state.breaker.back_off = absl::Minutes(20);
  state.questions_per_second = 2.5;
  state.resting = {{.source_address = "198.51.100.7", .until = SampleTime() + absl::Hours(3)},
                   {.source_address = "2001:db8::7", .until = SampleTime() + absl::Hours(4)}};
  return state;
}

inline DomainBreaker FullDomainBreaker() {
  return {.destination = "mx.example.com",
          .domain = "customer.example",
          .breaker = FullDestinationState().breaker,
          .trust = {.doubt = Doubt::kManyRefused,
                    .doubted_since = SampleTime() - absl::Hours(1),
                    .why = "it refuses many addresses at once that it used to accept"}};
}

inline Pin FullPin() {
  return {.deliverability = Deliverability::kUndeliverable,
          .set_at = SampleTime(),
          .until = SampleTime() + absl::Hours(24 * 30),
          .why = "left the company, ticket 4711"};
}

}  // namespace verifyd

#endif  // VERIFYD_TESTS_CACHE_SAMPLES_H_

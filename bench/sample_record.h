// The content of the cache in its benchmarks: a refusal as it is usually remembered, and a million different keys.
#ifndef VERIFYD_BENCH_SAMPLE_RECORD_H_
#define VERIFYD_BENCH_SAMPLE_RECORD_H_

#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "cache/record.h"

namespace verifyd {

inline std::string SampleKey(uint32_t i) {
  return absl::StrCat("user", i * 2654435761U, "@customer", i % 1000, ".example.com");
}

inline Record SampleRecord(absl::Time when) {
  Record record;
  record.finding = {.deliverability = Deliverability::kUndeliverable,
                    .reason = Reason::kNoSuchUser,
                    .scope = Scope::kAddress,
                    .stage = Stage::kRcpt,
                    .rule = "unknown-user.enhanced",
                    .code = 550,
                    .enhanced = {.status_class = 5, .subject = 1, .detail = 1},
                    .text = "host mx.example.com[192.0.2.1] said: 550 5.1.1 User unknown (in reply to RCPT TO command)",
                    .mx_name = "mx.example.com",
                    .mx_address = "192.0.2.1",
                    .when = when};
  record.first_seen = record.negative_since = when;
  record.history.push_back({.when = when, .deliverability = Deliverability::kUndeliverable});
  return record;
}

}  // namespace verifyd

#endif  // VERIFYD_BENCH_SAMPLE_RECORD_H_

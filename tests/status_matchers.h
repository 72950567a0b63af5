// Matchers for absl::Status and absl::StatusOr. Debian's Abseil lacks them.
#ifndef VERIFYD_TESTS_STATUS_MATCHERS_H_
#define VERIFYD_TESTS_STATUS_MATCHERS_H_

#include <gmock/gmock.h>

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace verifyd {

inline const absl::Status& StatusOf(const absl::Status& status) { return status; }
template <typename T>
const absl::Status& StatusOf(const absl::StatusOr<T>& value) {
  return value.status();
}

// EXPECT_THAT(DoIt(), IsOk());
MATCHER(IsOk, "is OK") {
  *result_listener << StatusOf(arg).ToString();
  return StatusOf(arg).ok();
}

// EXPECT_THAT(Parse("x"), FailsWith("expected a number"));
MATCHER_P(FailsWith, part, "fails with a message that contains \"" + std::string(part) + "\"") {
  *result_listener << StatusOf(arg).ToString();
  return !StatusOf(arg).ok() && std::string(StatusOf(arg).message()).find(part) != std::string::npos;
}

}  // namespace verifyd

#endif  // VERIFYD_TESTS_STATUS_MATCHERS_H_

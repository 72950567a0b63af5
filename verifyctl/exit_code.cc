#include "verifyctl/exit_code.h"

#include <algorithm>
#include <array>

#include "verifyd/json/shown_verdict.h"

namespace verifyd {

int ExitCodeOf(const ShownVerdict& result) {
  if (!result.error.empty()) return kExitBadAddress;
  if (result.state == "not_cached") return kExitNotCached;
  if (result.status == "deliverable") return kExitDeliverable;
  if (result.status == "undeliverable") return kExitUndeliverable;
  if (result.status == "risky") return kExitRisky;
  return kExitUnknown;
}

int ExitCodeOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return 0;
    case absl::StatusCode::kInvalidArgument:
      return kExitUsage;
    case absl::StatusCode::kNotFound:
      return kExitNoInput;
    case absl::StatusCode::kPermissionDenied:
      return kExitNoPermission;
    case absl::StatusCode::kFailedPrecondition:
      return kExitConfiguration;
    case absl::StatusCode::kDataLoss:
      return kExitProtocol;
    default:
      return kExitUnavailable;
  }
}

int ExitCodeOfInput(const absl::Status& status) {
  if (absl::IsInvalidArgument(status)) return kExitBadAddress;
  return absl::IsUnavailable(status) ? kExitOutput : ExitCodeOf(status);
}

int Worse(int a, int b) {
  constexpr std::array<int, 6> kBestFirst = {kExitDeliverable, kExitNotCached,     kExitUnknown,
                                             kExitRisky,       kExitUndeliverable, kExitBadAddress};
  const auto rank = [&](int code) {
    return std::find(kBestFirst.begin(), kBestFirst.end(), code) - kBestFirst.begin();
  };
  return rank(a) >= rank(b) ? a : b;
}

}  // namespace verifyd

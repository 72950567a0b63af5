#include "verifyctl/exit_code.h"

#include <algorithm>
#include <array>

#include "boost/json.hpp"
#include "verifyctl/result_text.h"

namespace verifyd {

int ExitCodeOf(const boost::json::object& result) {
  if (result.contains("error")) return kExitBadAddress;
  if (TextField(result, "state") == "not_cached") return kExitNotCached;
  const absl::string_view status = TextField(result, "status");
  if (status == "deliverable") return kExitDeliverable;
  if (status == "undeliverable") return kExitUndeliverable;
  if (status == "risky") return kExitRisky;
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

#include "mail/address_extension.h"

#include "absl/strings/match.h"

namespace verifyd {
namespace {

bool IsNeverSplit(absl::string_view local, absl::string_view delimiters) {
  for (const absl::string_view name : {"postmaster", "mailer-daemon", "double-bounce"}) {
    if (absl::EqualsIgnoreCase(local, name)) return true;
  }
  return absl::StrContains(delimiters, '-') &&
         (absl::StartsWithIgnoreCase(local, "owner-") || absl::EndsWithIgnoreCase(local, "-request"));
}

}  // namespace

size_t ExtensionAt(absl::string_view local, absl::string_view delimiters) {
  if (delimiters.empty() || IsNeverSplit(local, delimiters)) return absl::string_view::npos;
  const size_t at = local.find_first_of(delimiters);
  return at == 0 ? absl::string_view::npos : at;
}

}  // namespace verifyd

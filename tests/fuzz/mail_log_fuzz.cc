// Any mail log: the requests read from it have four fields, and each field is an address, or harmless.
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "mail/address.h"
#include "verifyctl/mail_log.h"

namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace verifyd;  // NOLINT(google-build-using-namespace)
  MailLog log;
  for (const absl::string_view line :
       absl::StrSplit(absl::string_view(reinterpret_cast<const char*>(data), size), '\n')) {
    const std::optional<std::string> request = log.Take(line);
    if (!request.has_value()) continue;
    const std::vector<absl::string_view> fields = absl::StrSplit(*request, '\t');
    Require(fields.size() == 4);
    Require(fields[0] == "<>" || Address::FromUnquoted(fields[0]).ok());
    Require(Address::FromUnquoted(fields[1]).ok());
    Require(request->find('\n') == std::string::npos);
  }
  return 0;
}

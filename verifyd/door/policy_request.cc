#include "verifyd/door/policy_request.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/text.h"
#include "verifyd/door/access_action.h"

namespace verifyd {
namespace {

// Returns the field of the request that an attribute fills; null where the attribute does not matter here.
absl::string_view* FieldFor(absl::string_view name, MailRequest& request) {
  switch (name.size()) {
    case 6:
      if (name == "sender") return &request.sender;
      if (name == "stress") return &request.stress;
      return nullptr;
    case 8:
      if (name == "queue_id") return &request.queue_id;
      if (name == "instance") return &request.instance;
      return nullptr;
    case 9:
      if (name == "recipient") return &request.recipient;
      if (name == "helo_name") return &request.helo_name;
      return nullptr;
    case 11:
      return name == "client_name" ? &request.client_name : nullptr;
    case 13:
      return name == "sasl_username" ? &request.sasl_username : nullptr;
    case 14:
      if (name == "protocol_state") return &request.protocol_state;
      if (name == "client_address") return &request.client_address;
      if (name == "policy_context") return &request.context;
      return nullptr;
    default:
      return nullptr;
  }
}

}  // namespace

size_t PolicyRequestLength(absl::string_view buffer) {
  for (size_t line = 0;;) {
    const absl::string_view rest = buffer.substr(line);
    if (absl::StartsWith(rest, "\n")) return line + 1;
    if (absl::StartsWith(rest, "\r\n")) return line + 2;
    const size_t newline = rest.find('\n');
    if (newline == absl::string_view::npos) return 0;
    line += newline + 1;
  }
}

absl::StatusOr<MailRequest> ParsePolicyRequest(absl::string_view text) {
  MailRequest request;
  bool asked = false;
  int line_number = 0;
  const bool has_nul = text.find('\0') != absl::string_view::npos;
  while (!text.empty()) {
    const size_t newline = text.find('\n');
    absl::string_view line = text.substr(0, newline);
    text.remove_prefix(newline == absl::string_view::npos ? text.size() : newline + 1);
    absl::ConsumeSuffix(&line, "\r");
    if (line.empty()) break;
    ++line_number;
    const size_t equals = line.find('=');
    if (equals == absl::string_view::npos || (has_nul && line.find('\0') != absl::string_view::npos)) {
      return absl::InvalidArgumentError(absl::StrCat("line ", line_number, " of a policy request: found \"",
                                                     Printable(line, 60), "\", expected name=value"));
    }
    const absl::string_view name = line.substr(0, equals);
    const absl::string_view value = line.substr(equals + 1);
    if (name == "request") {
      if (value != "smtpd_access_policy") {
        return absl::InvalidArgumentError(absl::StrCat("line ", line_number, " of a policy request: found request \"",
                                                       Printable(value, 60), "\", expected smtpd_access_policy"));
      }
      asked = true;
    } else if (absl::string_view* field = FieldFor(name, request); field != nullptr) {
      *field = value;
    }
  }
  if (!asked) return absl::InvalidArgumentError("a policy request without request=smtpd_access_policy");
  return request;
}

std::string PolicyAnswer(const Ruling& ruling) {
  const std::string action = AccessAction(ruling);
  return absl::StrCat("action=", action.empty() ? "DUNNO" : action, "\n\n");
}

}  // namespace verifyd

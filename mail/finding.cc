#include "mail/finding.h"

namespace verifyd {

absl::string_view DeliverabilityName(Deliverability d) {
  switch (d) {
    case Deliverability::kUnknown:
      return "unknown";
    case Deliverability::kDeliverable:
      return "deliverable";
    case Deliverability::kUndeliverable:
      return "undeliverable";
    case Deliverability::kRisky:
      return "risky";
  }
  return "unknown";
}

absl::string_view ScopeName(Scope s) {
  switch (s) {
    case Scope::kAddress:
      return "address";
    case Scope::kDomain:
      return "domain";
    case Scope::kMx:
      return "mx";
    case Scope::kUs:
      return "us";
    case Scope::kSession:
      return "session";
  }
  return "session";
}

absl::string_view StageName(Stage s) {
  switch (s) {
    case Stage::kDns:
      return "dns";
    case Stage::kConnect:
      return "connect";
    case Stage::kBanner:
      return "banner";
    case Stage::kEhlo:
      return "ehlo";
    case Stage::kStarttls:
      return "starttls";
    case Stage::kMail:
      return "mail";
    case Stage::kRcpt:
      return "rcpt";
    case Stage::kData:
      return "data";
    case Stage::kQuit:
      return "quit";
  }
  return "quit";
}

absl::string_view FindingSourceName(FindingSource source) {
  switch (source) {
    case FindingSource::kProbe:
      return "probe";
    case FindingSource::kReported:
      return "reported";
    case FindingSource::kImport:
      return "import";
    case FindingSource::kMailLog:
      return "mail_log";
  }
  return "probe";
}

std::optional<Stage> StageFromName(absl::string_view name) {
  for (int i = 0; i <= static_cast<int>(Stage::kQuit); ++i) {
    if (StageName(static_cast<Stage>(i)) == name) return static_cast<Stage>(i);
  }
  return std::nullopt;
}

}  // namespace verifyd

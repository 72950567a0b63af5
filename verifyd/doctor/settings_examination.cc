#include "verifyd/doctor/settings_examination.h"

#include <sys/timex.h>

#include <string>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "mail/host_name.h"
#include "mail/probe_sender.h"

namespace verifyd {
namespace {

// This code is newer than the first year, and will not run until the second.
const absl::CivilSecond kEarliestYear(2026);
const absl::CivilSecond kLatestYear(2100);

// Returns why nobody on the Internet can look this name up; empty: anybody can.
std::string FaultOfName(absl::string_view name) {
  if (!IsFullyQualified(name)) return "is not a fully qualified name";
  for (const absl::string_view local : {".localhost", ".localdomain", ".local", ".internal", ".lan", ".home.arpa"}) {
    if (absl::EndsWithIgnoreCase(name, local)) return "is a name that only this network knows";
  }
  return "";
}

}  // namespace

std::optional<bool> ClockSynchronised() {
  timex state = {};
  const int answer = adjtimex(&state);
  if (answer < 0) return std::nullopt;
  return answer != TIME_ERROR && (state.status & STA_UNSYNC) == 0;
}

Examination ExamineClock(absl::Time now, std::optional<bool> synchronised) {
  Examination clock{.name = "clock"};
  const std::string when = absl::FormatTime("%Y-%m-%d %H:%M:%S UTC", now, absl::UTCTimeZone());
  const absl::CivilSecond second = absl::ToCivilSecond(now, absl::UTCTimeZone());
  if (second < kEarliestYear || second > kLatestYear) {
    clock.health = Health::kBad;
    clock.found = absl::StrCat("it is said to be ", when);
    clock.remedy = "Set the clock and run a time service, such as chrony: what is remembered has wrong times.";
  } else if (!synchronised.has_value()) {
    clock.found = absl::StrCat(when, "; the system does not say whether anybody keeps it right");
  } else if (!*synchronised) {
    clock.health = Health::kWarning;
    clock.found = absl::StrCat(when, ", and nobody keeps it right");
    clock.remedy = "Run a time service, such as chrony.";
  } else {
    clock.found = absl::StrCat(when, ", synchronised");
  }
  return clock;
}

Examination ExamineHeloName(const Configuration& configuration) {
  const std::string& helo = configuration.verifier->helo;
  Examination examination{.name = "helo", .found = helo};
  const bool is_literal = absl::StartsWith(helo, "[");
  if (const std::string fault = is_literal ? "is an address and no name" : FaultOfName(helo); !fault.empty()) {
    examination.health = is_literal ? Health::kWarning : Health::kBad;
    examination.found = absl::StrCat(helo, " ", fault);
    examination.remedy = "Set smtp_helo_name (or myhostname) to the name that others know this machine by.";
  }
  return examination;
}

std::string SenderDomain(const Configuration& configuration, absl::Time now) {
  const std::string sender = configuration.verifier->probe_sender.At(now);
  const size_t at = sender.rfind('@');
  return at == std::string::npos ? "" : sender.substr(at + 1);
}

Examination ExamineSenderDomain(const Configuration& configuration, absl::Time now) {
  const std::string domain = SenderDomain(configuration, now);
  Examination sender{.name = "sender", .found = "the null sender, which some servers refuse"};
  if (domain.empty()) return sender;
  sender.found = configuration.verifier->probe_sender.At(now);
  if (const std::string fault = FaultOfName(domain); !fault.empty()) {
    sender.health = Health::kBad;
    absl::StrAppend(&sender.found, ": ", domain, " ", fault);
    sender.remedy = "Set address_verify_sender (or myorigin) to an address that exists at a domain that takes mail.";
  }
  return sender;
}

Examination ExamineVerifyDomains(const Configuration& configuration) {
  Examination domains{.name = "verify_domains", .found = "names domains, or a map routes some"};
  if (!configuration.verifier->verify_domains.empty()) return domains;
  domains.found = "empty: nothing is verified";
  if (!configuration.settings->List("verify_listen").empty()) {
    absl::StrAppend(&domains.found, " but what Postfix asks at verify_listen");
    if (configuration.settings->YesNo("verify_service_any_domain")) return domains;
    domains.found = "empty, and verify_service_any_domain = no: nothing is verified";
  }
  domains.health = Health::kBad;
  domains.remedy = "Set verify_domains, relay_domains or address_verify_transport_maps.";
  return domains;
}

Examination ExamineRejectCode(const Configuration& configuration, const std::optional<RefusalHistory>& history) {
  const int code = configuration.restrictions->recipient.reject_code;
  Examination examination{.name = "reject_code", .found = absl::StrCat("unverified_recipient_reject_code = ", code)};
  const bool in_earnest = !configuration.restrictions->dry_run;
  if (code / 100 == 5 && in_earnest) return examination;
  if (!in_earnest) absl::StrAppend(&examination.found, ", dry_run = yes");
  if (!history.has_value()) {
    examination.health = Health::kNotExamined;
    absl::StrAppend(&examination.found, "; no daemon answers that could say how it went");
  } else if (history->contradictions > 0) {
    examination.health = Health::kWarning;
    absl::StrAppend(&examination.found, "; ", history->contradictions,
                    " notices of the last week say that refusals may have been mistakes");
    examination.remedy = "See `verifyctl report --since 7d` before you reject.";
  } else if (history->covers_a_week && history->refused > 0) {
    examination.health = Health::kWarning;
    absl::StrAppend(&examination.found, ", although nothing speaks against what was refused within the last week (",
                    history->refused, ")");
    examination.remedy =
        absl::StrCat("Set unverified_recipient_reject_code = 550", in_earnest ? "." : ", dry_run = no.");
  } else {
    absl::StrAppend(&examination.found, history->covers_a_week ? "; nobody was refused within a week"
                                                               : "; there is no record of a whole week yet");
  }
  return examination;
}

Examinations ExamineSettings(const Configuration& configuration, absl::Time now, std::optional<bool> synchronised) {
  Examinations examinations = {ExamineHeloName(configuration), ExamineSenderDomain(configuration, now),
                               ExamineClock(now, synchronised)};
  examinations.erase(std::remove_if(examinations.begin(), examinations.end(),
                                    [](const Examination& examination) { return examination.health == Health::kOk; }),
                     examinations.end());
  return examinations;
}

}  // namespace verifyd

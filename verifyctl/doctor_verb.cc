#include "verifyctl/doctor_verb.h"

#include <ares.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "base/loop.h"
#include "base/network.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "boost/asio/awaitable.hpp"
#include "boost/json.hpp"
#include "dns/cares_resolver.h"
#include "mail/address.h"
#include "stream/dialer.h"
#include "verifyctl/colour.h"
#include "verifyctl/exit_code.h"
#include "verifyctl/report_text.h"
#include "verifyd/configuration/configuration.h"
#include "verifyd/doctor/doctor.h"
#include "verifyd/doctor/self_examination.h"
#include "verifyd/history/shown_report.h"
#include "verifyd/json/described.h"
#include "verifyd/json/shown_status.h"

namespace verifyd {
namespace {

constexpr int kExitBad = 1;
// For each answer of the daemon, which looks things up in memory.
constexpr absl::Duration kDaemonPatience = absl::Seconds(5);

struct DoctorReport {
  uint64_t decisions = 0;
  uint64_t refused = 0;  // known not to exist, with whatever code
  uint64_t contradictions = 0;
};

// Returns how often an address that is known not to exist was refused; with 450 that is counted as deferred.
uint64_t KnownBadIn(const ShownReport& report) {
  uint64_t refused = 0;
  for (const ShownReason& entry : report.tally.reasons) {
    if (KnownNotToExist(entry)) refused += entry.counts.refused();
  }
  return refused;
}

// Returns the daemon's report of that time; nothing where none answers.
std::optional<DoctorReport> AskReport(Asker& asker, absl::string_view since) {
  ApiRequest request;
  request.method = "GET";
  request.target = "/v1/report";
  request.body =
      boost::json::serialize(boost::json::object{{"since", boost::json::string_view(since.data(), since.size())}});
  std::optional<DoctorReport> report;
  const absl::StatusOr<int> answered = asker.Ask(request, [&](const std::vector<absl::string_view>& lines) {
    for (const absl::string_view line : lines) {
      boost::system::error_code error;
      const boost::json::value value = boost::json::parse({line.data(), line.size()}, error);
      if (error || !value.is_object()) continue;
      const auto shown = FromJson<ShownReport>(value.get_object());
      report = {.decisions = shown.tally.decisions, .refused = KnownBadIn(shown)};
      if (!shown.notices.has_value()) continue;
      for (const ShownNotice& notice : *shown.notices) {
        if (notice.kind == "jump" || notice.kind == "accepted_before") ++report->contradictions;
      }
    }
  });
  if (!answered.ok() || *answered != 200) return std::nullopt;
  return report;
}

std::optional<RefusalHistory> AskHistory(Asker& asker) {
  const std::optional<DoctorReport> week = AskReport(asker, "7d");
  const std::optional<DoctorReport> more = AskReport(asker, "30d");
  if (!week.has_value() || !more.has_value()) return std::nullopt;
  return RefusalHistory{.covers_a_week = more->decisions > week->decisions,
                        .refused = week->refused,
                        .contradictions = week->contradictions};
}

// Returns what the daemon says of itself, and whether it `answers` at all.
Examinations AskStatus(Asker& asker, bool& answers) {
  ApiRequest request;
  request.method = "GET";
  request.target = "/v1/status";
  Examinations found;
  const absl::StatusOr<int> answered = asker.Ask(request, [&](const std::vector<absl::string_view>& lines) {
    for (const absl::string_view line : lines) {
      boost::system::error_code error;
      const boost::json::value value = boost::json::parse({line.data(), line.size()}, error);
      if (error || !value.is_object()) continue;
      for (const ShownRemark& remark : FromJson<ShownStatus>(value.get_object()).remarks) {
        found.push_back({.name = "daemon",
                         .health = remark.level == 0   ? Health::kOk
                                   : remark.level == 1 ? Health::kWarning
                                                       : Health::kBad,
                         .found = remark.text,
                         .remedy = remark.level == 0 ? "" : "See `verifyctl status`."});
      }
      if (found.empty()) found.push_back({.name = "daemon", .found = "runs, and has nothing to complain of"});
    }
  });
  answers = answered.ok();
  if (answers && *answered == 200) return found;
  const std::string why =
      answered.ok() ? absl::StrCat("HTTP status ", *answered) : std::string(answered.status().message());
  return {{.name = "daemon", .health = Health::kNotExamined, .found = why}};
}

absl::StatusOr<DoctorQuestion> QuestionOf(const DoctorOptions& options, const ProbeSettings& settings) {
  DoctorQuestion question;
  for (const std::string& address : options.addresses) {
    if (!IsIpAddress(address)) {
      return absl::InvalidArgumentError(
          absl::StrCat("--address: found \"", Printable(address, 60), "\", expected an IP address of ours"));
    }
    question.addresses.push_back(address);
  }
  if (question.addresses.empty()) FindAddresses(settings, question);
  if (!options.blocklists.empty()) question.blocklists.clear();
  for (const std::string& zone : options.blocklists) {
    const absl::StatusOr<std::string> domain = ParseDomain(zone);
    if (!domain.ok()) return absl::InvalidArgumentError(absl::StrCat("--dnsbl: ", domain.status().message()));
    question.blocklists.push_back(*domain);
  }
  if (!options.reach.empty()) {
    question.reach.clear();
    question.reach_own_domain = false;
  }
  for (const std::string& name : options.reach) {
    const absl::StatusOr<std::string> domain = ParseDomain(name);
    if (!domain.ok()) return absl::InvalidArgumentError(absl::StrCat("--reach: ", domain.status().message()));
    question.reach.push_back(*domain);
  }
  question.clock_synchronised = ClockSynchronised();
  return question;
}

boost::asio::awaitable<void> Consult(Loop& loop, Resolver& resolver, Dialer& dialer, const Configuration& configuration,
                                     DoctorQuestion question, Examinations& found) {
  found = co_await ExamineAll(loop, resolver, dialer, configuration, std::move(question));
  loop.Stop();
}

absl::StatusOr<Examinations> RunExaminations(const Configuration& configuration, DoctorQuestion question,
                                             const Clock& clock) {
  if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS) return absl::InternalError("c-ares can not be initialised");
  Loop loop(clock);
  ASSIGN_OR_RETURN(const std::unique_ptr<CaresResolver> resolver, CaresResolver::Create(loop, configuration.resolver));
  const std::unique_ptr<Dialer> dialer = MakeSocketDialer(loop, configuration.trust_anchors);
  Examinations found;
  loop.Spawn(Consult(loop, *resolver, *dialer, configuration, std::move(question), found));
  loop.Run();
  return found;
}

int ComplainOf(const absl::Status& status, Console& console) {
  console.err << "verifyctl: " << status.message() << "\n";
  return ExitCodeOf(status);
}

}  // namespace

int RunDoctor(const DoctorOptions& options, const Place& place, Asker& asker, Console& console) {
  const absl::StatusOr<Settings> settings = LoadSettings(place);
  if (!settings.ok()) return ComplainOf(settings.status(), console);
  const absl::StatusOr<Configuration> configuration = Configuration::Create(*settings);
  if (!configuration.ok()) return ComplainOf(absl::FailedPreconditionError(configuration.status().message()), console);
  absl::StatusOr<DoctorQuestion> question = QuestionOf(options, *configuration->probe);
  if (!question.ok()) return ComplainOf(question.status(), console);
  asker.set_patience(kDaemonPatience);
  question->house = ExamineSelf(*configuration);
  bool answers = false;
  for (Examination& daemon : AskStatus(asker, answers)) question->house.push_back(std::move(daemon));
  if (answers) question->refusals = AskHistory(asker);
  const absl::StatusOr<Examinations> found = RunExaminations(*configuration, *std::move(question), console.clock);
  if (!found.ok()) return ComplainOf(found.status(), console);
  if (options.json) {
    for (const Examination& examination : *found) {
      console.out << boost::json::serialize(ToJson(examination)) << "\n";
    }
  } else {
    const std::string text = ExaminationsText(*found);
    for (const absl::string_view line : absl::StrSplit(absl::StripSuffix(text, "\n"), '\n')) {
      // A remedy's line begins with a blank.
      const absl::string_view state = line.substr(0, line.find(' '));
      console.out << (console.out_colours ? Coloured(line, state) : std::string(line)) << "\n";
    }
  }
  const bool bad = std::any_of(found->begin(), found->end(),
                               [](const Examination& examination) { return examination.health == Health::kBad; });
  return bad ? kExitBad : 0;
}

}  // namespace verifyd

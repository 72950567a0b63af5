// The arguments of the api: one table of names with documentation and the way each is read, from the query of a request
// or from the JSON object in its body.
//
// Thread: any.
#ifndef VERIFYD_VERIFYD_API_API_ARGUMENTS_H_
#define VERIFYD_VERIFYD_API_API_ARGUMENTS_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/line_source.h"
#include "boost/json/fwd.hpp"
#include "cache/record.h"
#include "cache/record_filter.h"
#include "mail/finding.h"
#include "mail/question.h"
#include "verifyd/json/record_reader.h"

namespace verifyd {

// All arguments there are; each route takes some of them.
struct ApiArguments {
  static constexpr absl::Duration kMaxPatience = absl::Hours(1);

  std::string address;
  std::vector<std::string> addresses;  // or requests
  LineSource lines;                    // if set, addresses that come over time, instead of these
  bool names_addresses() const { return lines || !addresses.empty(); }
  bool fresh = false;
  bool trace = false;
  Role role = Role::kRecipient;
  std::optional<absl::Duration> patience;
  // An address, "@domain", or the name of a destination; each route says which.
  std::string target;
  Deliverability deliverability = Deliverability::kUnknown;
  absl::Duration since = absl::Hours(24);
  bool probe = false;
  absl::Duration for_time = absl::InfiniteDuration();
  std::string why;
  bool tell = false;
  std::string id;
  RecordFilter filter;  // made of several arguments
  std::string after;
  bool dry_run = false;
  std::vector<absl::StatusOr<NamedRecord>> records;  // each as it is, readable or not
  std::vector<absl::StatusOr<Delivery>> deliveries;  // likewise
};

// Returns the operator's word in the arguments, given at `now`.
Pin PinOf(const ApiArguments& arguments, absl::Time now);

// Returns one line for people; empty for an unknown name.
absl::string_view ApiArgumentDocumentation(absl::string_view name);

// Reads the arguments that one route takes.
class ApiArgumentReader {
 public:
  // `route` is for people: "GET /v1/record"; `names` are the arguments it takes. They and `arguments` outlive the
  // reader.
  ApiArgumentReader(std::string route, const std::vector<absl::string_view>& names, ApiArguments& arguments)
      : route_(std::move(route)), names_(names), arguments_(arguments) {}

  // Errors name the argument, what was found and what was expected.
  absl::Status TakeQuery(absl::string_view query);
  // `body` is a JSON object, or nothing.
  absl::Status TakeBody(absl::string_view body);

 private:
  absl::Status Take(absl::string_view name, const boost::json::value& value);

  const std::string route_;
  const std::vector<absl::string_view>& names_;
  ApiArguments& arguments_;
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_API_API_ARGUMENTS_H_

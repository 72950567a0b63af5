// The doctor's finding about one thing, and how to mend it.
//
// Thread: any (values, pure functions).
#ifndef VERIFYD_VERIFYD_DOCTOR_EXAMINATION_H_
#define VERIFYD_VERIFYD_DOCTOR_EXAMINATION_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "boost/json/fwd.hpp"

namespace verifyd {

enum class Health : uint8_t { kOk, kWarning, kBad, kNotExamined };

struct Examination {
  // A stable word: helo, ptr, spf, sender, dnsbl, port25, resolver, clock, verify_domains, domain, domains,
  // reject_code, cache, disk, table, socket, postfix, daemon.
  std::string name;
  std::string about;  // an address or a domain where there are several; else empty
  Health health = Health::kOk;
  // Both may hold words of others; they are made printable when they are shown.
  std::string found;
  std::string remedy;  // lines; empty: nothing to do
};
using Examinations = std::vector<Examination>;

// "ok", "warning", "bad", "not_examined".
absl::string_view HealthName(Health health);
// Aligned, a line for each, the remedy below it.
std::string ExaminationsText(const Examinations& examinations);
// name, about, state, found, remedy; what is empty is absent.
boost::json::object ToJson(const Examination& examination);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_DOCTOR_EXAMINATION_H_

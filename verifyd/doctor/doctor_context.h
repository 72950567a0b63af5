// The common ground of the examinations: whom they ask, about what, until when.
//
// Thread: the loop's thread only.
#ifndef VERIFYD_VERIFYD_DOCTOR_DOCTOR_CONTEXT_H_
#define VERIFYD_VERIFYD_DOCTOR_DOCTOR_CONTEXT_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "base/loop.h"
#include "dns/resolver.h"
#include "stream/dialer.h"
#include "verifyd/configuration/configuration.h"
#include "verifyd/doctor/settings_examination.h"

namespace verifyd {

// The part that is not in the configuration.
struct DoctorQuestion {
  // Addresses of ours that others see.
  std::vector<std::string> addresses;
  // Addresses of this machine that nobody else can see, where the others are not known.
  std::vector<std::string> inner_addresses;
  std::vector<std::string> blocklists = {"zen.spamhaus.org", "bl.spamcop.net", "b.barracudacentral.org"};
  // Domains whose servers are tried; the probe sender's beside them where `reach_own_domain` is set.
  std::vector<std::string> reach = {"gmail.com", "outlook.com"};
  bool reach_own_domain = true;
  std::optional<bool> clock_synchronised;  // nothing: the system does not say
  std::optional<RefusalHistory> refusals;  // nothing: no daemon to ask
  Examinations house;                      // found at home: files, and what the daemon says of itself
};

struct DoctorContext {
  // A question that takes longer counts as not answered; a dialogue has more time than DNS.
  static constexpr absl::Duration kDnsPatience = absl::Seconds(10);
  static constexpr absl::Duration kSmtpPatience = absl::Seconds(25);

  Loop& loop;
  Resolver& resolver;
  Dialer& dialer;
  const Configuration& configuration;
  const DoctorQuestion question;
  const MonoTime dns_deadline;
  const MonoTime smtp_deadline;
  const absl::Time now;
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_DOCTOR_DOCTOR_CONTEXT_H_

#include <string>

#include "base/log.h"
#include "verifyd/configuration/parts.h"
#include "verifyd/configuration/privacy.h"

namespace verifyd {

void FillLog(const Draft& draft) {
  const Settings& settings = draft.settings;
  Configuration& configuration = draft.configuration;
  LogOptions& log = configuration.log;
  log.to_syslog = settings.Text("log_sink") == "syslog";
  log.ident = settings.Text("syslog_name");
  log.facility = settings.Text("syslog_facility");
  const std::string address = settings.Text("log_address");
  configuration.privacy = {.cache_hashed = settings.Text("address_verify_cache_privacy") == "hashed",
                           .logged_addresses = address == "full"     ? LoggedAddresses::kFull
                                               : address == "domain" ? LoggedAddresses::kDomain
                                                                     : LoggedAddresses::kHashed,
                           .key_file = settings.Text("address_verify_cache_privacy_key_file")};
  if (!IsSyslogFacility(log.facility)) {
    draft.faults.Add("syslog_facility", UnexpectedValue(log.facility, "mail, daemon, user or local0 to local7"));
  }
}

}  // namespace verifyd

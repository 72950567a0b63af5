// The operator's settings for single destinations (destination_settings), one line of NAME=VALUE each:
//
//   [mx.example.com]:25     concurrency=5 session_rate=1 address_rate=20 recipients=10
//   .outlook.com            tls=encrypt source=192.0.2.1,2001:db8::1 helo=gw.example.org sender=probe@example.org
//   example.net             target=data
//
// A key is the name of a destination as verifyctl(1) shows it, with or without "smtp:", an MX host, a parent domain of
// MX hosts with a leading dot, or the domain of addresses. The keys are tried in this order.
//
// Thread: any (immutable once loaded).
#ifndef VERIFYD_PROBE_DESTINATION_SETTINGS_H_
#define VERIFYD_PROBE_DESTINATION_SETTINGS_H_

#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "probe/probe_settings.h"
#include "probe/route.h"

namespace verifyd {

class DestinationSettings {
 public:
  // `general` holds wherever a line says nothing. Errors name the table, the key, what was found and expected.
  static absl::StatusOr<std::shared_ptr<const DestinationSettings>> Load(absl::string_view table,
                                                                         const ProbeSettings& general);

  // Returns null if no line is about them. The settings do not hold those that route addresses.
  std::shared_ptr<const ProbeSettings> Find(const Route& route, const std::string& domain) const;

 private:
  std::shared_ptr<const ProbeSettings> FindKey(absl::string_view key) const;

  absl::flat_hash_map<std::string, std::shared_ptr<const ProbeSettings>> by_key_;  // in lower case
};

}  // namespace verifyd

#endif  // VERIFYD_PROBE_DESTINATION_SETTINGS_H_

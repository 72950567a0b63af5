#include "probe/destination_settings.h"

#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "mail/address.h"
#include "tables/table.h"

namespace verifyd {
namespace {

absl::Status Expected(absl::string_view what, absl::string_view found) {
  return absl::InvalidArgumentError(absl::StrCat("found \"", Printable(found, 60), "\", expected ", what));
}

template <typename T>
absl::StatusOr<T> NumberFrom(absl::string_view value, T least) {
  T number = 0;
  bool parsed = false;
  if constexpr (std::is_floating_point_v<T>) {
    parsed = absl::SimpleAtod(value, &number) && number <= 1e6;
  } else {
    parsed = absl::SimpleAtoi(value, &number);
  }
  if (!parsed || !(number >= least)) return Expected(absl::StrCat("a number from ", least), value);
  return number;
}

absl::Status TakeSources(absl::string_view value, ProbeSettings& settings) {
  settings.bind_addresses.clear();
  settings.bind_addresses6.clear();
  for (const absl::string_view address : absl::StrSplit(value, ',', absl::SkipEmpty())) {
    if (!IsIpAddress(address)) return Expected("IP addresses of ours, separated by commas", address);
    (absl::StrContains(address, ':') ? settings.bind_addresses6 : settings.bind_addresses).emplace_back(address);
  }
  return absl::OkStatus();
}

absl::Status Take(absl::string_view name, absl::string_view value, ProbeSettings& settings) {
  if (name == "concurrency") {
    ASSIGN_OR_RETURN(const int connections, NumberFrom<int>(value, 1));
    settings.public_pace.connections = settings.configured_pace.connections = connections;
  } else if (name == "session_rate") {
    ASSIGN_OR_RETURN(const double rate, NumberFrom<double>(value, 0));
    settings.public_pace.connections_per_second = settings.configured_pace.connections_per_second = rate;
  } else if (name == "address_rate") {
    ASSIGN_OR_RETURN(const double rate, NumberFrom<double>(value, 0));
    settings.public_pace.questions_per_second = settings.configured_pace.questions_per_second = rate;
  } else if (name == "recipients") {
    ASSIGN_OR_RETURN(settings.destination_recipient_limit, NumberFrom<uint32_t>(value, 0));
  } else if (name == "tls") {
    const std::optional<TlsLevel> level = TlsLevelFromName(value);
    if (!level.has_value()) return Expected("none, may, encrypt, dane, dane-only or secure", value);
    settings.tls_level = *level;
  } else if (name == "target") {
    if (value != "rcpt" && value != "data") return Expected("rcpt or data", value);
    settings.smtp_asks_data = settings.lmtp_asks_data = value == "data";
  } else if (name == "source") {
    return TakeSources(value, settings);
  } else if (name == "helo") {
    if (value.empty() || !IsDomainName(value)) return Expected("a host name", value);
    settings.helo = std::string(value);
  } else if (name == "sender") {
    if (value == "<>") {
      settings.sender = "";
      return absl::OkStatus();
    }
    const absl::StatusOr<Address> sender = Address::Parse(value);
    if (!sender.ok()) return Expected("an address, or <>", value);
    settings.sender = std::string(value);
  } else {
    return Expected("concurrency, session_rate, address_rate, recipients, tls, target, source, helo or sender", name);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::shared_ptr<const DestinationSettings>> DestinationSettings::Load(absl::string_view table,
                                                                                     const ProbeSettings& general) {
  ASSIGN_OR_RETURN(const auto lines, Table::Load(table));
  if (lines->remote().has_value()) return Expected("a file", table);
  const ProbeSettings base = general.WithoutRouting();
  auto loaded = std::make_shared<DestinationSettings>();
  absl::flat_hash_map<absl::string_view, std::shared_ptr<const ProbeSettings>> by_text;
  for (const std::string& key : lines->Keys()) {
    const absl::string_view text = *lines->Find(key);
    std::shared_ptr<const ProbeSettings>& shared = by_text[text];
    if (shared == nullptr) {
      auto settings = std::make_shared<ProbeSettings>(base);
      for (const absl::string_view word : absl::StrSplit(text, absl::ByAnyChar(" \t"), absl::SkipEmpty())) {
        const std::pair<absl::string_view, absl::string_view> pair = absl::StrSplit(word, absl::MaxSplits('=', 1));
        if (const absl::Status taken = Take(pair.first, pair.second, *settings); !taken.ok()) {
          return absl::InvalidArgumentError(absl::StrCat(table, ": ", key, ": ", pair.first, ": ", taken.message()));
        }
      }
      shared = std::move(settings);
    }
    loaded->by_key_[absl::AsciiStrToLower(key)] = shared;
  }
  return loaded;
}

std::shared_ptr<const ProbeSettings> DestinationSettings::FindKey(absl::string_view key) const {
  const auto found = by_key_.find(key);
  return found == by_key_.end() ? nullptr : found->second;
}

std::shared_ptr<const ProbeSettings> DestinationSettings::Find(const Route& route, const std::string& domain) const {
  const std::string name = absl::AsciiStrToLower(route.destination);
  if (auto found = FindKey(name)) return found;
  // A key may leave out the transport, which stands behind the name where it has settings of its own.
  absl::string_view place = name;
  if (!route.transport.empty()) place = place.substr(0, place.rfind(Route::kTransportMark));
  if (auto found = FindKey(place)) return found;
  // A key may be the next hop alone, as in a transport map.
  if (route.configured && absl::StartsWith(place, Route::kSmtpMark)) {
    if (auto found = FindKey(absl::StripPrefix(place, Route::kSmtpMark))) return found;
  }
  for (const Endpoint& endpoint : route.endpoints) {
    if (auto found = FindKey(absl::AsciiStrToLower(endpoint.host))) return found;
  }
  for (const Endpoint& endpoint : route.endpoints) {
    const std::string host = absl::AsciiStrToLower(endpoint.host);
    for (size_t dot = host.find('.'); dot != std::string::npos; dot = host.find('.', dot + 1)) {
      if (auto found = FindKey(absl::string_view(host).substr(dot))) return found;
    }
  }
  return FindKey(domain);
}

}  // namespace verifyd

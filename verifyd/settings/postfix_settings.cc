#include "verifyd/settings/postfix_settings.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/clock.h"
#include "base/command.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "tables/transport_table.h"
#include "verifyd/settings/postfix_parameters.h"
#include "verifyd/settings/setting_table.h"

namespace verifyd {

// Ours of the same name as one of Postfix's; none: there is none.
std::optional<Setting> SettingOfPostfix(absl::string_view name) {
  const SettingRow* const row = Setting::Find(name);
  return row == nullptr ? std::nullopt : std::optional<Setting>(*row);
}

namespace {

constexpr absl::string_view kPrograms[] = {"/usr/sbin/postconf", "/usr/local/sbin/postconf",
                                           "/opt/postfix/sbin/postconf", "/usr/pkg/sbin/postconf", "/sbin/postconf"};

// What routes, rewrites, classifies, and names us. Of these the defaults count, too, which Postfix makes of its other
// parameters and of this machine.
constexpr Setting kRouting[] = {"canonical_maps",
                                "default_transport",
                                "double_bounce_sender",
                                "inet_interfaces",
                                "inet_protocols",
                                "local_transport",
                                "mydestination",
                                "mydomain",
                                "myhostname",
                                "mynetworks",
                                "myorigin",
                                "parent_domain_matches_subdomains",
                                "propagate_unmatched_extensions",
                                "proxy_interfaces",
                                "queue_directory",
                                "recipient_canonical_maps",
                                "recipient_delimiter",
                                "reject_tempfail_action",
                                "relay_domains",
                                "relay_transport",
                                "relayhost",
                                "sender_dependent_relayhost_maps",
                                "transport_maps",
                                "virtual_alias_domains",
                                "virtual_alias_maps",
                                "virtual_mailbox_domains",
                                "virtual_transport"};
// What shapes the client and the verification: main.cf has been written for it, a default of Postfix's is none of ours.
constexpr absl::string_view kFamilies[] = {"smtp_", "lmtp_", "address_verify_", "unverified_"};
// What verifyd takes the place of, and what the recipes change for its sake.
constexpr Setting kNever[] = {"address_verify_map", "address_verify_poll_count", "address_verify_poll_delay"};

// No question begins later than this after the first one: whoever ends the daemon waits for them.
constexpr absl::Duration kTimeLimit = absl::Seconds(10);
constexpr size_t kMaxMainCf = size_t{4} << 20;

// Of what Postfix calls by this name, if it is taken at all.
std::optional<Setting> TakenAs(absl::string_view name) {
  const std::optional<Setting> setting = SettingOfPostfix(name);
  return setting.has_value() && IsTakenFromPostfix(*setting) ? setting : std::nullopt;
}

// Names and the lines where they are set last, as main.cf is read by Postfix.
absl::flat_hash_map<std::string, int> LinesOfMainCf(const std::string& path) {
  absl::flat_hash_map<std::string, int> lines;
  std::ifstream file(path, std::ios::binary);
  std::string text;
  size_t size = 0;
  for (int number = 1; std::getline(file, text) && size < kMaxMainCf; ++number) {
    size += text.size() + 1;
    const size_t equals = text.find('=');
    if (text.empty() || equals == std::string::npos || text[0] == '#' ||
        absl::ascii_isspace(static_cast<unsigned char>(text[0]))) {
      continue;
    }
    lines[std::string(absl::StripAsciiWhitespace(absl::string_view(text).substr(0, equals)))] = number;
  }
  return lines;
}

// The same in our words, where they differ.
std::string Translated(Setting setting, absl::string_view value) {
  constexpr Setting kTlsLevel = "smtp_tls_security_level";
  constexpr Setting kConnectTimeout = "smtp_connect_timeout";
  if (absl::EndsWith(setting.name(), "_tcp_port")) {
    if (const std::optional<uint16_t> port = NextHop::PortFromName(value)) return absl::StrCat(*port);
  }
  if (setting == kTlsLevel && value.empty()) return "none";
  // No less than Postfix asks for, but whose certificate it is; nothing but an address is told to the wrong server.
  if (setting == kTlsLevel && (value == "verify" || value == "fingerprint")) return "encrypt";
  // The limit of the system, which is longer than any of ours.
  if (setting == kConnectTimeout && (value == "0" || value == "0s")) return std::string(setting.row().default_value);
  if (setting == Setting("inet_protocols") && absl::StrContains(value, "ipv4") && absl::StrContains(value, "ipv6")) {
    return "all";
  }
  return absl::StrReplaceAll(value, {{"$", "$$"}});
}

// "name = value"; postconf writes one line for each, whatever main.cf has.
std::optional<std::pair<absl::string_view, absl::string_view>> SplitLine(absl::string_view line) {
  const size_t equals = line.find('=');
  if (equals == absl::string_view::npos) return std::nullopt;
  return std::pair(absl::StripAsciiWhitespace(line.substr(0, equals)),
                   absl::StripAsciiWhitespace(line.substr(equals + 1)));
}

void TakeValues(absl::string_view said, const std::string& main_cf, PostfixSettings& settings) {
  const absl::flat_hash_map<std::string, int> lines = LinesOfMainCf(main_cf);
  for (const absl::string_view line : absl::StrSplit(said, '\n', absl::SkipEmpty())) {
    const auto pair = SplitLine(line);
    const std::optional<Setting> setting = pair.has_value() ? TakenAs(pair->first) : std::nullopt;
    if (!setting.has_value()) continue;
    const SettingRow& row = setting->row();
    PostfixValue taken{.setting = *setting, .value = Translated(*setting, pair->second), .where = ""};
    if (const auto set = lines.find(row.name); set != lines.end()) {
      taken.where = absl::StrCat(main_cf, ":", set->second);
    } else if (!absl::c_linear_search(kRouting, *setting) || absl::StrContains(row.default_value, "$") ||
               *setting == Setting("mydomain") || taken.value == row.default_value) {
      // A default that follows another setting does so here as well, wherever that one is set.
      continue;
    } else {
      taken.where = std::string(PostfixSettings::kDefaultOfPostfix);
    }
    settings.values.push_back(std::move(taken));
  }
}

// What an -o of smtp(8) or lmtp(8) is here.
std::optional<Setting> OursFor(absl::string_view name, bool lmtp) {
  for (const Setting of_both : {Setting("inet_protocols"), Setting("myhostname")}) {
    if (name == of_both.name()) return of_both;
  }
  if (!lmtp) return absl::StartsWith(name, "smtp_") ? TakenAs(name) : std::nullopt;
  if (!absl::StartsWith(name, "lmtp_")) return std::nullopt;
  if (name == "lmtp_lhlo_name") return Setting("smtp_helo_name");
  if (name == "lmtp_lhlo_timeout") return Setting("smtp_helo_timeout");
  if (const std::optional<Setting> same = SettingOfPostfix(name)) return same;
  return TakenAs(absl::StrCat("smtp_", absl::StripPrefix(name, "lmtp_")));
}

// The parameters of lmtp(8) whose counterparts we have.
std::vector<std::string> LmtpParameters() {
  std::vector<std::string> names = {"lmtp_lhlo_name", "lmtp_lhlo_timeout"};
  for (const SettingRow& row : kSettingTable) {
    std::string name = absl::StrCat("lmtp_", absl::StripPrefix(row.name, "smtp_"));
    if (!absl::StartsWith(row.name, "smtp_") || SettingOfPostfix(name).has_value() || !IsPostfixParameter(name)) {
      continue;
    }
    names.push_back(std::move(name));
  }
  return names;
}

void TakeLmtp(absl::string_view said, const std::string& main_cf, PostfixSettings& settings) {
  const absl::flat_hash_map<std::string, int> lines = LinesOfMainCf(main_cf);
  for (const absl::string_view line : absl::StrSplit(said, '\n', absl::SkipEmpty())) {
    const auto pair = SplitLine(line);
    if (!pair.has_value()) continue;
    const std::optional<Setting> ours = OursFor(pair->first, /*lmtp=*/true);
    const auto set = lines.find(pair->first);
    if (!ours.has_value() || ours->name() == pair->first) continue;
    if (set == lines.end() && !lines.contains(ours->name()) && *ours != Setting("smtp_tls_security_level")) continue;
    settings.lmtp.push_back({.setting = *ours,
                             .value = Translated(*ours, pair->second),
                             .where = set == lines.end() ? absl::StrCat(pair->first, ", ", settings.kDefaultOfPostfix)
                                                         : absl::StrCat(main_cf, ":", set->second)});
  }
}

// `services` as of postconf -M: "NAME TYPE PRIVATE UNPRIVILEGED CHROOT WAKEUP LIMIT COMMAND ..."; `options` as of -P:
// "NAME/TYPE/PARAMETER = VALUE".
void TakeTransports(absl::string_view services, absl::string_view options, const std::string& master_cf,
                    PostfixSettings& settings) {
  std::map<std::string, PostfixTransport, std::less<>> by_name;
  for (const absl::string_view line : absl::StrSplit(services, '\n', absl::SkipEmpty())) {
    const std::vector<absl::string_view> words = absl::StrSplit(line, absl::ByAnyChar(" \t"), absl::SkipEmpty());
    if (words.size() < 8 || words[1] != "unix" || (words[7] != "smtp" && words[7] != "lmtp")) continue;
    by_name[std::string(words[0])] = {
        .name = absl::AsciiStrToLower(words[0]), .lmtp = words[7] == "lmtp", .options = {}};
  }
  for (const absl::string_view line : absl::StrSplit(options, '\n', absl::SkipEmpty())) {
    const auto pair = SplitLine(line);
    if (!pair.has_value()) continue;
    const std::vector<absl::string_view> parts = absl::StrSplit(pair->first, absl::MaxSplits('/', 2));
    if (parts.size() != 3 || parts[1] != "unix") continue;
    const auto transport = by_name.find(parts[0]);
    if (transport == by_name.end()) continue;
    const std::optional<Setting> ours = OursFor(parts[2], transport->second.lmtp);
    if (!ours.has_value()) continue;
    transport->second.options.push_back({.setting = *ours,
                                         .value = Translated(*ours, pair->second),
                                         .where = absl::StrCat(master_cf, ": ", parts[0], ": -o ", parts[2])});
  }
  for (auto& [name, transport] : by_name) settings.transports.push_back(std::move(transport));
}

}  // namespace

bool IsTakenFromPostfix(Setting setting) {
  if (absl::c_linear_search(kNever, setting)) return false;
  if (absl::c_linear_search(kRouting, setting)) return true;
  const absl::string_view name = setting.name();
  return IsPostfixParameter(name) &&
         absl::c_any_of(kFamilies, [name](absl::string_view family) { return absl::StartsWith(name, family); });
}

absl::StatusOr<std::string> AskInstalledPostconf(const std::vector<std::string>& arguments) {
  for (const absl::string_view program : kPrograms) {
    std::vector<std::string> command = {std::string(program)};
    command.insert(command.end(), arguments.begin(), arguments.end());
    absl::StatusOr<std::string> said = RunCommand(command);
    if (!absl::IsNotFound(said.status())) return said;
  }
  return absl::NotFoundError(absl::StrCat("there is no postconf(1), neither ", kPrograms[0], " nor elsewhere"));
}

absl::StatusOr<PostfixSettings> ReadPostfixSettings(const std::string& directory, const AskPostconf& ask) {
  PostfixSettings settings;
  settings.directory = directory;
  std::vector<std::string> arguments = {"-c", directory, "-x"};
  for (const Setting setting : kSettingTable) {
    if (setting != Setting("mynetworks") && IsTakenFromPostfix(setting)) arguments.emplace_back(setting.name());
  }
  for (std::string& name : LmtpParameters()) arguments.push_back(std::move(name));
  const MonoTime deadline = Clock::Real().Mono() + kTimeLimit;
  const auto ask_soon = [&](const std::vector<std::string>& what) -> absl::StatusOr<std::string> {
    if (Clock::Real().Mono() < deadline) return ask(what);
    return absl::DeadlineExceededError("postconf(1) is too slow");
  };
  const std::string main_cf = absl::StrCat(directory, "/main.cf");
  const absl::StatusOr<std::string> values = ask(arguments);
  if (!values.ok()) {
    return absl::Status(values.status().code(),
                        absl::StrCat("postfix_config_directory = ", Printable(directory, 100),
                                     ": nothing can be taken from Postfix: ", values.status().message()));
  }
  TakeValues(*values, main_cf, settings);
  TakeLmtp(*values, main_cf, settings);
  // Its default is made of this machine's interfaces, which a sandbox may hide.
  if (const absl::StatusOr<std::string> networks = ask_soon({"-c", directory, "-x", "mynetworks"}); networks.ok()) {
    TakeValues(*networks, main_cf, settings);
  } else {
    settings.warnings.push_back(absl::StrCat(main_cf, ": mynetworks: ", networks.status().message()));
  }
  const std::string master_cf = absl::StrCat(directory, "/master.cf");
  const absl::StatusOr<std::string> services = ask_soon({"-c", directory, "-M"});
  const absl::StatusOr<std::string> options = services.ok() ? ask_soon({"-c", directory, "-P", "-x"}) : services;
  if (options.ok()) {
    TakeTransports(*services, *options, master_cf, settings);
  } else {
    settings.warnings.push_back(
        absl::StrCat(master_cf, ": its transports are not known: ", options.status().message()));
  }
  return settings;
}

}  // namespace verifyd
